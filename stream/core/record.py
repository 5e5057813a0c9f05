"""The record: what is remembered of one customer of one product, a few memories that do not care for order.

A batch is folded column by column: a memory here is that of all customers whom the batch touches, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, Self

import numpy as np

from stream.core.definitions import Definitions
from stream.core.facts import Customers, Facts
from stream.core.increments import Increments
from stream.core.ragged import Ints, Ragged, Words, from_bytes, gathered, side_by_side, to_bytes

_IN_HEAD = 4
"""Lengths in the first word."""
_MORE = 1 << 7
"""Set in the first byte: there are lengths after the first four."""
_LARGE = 255
"""In the place of the first byte: a length does not fit here."""
_LARGEST_FIRST, _LARGEST = 126, 255
_EMPTY = bytes(8)


class Memory(Protocol):
    """One memory of each of n customers: an order-free join of facts. It is never changed in place."""

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        """Inverse of `pack`; a row of no words is a customer of whom nothing is remembered."""

    def pack(self, customers: Customers) -> Sequence[Ragged]:
        """What is stored of each customer: the parts' rows, one after the other."""

    def joined(self, facts: Facts, keep_days: int | None) -> Self:
        """With these facts, and without what no reading can see any more; `keep_days` of days, None for all."""


Change = Callable[[Increments, Customers, Any, Any, Definitions], None]
"""(increments, customers, old memory, new memory, definitions): adds contribution(new) − contribution(old)."""


@dataclass(frozen=True)
class Kind:
    """A kind of memory, and the families that make series of it."""

    memory: type[Memory]
    changes: tuple[Change, ...]


def unpacked(records: Iterable[bytes], kinds: Sequence[Kind], customers: Customers) -> tuple[Words, list[Any]]:
    """(marks, memories) of stored records; an empty record is a customer never seen before, whose mark is 0."""
    marks, stored = sections(list(records), len(kinds))
    return marks, [kind.memory.unpack(section, customers) for kind, section in zip(kinds, stored, strict=True)]


def packed(marks: Words, memories: Sequence[Memory], customers: Customers) -> list[bytes]:
    """Each customer's record: its mark (a word that is no memory, for it depends on when the customer was looked at),
    how many words each memory has, then the memories, in the order of the kinds.

    A byte a length, in whole words; those after the first four are there only where one of them is not zero (_MORE in
    the first byte). Where a length is too large for that, the first byte is _LARGE and all lengths follow as words.
    """
    parts_of = [memory.pack(customers) for memory in memories]
    lengths = np.stack([sum(part.lengths for part in parts) for parts in parts_of], axis=1)
    rows, kinds = lengths.shape
    large = (lengths[:, 0] > _LARGEST_FIRST) | (np.max(lengths, axis=1) > _LARGEST)
    more = np.any(lengths[:, _IN_HEAD:], axis=1) & ~large
    bytes_ = np.zeros((rows, _words_of(kinds) * 4), np.uint8)
    bytes_[:, :kinds] = np.where(large[:, None], 0, lengths)
    bytes_[:, 0] |= np.where(large, _LARGE, more * _MORE).astype(np.uint8)
    words = bytes_.view("<u4")
    heads = [
        Ragged(np.stack([marks, words[:, 0]], axis=1).ravel(), np.full(rows, 2)),
        Ragged(words[more, 1:].ravel(), more * (_words_of(kinds) - 1)),
        Ragged(lengths[large].astype(np.uint32).ravel(), large * kinds),
    ]
    return to_bytes(side_by_side([*heads, *chain.from_iterable(parts_of)]))


def _words_of(kinds: int) -> int:
    return -(-kinds // _IN_HEAD)


def sections(records: list[bytes], kinds: int) -> tuple[Words, list[Ragged]]:
    """(the mark of each customer; of each kind, what is stored of each customer)."""
    rows = from_bytes(record or _EMPTY for record in records)
    marks = rows.words[rows.starts]
    at = rows.starts + 1
    bytes_ = np.zeros((len(records), _words_of(kinds) * 4), np.uint8)
    bytes_[:, :4] = rows.words[at][:, None].view(np.uint8)
    at = at + 1
    large = np.flatnonzero(bytes_[:, 0] == _LARGE)
    more = np.flatnonzero((bytes_[:, 0] & _MORE > 0) & (bytes_[:, 0] != _LARGE))
    further = _words_of(kinds) - 1
    bytes_[more, 4:] = rows.words[at[more][:, None] + np.arange(further)].view(np.uint8)
    at[more] += further
    lengths: Ints = bytes_[:, :kinds].astype(np.int64)
    lengths[:, 0] &= ~_MORE
    lengths[large] = rows.words[at[large][:, None] + np.arange(kinds)]
    at[large] += kinds
    found = []
    for kind in range(kinds):
        found.append(gathered(rows.words, at, lengths[:, kind]))
        at = at + lengths[:, kind]
    return marks, found
