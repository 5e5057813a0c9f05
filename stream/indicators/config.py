"""The indicators file: definitions, alerts and targets as a deployment wants them, in TOML; what is wrong in it is
named with its key and line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from math import isfinite
from typing import Any

from msgspec import Struct, field

from stream.core.definitions import DECLARED, Definitions
from stream.indicators.catalogue import ALERTS, METRICS
from stream.indicators.declare import CHANGES, Alert

_DURATION = re.compile(r"(?=\d)(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")
"""As Prometheus writes it."""

KeyPath = tuple[str, ...]
"""A key after the tables that it stands in."""


class Config(Struct, frozen=True):
    """What the indicators file says, and the defaults of what it leaves out.

    alerts   name -> the alert of an indicator, with the threshold and the duration in force
    targets  indicator -> where it should be
    path     of the file, empty where there is none
    """

    definitions: Definitions = Definitions()
    alerts: Mapping[str, Alert] = field(default_factory=lambda: dict(ALERTS))
    targets: Mapping[str, float] = field(default_factory=dict)
    path: str = ""


def parsed(text: str, name: str, path: str) -> Config:
    """The configuration in the text of the file `name`. Raises ValueError with a line for every mistake."""
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_syntax_error(str(error), text, name)) from None
    found = _Reading(read)
    config = Config(found.definitions(), found.alerts(), found.targets(), path)
    if found.mistakes:
        lines = lines_of(text)
        told = sorted((lines[at], ".".join(at), wrong) for at, wrong in found.mistakes)
        raise ValueError("\n".join(f"{name}:{line}: {key}: {wrong}" for line, key, wrong in told))
    return config


class _Reading:
    """What is read of the tables; `mistakes` are the keys at which something is wrong, and what."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.mistakes: list[tuple[KeyPath, str]] = []
        sections = ("definitions", "alerts", "targets")
        self._sections = dict(self._known((), tables, sections))

    def definitions(self) -> Definitions:
        found: dict[str, Any] = {}
        for name, given in self._entries(("definitions",), self._sections, DECLARED):
            allowed = DECLARED[name].allowed
            if self._is(("definitions", name), given, allowed.words, allowed.holds):
                found[name] = tuple(sorted(given)) if isinstance(given, list) else given
        return Definitions(**found)

    def alerts(self) -> dict[str, Alert]:
        found = dict(ALERTS)
        for name in dict(self._entries(("alerts",), self._sections, ALERTS)):
            found[name] = self._alert(ALERTS[name], ("alerts", name))
        return found

    def targets(self) -> dict[str, float]:
        known = [metric.name for metric in METRICS]
        return {
            name: float(given)
            for name, given in self._entries(("targets",), self._sections, known)
            if self._is(("targets", name), given, "a number", _is_number)
        }

    def _alert(self, alert: Alert, at: KeyPath) -> Alert:
        for key, given in self._entries(at, self._sections["alerts"], ("threshold", "for")):
            if key == "for":
                if self._is((*at, key), given, 'a duration such as "30m" or "1h30m"', _is_duration):
                    alert = replace(alert, for_=given)
            elif alert.condition in CHANGES:
                if self._is((*at, key), given, "a number above 0: it is a change", _is_positive):
                    alert = replace(alert, threshold=float(given))
            elif self._is((*at, key), given, "a number", _is_number):
                alert = replace(alert, threshold=float(given))
        return alert

    def _entries(self, at: KeyPath, tables: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[str, Any]]:
        """The known keys of a table, which may be absent, with their values."""
        given = tables.get(at[-1], {})
        if self._is(at, given, f"a table: [{'.'.join(at)}]", lambda value: isinstance(value, dict)):
            yield from self._known(at, given, known)

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


def written(value: Any) -> str:
    """The value as TOML writes it (tables and times apart)."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
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
