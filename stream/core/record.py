"""The record: what is remembered of one customer of one product, a few memories that do not care for order.

A batch is folded column by column: a memory here is that of all customers whom the batch touches, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, Self

import numpy as np

from stream.core.facts import Customers, Facts
from stream.core.increments import Increments
from stream.core.ragged import Ints, Ragged, from_bytes, gathered, side_by_side, to_bytes

_LARGE = 255
"""In the place of a length: it does not fit in a byte."""


class Memory(Protocol):
    """One memory of each of n customers: an order-free join of facts. It is never changed in place."""

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        """Inverse of `pack`; a row of no words is a customer of whom nothing is remembered."""

    def pack(self) -> Sequence[Ragged]:
        """What is stored of each customer: the parts' rows, one after the other."""

    def joined(self, facts: Facts, keep_days: int | None) -> Self:
        """With these facts, and without what no reading can see any more; `keep_days` of days, None for all."""


Change = Callable[[Increments, Customers, Any, Any], None]
"""(increments, customers, old memory, new memory): adds contribution(new) − contribution(old)."""


@dataclass(frozen=True)
class Kind:
    """A kind of memory, and the families that make series of it."""

    memory: type[Memory]
    changes: tuple[Change, ...]


def unpacked(records: Iterable[bytes], kinds: Sequence[Kind], customers: Customers) -> list[Any]:
    """The memories of stored records; an empty record is a customer never seen before."""
    stored = sections(list(records), len(kinds))
    return [kind.memory.unpack(section, customers) for kind, section in zip(kinds, stored, strict=True)]


def contribute(increments: Increments, records: Sequence[bytes], kinds: Sequence[Kind], customers: Customers) -> None:
    """Add all that stored records contribute to the series."""
    nothing = unpacked([b""] * len(records), kinds, customers)
    for kind, old, new in zip(kinds, nothing, unpacked(records, kinds, customers), strict=True):
        for change in kind.changes:
            change(increments, customers, old, new)


def packed(memories: Sequence[Memory]) -> list[bytes]:
    """Each customer's record: how many words each memory has, then the memories, in the order of the kinds.

    A byte a length, filled up to whole words; where one of them is too long for that, each byte is 255 and the
    lengths follow as words.
    """
    parts_of = [memory.pack() for memory in memories]
    lengths = np.stack([sum(part.lengths for part in parts) for parts in parts_of], axis=1)
    customers, kinds = lengths.shape
    large = np.max(lengths, axis=1) >= _LARGE
    heads = np.zeros((customers, _head_words(kinds) * 4), np.uint8)
    heads[:, :kinds] = np.where(large[:, None], _LARGE, lengths)
    head = Ragged(heads.view("<u4").ravel(), np.full(customers, _head_words(kinds)))
    words = Ragged(lengths[large].astype(np.uint32).ravel(), large * kinds)
    return to_bytes(side_by_side([head, words, *chain.from_iterable(parts_of)]))


def _head_words(kinds: int) -> int:
    return -(-kinds // 4)


def sections(records: list[bytes], kinds: int) -> list[Ragged]:
    """Of each kind, what is stored of each customer."""
    empty = bytes(4 * _head_words(kinds))
    rows = from_bytes(record or empty for record in records)
    at = rows.starts
    heads = rows.words[at[:, None] + np.arange(_head_words(kinds))]
    lengths: Ints = heads.view(np.uint8)[:, :kinds].astype(np.int64)
    at = at + _head_words(kinds)
    large = np.flatnonzero(lengths[:, 0] == _LARGE)
    lengths[large] = rows.words[at[large][:, None] + np.arange(kinds)]
    at[large] += kinds
    found = []
    for kind in range(kinds):
        found.append(gathered(rows.words, at, lengths[:, kind]))
        at = at + lengths[:, kind]
    return found
