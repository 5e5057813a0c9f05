"""The record: what is remembered of one customer of one product, a few memories that do not care for order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from stream.core.series import Add

OTHER = "other"
"""The label value of everything that found no place among the admitted ones."""
NONE = "none"
"""The label value that stands for an absent one."""


class Fact(NamedTuple):
    """One event as the fold hands it to the memories; `place` turns a label's value into the admitted one."""

    type: str
    event: Any
    epoch_ms: int
    minute: int
    day: int
    channel: str
    place: Callable[[str, str], str]


class Memory(Protocol):
    """An order-free join of facts: whatever their order, it ends the same. (Repeats never get here.)"""

    def join(self, fact: Fact) -> None:
        """Take in one fact."""

    def forget(self, keep_days: int | None) -> None:
        """Compaction: let go of what no reading can see any more; `keep_days` of complete days, None for all."""

    def copy(self) -> Self: ...

    def pack(self) -> Any:
        """What msgpack stores; `unpack` is the inverse."""

    @classmethod
    def unpack(cls, packed: Any) -> Self: ...


Change = Callable[[Add, str, Any, Any], None]
"""(add, product, old memory or None, new memory): contribution(new) − contribution(old)."""


@dataclass(frozen=True)
class Kind:
    """A kind of memory: the event types it takes in, and the families that make series of it."""

    memory: type[Memory]
    types: frozenset[str]
    changes: tuple[Change, ...]


class Record:
    """One memory of each kind, or None where there is nothing to remember. Memories are never changed in place:
    records share those that a batch did not touch."""

    __slots__ = ("memories",)

    def __init__(self, memories: Sequence[Memory | None]) -> None:
        self.memories = memories

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]

    def encode(self) -> bytes:
        """msgpack: [version, packed memory or nil, …] in the order of the kinds."""
        return _encode([_VERSION, *(memory.pack() if memory else None for memory in self.memories)])


def decode_record(blob: bytes, kinds: Sequence[Kind]) -> Record:
    """Inverse of Record.encode; kinds added since are empty. Raises ValueError on an unknown version."""
    version, *packed = _decode(blob)
    if version != _VERSION:
        raise ValueError(f"customer record of version {version}; this program knows {_VERSION}")
    packed += [None] * (len(kinds) - len(packed))
    return Record(
        [None if part is None else kind.memory.unpack(part) for kind, part in zip(kinds, packed, strict=True)]
    )


def joined(old: Record | None, facts: Sequence[Fact], kinds: Sequence[Kind], keep_days: int | None) -> Record:
    """The record after these facts; the old one stays as it is."""
    memories: list[Memory | None] = list(old.memories) if old else [None] * len(kinds)
    for index, kind in enumerate(kinds):
        memory: Memory | None = None
        for fact in facts:
            if fact.type in kind.types:
                if memory is None:
                    before = memories[index]
                    memory = before.copy() if before else kind.memory()
                memory.join(fact)
        if memory is not None:
            memory.forget(keep_days)
            memories[index] = memory
    return Record(memories)


def change(add: Add, product: str, old: Record | None, new: Record, kinds: Sequence[Kind]) -> None:
    """contribution(new) − contribution(old), of every family."""
    for index, kind in enumerate(kinds):
        before, now = (old.memories[index] if old else None), new.memories[index]
        if now is not None and now is not before:
            for each in kind.changes:
                each(add, product, before, now)


_VERSION = 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
