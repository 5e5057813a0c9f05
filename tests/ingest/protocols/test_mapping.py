"""The mapping file: what it can say, and what is said of its mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stream.ingest.protocols.mapping import parsed_mapping, read_mapping
from stream.ingest.protocols.protocol import Call
from stream.ingest.protocols.translate import translate
from stream.runtime.errors import UserError
from tests.ingest.protocols.calls import RECEIVED_MS, TIME, post, routed


def track(event: str, **properties: Any) -> Call:
    sent = {"type": "track", "event": event, "userId": "ada", "messageId": "m", "timestamp": TIME}
    return post("/v1/batch", {"batch": [{**sent, "properties": properties}]})


def becomes(text: str, call: Call) -> Any:
    """The one event, or why it is none."""
    found = translate(routed(call), parsed_mapping(text, "my.toml"), RECEIVED_MS)
    all_: list[Any] = [json.loads(value) for _, _, value in found.events]
    all_ += [*found.problems, *found.left_out]
    [only] = all_
    return only


LESSON = """
[[event]]
names = ["Lesson *"]
type = "interaction"
map.content = ["lesson.id", "lessons.0.id", "lesson.\\"the.name\\""]
set.content = "none"
set.action = "play"
"""


@pytest.mark.parametrize(
    ("properties", "content"),
    [
        ({"lesson": {"id": "a", "the.name": "b"}}, "a"),
        ({"lesson": {"id": "", "the.name": "b"}}, "b"),
        ({"lesson": 7, "lessons": [{"id": 3}]}, "3"),
        ({"lessons": []}, "none"),
        ({}, "none"),
    ],
)
def test_the_first_source_that_has_something_fills_a_field(properties: dict[str, Any], content: str) -> None:
    assert becomes(LESSON, track("Lesson 12 finished", **properties))["content"] == content


@pytest.mark.parametrize(
    ("source", "properties", "amount"),
    [
        ("price*100", {"price": 19.99}, 1999),
        ("price*minor_units", {"price": "19.99", "currency": "KWD"}, 19990),
        ("price*count*minor_units", {"price": 0.1, "count": 3, "currency": "EUR"}, 30),
        ("price*count*minor_units|x", {}, None),
        ("lines[].price|sum*minor_units", {"lines": [{"price": 1.1}, {}, {"price": 2.2}], "currency": "EUR"}, 330),
        ("cents", {"cents": 5.0}, 5),
    ],
)
def test_factors_and_filters(source: str, properties: dict[str, Any], amount: int | None) -> None:
    text = f"""
        [[event]]
        names = ["Paid"]
        type = "purchase"
        map.order_id = "@id"
        map.amount_minor = {json.dumps(source)}
        map.currency = "currency"
        set.currency = "EUR"
        set.units = 1
    """
    if amount is None:
        with pytest.raises(UserError, match="a filter stands behind the first path only"):
            parsed_mapping(text, "my.toml")
    else:
        assert becomes(text, track("Paid", **properties))["amount_minor"] == amount


CONDITIONS = """
[[event]]
names = ["Thing"]
protocols = ["segment"]
type = "login"
where.kind = ["in*", "[a]?", 7, true]
has = ["a", ["b", "c"]]

