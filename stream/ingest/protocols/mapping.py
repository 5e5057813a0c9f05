"""The mapping file: TOML that says what events of somebody else's become of ours. Every mistake in it is named."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from schemas import TYPES
from schemas.currency import MINOR_UNITS
from stream.ingest.protocols.fields import fields_of
from stream.ingest.protocols.routing import PROTOCOLS
from stream.ingest.protocols.rule_tables import Mistakes, RuleTables, is_texts
from stream.ingest.protocols.rules import IGNORE, Mapping, Rule
from stream.runtime.errors import UserError

__all__ = ["Mapping", "default_mapping", "parsed_mapping", "read_mapping"]

_KEYS = ("junk_ids", "currency", "unmapped", "every", "event")
_FEATURE_USE = "feature_use"
_TABLE = re.compile(r"^\s*\[\[\s*event\s*\]\]", re.MULTILINE)
_TRUSTED = frozenset({"cloudevents"})
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
    default, own = _File(_default_text(), "mapping.toml"), _File(text, name)
    said = {**default.said, **own.said}
    rules: list[Rule] = []
    for file in (own, default):
        tables = RuleTables(PROTOCOLS, said["every"].get("map", {}), said["currency"], file.mistakes)
        rules += [tables.rule(line, number, table) for number, (line, table) in enumerate(file.events, 1)]
        file.refuse()
    rules += [tables.compiled(0, event_type, table) for event_type, table in _of_their_own_names()]
    unmapped = {"type": said["unmapped"]}
    if said["unmapped"] == _FEATURE_USE:
        unmapped["map"] = {"feature": "@name"}
    return Mapping(
        tuple(rules),
        tables.compiled(0, "unmapped", unmapped),
        frozenset(junk.strip().casefold() for junk in said["junk_ids"]),
    )


def _default_text() -> str:
    return files(__package__ or "").joinpath("mapping.toml").read_text(encoding="utf-8")


class _File:
    """The tables of one file: what it says of everything, and those of the events, each with its line."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self.mistakes = Mistakes()
        try:
            self.said = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{name} is not TOML: {error}") from None
        self._check()
        self.refuse()
        lines = [text.count("\n", 0, match.end()) + 1 for match in _TABLE.finditer(text)]
        tables = self.said.pop("event", [])
        # Tables may be written otherwise, such as `event = [{…}]`: then their lines are not known.
        self.events = list(zip(lines if len(lines) == len(tables) else [0] * len(tables), tables, strict=True))

    def refuse(self) -> None:
        """Raises UserError where there are mistakes."""
        if self.mistakes.found:
            told = (
                (f"{self._name}:{line}" if line else self._name, wrong) for line, wrong in sorted(self.mistakes.found)
            )
            raise UserError("\n".join(f"{where}: {wrong}" for where, wrong in told))

    def _check(self) -> None:
        check, said = self.mistakes, self.said
        check.known(0, "the file", said, _KEYS)
        check.fits(0, "junk_ids", said.get("junk_ids", []), "a list of strings", is_texts)
        currencies = {"", *MINOR_UNITS}
        check.fits(0, "currency", said.get("currency", ""), "a code of ISO 4217, or empty", currencies.__contains__)
        check.fits(0, "unmapped", said.get("unmapped", IGNORE), f"{_FEATURE_USE} or {IGNORE}", _is_unmapped)
        check.fits(0, "event", said.get("event", []), "tables: [[event]]", _is_tables)
        every = said.get("every", {})
        if check.fits(0, "every", every, "a table with the table map", lambda value: isinstance(value, dict)):
            check.known(0, "every", every, ("map",))
            check.fits(0, "every.map", every.get("map", {}), "a table", lambda value: isinstance(value, dict))


def _of_their_own_names() -> Iterator[tuple[str, dict[str, Any]]]:
    """An event that is called like one of our types is one, if it has what such a one needs."""
    for event_type in TYPES:
        fields = fields_of(event_type)
        table = {"names": [event_type], "type": event_type}
        yield event_type, {**table, "protocols": sorted(_TRUSTED), "map": {name: name for name in fields}}
        # What everybody else says of ids and channel is read as [every.map] and their protocol say.
        own = {name: name for name in fields if name not in _ENVELOPE}
        yield event_type, {**table, "has": [name for name, each in fields.items() if each.required], "map": own}


_ENVELOPE = frozenset({"user_id", "anonymous_id", "channel", "bot", "test"})


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _is_unmapped(value: Any) -> bool:
    return value in (_FEATURE_USE, IGNORE)
