"""Rows of a CSV file, whatever its columns: each an event to send, or a row with the reason why not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from schemas import Rejected
from stream.ingest.cells import MOST_LINE_BYTES, Row, Rows
from stream.ingest.checking import Accepted, check
from stream.ingest.cutting import Line, LineEnds, Lines
from stream.ingest.input import Input
from stream.ingest.lines import Checked
from stream.ingest.mapping import LINE, EventMapping, column_name
from stream.ingest.row_ids import RowIds
from stream.runtime.errors import UserError

_SEPARATOR_LINE = re.compile(rb'"?sep=([^"\n])"?', re.IGNORECASE)  # as spreadsheets write it, above the headings
_OTHER_DELIMITERS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_SHOWN = 400  # characters of the names of columns


@dataclass(frozen=True)
class Layout:
    """How lines are cut into cells, and what the columns are called.

    Without a `delimiter` it is what a first line `sep=;` says, or a comma. Without `columns`, the first row names
    them if there is a `header`; else they are "1", "2", ….
    """

    delimiter: str | None = None
    columns: tuple[str, ...] | None = None
    header: bool = True


async def csv_events(source: Input, layout: Layout, mapping: EventMapping) -> AsyncIterator[list[Checked]]:
    """Every row that is not blank, as a checked event, with the number of the line on which it begins.

    Without an event_id of its own, an event takes one from what the row says, and how often it was said before: so
    a file loaded twice counts once, also when rows were added to it, and equal rows stay distinct events. Raises
    UserError where the columns do not fit.
    """
    reader = CsvReader(source.path, layout, mapping)
    async for piece in source.pieces():
        yield reader.feed(piece)
    yield reader.end()


class CsvReader:
    """Makes checked events of the rows in text that arrives in pieces."""

    def __init__(self, path: str, layout: Layout, mapping: EventMapping) -> None:
        self._path = path
        self._layout = layout
        self._mapping = mapping
        self._ends = LineEnds()
        self._lines = Lines(MOST_LINE_BYTES)
        self._rows: Rows | None = None
        self._names: tuple[str, ...] = ()
        self._ids: RowIds | None = None

    def feed(self, piece: bytes) -> list[Checked]:
        return self._checked(self._lines.feed(self._ends.feed(piece)))

    def end(self) -> list[Checked]:
        checked = self._checked(self._lines.end(), ended=True)
        if self._ids is None and self._layout.columns is None:
            raise UserError(f"{self._path} is empty: it has no row to take the columns from")
        return checked

    def _checked(self, lines: list[Line], *, ended: bool = False) -> list[Checked]:
        if self._rows is None:
            if not lines:
                return []
            self._rows = Rows(self._delimiter(lines), self._tells)
            if self._layout.columns is not None:
                self._name(self._layout.columns)
        rows = self._rows.feed(lines, self._lines.number, ended=ended)
        if self._ids is None and rows:
            rows = self._head(*rows[0]) + self._rows.feed([], self._lines.number, ended=ended)
        return self._events(rows)

    def _delimiter(self, lines: list[Line]) -> str:
        """Takes the line away that says one, if there is such a line; what the command says wins."""
        given = self._layout.delimiter
        said = _SEPARATOR_LINE.fullmatch(lines[0] or b"")
        if said is None:
            return given or ","
        del lines[0]
        return given or said[1].decode("latin-1")

    def _head(self, line: int, cells: list[str] | Rejected) -> list[Row]:
        """Take the names of the columns from the first row; it is a row of its own where it does not have them."""
        if isinstance(cells, Rejected):
            raise UserError(f"{self._path} line {line}: {cells.detail}: cannot tell the columns")
        if self._layout.header:
            self._name(tuple(map(column_name, cells)), heading="" if len(cells) > 1 else cells[0])
            return []
        self._name(tuple(str(number) for number in range(1, len(cells) + 1)))
        return [(line, cells)]

    def _name(self, names: tuple[str, ...], heading: str = "") -> None:
        """`heading`: of the only column, as it is in the file."""
        assert self._rows is not None
        self._refuse_missing(names, heading)
        self._names = self._rows.names = names
        common = (self._mapping.type, self._mapping.product)
        self._ids = RowIds((*names, LINE) if self._by_line() else names, common)

    def _by_line(self) -> bool:
        return any(column.name == LINE for column in self._mapping.columns.values())

    def _events(self, rows: list[Row]) -> list[Checked]:
        whole = [(str(line), cells) for line, cells in rows if not isinstance(cells, Rejected)]
        if self._ids is None or not whole:
            return [(line, cells) for line, cells in rows if isinstance(cells, Rejected)]
        by_line = self._by_line()
        ids = iter(self._ids.of([[*cells, line] if by_line else cells for line, cells in whole]))
        return [
            (line, cells if isinstance(cells, Rejected) else self._event(str(line), cells, next(ids)))
            for line, cells in rows
        ]

    def _event(self, line: str, cells: list[str], event_id: str) -> Accepted | Rejected:
        named = dict(zip(self._names, cells, strict=True))
        named[LINE] = line
        event = self._mapping.event(named, event_id)
        outcome = event if isinstance(event, Rejected) else check(event)
        return (
            self._mapping.named(outcome, named) if outcome is not event and isinstance(outcome, Rejected) else outcome
        )

    def _tells(self, cells: list[str], within: range) -> bool:
        """Whether they are a whole event, of which one of these cells is the moment: text hardly ever looks so."""
        column = self._mapping.columns.get("timestamp")
        if column is None or column.name not in self._names or self._names.index(column.name) not in within:
            return False
        return isinstance(self._event("", cells, "-"), Accepted)

    def _refuse_missing(self, names: Sequence[str], heading: str) -> None:
        wanted = {column.name for column in self._mapping.columns.values()} - {LINE}
        if missing := wanted - set(names):
            has, hint = ", ".join(names), "correct --map, or name the columns of a file without header by --columns"
            if others := [name for sign, name in _OTHER_DELIMITERS.items() if sign in heading]:
                hint = f"is the file delimited otherwise? Add --delimiter {others[0]}"
            raise UserError(f"{self._path} has no column {', '.join(sorted(missing))}; it has {has[:_SHOWN]}: {hint}")
        if twice := sorted(name for name, count in Counter(names).items() if count > 1 and name in wanted):
            raise UserError(f"{self._path} has more than one column {', '.join(twice)}: name them by --columns")
