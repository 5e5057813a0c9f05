"""Events in JSON, one a line or in an array: each checked against its schema, or with the reason why it is none."""

from __future__ import annotations

from collections.abc import AsyncIterator

from schemas import FAMILIES, MAX_BYTES, Rejected, decode
from stream.ingest.checking import Accepted, check
from stream.ingest.cutting import Line, LineEnds, Lines
from stream.ingest.event_producer import MAX_RECORD_BYTES
from stream.ingest.input import Input
from stream.ingest.values import Found, Values
from stream.runtime.errors import UserError

Checked = tuple[int, Accepted | Rejected]  # with the number of the line


async def json_lines(source: Input) -> AsyncIterator[list[Checked]]:
    """Every line that is not blank, checked; also every object of an array, or of those over several lines."""
    reader = JsonReader()
    async for piece in source.pieces():
        yield reader.feed(piece)
    yield reader.end()


def raw_lines(source: Input, family: str) -> AsyncIterator[list[Checked]]:
    """Every line as it is, for one family's topic; keyed where it is an event after all. Raises UserError where there
    is no such family."""
    if family not in FAMILIES:
        raise UserError(f"--raw {family}: no such family; choose one of {', '.join(FAMILIES)}")
    return _raw_lines(source, family)


async def _raw_lines(source: Input, family: str) -> AsyncIterator[list[Checked]]:
    lines = Lines(MAX_RECORD_BYTES)
    async for piece in source.pieces():
        first = lines.number
        yield [(number, _raw(line, family)) for number, line in enumerate(lines.feed(piece), first)]
    last = lines.number
    yield [(last, _raw(line, family)) for line in lines.end()]


class JsonReader:
    """Finds the events in text that arrives in pieces, each with the number of the line on which it begins.

    A line is an event, but for two layouts: a file that begins with `[` begins with an array of events, and a line
    that is `{` and nothing else begins an event over several lines.
    """

    def __init__(self) -> None:
        self._ends = LineEnds()
        self._lines = Lines(MAX_BYTES)
        self._begun = False
        self._array: Values | None = None
        self._object: Values | None = None

    def feed(self, piece: bytes) -> list[Checked]:
        piece = self._ends.feed(piece)
        if not self._begun:
            self._begin(piece.lstrip())
        checked: list[Checked] = []
        if self._array is not None:
            checked = _checked(self._array.feed(piece))
            if not self._array.closed:
                return checked
            piece, self._lines.number, self._array = self._array.rest, self._array.line, None
        first = self._lines.number
        return checked + self._check(first, self._lines.feed(piece))

    def end(self) -> list[Checked]:
        first = self._lines.number
        checked = self._check(first, self._lines.end())
        for values in (self._array, self._object):
            if values is not None:
                checked += _checked(values.end())
        return checked

    def _begin(self, content: bytes) -> None:
        self._begun = bool(content)
        if content.startswith(b"["):
            self._array = Values(self._lines.number, array=True)

    def _check(self, first: int, lines: list[Line]) -> list[Checked]:
        checked: list[Checked] = []
        for number, line in enumerate(lines, first):
            if line is None or self._object is not None or (content := line.strip()) == b"{":
                checked += self._unusual(number, line)
            elif content:
                checked.append((number, check(line)))
        return checked

    def _unusual(self, number: int, line: Line) -> list[Checked]:
        """A line that is too long, or within an object over several lines."""
        if self._object is None:
            if line is None:
                return [(number, Rejected("too_large", f"expected at most {MAX_BYTES} bytes"))]
            self._object = Values(number, array=False)
        values = self._object
        if line is None:
            values.leave_out()
            return []
        checked = _checked(values.feed(line + b"\n"))
        if values.closed:
            self._object = None
            checked += self._check(number, [values.rest.removesuffix(b"\n")])
        return checked


def _checked(found: list[Found]) -> list[Checked]:
    return [(line, _in_its_place(value, element)) for line, element, value in found]


def _in_its_place(value: bytes | Rejected, element: int | None) -> Accepted | Rejected:
    outcome = value if isinstance(value, Rejected) else check(value)
    if isinstance(outcome, Rejected) and element is not None:
        return Rejected(outcome.reason, f"{outcome.detail} (element {element} of the array)")
    return outcome


def _raw(line: Line, family: str) -> Accepted | Rejected:
    if line is None:
        return Rejected("too_large", f"Kafka takes at most {MAX_RECORD_BYTES} bytes")
    event = decode(line, family)
    return Accepted(family, None if isinstance(event, Rejected) else event.customer_id, line)
