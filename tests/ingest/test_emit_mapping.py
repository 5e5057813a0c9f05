"""Mapping: columns of text become fields of the types the schema asks for, exactly."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Rejected
from stream.ingest.mapping import Column, EventMapping
from stream.ingest.moments import Moments
from stream.runtime.errors import UserError

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
    [("11.77", 1177), ("0", 0), ("1.10", 110), ("12.", 1200), (".5", 50), ("92233720368547758.07", 2**63 - 1)],
)
def test_multiplies_decimals_exactly(text: str, minor: int) -> None:
    event = purchase({"amount": text}, amount_minor="amount*100", user_id="day")

    assert fields(event)["amount_minor"] == minor


@pytest.mark.parametrize(
    "text",
    [
        "eleven",
        "$12.50",
        "12,50",
        "1,234.50",
        "12.505",
        "1e3",
        "1_000",
        "1.5E+11",
        "NaN",
        "Infinity",
        "1e99",
        "١٢",
        "-",
        ".",
        "92233720368547758.08",
        "1" * 60,
        "1 000",
        "12.50 EUR",
    ],
)
def test_refuses_what_is_no_number_or_does_not_fit_and_names_the_column(text: str) -> None:
    event = purchase({"amount": text}, amount_minor="amount*100")

    assert isinstance(event, Rejected)
    assert event.reason == "wrong_type"
    assert event.detail.startswith(f"amount_minor: {text[:80]!r} ")
    assert event.detail.endswith(" (column amount)")


@pytest.mark.parametrize("text", ["3", "3.0", "+3", "3.00"])
def test_a_whole_number_may_be_written_as_a_float(text: str) -> None:
    assert fields(purchase({"n": text}, units="n"))["units"] == 3


@pytest.mark.parametrize("text", ["3.5", "1_000", "3,0", "2e1", "three"])
def test_refuses_a_count_that_is_not_whole(text: str) -> None:
    event = purchase({"n": text}, units="n")

    assert isinstance(event, Rejected)
    assert event.detail.startswith(f"units: {text!r} ")


@pytest.mark.parametrize("text", ["1001.0", "1001.00", "-7.0", "1.23457E+11", "1,23457E+11", "1e+5", "3E-7"])
def test_refuses_an_id_that_was_another_before_a_spreadsheet_or_data_frame_had_it(text: str) -> None:
    event = purchase({"who": text}, user_id="who")

    assert isinstance(event, Rejected)
    assert event.reason == "wrong_type"
    assert event.detail.startswith(f"user_id: {text!r} ")
    assert "export" in event.detail


@pytest.mark.parametrize("text", ["1001", "007", "1.5", "123e4567", "12e+", "v1.0", "1.0.0", "null", "-", "1,000"])
def test_takes_any_other_id_as_it_is(text: str) -> None:
    assert fields(purchase({"who": text}, user_id="who"))["user_id"] == text


def test_turns_text_into_the_integers_and_truth_values_of_the_schema() -> None:
    event = fields(purchase({"n": "3", "robot": "true", "who": "007"}, units="n", bot="robot", user_id="who"))

    assert (event["units"], event["bot"], event["user_id"]) == (3, True, "007")


def test_an_empty_cell_leaves_its_field_out() -> None:
    event = fields(purchase({"where": "", "who": "ann"}, channel="where", user_id="who"))

    assert "channel" not in event


def test_one_column_may_fill_two_fields() -> None:
    event = fields(purchase({"who": "ann"}, user_id="who", order_id="who"))

    assert (event["user_id"], event["order_id"]) == ("ann", "ann")


def test_says_what_a_type_needs_and_does_not_have() -> None:
    with pytest.raises(UserError, match="purchase needs amount_minor, currency, order_id, timestamp, units"):
        EventMapping("purchase", {}, {}, UTC_MIDNIGHT)
    with pytest.raises(UserError, match="channel: given by --map and by --set"):
        EventMapping("purchase", {"channel": Column("c")}, {"channel": "web"}, UTC_MIDNIGHT)
    with pytest.raises(UserError, match="--set event_id: every row would be a repeat"):
        EventMapping("login", {"timestamp": Column("t")}, {"event_id": "1"}, UTC_MIDNIGHT)
    with pytest.raises(UserError, match="--map user_id=u\\*100: user_id is no number"):
        EventMapping("login", {"timestamp": Column("t"), "user_id": Column("u", Decimal(100))}, {}, UTC_MIDNIGHT)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("units", "many", "'many' is not a number"),
        ("bot", "maybe", "'maybe' is not true or false"),
        ("timestamp", "20260331", "--date-format"),
    ],
)
def test_a_value_for_all_rows_that_no_row_can_have_is_a_mistake_of_the_command(
    field: str, text: str, words: str
) -> None:
    constants = {**PURCHASE, "timestamp": "2026-03-01", field: text}

    with pytest.raises(UserError, match=f"--set {field}={text}: .*{words}"):
        EventMapping("purchase", {"user_id": Column("u")}, constants, UTC_MIDNIGHT)


def test_a_heading_with_a_line_break_is_named_with_it_or_with_a_space() -> None:
    assert Column.parse("How likely\n is it?") == Column.parse(" How likely is it?") == Column("How likely is it?")
    assert Column.parse("Price\n(EUR)*100") == Column("Price (EUR)", Decimal(100))
