"""Mapping: columns of text become fields of the types the schema asks for, exactly."""

from __future__ import annotations

import json
from datetime import time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Rejected
from stream.emit.mapping import Column, EventMapping, Moments
from stream.errors import UserError

UTC_MIDNIGHT = Moments(ZoneInfo("UTC"))
PURCHASE = {"order_id": "17", "amount_minor": "0", "currency": "USD", "units": "1"}


def purchase(cells: dict[str, str], **columns: str) -> bytes | Rejected:
    constants = {name: text for name, text in PURCHASE.items() if name not in columns}
    sources = {field: Column.parse(text) for field, text in {"timestamp": "day", **columns}.items()}
    return EventMapping("purchase", sources, constants, UTC_MIDNIGHT).event({"day": "2026-03-01", **cells}, "e1")


def fields(event: bytes | Rejected) -> dict[str, Any]:
    assert isinstance(event, bytes), event
    decoded: dict[str, Any] = json.loads(event)
    return decoded


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("amount", Column("amount")),
        ("amount*100", Column("amount", Decimal(100))),
        ("amount*0.01", Column("amount", Decimal("0.01"))),
        ("a*b", Column("a*b")),
        ("a*2*3", Column("a*2", Decimal(3))),
    ],
)
def test_a_column_may_carry_a_factor(text: str, column: Column) -> None:
    assert Column.parse(text) == column


@pytest.mark.parametrize(
    ("text", "minor"),
    [("11.77", 1177), ("0", 0), ("1.10", 110), ("92233720368547758.07", 2**63 - 1), ("1e3", 100_000)],
)
def test_multiplies_decimals_exactly(text: str, minor: int) -> None:
    event = purchase({"amount": text}, amount_minor="amount*100", user_id="day")

    assert fields(event)["amount_minor"] == minor


@pytest.mark.parametrize("text", ["eleven", "$1", "1,50", "NaN", "Infinity", "1e99", "1" * 60])
def test_refuses_what_is_no_number_or_does_not_fit(text: str) -> None:
    event = purchase({"amount": text}, amount_minor="amount*100")

    assert isinstance(event, Rejected)
    assert event.reason == "wrong_type"
    assert event.detail.startswith("amount_minor: ")


def test_turns_text_into_the_integers_and_truth_values_of_the_schema() -> None:
    event = fields(purchase({"n": "3", "robot": "true", "who": "007"}, units="n", bot="robot", user_id="who"))

    assert (event["units"], event["bot"], event["user_id"]) == (3, True, "007")


def test_an_empty_cell_leaves_its_field_out() -> None:
    event = fields(purchase({"where": "", "who": "ann"}, channel="where", user_id="who"))

    assert event["channel"] == "unknown"


@pytest.mark.parametrize(
    ("text", "moments", "utc"),
    [
        ("2026-03-01T10:00:00+02:00", UTC_MIDNIGHT, "2026-03-01T08:00:00+00:00"),
        ("2026-03-01T10:00:00Z", UTC_MIDNIGHT, "2026-03-01T10:00:00+00:00"),
        ("2026-03-01 10:00", UTC_MIDNIGHT, "2026-03-01T10:00:00+00:00"),
        ("2026-03-01 10:00:30.5", UTC_MIDNIGHT, "2026-03-01T10:00:30.500000+00:00"),
        ("2026-03-01", UTC_MIDNIGHT, "2026-03-01T00:00:00+00:00"),
        ("19970101", Moments(ZoneInfo("UTC"), time(12)), "1997-01-01T12:00:00+00:00"),
        ("2026-07-01", Moments(ZoneInfo("Europe/Paris"), time(12)), "2026-07-01T10:00:00+00:00"),
        ("2026-01-01 12:00", Moments(ZoneInfo("Europe/Paris")), "2026-01-01T11:00:00+00:00"),
        ("01/03/97", Moments(ZoneInfo("UTC"), time(12), "%d/%m/%y"), "1997-03-01T12:00:00+00:00"),
        ("1/3/2026 7h", Moments(ZoneInfo("UTC"), time(12), "%d/%m/%Y %Hh"), "2026-03-01T07:00:00+00:00"),
    ],
)
def test_reads_a_moment_with_or_without_time_and_offset(text: str, moments: Moments, utc: str) -> None:
    assert moments.rfc3339(text) == utc


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "1.3.2026", "0001-01-01T00:00:00+05:00"])
def test_refuses_what_is_no_moment(day: str) -> None:
    event = purchase({"day": day})

    assert isinstance(event, Rejected)
    assert event.reason == "bad_timestamp"


def test_says_what_a_type_needs_and_does_not_have() -> None:
    with pytest.raises(UserError, match="purchase needs amount_minor, currency, order_id, timestamp, units"):
        EventMapping("purchase", {}, {}, UTC_MIDNIGHT)
    with pytest.raises(UserError, match="channel: given by --map and by --set"):
        EventMapping("purchase", {"channel": Column("c")}, {"channel": "web"}, UTC_MIDNIGHT)
