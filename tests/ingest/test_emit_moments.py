"""Moments out of text: each is what is written, or refused with what to do; nothing is guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.ingest.moments import Moments
from stream.runtime.errors import UserError

IN_UTC = Moments(ZoneInfo("UTC"))
IN_PARIS = Moments(ZoneInfo("Europe/Paris"))
AT_NOON = time(12)


def by(date_format: str, zone: str = "UTC", at: time = AT_NOON) -> Moments:
    return Moments(ZoneInfo(zone), at, date_format)


@pytest.mark.parametrize(
    ("text", "moments", "utc"),
    [
        ("2026-03-01T10:00:00+02:00", IN_UTC, "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00Z", IN_UTC, "2026-03-01T10:00:00Z"),
        ("2026-03-01t10:00:00z", IN_PARIS, "2026-03-01T10:00:00Z"),
        ("2026-03-01 10:00", IN_UTC, "2026-03-01T10:00:00Z"),
        ("2026-03-01 10:00:30.5", IN_UTC, "2026-03-01T10:00:30.500000Z"),
        ("2026-03-01 10:00:30,25 +0200", IN_UTC, "2026-03-01T08:00:30.250000Z"),
        ("2026-03-01T10:00+02", IN_UTC, "2026-03-01T08:00:00Z"),
        ("2026-03-30T23:59:59.9999996Z", IN_UTC, "2026-03-30T23:59:59.999999Z"),
        ("2026-03-01", IN_UTC, "2026-03-01T00:00:00Z"),
        ("2026-07-01", Moments(ZoneInfo("Europe/Paris"), AT_NOON), "2026-07-01T10:00:00Z"),
        ("2026-01-01 12:00", IN_PARIS, "2026-01-01T11:00:00Z"),
        ("19970101", by("%Y%m%d"), "1997-01-01T12:00:00Z"),
        ("2026033123", by("%Y%m%d%H"), "2026-03-31T23:00:00Z"),
        ("20260331235930123", by("%Y%m%d%H%M%S%f"), "2026-03-31T23:59:30.123000Z"),
        ("01/03/97", by("%d/%m/%y"), "1997-03-01T12:00:00Z"),
        ("01/03/68", by("%d/%m/%y"), "2068-03-01T12:00:00Z"),
        ("1/3/2026 7h", by("%d/%m/%Y %Hh"), "2026-03-01T07:00:00Z"),
        ("Mar 1, 2026 11:30 PM", by("%b %d, %Y %I:%M %p"), "2026-03-01T23:30:00Z"),
        ("2026-060", by("%Y-%j"), "2026-03-01T12:00:00Z"),
        ("2026-W10-1", by("%G-W%V-%u"), "2026-03-02T12:00:00Z"),
        ("100% 2026-03-01", by("100%% %Y-%m-%d"), "2026-03-01T12:00:00Z"),
    ],
)
def test_reads_a_moment_with_or_without_time_and_offset(text: str, moments: Moments, utc: str) -> None:
    assert moments.rfc3339(text) == utc


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026033123", "--date-format says what it is: epoch, .* or %Y%m%d%H"),
        ("20260331", "--date-format says what it is: %Y%m%d"),
        ("1774021512345", "--date-format says what it is: epoch-ms"),
        ("1774021512", "--date-format says what it is: epoch"),
        ("20260331235930", "--date-format says what it is: %Y%m%d%H%M%S"),
        ("2026-W10-1", "expected ISO 8601, such as"),
        ("2026-060", "expected ISO 8601"),
        ("20260331T235930Z", "expected ISO 8601"),
        ("2026-03", "expected ISO 8601"),
        ("2026-03-31T23", "expected ISO 8601"),
        ("2026-03-31T235930", "expected ISO 8601"),
        ("2026-03-31 24:00", "expected ISO 8601"),
        ("2026-03-31 23:30:00 UTC", "expected ISO 8601"),
        ("2026-03-31 23:30:00 PM", "expected ISO 8601"),
        ("2026-03-31T23:30:00+02:00:30", "expected ISO 8601"),
        ("٢٠٢٦-03-31", "expected ISO 8601"),
        ("2026-02-30", "day is out of range"),
        ("0000-01-01", "year 0 is out of range"),
        ("2026-03-31T23:30:00+24:00", "offset"),
        ("31.3.2026", "expected ISO 8601"),
        ("yesterday", "expected ISO 8601"),
        ("0001-01-01T00:00:00+05:00", "outside the years 1 to 9999"),
    ],
)
def test_refuses_what_is_no_moment_and_says_what_to_do(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(repr(text))}.*{words}"):
        IN_UTC.rfc3339(text)


@pytest.mark.parametrize(
    ("text", "date_format", "utc"),
    [
        ("1774021512", "epoch", "2026-03-20T15:45:12Z"),
        ("1774021512.3456789", "epoch", "2026-03-20T15:45:12.345678Z"),
        ("-1.5", "epoch", "1969-12-31T23:59:58.500000Z"),
        ("0", "epoch", "1970-01-01T00:00:00Z"),
        ("1774021512345", "epoch-ms", "2026-03-20T15:45:12.345000Z"),
        ("1774021512345.0", "epoch-ms", "2026-03-20T15:45:12.345000Z"),
    ],
)
def test_reads_numbers_since_1970_whatever_the_time_zone(text: str, date_format: str, utc: str) -> None:
    assert by(date_format, "Asia/Tokyo").rfc3339(text) == utc


@pytest.mark.parametrize(
    ("text", "date_format", "words"),
    [
        ("1774021512345", "epoch", "too large for seconds .* --date-format epoch-ms"),
        ("1774021512", "epoch-ms", "too small for milliseconds .* --date-format epoch "),
        ("1774021512345678", "epoch-ms", "too large for milliseconds"),
        ("1.774021512345E+12", "epoch-ms", "is not a number of milliseconds"),
        ("1_774_021_512", "epoch", "is not a number of seconds"),
        ("2026-03-31", "epoch", "is not a number of seconds"),
        ("-99999999999", "epoch", "outside the years 1 to 9999"),
        ("9" * 400, "epoch", "is not a number of seconds"),
    ],
)
def test_refuses_numbers_of_another_unit(text: str, date_format: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        by(date_format).rfc3339(text)


@pytest.mark.parametrize("zone", ["UTC", "utc", "GMT", "Z"])
def test_a_zone_name_means_what_it_says(zone: str) -> None:
    assert by("%Y-%m-%d %H:%M:%S %Z", "Asia/Tokyo").rfc3339(f"2026-03-31 23:30:00 {zone}") == "2026-03-31T23:30:00Z"
    assert by("%Z %Y-%m-%d", "Asia/Tokyo").rfc3339(f"{zone} 2026-03-31") == "2026-03-31T12:00:00Z"


@pytest.mark.parametrize("zone", ["CET", "EST", "JST", "AZT", "UTC+2", "Europe/Paris", ""])
def test_a_zone_name_that_is_not_exact_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="%Z reads UTC, GMT and Z only: for another zone give --timezone"):
        by("%Y-%m-%d %H:%M:%S %Z", "Asia/Tokyo").rfc3339(f"2026-03-31 23:30:00 {zone}")


@pytest.mark.parametrize(
    ("date_format", "words"),
    [
        ("%d/%m %H:%M", "needs a year, a month and a day"),
        ("%Y", "needs a year, a month and a day"),
        ("%Y-%m", "needs a year, a month and a day"),
        ("%H:%M", "needs a year, a month and a day"),
        ("", "needs a year, a month and a day"),
        ("%Y-%m-%d %I:%M", "%I and %p go together"),
        ("%Y-%m-%d %H:%M %p", "%I and %p go together"),
        ("%Y-%m-%d :%M", "need an hour"),
        ("%Y-%m-%d %Y", "%Y is given twice"),
        ("%Y-%m-%d %H:%M %z (%Z)", "%z has the offset already"),
        ("%s", "there is no %s; write epoch"),
        ("%Y-%m-%d %Q", "there is no %Q"),
        ("%Y-%m-%d %", "there is no %"),
        ("EPOCH", "needs a year, a month and a day"),
    ],
)
def test_refuses_a_format_that_leaves_something_to_guess(date_format: str, words: str) -> None:
    with pytest.raises(UserError, match=f"^--date-format {re.escape(date_format)}: .*{words}"):
        by(date_format)


@pytest.mark.parametrize(
    ("text", "date_format"), [("2026111", "%Y%m%d"), ("202633123", "%Y%m%d%H"), ("1-3", "%Y-%j")]
)
def test_digits_that_have_more_than_one_meaning_are_refused(text: str, date_format: str) -> None:
    with pytest.raises(ValueError, match="is not of the --date-format"):
        by(date_format).rfc3339(text)


def test_a_local_time_that_comes_twice_is_the_first_of_the_two() -> None:
    assert IN_PARIS.rfc3339("2026-10-25 02:30") == "2026-10-25T00:30:00Z"
    assert IN_PARIS.rfc3339("2026-10-25 03:00") == "2026-10-25T02:00:00Z"


def test_a_local_time_that_clocks_pass_over_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="2026-03-29 02:30 does not exist in Europe/Paris"):
        IN_PARIS.rfc3339("2026-03-29 02:30")
    assert IN_PARIS.rfc3339("2026-03-29 02:30+01:00") == "2026-03-29T01:30:00Z"


def test_a_day_without_the_hour_it_is_taken_at_begins_where_clocks_go_on() -> None:
    in_beirut = Moments(ZoneInfo("Asia/Beirut"))  # where clocks go from 0:00 to 1:00

    assert in_beirut.rfc3339("2026-03-29") == "2026-03-28T22:00:00Z"


@given(st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_what_is_read_is_what_was_written(moment: datetime) -> None:
    for text, moments in [
        (moment.isoformat(), IN_UTC),
        (f"{moment:%d.%m.%Y %H:%M:%S.%f GMT}", by("%d.%m.%Y %H:%M:%S.%f %Z", "Asia/Tokyo")),
        (f"{moment:%Y%m%d%H%M%S%f}", by("%Y%m%d%H%M%S%f")),
    ]:
        assert datetime.fromisoformat(moments.rfc3339(text)) == moment


@given(st.text("0123456789-:.TZ+ W", max_size=30))
def test_text_is_a_moment_or_refused_with_words(text: str) -> None:
    for moments in (IN_UTC, by("epoch"), by("epoch-ms"), by("%Y%m%d"), by("%Y-%m-%d %Z")):
        try:
            assert datetime.fromisoformat(moments.rfc3339(text)).tzinfo is not None
        except ValueError as error:
            assert len(str(error)) > 20
