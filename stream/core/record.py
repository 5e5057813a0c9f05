"""The record: what is remembered of one customer of one product, a few memories that do not care for order.

A batch is folded column by column: a memory here is that of all customers whom the batch touches, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.ragged import Ints, Ragged, Words, from_bytes, gathered, side_by_side, starts_of, to_bytes

Bytes = NDArray[np.uint8]

_IN_HEAD = 4
"""The slots with ids below this have their lengths in the head of each record."""
_MORE = 1 << 7
"""Set in the first byte of a word of the head: another word follows."""
_MOST_IDS = _MORE
_FIRST_LONG, _LONG = 127, 255
"""In the place of a length: it does not fit here (of the first slot, of any other)."""
_EMPTY = bytes(8)


class Memory(Protocol):
    """One memory of each of n customers: an order-free merge of events. It is never changed in place."""

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Self:
        """Inverse of `pack`; a row of no words is a customer of whom nothing is remembered."""

    def pack(self, customers: Customers) -> Sequence[Ragged]:
        """What is stored of each customer: the parts' rows, one after the other."""

    def merge(self, columns: EventColumns, keep_days: int | None) -> Self:
        """With these events, and without what no reading can see any more; `keep_days` of days, None for all."""


Change = Callable[[Increments, Customers, Any, Any, Definitions], None]
"""(increments, customers, old memory, new memory, definitions): adds contribution(new) − contribution(old)."""


@dataclass(frozen=True)
class Slot:
    """One memory of a record, and the families that make series of it.

    id    by which stored records know it, below 128: once used, it is never another slot's
    name  by which the code knows it: an attribute of the layout's memories
    of    the types of the events that change it, where definitions have no say in that
    """

    id: int
    name: str
    memory: type[Memory]
    of: frozenset[str] | Callable[[Definitions], frozenset[str]]
    changes: tuple[Change, ...] = ()

    def types(self, definitions: Definitions) -> frozenset[str]:
        """Of the events that change it."""
        return self.of(definitions) if callable(self.of) else self.of


class LazyMemory:
    """One memory of some customers: as it is stored until it is asked for, and as it is stored still if nothing has
    changed it. So what is rare costs little: its words are only copied."""

    def __init__(self, slot: Slot, stored: Ragged | None, memory: Any = None) -> None:
        """`stored` or `memory`."""
        self._slot = slot
        self._stored = stored
        self._memory = memory

    def memory(self, customers: Customers) -> Any:
        if self._memory is None:
            self._memory = self._slot.memory.unpack(self._stored, customers)  # type: ignore[arg-type]
        return self._memory

    def merge(self, columns: EventColumns, keep_days: int | None) -> LazyMemory:
        """With these events; itself where they do not change it."""
        if self._slot.types(columns.definitions).isdisjoint(columns.types_present):
            return self
        memory = self.memory(columns.customers)
        merged = memory.merge(columns, keep_days)
        return self if merged is memory else LazyMemory(self._slot, None, merged)

    def pack(self, customers: Customers) -> Sequence[Ragged]:
        return self._memory.pack(customers) if self._stored is None else [self._stored]

    def those(self, rows: Ints, customers: Customers) -> LazyMemory:
        """Of these rows only, in this order; `customers` are those of all."""
        stored = side_by_side(self.pack(customers))
        return LazyMemory(self._slot, gathered(stored.words, stored.starts[rows], stored.lengths[rows]))


class Memories:
    """The memories of some customers: an attribute for each slot. A subclass says of which type each is."""

    def __init__(self, customers: Customers, lazy: Mapping[str, LazyMemory]) -> None:
        self._customers = customers
        self._lazy = lazy

    def __getattr__(self, slot: str) -> Any:
        lazy = self._lazy.get(slot)
        if lazy is None:
            raise AttributeError(slot)
        return lazy.memory(self._customers)

    def lazy(self, slot: str) -> LazyMemory:
        return self._lazy[slot]

    def those(self, rows: Ints) -> Self:
        """Of the customers in these rows only, in this order."""
        lazy = {name: each.those(rows, self._customers) for name, each in self._lazy.items()}
        return type(self)(self._customers.those(rows), lazy)

    def differ(self, other: Memories, *slots: str) -> bool:
        """Whether any of these slots may not be the same."""
        return any(self._lazy[slot] is not other.lazy(slot) for slot in slots)


class UnknownSlot(Exception):
    """A stored record has a memory that the layout does not know."""

    def __init__(self, id_: int) -> None:
        super().__init__(
            f"a customer's record has a memory that this release does not know (slot {id_}): a later one wrote it."
            " Run that release, or choose another ASSIDU_NAMESPACE to begin anew."
        )


Some = TypeVar("Some", bound=Memories)
"""Memories with an attribute for each slot of a layout."""


class Stored(NamedTuple):
    """Of n records: their notification states; of each slot of the layout, what is stored in it, row by row."""

    states: Words
    slots: list[Ragged]


