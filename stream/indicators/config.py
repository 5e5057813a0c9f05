"""The indicators file: definitions, alerts and targets as a deployment wants them, in TOML; what is wrong in it is
named with its key and line.

Which alerts and indicators there are, the catalogue knows (`in_force.py`); not everybody who reads the file needs it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields

from schemas import TYPES
from stream.core.definitions import DECLARED, Definitions, ScoreParts, Step, WordLists

_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_DURATION = re.compile(r"(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")
"""As Prometheus writes it."""

KeyPath = tuple[str, ...]
"""A key after the tables that it stands in."""


class Chosen(Struct, frozen=True):
    """What the file says of one alert; None: nothing."""

    threshold: float | None = None
    for_: str | None = None


class Config(Struct, frozen=True):
    """What the indicators file says.

    definitions  with the defaults of those it leaves out
    alerts       name -> what it says of the alert
    targets      indicator -> where it should be
    path         of the file, empty where there is none
    """

    definitions: Definitions = Definitions()
    alerts: Mapping[str, Chosen] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    path: str = ""


class Known(Struct, frozen=True):
    """The names that the file may give: of alerts, of those that compare with a week before, of indicators."""

    alerts: Collection[str]
    changes: Collection[str]
    indicators: Collection[str]


def parsed(text: str, name: str, path: str, known: Known | None = None) -> Config:
    """The configuration in the text of the file `name`. Raises ValueError with a line for every mistake; without
    `known`, alerts and targets may have any names."""
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_syntax_error(str(error), text, name)) from None
    found = _Reading(read, known)
    config = Config(found.definitions(), found.alerts(), found.targets(), path)
    if found.mistakes:
        lines = lines_of(text)
        told = sorted((lines[at], ".".join(at), wrong) for at, wrong in found.mistakes)
        raise ValueError("\n".join(f"{name}:{line}: {key}: {wrong}" for line, key, wrong in told))
    return config


class _Reading:
    """What is read of the tables; `mistakes` are the keys at which something is wrong, and what."""

    def __init__(self, tables: Mapping[str, Any], known: Known | None) -> None:
        self._names = known
        self.mistakes: list[tuple[KeyPath, str]] = []
        sections = ("definitions", "alerts", "targets")
        self._sections = dict(self._known((), tables, sections))

    def definitions(self) -> Definitions:
        found: dict[str, Any] = {}
        for name, given in self._entries(("definitions",), self._sections, DECLARED):
            allowed = DECLARED[name].allowed
            if self._is(("definitions", name), given, allowed.words, allowed.holds):
                found[name] = allowed.read(given)
        self._check_steps(found.get("journey", ()))
        return Definitions(**found)

    def _check_steps(self, journey: Iterable[Step]) -> None:
        """That their types are known, and have the fields."""
        at = ("definitions", "journey")
        for step in journey:
            if step.type not in TYPES:
                self.mistakes.append(
                    (at, f"there is no event type {step.type}; the nearest: {_nearest(step.type, TYPES)}")
                )
                continue
            known = {field.name for field in fields(TYPES[step.type])}
            for name, _ in step.where:
                if name not in known:
                    self.mistakes.append(
                        (at, f"{step.type} has no field {name}; the nearest: {_nearest(name, known)}")
                    )

    def alerts(self) -> dict[str, Chosen]:
        known = self._names.alerts if self._names else None
        return {name: self._alert(name) for name, _ in self._entries(("alerts",), self._sections, known)}

    def targets(self) -> dict[str, float]:
        known = self._names.indicators if self._names else None
        return {
            name: float(given)
            for name, given in self._entries(("targets",), self._sections, known)
            if self._is(("targets", name), given, "a number", _is_number)
        }

    def _alert(self, name: str) -> Chosen:
        at = ("alerts", name)
        threshold, for_ = None, None
        for key, given in self._entries(at, self._sections["alerts"], ("threshold", "for")):
            if key == "for":
                if self._is((*at, key), given, 'a duration such as "30m" or "1h30m"', _is_duration):
                    for_ = given
            elif self._names and name in self._names.changes:
                if self._is((*at, key), given, "a number above 0: it is a change", _is_positive):
                    threshold = float(given)
            elif self._is((*at, key), given, "a number", _is_number):
                threshold = float(given)
        return Chosen(threshold, for_)

    def _entries(
        self, at: KeyPath, tables: Mapping[str, Any], known: Collection[str] | None
    ) -> Iterator[tuple[str, Any]]:
        """The known keys of a table, which may be absent, with their values; all of them where none are known."""
        given = tables.get(at[-1], {})
        if self._is(at, given, f"a table: [{'.'.join(at)}]", lambda value: isinstance(value, dict)):
            yield from given.items() if known is None else self._known(at, given, known)

    def _known(self, at: KeyPath, given: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[str, Any]]:
        for key, value in given.items():
            if key in known:
                yield key, value
            else:
                self.mistakes.append(((*at, key), f"is not known here; the nearest that is: {_nearest(key, known)}"))

    def _is(self, at: KeyPath, given: Any, words: str, holds: Callable[[Any], bool]) -> bool:
        if holds(given):
            return True
        self.mistakes.append((at, f"must be {words}, not {written(given)}"))
        return False


def _nearest(key: str, known: Collection[str]) -> str:
    """One that goes on where the key ends, if there is one."""
    longer = [each for each in known if each.startswith(key)]
    [nearest] = get_close_matches(key, longer or known, n=1, cutoff=0)
    return nearest


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_duration(value: Any) -> bool:
    return isinstance(value, str) and _DURATION.fullmatch(value) is not None


def _key_written(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def written(value: Any) -> str:
    """The value as TOML writes it (times apart)."""
    if isinstance(value, WordLists):
        return written(dict(value))
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        entries = (f"{_key_written(key)} = {written(each)}" for key, each in value.items())
        return f"{{ {', '.join(entries)} }}" if value else "{}"
    if isinstance(value, Step | ScoreParts):
        return written(value.as_written())
    return json.dumps(value, ensure_ascii=False, default=str)


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line, from 1 on, in which each table begins and each key stands, of a text that is TOML.

    A statement is the lines from where the last one ended to where they can be read by themselves.
    """
    found: dict[KeyPath, int] = {}
    header, statement, begins = "", "", 1
    for number, line in enumerate(text.split("\n"), 1):
        begins = begins if statement else number
        statement += f"{line}\n"
        try:
            read = tomllib.loads(header + statement)
        except tomllib.TOMLDecodeError:
            continue  # it goes on in the next line
        if statement.lstrip().startswith("["):
            header = statement
        for path in _paths(read):
            found.setdefault(path, begins)
        statement = ""
    return found


def _paths(table: Mapping[str, Any], at: KeyPath = ()) -> Iterator[KeyPath]:
    for key, value in table.items():
        yield (*at, key)
        if isinstance(value, dict):
            yield from _paths(value, (*at, key))


def _syntax_error(message: str, text: str, name: str) -> str:
    """With the line in front, where tomllib puts it last."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", message, re.DOTALL)
    wrong, line = found.groups() if found else (message, None)
    return f"{name}:{line or len(text.splitlines())}: is not TOML: {wrong}"
