"""From the tables of a mapping file to rules; what is wrong in a table is noted with its line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from schemas import TYPES
from stream.ingest.protocols.fields import Field, fields_of
from stream.ingest.protocols.protocol import Sent
from stream.ingest.protocols.rules import IGNORE, Condition, Filled, Rule, equals, folded, has
from stream.ingest.protocols.sources import Value, first_of, minor_units_of, source

_SHOWN = 4  # sources
_KEYS = ("names", "protocols", "type", "map", "set", "where", "has")

Table = Mapping[str, Any]


class Mistakes:
    """What is wrong in a file, with the line, 0 where it is about all of it."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def add(self, line: int, wrong: str) -> None:
        self.found.append((line, wrong))

    def known(self, line: int, shown: str, given: Collection[str], known: Collection[str]) -> None:
        for key in given:
            if key not in known:
                self.add(line, f"{shown}: {key} is not known here; {nearest(key, known)}")

    def fits(self, line: int, shown: str, value: Any, words: str, holds: Callable[[Any], bool]) -> bool:
        try:
            fits = holds(value)
        except TypeError:  # a list or a table is in no set
            fits = False
        if not fits:
            self.add(line, f"{shown}: must be {words}, not {value!r}")
        return fits


class RuleTables:
    """Makes rules of tables.

    protocols  the names of those there are
    every      field of the envelope -> source, where a table says nothing of it
    currency   of amounts that come without one; empty: they are refused
    """

    def __init__(self, protocols: Collection[str], every: Table, currency: str, mistakes: Mistakes) -> None:
        self._protocols = protocols
        self._every = every
        self._default_currency = currency
        self._mistakes = mistakes

    def rule(self, line: int, number: int, table: Table) -> Rule:
        """Of the table that is the number-th, from 1, and begins at the line."""
        shown = f"event {number}"
        names = table.get("names")
        if self._mistakes.fits(line, f"{shown}: names", names, "a list of strings, not empty", _is_names):
            shown = f"{shown} ({names[0]})"  # type: ignore[index]
        return self.compiled(line, shown, table)

    def compiled(self, line: int, shown: str, table: Table) -> Rule:
        """The rule; none that could be used where there are mistakes in it."""
        before = len(self._mistakes.found)
        self._check(line, shown, table)
        if len(self._mistakes.found) > before:
            return Rule((), IGNORE)
        event_type: str = table["type"]
        return Rule(
            tuple(map(folded, table.get("names", ()))),
            event_type,
            frozenset(table.get("protocols", ())),
            self._conditions(line, shown, table),
            () if event_type == IGNORE else self._filled(line, shown, event_type, table),
        )

    def _check(self, line: int, shown: str, table: Table) -> None:
        check = self._mistakes
        check.known(line, shown, table, _KEYS)
        types = (*TYPES, IGNORE)
        event_type = table.get("type")
        if not (isinstance(event_type, str) and event_type in types):
            near = nearest(str(event_type), types)
            check.add(line, f"{shown}: type: there is no event type {event_type!r}; {near}")
        has_ = table.get("has", [])
        check.fits(line, f"{shown}: has", has_, "a list of sources, or of lists of them", _is_alternatives)
        for key in ("map", "set", "where"):
            check.fits(line, f"{shown}: {key}", table.get(key, {}), "a table", lambda value: isinstance(value, dict))
        protocols = table.get("protocols", [])
        if check.fits(line, f"{shown}: protocols", protocols, "a list of strings", is_texts):
            check.known(line, f"{shown}: protocols", protocols, self._protocols)

    def _conditions(self, line: int, shown: str, table: Table) -> tuple[Condition, ...]:
        present = [has(self.value(line, f"{shown}: has", texts)) for texts in table.get("has", ())]
        equal = [
            equals(self._source(line, f"{shown}: where", text), wanted if isinstance(wanted, list) else [wanted])
            for text, wanted in table.get("where", {}).items()
        ]
        return (*present, *equal)

    def _filled(self, line: int, shown: str, event_type: str, table: Table) -> tuple[Filled, ...]:
        fields = fields_of(event_type)
        sources = {**self._every, **table.get("map", {})}
        fixed = dict(table.get("set", {}))
        if self._default_currency and "currency" in sources:
            fixed.setdefault("currency", self._default_currency)
        for key, given in (("map", sources), ("set", fixed)):
            for name in given:
                if name not in fields:
                    wrong = f"{shown}: {key}: {event_type} has no field {name}; {nearest(name, fields)}"
                    self._mistakes.add(line, wrong)
        for name, field in fields.items():
            if field.required and name not in sources and name not in fixed:
                self._mistakes.add(line, f"{shown}: {event_type} needs {name}: add it to map or set")
        minor_units = None
        if "currency" in fields:
            minor_units = self._minor_units(line, shown, sources.get("currency", []), fixed.get("currency"))
        return tuple(
            self._filling(line, shown, field, sources.get(name, []), fixed.get(name), minor_units)
            for name, field in fields.items()
            if name in sources or name in fixed
        )

    def _minor_units(self, line: int, shown: str, texts: Any, otherwise: Any) -> Value:
        currency = self.value(line, f"{shown}: map.currency", texts)
        return lambda sent: minor_units_of(currency(sent) or otherwise)

    def _filling(
        self, line: int, shown: str, field: Field, texts: Any, fixed: Any, minor_units: Value | None
    ) -> Filled:
        if fixed is not None:
            try:
                fixed = msgspec.to_builtins(field.fixed(fixed))
            except msgspec.ValidationError as error:
                self._mistakes.add(line, f"{shown}: set.{field.name}: {error}")
        value = self.value(line, f"{shown}: map.{field.name}", texts, minor_units)
        said = [texts] if isinstance(texts, str) else texts
        more = ", …" if len(said) > _SHOWN else ""
        shown = ", ".join(map(str, said[:_SHOWN])) + more
        return Filled(tuple(field.name.split(".")), field.required, value, field.convert, fixed, shown)

    def value(self, line: int, shown: str, texts: Any, minor_units: Value | None = None) -> Value:
        """Of a source, or of the first of a list that has something."""
        texts = [texts] if isinstance(texts, str) else texts
        if not is_texts(texts):
            self._mistakes.add(line, f"{shown}: must be a source or a list of them, not {texts!r}")
            return _nothing
        values = [self._source(line, shown, text, minor_units) for text in texts]
        return first_of(values) if values else _nothing

    def _source(self, line: int, shown: str, text: str, minor_units: Value | None = None) -> Value:
        try:
            return source(text, minor_units)
        except ValueError as error:
            self._mistakes.add(line, f"{shown}: {error}")
            return _nothing


def nearest(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, known, n=1, cutoff=0)
    return f"the nearest: {found[0]}" if found else "there are none"


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_alternatives(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) or is_texts(each) for each in value)


def _is_names(value: Any) -> bool:
    return is_texts(value) and bool(value)


def _nothing(_: Sent) -> None:
    return None
