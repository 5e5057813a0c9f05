"""A dead letter as it lies in its topic, and the marks of those that are done with."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple, get_args

import msgspec
from aiokafka import ConsumerRecord

from schemas import DEFAULT_PRODUCT
from schemas.dead_letter import DeadLetter
from stream.runtime.errors import UserError

Done = Literal["retried", "dropped"]
State = Literal["open", "retried", "dropped"]
MARK = "assidu-dead-letter"
"""The header of a mark: a record without a value, whose key is the source of the letter that is done with."""

_LETTER = msgspec.json.Decoder(DeadLetter)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Place(NamedTuple):
    """Where a letter lies in the topic of dead letters."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Place:
        partition, _, offset = text.partition(":")
        if not (partition.isascii() and partition.isdecimal() and offset.isascii() and offset.isdecimal()):
            raise UserError(
                f"{text!r} names no dead letter: write PARTITION:OFFSET, as `assidu dead-letters list` does"
            )
        return cls(int(partition), int(offset))


class Letter:
    """`refused_ms`: when it was written, milliseconds since the epoch, by the clock of the topic."""

    def __init__(self, place: Place, refused_ms: int, said: DeadLetter) -> None:
        self.place = place
        self.refused_ms = refused_ms
        self.said = said

    @property
    def is_whole(self) -> bool:
        """Whether it has all of the value of the record that was refused. (Of a key too long, nothing is missed.)"""
        value = self.said.value
        return value is not None and len(value) == self.said.value_bytes

    @cached_property
    def fields(self) -> dict[str, msgspec.Raw] | None:
        """Of the event, as they are written; None where the value is no JSON object."""
        try:
            return _OBJECT.decode(self.said.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    @property
    def product(self) -> str | None:
        """None where it cannot be told."""
        if self.fields is None:
            return None
        try:
            return msgspec.json.decode(self.fields.get("product", b"null"), type=str | None) or DEFAULT_PRODUCT
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


class Mark(NamedTuple):
    """The letters of this source are done with."""

    source: str
    done: Done


def read_record(record: ConsumerRecord) -> Letter | Mark | None:
    """What a record of the topic is; None for what neither we nor a release of ours has written."""
    if record.value is None:
        done = next((value.decode(errors="replace") for name, value in record.headers if name == MARK), None)
        return Mark((record.key or b"").decode(errors="replace"), done) if done in get_args(Done) else None  # type: ignore[arg-type]
    try:
        said = _LETTER.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Letter(Place(record.partition, record.offset), record.timestamp, said)
