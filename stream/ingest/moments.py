"""Moments out of text: ISO 8601, a format of one's own, or numbers since 1970; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stream.ingest.date_format import DateFormat

_ISO_8601 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?)"
    r" ?(?P<offset>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_NUMBER = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]+))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Up to there seconds are meant, of the years 1 to 5138, and from there on milliseconds, from 1973 on.
_MILLISECONDS_FROM = 10**11
_MICROSECONDS_FROM = 10**14

EPOCH, EPOCH_MS = "epoch", "epoch-ms"

_OF_DIGITS = {
    8: "%Y%m%d, if it is a day",
    10: "epoch, if it is seconds since 1970, or %Y%m%d%H",
    12: "%Y%m%d%H%M, if it is a moment",
    13: "epoch-ms, if it is milliseconds since 1970",
    14: "%Y%m%d%H%M%S, if it is a moment",
}
_EXPECTED = "expected ISO 8601, such as 2026-03-31, 2026-03-31 13:59 or 2026-03-31T13:59:30+02:00"

ReadMoment = tuple[datetime, bool]
"""A moment, local where it is without an offset; whether it has a time of day."""


class Moments:
    """How text is read as a moment: local to `zone` without an offset, `at` that time of the day without a time.

    A local time that comes twice, when clocks are set back, is the first of the two. One that clocks pass over is
    refused where it is written; a day that does not have the time `at` begins where clocks go on.
    """

    def __init__(self, zone: ZoneInfo, at: time = time(), date_format: str | None = None) -> None:
        self._zone = zone
        self._at = at
        self._read: Callable[[str], ReadMoment] = _reader(date_format)

    def rfc3339(self, text: str) -> str:
        """The moment in UTC, cut to the microsecond; ValueError when the text is none."""
        try:
            moment, timed = self._read(text)
            if not timed:
                moment = datetime.combine(moment, self._at, moment.tzinfo)
            if moment.tzinfo is None:
                moment = self._in_zone(moment, refuse_gap=timed)
            return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
        except OverflowError:
            raise ValueError(f"{text[:80]!r} lies outside the years 1 to 9999") from None

    def _in_zone(self, moment: datetime, *, refuse_gap: bool) -> datetime:
        utc = moment.replace(tzinfo=self._zone).astimezone(UTC)
        if refuse_gap and utc.astimezone(self._zone).replace(tzinfo=None) != moment:
            raise ValueError(
                f"{moment:%Y-%m-%d %H:%M} does not exist in {self._zone.key}, where clocks were set forward: "
                "--timezone says where timestamps without offset are from"
            )
        return utc


def _reader(date_format: str | None) -> Callable[[str], ReadMoment]:
    if date_format is None:
        return _iso_8601
    if date_format in (EPOCH, EPOCH_MS):
        return _epoch if date_format == EPOCH else _epoch_ms
    return DateFormat(date_format).read


def _iso_8601(text: str) -> ReadMoment:
    match = _ISO_8601.fullmatch(text)
    if match is None:
        hint = _OF_DIGITS.get(len(text)) if text.isdecimal() else None
        what = f"--date-format says what it is: {hint}" if hint else f"{_EXPECTED}, or --date-format"
        raise ValueError(f"{text[:80]!r}: {what}")
    try:
        timed, offset = match["time"], match["offset"] or ""
        return datetime.fromisoformat(f"{match['date']}T{timed or '00:00'}{offset.upper()}"), timed is not None
    except ValueError as error:
        raise ValueError(f"{text[:80]!r}: {error}") from None


def _epoch(text: str) -> ReadMoment:
    whole, microseconds = _microseconds(text, "seconds", 6)
    if abs(whole) >= _MILLISECONDS_FROM:
        raise ValueError(
            f"{text[:80]!r} is too large for seconds since 1970: --date-format epoch-ms for milliseconds"
        )
    return _EPOCH + timedelta(microseconds=microseconds), True


def _epoch_ms(text: str) -> ReadMoment:
    whole, microseconds = _microseconds(text, "milliseconds", 3)
    if abs(whole) < _MILLISECONDS_FROM:
        raise ValueError(f"{text[:80]!r} is too small for milliseconds since 1970: --date-format epoch for seconds")
    if abs(whole) >= _MICROSECONDS_FROM:
        raise ValueError(f"{text[:80]!r} is too large for milliseconds since 1970")
    return _EPOCH + timedelta(microseconds=microseconds), True


def _microseconds(text: str, unit: str, digits: int) -> tuple[int, int]:
    """The whole units, and all of it in microseconds, of which a unit has 10 ** `digits`; further digits are cut."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not a number of {unit} since 1970")
    sign, whole, fraction = match.groups()
    microseconds = int(whole + (fraction or "")[:digits].ljust(digits, "0"))
    return int(whole), -microseconds if sign else microseconds
