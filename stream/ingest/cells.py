"""Cells out of lines of CSV: a row is a line, or a few where a quoted cell holds line ends."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence

from schemas import Rejected
from stream.ingest.cutting import Line

WHITESPACE = " "
"""As a delimiter: any run of blanks."""

MOST_CELL_LINES = 8
_MOST_ROW_LINES = 32

MOST_LINE_BYTES = 128 * 1024
"""Of one line: what the csv module takes as one cell."""

Row = tuple[int, list[str] | Rejected]
"""The number of the line on which it begins, and its cells, without the blanks around them."""

Telling = Callable[[list[str], range], bool]
"""Whether cells, as many as there are columns, make a whole event, which shows in those of the range."""

_TOO_LONG = Rejected("too_large", f"expected at most {MOST_LINE_BYTES} bytes on a line")
NOT_UTF8 = Rejected("not_utf8", "the row is not UTF-8: if the file is in another encoding, name it by --encoding")
_NO_TEXT = Rejected("wrong_type", "a NUL byte: the file is damaged, or is no text")
_UNCLOSED = Rejected("wrong_type", f"a quote opens here and is not closed within {MOST_CELL_LINES} lines: double it")
_SWALLOWING = Rejected("wrong_type", "a quote opens here and would hold the rows that follow: double it, or close it")


class Rows:
    """Cuts lines into rows; blank ones are none.

    A quote out of place would take the rows that follow into its cell. So a row is refused, and reading goes on at
    its second line, where a cell has more than MOST_CELL_LINES lines, the row has not as many cells as there are
    names, or what its quotes hold is a whole event (`telling`).
    """

    def __init__(self, delimiter: str, telling: Telling) -> None:
        self.names: Sequence[str] | None = None
        """Of the columns; None while they are not known."""
        self._delimiter = delimiter
        self._quotes = delimiter != WHITESPACE
        self._blanks = " " if delimiter == "\t" else " \t"
        self._telling = telling
        self._waiting: list[Line] = []

    def feed(self, lines: list[Line], following: int, *, ended: bool = False) -> list[Row]:
        """The rows that end in the lines, which are those up to the number `following`; `ended`: no more will come.

        While there are no names, no more than one: it may be the one that has them.
        """
        lines = self._waiting + lines
        first = following - len(lines)
        rows: list[Row] = []
        at = 0
        row: list[str] | Rejected
        while at < len(lines) and not (rows and self.names is None):
            line, used = lines[at], 1
            if line is None or b"\x00" in line:
                row = _TOO_LONG if line is None else _NO_TEXT
            elif self._quotes and b'"' in line:
                row, used = self._quoted(lines[at : at + _MOST_ROW_LINES], ended)
            else:
                row = self._plain(line)
            if not used:
                break
            if row:
                rows.append((first + at, row))
            at += used
        self._waiting = lines[at:]
        return rows

    def _plain(self, line: bytes) -> list[str] | Rejected:
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return NOT_UTF8
        if not self._quotes:
            cells = text.split()
        elif text.strip(self._blanks):
            cells = self._split(text)
        else:
            return []
        return self._as_wide(cells) if cells else []

    def _split(self, text: str) -> list[str]:
        return [cell.strip() for cell in text.split(self._delimiter)]

    def _clean(self, cells: list[str]) -> list[str] | Rejected:
        try:
            "".join(cells).encode()
        except UnicodeEncodeError:
            return NOT_UTF8
        return self._as_wide([cell.strip() for cell in cells])

    def _as_wide(self, cells: list[str]) -> list[str] | Rejected:
        if self.names is None or len(cells) == len(self.names):
            return cells
        return Rejected(
            "wrong_type", f"{len(cells)} columns, expected {len(self.names)}: {', '.join(self.names)}"[:200]
        )

    def _quoted(self, lines: list[Line], ended: bool) -> tuple[list[str] | Rejected, int]:
        """The row that begins with the first of the lines, and how many it takes: none where more are needed."""
        pulled = _Pulled(lines, self._shows_event)
        try:
            cells = next(self._reader(pulled, strict=True))
        except csv.Error as error:
            if pulled.shows_event:
                return _SWALLOWING, 1
            if not pulled.ran_out:
                return Rejected("wrong_type", f"not a row of CSV: {error}; quotes within a cell are doubled"), 1
            more = not ended and pulled.count == len(lines) < _MOST_ROW_LINES
            return _UNCLOSED, 0 if more else 1
        if pulled.count == 1:
            return self._clean(cells), 1
        if max(cell.count("\n") for cell in cells) >= MOST_CELL_LINES:
            return _UNCLOSED, 1
        row = self._clean(cells)
        if self._closing_shows_event(pulled.last, row):
            return _SWALLOWING, 1
        return row, 1 if isinstance(row, Rejected) else pulled.count

    def _reader(self, lines: Iterable[str], *, strict: bool) -> Iterator[list[str]]:
        return csv.reader(iter(lines), delimiter=self._delimiter, skipinitialspace=True, strict=strict)

    def _shows_event(self, text: str, *, opening: bool) -> bool:
        """Whether a line that leaves a quote open is a whole event; where it opens it, one that shows behind it."""
        try:
            cells = next(self._reader([text], strict=not opening))
        except (csv.Error, StopIteration):
            return False
        if opening:
            behind = len(cells) - 1
            return self._tells(cells[:behind] + self._split(cells[behind]), range(behind, len(self.names or ())))
        return self._tells(cells, range(len(cells)))

    def _closing_shows_event(self, text: str, row: list[str] | Rejected) -> bool:
        """Whether the line that closes a quote is an event; where the row is one too, one that shows before it."""
        cells = self._split(text)
        shows = next(number for number, cell in enumerate(cells) if '"' in cell)
        if isinstance(row, Rejected) or not self._tells(row, range(len(row))):
            shows = len(cells)
        return self._tells(cells, range(shows))

    def _tells(self, cells: list[str], within: range) -> bool:
        row = self._clean(cells)
        return self.names is not None and not isinstance(row, Rejected) and self._telling(row, within)


class _Pulled:
    """Hands lines to a reader of CSV, which asks for the next as long as a quote is open."""

    def __init__(self, lines: list[Line], shows_event: Callable[..., bool]) -> None:
        self.count = 0
        self.last = ""
        self.ran_out = False
        self.shows_event = False
        self._lines = lines
        self._shows_event = shows_event

    def __iter__(self) -> _Pulled:
        return self

    def __next__(self) -> str:
        if self.count and self._shows_event(self.last, opening=self.count == 1):
            self.shows_event = True
            raise StopIteration
        line = self._lines[self.count] if self.count < len(self._lines) else None
        if line is None or b"\x00" in line:
            self.ran_out = True
            raise StopIteration
        self.count += 1
        self.last = _text(line)
        return f"{self.last}\n"


def _text(line: bytes) -> str:
    """A byte that is not UTF-8 becomes a lone surrogate."""
    return line.decode(errors="surrogateescape")