class Layout(Generic[Some]):
    """The slots of a record.

    A record begins with its notification state (a word that is no memory, for it depends on when the customer was
    evaluated) and its head, which says how many words each memory has; then come the memories, in the order of their
    ids. In the head the slots 0 to 3 have a byte each; any other has two, its id and its length, where there is
    anything in it. A length that is too large for its byte stands in a word of its own after these. So slots may be
    added, and records that were stored before read as ever.
    """

    def __init__(self, memories: type[Some], slots: Iterable[Slot]) -> None:
        self.slots = tuple(sorted(slots, key=lambda slot: slot.id))
        ids = [slot.id for slot in self.slots]
        if len({*ids}) < len(ids) or not all(0 <= id_ < _MOST_IDS for id_ in ids):
            raise ValueError(f"slots need ids of their own, below {_MOST_IDS}: {ids}")
        if sorted(slot.name for slot in self.slots) != sorted(memories.__annotations__):
            raise ValueError(f"slots are named otherwise than the attributes of {memories.__name__}")
        self._memories = memories
        self._ids = np.array(ids, np.int64)
        self._in_head = int(np.searchsorted(self._ids, _IN_HEAD))
        self._long = np.where(self._ids == 0, _FIRST_LONG, _LONG)
        self._place = np.full(_MOST_IDS, -1)
        self._place[self._ids] = np.arange(len(ids))
        self._absent = np.setdiff1d(np.arange(_IN_HEAD), self._ids).tolist()

    def unpacked(self, records: Iterable[bytes], customers: Customers) -> tuple[Words, Some]:
        """(states, memories) of stored records; an empty record is a customer never seen before, whose state is 0."""
        states, stored = self.sections(records)
        lazy = {slot.name: LazyMemory(slot, rows) for slot, rows in zip(self.slots, stored, strict=True)}
        return states, self._memories(customers, lazy)

    def packed(self, states: Words, memories: Some, customers: Customers) -> list[bytes]:
        """Each customer's record."""
        parts_of = [memories.lazy(slot.name).pack(customers) for slot in self.slots]
        lengths = np.stack([sum(part.lengths for part in parts) for parts in parts_of], axis=1)
        return to_bytes(side_by_side([*self._heads(states, lengths), *chain.from_iterable(parts_of)]))

    def merge(self, memories: Some, columns: EventColumns, keep_days: int | None) -> Some:
        """Each memory with these events."""
        merged = {slot.name: memories.lazy(slot.name).merge(columns, keep_days) for slot in self.slots}
        return self._memories(columns.customers, merged)

    def changed(self, old: Some, new: Some) -> Iterator[tuple[Slot, Any, Any]]:
        """(slot, old memory, new memory) of each that is not the same."""
        for slot in self.slots:
            if old.lazy(slot.name) is not new.lazy(slot.name):
                yield slot, getattr(old, slot.name), getattr(new, slot.name)

    def _heads(self, states: Words, lengths: Ints) -> list[Ragged]:
        rows, first = len(states), self._in_head
        long = lengths >= self._long
        shown = np.where(long, self._long, lengths)
        there, column = np.nonzero(lengths[:, first:])
        pairs = np.bincount(there, minlength=rows)
        most_words = (int(pairs.max(initial=0)) + 1) // 2
        head = np.zeros((rows, 1 + most_words, 4), np.uint8)
        head[:, 0, self._ids[:first]] = shown[:, :first]
        number = np.arange(len(there)) - starts_of(pairs)[there]
        word, byte = 1 + number // 2, number % 2 * 2
        head[there, word, byte] = self._ids[first + column]
        head[there, word, byte + 1] = shown[there, first + column]
        words = 1 + (pairs + 1) // 2
        head[:, :, 0] |= (np.arange(1, 2 + most_words) < words[:, None]) * np.uint8(_MORE)
        return [
            Ragged(states, np.ones(rows, np.int64)),
            Ragged(head.view("<u4")[np.arange(1 + most_words) < words[:, None], 0], words),
            Ragged(lengths[long].astype(np.uint32), long.sum(axis=1)),
        ]

    def sections(self, records: Iterable[bytes]) -> Stored:
        """The records taken apart. Raises UnknownSlot."""
        rows = from_bytes(record or _EMPTY for record in records)
        words, at = rows.words, rows.starts + 2
        lengths = np.zeros((len(at), len(self.slots)), np.int64)
        head, more = _bytes_of(words[at - 1])
        for id_ in self._absent:
            if head[:, id_].any():
                raise UnknownSlot(id_)
        lengths[:, : self._in_head] = head[:, self._ids[: self._in_head]]
        left = np.flatnonzero(more)
        while len(left):
            pairs, more = _bytes_of(words[at[left]])
            self._note(lengths, left, pairs[:, ::2], pairs[:, 1::2])
            at[left] += 1
            left = left[more]
        is_long = lengths == self._long
        for slot in np.flatnonzero(is_long.any(axis=0)):
            long = np.flatnonzero(is_long[:, slot])
            lengths[long, slot] = words[at[long]]
            at[long] += 1
        found = []
        for of_slot in lengths.T:
            found.append(gathered(words, at, of_slot))
            at = at + of_slot
        return Stored(words[rows.starts], found)

    def _note(self, lengths: Ints, rows: Ints, ids: Bytes, shown: Bytes) -> None:
        """Put down what the heads of these rows show of the slots with these ids."""
        row, column = np.nonzero(shown)
        there = ids[row, column]
        place = self._place[there]
        if len(unknown := there[place < 0]):
            raise UnknownSlot(int(unknown[0]))
        lengths[rows[row], place] = shown[row, column]


def _bytes_of(words: Words) -> tuple[Bytes, NDArray[np.bool_]]:
    """(the bytes of words of the head, shape (n, 4); whether another word follows)."""
    found = words[:, None].view(np.uint8)
    more = found[:, 0] & _MORE > 0
    found[:, 0] &= _MORE - 1
    return found, more
