"""CSV for spreadsheets: text of users stands in cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO

_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@＝＋－＠])")
"""With what a cell begins that is computed (OWASP, "CSV Injection"), or would be without our apostrophe."""


def guarded(text: str) -> str:
    """With an apostrophe before what would be a formula: spreadsheets then show text; `unguarded` takes it away."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The value of a cell, for programs that read the CSV."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def csv_text(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """RFC 4180, but lines end in a line feed. Every cell is quoted: no separator or line break of another kind, such
    as a semicolon or a carriage return, splits one."""
    text = StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows(map(guarded, row) for row in rows)
    return text.getvalue()
