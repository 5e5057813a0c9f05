"""Mending the event of a dead letter: fields given anew, or taken from elsewhere in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from schemas import TYPES, Rejected
from schemas.envelope import Event
from stream.ingest.checking import Accepted, check
from stream.ingest.dead_letters.letter import Letter
from stream.ingest.mapping import Column, reader_of
from stream.ingest.moments import Moments
from stream.ingest.source_ids import source_id
from stream.runtime.errors import UserError

Fields = dict[str, Any]
"""Of a JSON object; what is not changed is msgspec.Raw, and so stays as it was written."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Fix:
    """`values` and `columns` by field; a field or path inside another is written with a dot: traits.plan.

    A value is read as the field's type wants it, as in `assidu emit --csv`: "42" is a string for user_id and a number
    for units.
    """

    def __init__(self, values: Mapping[str, str], columns: Mapping[str, Column], moments: Moments) -> None:
        if twice := values.keys() & columns.keys():
            raise UserError(f"{', '.join(sorted(twice))}: given by --map and by --set; keep one")
        known = {field.name for struct in TYPES.values() for field in msgspec.structs.fields(struct)} | {"type"}
        if unknown := sorted(field for field in values.keys() | columns.keys() if field.split(".")[0] not in known):
            raise UserError(f"no event has a field {', '.join(unknown)}: docs/events.md lists those of each type")
        if "event_id" in values:
            raise UserError("--set event_id: all letters would be repeats of the first; leave it out, or --map it")
        if "type" in values and values["type"] not in TYPES:
            raise UserError(f"--set type={values['type']}: choose one of {', '.join(sorted(TYPES))}")
        self._values = values
        self._columns = columns
        self._moments = moments

    def mended(self, letter: Letter) -> Accepted | Rejected:
        """The event to send, checked; or what is still wrong with it.

        It keeps its event_id; one that never had any gets one that follows from the letter's source, so that the
        letter counts once however often it is retried.
        """
        said = letter.said
        if flaw := not_whole(letter):
            return flaw
        if letter.fields is None:
            return check(said.value or b"")
        try:
            fields = self._applied(letter.fields)
        except _Unmended as error:
            return Rejected(said.reason, str(error))
        if "event_id" not in fields:
            fields["event_id"] = source_id(said.source)
        unchanged = fields == letter.fields
        return check((said.value or b"") if unchanged else msgspec.json.encode(fields))

    def _applied(self, original: Mapping[str, msgspec.Raw]) -> Fields:
        fields: Fields = dict(original)
        # The type decides what the other fields want.
        if "type" in self._values:
            fields["type"] = self._values["type"]
        if column := self._columns.get("type"):
            fields["type"] = _text("type", _found("type", original, column.name))
        struct = _struct(fields)
        for field, text in self._values.items():
            if field != "type":
                _put(fields, field, self._read(struct, field, text, None))
        for field, column in self._columns.items():
            if field != "type":
                text = _text(field, _found(field, original, column.name))
                _put(fields, field, self._read(struct, field, text, column))
        return fields

    def _read(self, struct: type[Event], field: str, text: str, column: Column | None) -> Any:
        try:
            return reader_of(field, _type_of(struct, field), self._moments, column)(text)
        except ValueError as error:
            raise _Unmended(f"{field}: {error}") from None


def not_whole(letter: Letter) -> Rejected | None:
    """Why a letter cannot be retried that has not all of its record's value."""
    if letter.is_whole:
        return None
    kept, size = len(letter.said.value or b""), letter.said.value_bytes
    why = "it has no value" if size is None else f"only {kept} of its {size} bytes were kept"
    return Rejected(letter.said.reason, f"cannot be retried: {why}")


class _Unmended(Exception):
    """Why the fix does not fit this letter."""


def _struct(fields: Fields) -> type[Event]:
    try:
        return TYPES[msgspec.json.decode(msgspec.json.encode(fields.get("type")), type=str)]
    except (KeyError, msgspec.ValidationError):
        raise _Unmended("its type is none that is known: --set type=TYPE") from None


def _type_of(struct: type[Event], path: str) -> Any:
    """The type that the field at the end of the path wants."""
    inner: Any = struct
    for name in path.split("."):
        fields = {field.name: field.type for field in msgspec.structs.fields(inner)} if inner else {}
        if name not in fields:
            raise _Unmended(f"{struct.__struct_config__.tag} has no field {path}")
        found = fields[name]
        parts = (found, *get_args(found))
        inner = next((each for each in parts if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)
    return found


def _found(field: str, fields: Mapping[str, Any], path: str) -> msgspec.Raw:
    """What stands at the path."""
    *outer, last = path.split(".")
    for name in outer:
        fields = _inside(fields.get(name))
    if last not in fields:
        raise _Unmended(f"{field}: it has no {path}")
    return fields[last]  # type: ignore[no-any-return]


def _text(field: str, value: msgspec.Raw) -> str:
    """As a cell of CSV would have it."""
    match msgspec.json.decode(value):
        case str(text):
            return text
        case None | dict() | list():
            raise _Unmended(f"{field}: {bytes(value)[:40].decode(errors='replace')} is no single value")
        case _:
            return bytes(value).decode()


def _put(fields: Fields, path: str, value: Any) -> None:
    *outer, last = path.split(".")
    for name in outer:
        inner = fields.get(name)
        fields[name] = inner if isinstance(inner, dict) else dict(_inside(inner))
        fields = fields[name]
    fields[last] = value


def _inside(value: Any) -> Mapping[str, Any]:
    """The fields of an object; none where it is none."""
    try:
        return _OBJECT.decode(value or b"{}")
    except msgspec.ValidationError:
        return {}


def read_fix(sets: Iterable[tuple[str, str]], maps: Iterable[tuple[str, str]], moments: Moments) -> Fix:
    """From FIELD, VALUE and FIELD, PATH or PATH*FACTOR. Raises UserError where they make no sense."""
    return Fix(dict(sets), {field: Column.parse(path) for field, path in maps}, moments)
