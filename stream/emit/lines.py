"""Lines of JSON: each an event checked against its schema, or a line with the reason why not."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from schemas import FAMILIES, FAMILY_OF_TYPE, Rejected, decode
from stream.emit.emitter import MAX_RECORD_BYTES
from stream.emit.input import Input


class Record(NamedTuple):
    """One message for Kafka: its family's topic, the customer's raw id, the bytes."""

    family: str
    key: str | None
    value: bytes


Checked = tuple[int, Record | Rejected]  # with the number of the line


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def check(value: bytes) -> Record | Rejected:
    """The record to send for an event, whose type says its family; or what is wrong with it."""
    try:
        event_type = _typed.decode(value).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        event_type = ""
    # Without a known type any family will do: decode names that flaw before those of other fields.
    family = FAMILY_OF_TYPE.get(event_type, FAMILIES[0])
    event = decode(value, family)
    if not isinstance(event, Rejected):
        return Record(family, event.customer_id, value)
    if event.reason == "unknown_type" and event_type:
        return Rejected("unknown_type", f"type: {event_type[:40]!r}, expected one of {', '.join(FAMILY_OF_TYPE)}")
    return event


async def json_lines(source: Input) -> AsyncIterator[list[Checked]]:
    """Every line that is not blank, checked."""
    async for first, lines in _numbered(source):
        yield [(number, check(line.rstrip(b"\r"))) for number, line in enumerate(lines, first) if line.strip()]


async def raw_lines(source: Input, family: str) -> AsyncIterator[list[Checked]]:
    """Every line as it is, for one family's topic; keyed where it is an event after all."""
    async for first, lines in _numbered(source):
        yield [(number, _raw(line, family)) for number, line in enumerate(lines, first)]


def _raw(line: bytes, family: str) -> Record | Rejected:
    if len(line) > MAX_RECORD_BYTES:
        return Rejected("too_large", f"{len(line)} bytes: Kafka takes at most {MAX_RECORD_BYTES}")
    event = decode(line, family)
    return Record(family, None if isinstance(event, Rejected) else event.customer_id, line)


async def _numbered(source: Input) -> AsyncIterator[tuple[int, list[bytes]]]:
    """The lines that arrived together, with the number of the first; a byte order mark is no content."""
    first = 1
    async for lines in source.chunks():
        if first == 1 and lines:
            lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
        yield first, lines
        first += len(lines)
