"""CSV for spreadsheets: text of users stands in cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain

Cell = str | float | None

_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@＝＋－＠])")
"""With what a cell begins that is computed (OWASP, "CSV Injection"), or would be without our apostrophe."""


def guarded(text: str) -> str:
    """With an apostrophe before what would be a formula: spreadsheets then show text; `unguarded` takes it away."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The value of a cell, for programs that read the CSV."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_text(headings: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """As `csv_lines`, all together."""
    return "".join(csv_lines(headings, rows))


def csv_lines(headings: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    """RFC 4180, but lines end in a line feed. Every cell is quoted: no separator or line break of another kind, such
    as a semicolon or a carriage return, splits one. Numbers stay numbers, below 0 too; None is an empty cell."""
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in chain([headings], rows):
        writer.writerow(guarded(cell) if isinstance(cell, str) else cell for cell in row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
