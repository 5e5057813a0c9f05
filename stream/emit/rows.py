"""Rows of a CSV file, whatever its columns: each an event to send, or a row with the reason why not."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice

from schemas import Rejected
from stream.emit.input import Input
from stream.emit.lines import Checked, Record, check
from stream.emit.mapping import LINE, EventMapping
from stream.errors import UserError

WHITESPACE = " "  # as a delimiter: any run of blanks

_CHUNK_ROWS = 1000

Row = tuple[int, list[str] | Rejected]  # with the number of the (last) line it stands on


@dataclass(frozen=True)
class Layout:
    """How lines are cut into cells, and what the columns are called.

    Without `columns`, the first row names them if there is a `header`; else they are "1", "2", ….
    """

    delimiter: str = ","
    columns: tuple[str, ...] | None = None
    header: bool = True

    def rows(self, source: Input) -> tuple[Sequence[str], Iterator[Row]]:
        """The names of the columns, and the rows below."""
        rows = self._cut(source)
        if self.columns is not None:
            return self.columns, rows
        first = next(rows, None)
        if first is None:
            raise UserError(f"{source.path} is empty: it has no row to take the columns from")
        line, cells = first
        if isinstance(cells, Rejected):
            raise UserError(f"{source.path} line {line}: {cells.detail}: cannot tell the columns")
        if self.header:
            return cells, rows
        return [str(number) for number in range(1, len(cells) + 1)], chain([first], rows)

    def _cut(self, source: Input) -> Iterator[Row]:
        lines = source.text_lines()
        return _split(lines) if self.delimiter == WHITESPACE else _parsed(lines, self.delimiter)


async def csv_records(source: Input, layout: Layout, mapping: EventMapping) -> AsyncIterator[list[Checked]]:
    """Every row that is not blank, as a checked event.

    Without an event_id of its own, an event takes one from the file's name, the line and the row: so a
    file loaded twice counts once, and equal rows stay distinct events.
    """
    names, rows = layout.rows(source)
    _refuse_missing_columns(source, names, mapping)
    while chunk := list(islice(rows, _CHUNK_ROWS)):
        yield [(line, _record(source.name, line, names, cells, mapping)) for line, cells in chunk]


def _record(
    file: str, line: int, names: Sequence[str], cells: list[str] | Rejected, mapping: EventMapping
) -> Record | Rejected:
    if isinstance(cells, Rejected):
        return cells
    if len(cells) != len(names):
        return Rejected("wrong_type", f"{len(cells)} columns, expected {len(names)}: {', '.join(names)}"[:200])
    try:
        origin = "\x1f".join((mapping.type, file, str(line), *cells)).encode()
    except UnicodeEncodeError:
        return Rejected("not_utf8", "the row is not UTF-8")
    event_id = blake2b(origin, digest_size=16).hexdigest()
    event = mapping.event(dict(zip(names, cells, strict=True)) | {LINE: str(line)}, event_id)
    return event if isinstance(event, Rejected) else check(event)


def _refuse_missing_columns(source: Input, names: Sequence[str], mapping: EventMapping) -> None:
    wanted = {column.name for column in mapping.columns.values()} - {LINE}
    if missing := wanted - set(names):
        raise UserError(
            f"{source.path} has no column {', '.join(sorted(missing))}; it has {', '.join(names)}: "
            "correct --map, or name the columns of a file without header by --columns"
        )
    if twice := sorted(name for name, count in Counter(names).items() if count > 1 and name in wanted):
        raise UserError(f"{source.path} has more than one column {', '.join(twice)}: name them by --columns")


def _split(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if cells := line.split():
            yield number, list(cells)


def _parsed(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, Rejected("wrong_type", f"not a row of CSV: {error}")
        else:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]
