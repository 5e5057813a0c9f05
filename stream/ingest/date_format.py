"""Formats of dates as strptime has them, without those by which it reads something else than what is written."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

from stream.runtime.errors import UserError

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_KNOWN = frozenset("aAwdbBmyYHIpMSfzZjUWcxXGuV%")
_SAME = {"y": "Y", "b": "m", "B": "m", "a": "w", "A": "w", "u": "w"}
_DAYS = tuple(map(frozenset, ("Ymd", "Yj", "GVw", "YUw", "YWw", "c", "x")))
"""What makes a day."""
_UNSEPARATED = re.compile(r"%[YymdHIMSjf]%[YymdHIMSjf]")
_ZONES = ("UTC", "GMT", "Z")

_Reading = tuple[datetime, bool]


class DateFormat:
    """Reads text by a format of strptime. Raises UserError for one that leaves something to guess.

    `%Z` is UTC, GMT or Z and nothing else: other names of zones are not unique. `%y` is 1969 to 2068.
    """

    def __init__(self, text: str) -> None:
        directives = _DIRECTIVE.findall(text)
        if flaw := _flaw(directives):
            raise UserError(f"--date-format {text}: {flaw}")
        self._text = text
        self._timed = not {"H", "I", "c", "X"}.isdisjoint(directives)
        self._zoned = "Z" in directives
        self._unseparated = _UNSEPARATED.search(text) is not None

    def read(self, text: str) -> _Reading:
        """A moment, local where it is without an offset, and whether it has a time of day; else ValueError."""
        if not self._zoned:
            return self._strptime(text, self._text), self._timed
        zone = next((zone for zone in _ZONES if zone in text.upper()), "UTC")
        named = _DIRECTIVE.sub(lambda match: zone if match[1] == "Z" else match[0], self._text)
        return self._strptime(text, named).replace(tzinfo=UTC), self._timed

    def _strptime(self, text: str, format_: str) -> datetime:
        try:
            moment = datetime.strptime(text, format_)
        except ValueError:
            moment = None
        if moment is None or (self._unseparated and not _is_written(moment, text, format_)):
            zones = "; %Z reads UTC, GMT and Z only: for another zone give --timezone" if self._zoned else ""
            raise ValueError(f"{text[:80]!r} is not of the --date-format {self._text}{zones}")
        return moment


def _is_written(moment: datetime, text: str, format_: str) -> bool:
    """Whether text without separators has all its digits: by %Y%m%d strptime reads 2026111 as 1 November."""
    written, text = moment.strftime(format_), text.upper()
    if "%f" in format_:
        written, text = written.rstrip("0"), text.rstrip("0")
    return written.upper() == text


def _flaw(directives: list[str]) -> str | None:
    """What cannot be read, or would be read by a guess."""
    if unknown := [directive for directive in directives if directive not in _KNOWN or not directive]:
        hint = "; write epoch for seconds since 1970" if "s" in unknown else ""
        return f"there is no %{unknown[0]}{hint}"
    if twice := [directive for directive, count in Counter(directives).items() if count > 1 and directive != "%"]:
        return f"%{twice[0]} is given twice"
    has = {_SAME.get(directive, directive) for directive in directives}
    if not any(day <= has for day in _DAYS):
        return "a moment needs a year, a month and a day (%Y-%m-%d), a day of the year (%Y-%j) or a week's (%G-%V-%u)"
    if ("I" in has) != ("p" in has):
        return "%I and %p go together: the hour is %I with %p, or %H"
    if not {"M", "S", "f"}.isdisjoint(has) and {"H", "I"}.isdisjoint(has):
        return "minutes and seconds need an hour, %H"
    if {"z", "Z"} <= has:
        return "%z has the offset already: leave %Z out, or write what stands there"
    return None
