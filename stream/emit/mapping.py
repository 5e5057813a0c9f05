"""From named columns of text to one event: which column fills which field, its numbers, its moments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from zoneinfo import ZoneInfo

import msgspec

from schemas import TYPES, Rejected
from stream.errors import UserError

LINE = "@line"  # stands for a column that holds the number of the row's line

# Wide enough for every 64-bit number; what does not fit exactly is refused, never rounded.
_EXACT = Context(prec=40, Emax=40, traps=[Inexact, InvalidOperation, Overflow])
_TIME_OF_DAY = re.compile(r"%[HIcX]")
_COLUMN = re.compile(r"(?P<name>.+?)(?:\*(?P<factor>\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Column:
    """The column a field is taken from, and what its number is multiplied by."""

    name: str
    factor: Decimal | None = None

    @classmethod
    def parse(cls, text: str) -> Column:
        """Read `amount` or `amount*100`."""
        match = _COLUMN.fullmatch(text)
        if match is None:
            raise UserError(f"{text!r} names no column: write COLUMN or COLUMN*FACTOR")
        factor = match["factor"]
        return cls(match["name"], None if factor is None else Decimal(factor))

    def value(self, text: str) -> str:
        """The text, multiplied exactly where there is a factor; ValueError when it is no number."""
        if self.factor is None:
            return text
        try:
            product = _EXACT.multiply(_EXACT.create_decimal(text), self.factor)
        except DecimalException:
            raise ValueError(f"{text[:80]!r} is not a number of up to 40 digits") from None
        if not product.is_finite():
            raise ValueError(f"{text[:80]!r} is not a finite number")
        return f"{product.to_integral_value() if product == product.to_integral_value() else product:f}"


@dataclass(frozen=True)
class Moments:
    """How text is read as a moment: local to `zone` without an offset, `at` that time without a time."""

    zone: ZoneInfo
    at: time = time()
    format: str | None = None

    def rfc3339(self, text: str) -> str:
        """The moment in UTC; ValueError when the text is none."""
        try:
            moment = self._read(text)
            local = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
            return local.astimezone(UTC).isoformat()
        except OverflowError:
            raise ValueError(f"{text[:80]!r} lies outside the years 1 to 9999") from None

    def _read(self, text: str) -> datetime:
        if self.format is not None:
            moment = datetime.strptime(text, self.format)
            return moment if _TIME_OF_DAY.search(self.format) else datetime.combine(moment, self.at)
        try:
            return datetime.combine(date.fromisoformat(text), self.at)
        except ValueError:
            return datetime.fromisoformat(text)


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
        self._struct = TYPES[event_type]
        self._constants = constants
        self._moments = moments
        self._check_fields()

    def event(self, cells: Mapping[str, str], event_id: str) -> bytes | Rejected:
        """The event as JSON, still to be checked; an empty cell leaves its field out."""
        fields = {"type": self.type, "event_id": event_id, **self._constants}
        field = ""
        try:
            for field, column in self.columns.items():
                if text := cells[column.name]:
                    fields[field] = column.value(text)
            field = "timestamp"
            if text := fields.get(field, ""):
                fields[field] = self._moments.rfc3339(text)
        except ValueError as error:
            return Rejected("bad_timestamp" if field == "timestamp" else "wrong_type", f"{field}: {error}")
        try:
            # Not strict: text becomes the number or the truth value that the field asks for.
            return msgspec.json.encode(msgspec.convert(fields, self._struct, strict=False))
        except msgspec.ValidationError:
            return msgspec.json.encode(fields)  # as text, for the schema to say what is wrong

    def _check_fields(self) -> None:
        fields = {field.name: field for field in msgspec.structs.fields(self._struct)}
        given = self.columns.keys() | self._constants.keys()
        if twice := self.columns.keys() & self._constants.keys():
            raise UserError(f"{', '.join(sorted(twice))}: given by --map and by --set; keep one")
        if unknown := given - fields.keys():
            raise UserError(f"{self.type} has no field {', '.join(sorted(unknown))}; it has {', '.join(fields)}")
        needed = {name for name, field in fields.items() if field.required} - {"event_id"}
        if missing := needed - given:
            raise UserError(
                f"{self.type} needs {', '.join(sorted(missing))}: "
                "add --map FIELD=COLUMN or --set FIELD=VALUE for each"
            )
