"""From named columns of text to one event: which column fills which field, its numbers, its moments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, get_args

import msgspec

from schemas import DEFAULT_PRODUCT, TYPES, Reason, Rejected
from stream.ingest.moments import Moments
from stream.ingest.texts import identifier, truth, whole_number
from stream.runtime.errors import UserError

LINE = "@line"  # stands for a column that holds the number of the row's line

_COLUMN = re.compile(r"(?P<name>.+?)(?:\*(?P<factor>\d+(?:\.\d+)?))?")
_CUSTOMER = ("user_id", "anonymous_id")
_SHOWN = 40  # characters


@dataclass(frozen=True)
class Column:
    """The column a field is taken from, and what its number is multiplied by."""

    name: str
    factor: Decimal | None = None

    @classmethod
    def parse(cls, text: str) -> Column:
        """Read `amount` or `amount*100`; line ends and runs of blanks in a name are one space, as in a header."""
        match = _COLUMN.fullmatch(column_name(text))
        if match is None:
            raise UserError(f"{text!r} names no column: write COLUMN or COLUMN*FACTOR")
        factor = match["factor"]
        return cls(match["name"], None if factor is None else Decimal(factor))


def column_name(text: str) -> str:
    """What a column is called whose heading is the text."""
    return " ".join(text.split())


class EventMapping:
    """Makes an event of `event_type` of each row: `columns` by field, and `constants` for all rows."""

    def __init__(
        self,
        event_type: str,
        columns: Mapping[str, Column],
        constants: Mapping[str, str],
        moments: Moments,
    ) -> None:
        if event_type not in TYPES:
            raise UserError(f"no event type {event_type!r}: choose one of {', '.join(sorted(TYPES))}")
        self.type = event_type
        self.columns = columns
        self.product = constants.get("product", DEFAULT_PRODUCT)
        self._struct = TYPES[event_type]
        self._check_fields(constants)
        self._readers = {
            field: reader_of(field, self._type_of(field), moments, columns.get(field))
            for field in [*columns, *constants]
        }
        self._constants = {field: self._constant(field, text) for field, text in constants.items()}

    def event(self, cells: Mapping[str, str], event_id: str) -> bytes | Rejected:
        """The event as JSON, still to be checked; an empty cell leaves its field out."""
        fields = {"type": self.type, "event_id": event_id, **self._constants}
        for field, column in self.columns.items():
            if text := cells[column.name]:
                try:
                    fields[field] = self._readers[field](text)
                except ValueError as error:
                    reason: Reason = "bad_timestamp" if field == "timestamp" else "wrong_type"
                    return Rejected(reason, f"{field}: {error} (column {column.name})")
        return msgspec.json.encode(fields)

    def named(self, rejected: Rejected, cells: Mapping[str, str]) -> Rejected:
        """What is wrong with an event, with the column from which it came."""
        field = rejected.detail.partition(":")[0]
        fields = _CUSTOMER if rejected.reason == "no_customer" else [field]
        names = [self.columns[field].name for field in fields if field in self.columns]
        said = [f"column {name}{f': {text[:_SHOWN]!r}' if (text := cells[name]) else ' is empty'}" for name in names]
        return Rejected(rejected.reason, f"{rejected.detail} ({'; '.join(said)})") if said else rejected

    def _type_of(self, field: str) -> Any:
        return next(each.type for each in msgspec.structs.fields(self._struct) if each.name == field)

    def _constant(self, field: str, text: str) -> Any:
        try:
            return self._readers[field](text)
        except ValueError as error:
            raise UserError(f"--set {field}={text}: {error}") from None

    def _check_fields(self, constants: Mapping[str, str]) -> None:
        fields = {field.name: field for field in msgspec.structs.fields(self._struct)}
        given = self.columns.keys() | constants.keys()
        if twice := self.columns.keys() & constants.keys():
            raise UserError(f"{', '.join(sorted(twice))}: given by --map and by --set; keep one")
        if unknown := given - fields.keys():
            raise UserError(f"{self.type} has no field {', '.join(sorted(unknown))}; it has {', '.join(fields)}")
        if "event_id" in constants:
            raise UserError("--set event_id: every row would be a repeat of the first; leave it out, or --map it")
        needed = {name for name, field in fields.items() if field.required} - {"event_id"}
        if missing := needed - given:
            raise UserError(
                f"{self.type} needs {', '.join(sorted(missing))}: "
                "add --map FIELD=COLUMN or --set FIELD=VALUE for each"
            )
        for field, column in self.columns.items():
            if column.factor is not None and not _holds(int, fields[field].type):
                raise UserError(f"--map {field}={column.name}*{column.factor}: {field} is no number")


def reader_of(field: str, type_: Any, moments: Moments, column: Column | None) -> Callable[[str], Any]:
    """How a field is read from the text of a column, or of a constant; ValueError where it is not what it wants."""
    if field == "timestamp":
        return moments.rfc3339
    if _holds(bool, type_):
        return truth
    if _holds(int, type_):
        return partial(whole_number, factor=None if column is None else column.factor)
    return identifier if column is not None and field.endswith("_id") else str


def _holds(kind: type, type_: Any) -> bool:
    """Whether a field's type is `kind`, also within an annotation or beside None."""
    return type_ is kind or any(_holds(kind, part) for part in get_args(type_))