[[event]]
names = ["Thing"]
protocols = ["amplitude"]
type = "signup"
"""


@pytest.mark.parametrize(
    ("properties", "type_"),
    [
        ({"kind": "INside", "a": 1, "c": 0}, "login"),
        ({"kind": 7, "a": 1, "b": 1}, "login"),
        ({"kind": "[A]?", "a": 1, "b": 1}, "login"),
        ({"kind": "ab", "a": 1, "b": 1}, "feature_use"),
        ({"kind": True, "a": 1, "b": 1}, "login"),
        ({"kind": 1, "a": 1, "b": 1}, "feature_use"),
        ({"kind": "outside", "a": 1, "b": 1}, "feature_use"),
        ({"kind": "in", "a": "", "b": 1}, "feature_use"),
        ({"kind": "in", "a": 1}, "feature_use"),
        ({}, "feature_use"),
    ],
)
def test_conditions(properties: dict[str, Any], type_: str) -> None:
    assert becomes(CONDITIONS, track("thing", **properties))["type"] == type_


@pytest.mark.parametrize(
    "name", ["Order Completed", "order_completed", "orderCompleted", "ORDER-COMPLETED", "shop.order.completed"]
)
def test_one_name_however_it_is_written(name: str) -> None:
    assert becomes("", track(name, revenue=1))["type"] == "purchase"


def test_a_file_of_ones_own_is_asked_first_and_may_ignore() -> None:
    ignoring = '[[event]]\nnames = ["Order Completed"]\ntype = "ignore"'

    assert becomes(ignoring, track("Order Completed", revenue=1)) == "ignored"
    assert becomes('unmapped = "ignore"', track("Whatever")) == "ignored"
    assert becomes("junk_ids = ['ADA']", track("Whatever")).reason == "no_customer"


def test_a_currency_of_ones_own_holds_for_the_defaults_too() -> None:
    assert becomes('currency = "EUR"', track("Order Completed", revenue=1))["currency"] == "EUR"
    assert becomes('currency = ""', track("Order Completed", revenue=1)).detail.startswith(
        "amount_minor: its currency is missing"
    )


def test_ids_and_channel_may_come_from_elsewhere() -> None:
    text = """
        every.user_id = "member"
        every.channel = ["app", "@channel"]
    """
    found = becomes(text, track("x", member=7, app="kiosk"))

    assert (found["user_id"], found["channel"]) == ("7", "kiosk")


def test_the_example_of_the_documentation_does_what_it_says() -> None:
    text = (Path(__file__).parents[3] / "docs" / "emit.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    booking = {"number": 7, "price": 19.9}

    paid = becomes(example, track("Booking Paid", booking=booking, seats=[{"count": 2}, {}], member_no=3))
    assert (paid["order_id"], paid["amount_minor"], paid["currency"], paid["units"]) == ("7", 1990, "EUR", 2)
    assert paid["user_id"] == "3"
    lesson = becomes(example, track("lesson started", kind="Audiobook", lesson={"id": "l"}))
    assert (lesson["type"], lesson["content"], lesson["action"]) == ("interaction", "l", "play")
    assert becomes(example, track("Heartbeat")) == "ignored"


def test_every_mistake_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(
        """
[[event]]
names = ["a"]
type = "purchas"

[[event]]
names = ["b"]
type = "purchase"
map.order = "x"
set.units = -1
set.currency = "EUR"
map.amount_minor = "x**y"

[[event]]
type = "login"
protocols = ["segmnt"]
where = 7
colour = "red"

[[event]]
names = ["c"]
type = "login"
map.method = ["a|upper", "@names", "a*minor_units", 'a."b']
"""
    )

    with pytest.raises(UserError) as mistakes:
        read_mapping(path)

    assert str(mistakes.value).replace(str(path), "").splitlines() == [
        ":2: event 1 (a): type: there is no event type 'purchas'; the nearest: purchase",
        ":6: event 2 (b): map.amount_minor: 'x**y' is no source: write PATH, PATH|FILTER or PATH*FACTOR",
        ":6: event 2 (b): map: purchase has no field order; the nearest: order_id",
        ":6: event 2 (b): purchase needs order_id: add it to map or set",
        ":6: event 2 (b): set.units: Expected `int` >= 0",
        ":14: event 3: colour is not known here; the nearest: protocols",
        ":14: event 3: names: must be a list of strings, not empty, not None",
        ":14: event 3: protocols: segmnt is not known here; the nearest: segment",
        ":14: event 3: where: must be a table, not 7",
        ":20: event 4 (c): map.method: 'a.\"b' is no source: write PATH, PATH|FILTER or PATH*FACTOR",
        ":20: event 4 (c): map.method: *minor_units is for amounts only",
        ":20: event 4 (c): map.method: @names is unknown; there are @name, @id, @channel and @event.…",
        ":20: event 4 (c): map.method: there is no filter |upper; choose one of path, sum, count",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("junk_ids = 7", "my.toml: junk_ids: must be a list of strings, not 7"),
        ('currency = "euro"', "my.toml: currency: must be a code of ISO 4217, or empty, not 'euro'"),
        ("currency = []", "my.toml: currency: must be"),
        ('unmapped = "drop"', "my.toml: unmapped: must be feature_use or ignore, not 'drop'"),
        ("every = 1", "my.toml: every: must be a table: [every], not 1"),
        ('every.chanel = "x"', "my.toml: every: chanel is not known here; the nearest: channel"),
        ('every.bot = "a|b"', "my.toml: every.bot: there is no filter |b"),
        ("every.bot = 7", "my.toml: every.bot: must be a source or a list of them, not 7"),
        ("event = 1", "my.toml: event: must be tables: [[event]], not 1"),
        ("events = []", "my.toml: the file: events is not known here; the nearest: event"),
        ("[[event]", "my.toml is not TOML:"),
    ],
)
def test_mistakes_of_the_whole_file(text: str, words: str) -> None:
    with pytest.raises(UserError) as mistake:
        parsed_mapping(text, "my.toml")
    assert str(mistake.value).startswith(words)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_mapping(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'currency = "\xe9"')
    with pytest.raises(UserError, match="is not UTF-8"):
        read_mapping(tmp_path / "latin.toml")
