"""The mapping file: TOML that says what events of somebody else's become of ours. Every mistake in it is named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas import TYPES
from schemas.currency import MINOR_UNITS
from stream.ingest.protocols.fields import ENVELOPE, fields_of
from stream.ingest.protocols.routing import PROTOCOLS
from stream.ingest.protocols.rule_tables import Mistakes, RuleTables, Table, is_texts
from stream.ingest.protocols.rules import IGNORE, Mapping, Rule
from stream.runtime.errors import UserError

__all__ = ["Mapping", "default_mapping", "parsed_mapping", "read_mapping"]

_FEATURE_USE = "feature_use"
_TABLE = re.compile(r"^\s*\[\[\s*event\s*\]\]", re.MULTILINE)
_TRUSTED = "cloudevents"
"""Whose senders mean our types when they name them."""


def default_mapping() -> Mapping:
    return parsed_mapping("", "")


def read_mapping(path: Path) -> Mapping:
    """What a user's file says, over the default mapping. Raises UserError with a line for every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    return parsed_mapping(text, str(path))


def parsed_mapping(text: str, name: str) -> Mapping:
    """The same of the text of the file `name`."""
    own, default = _File(text, name), _File(_default_text(), "mapping.toml")
    said = {**default.said, **own.said}
    every = {**default.every, **own.every}
    own_rules = own.rules(every, said["currency"])
    rules = default.rules(every, said["currency"])
    tables = RuleTables(PROTOCOLS, every, said["currency"], Mistakes())
    means_ours = [tables.compiled(0, name, table) for name, table in _trusted()]
    as_ours = [tables.compiled(0, name, table) for name, table in _called_as_ours()]
    unmapped = {"type": said["unmapped"], **({} if said["unmapped"] == IGNORE else {"map": {"feature": "@name"}})}
    return Mapping(
        (*own_rules, *means_ours, *rules, *as_ours),
        tables.compiled(0, "unmapped", unmapped),
        frozenset(junk.strip().casefold() for junk in said["junk_ids"]),
    )


def _default_text() -> str:
    return files(__package__ or "").joinpath("mapping.toml").read_text(encoding="utf-8")


class _File:
    """What one file says.

    said    by key: junk_ids, currency, unmapped
    every   field of the envelope -> source
    """

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._mistakes = Mistakes()
        try:
            read = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{name} is not TOML: {error}") from None
        self._mistakes.known(0, "the file", read, (*_KEYS, "every", "event"))
        self.said = {
            key: read[key]
            for key, (words, holds) in _KEYS.items()
            if key in read and self._mistakes.fits(0, key, read[key], words, holds)
        }
        self.every = self._table(read, "every")
        self._mistakes.known(0, "every", self.every, ENVELOPE)
        tables = read.get("event", [])
        if not self._mistakes.fits(0, "event", tables, "tables: [[event]]", _is_tables):
            tables = []
        lines = [text.count("\n", 0, match.end()) + 1 for match in _TABLE.finditer(text)]
        # Tables may be written otherwise, such as `event = [{…}]`: then their lines are not known.
        self._tables = list(zip(lines if len(lines) == len(tables) else [0] * len(tables), tables, strict=True))

    def rules(self, every: Table, currency: str) -> list[Rule]:
        """Of all tables. Raises UserError where there are mistakes, in them or elsewhere in the file."""
        tables = RuleTables(PROTOCOLS, {}, currency, self._mistakes)
        for name, texts in self.every.items():
            tables.value(0, f"every.{name}", texts)
        if not self._mistakes.found:
            tables = RuleTables(PROTOCOLS, every, currency, self._mistakes)
        rules = [tables.rule(line, number, table) for number, (line, table) in enumerate(self._tables, 1)]
        if self._mistakes.found:
            told = sorted(set(self._mistakes.found))
            lines = (f"{self._name}:{line}: {wrong}" if line else f"{self._name}: {wrong}" for line, wrong in told)
            raise UserError("\n".join(lines))
        return rules

    def _table(self, read: Table, key: str) -> dict[str, Any]:
        given = read.get(key, {})
        fits = self._mistakes.fits(0, key, given, f"a table: [{key}]", lambda value: isinstance(value, dict))
        return dict(given) if fits else {}


def _trusted() -> Iterator[tuple[str, Table]]:
    """Events that are called like one of our types, by those who mean it."""
    for event_type in TYPES:
        own = {name: name for name in fields_of(event_type)}
        yield event_type, {"names": [event_type], "protocols": [_TRUSTED], "type": event_type, "map": own}


def _called_as_ours() -> Iterator[tuple[str, Table]]:
    """Events of anybody that are called like one of our types, and have what such a one needs."""
    for event_type in TYPES:
        fields = fields_of(event_type)
        own = {name: name for name in fields if name not in ENVELOPE}
        needed = [name for name, field in fields.items() if field.required]
        yield event_type, {"names": [event_type], "type": event_type, "has": needed, "map": own}


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "junk_ids": ("a list of strings", is_texts),
    "currency": ("a code of ISO 4217, or empty", {"", *MINOR_UNITS}.__contains__),
    "unmapped": (f"{_FEATURE_USE} or {IGNORE}", (_FEATURE_USE, IGNORE).__contains__),
}
