"""The bridge: what records of another topic become, by their format and a mapping."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewTopic

from stream.ingest.bridge.formats import Format, Paths, Record
from stream.ingest.bridge.run import Bridge, event_of, run_bridge
from stream.ingest.dead_letters.handling import retry
from stream.ingest.dead_letters.remapping import Remapping
from stream.ingest.dead_letters.selection import Selection
from stream.ingest.protocols.mapping import parsed_mapping
from stream.ingest.protocols.protocol import Flaw
from stream.kafka.topics import create_topics, kafka_admin
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.stack.reading import records
from tests.stack.sending import KafkaRecord, send

CAME_MS, CAME = 1774958400000, "2026-03-31T12:00:00.000+00:00"
AT = "2026-03-31T11:00:00Z"
OURS = {"type": "login", "event_id": "1", "user_id": "ann", "timestamp": AT, "product": "app", "test": True}
ORDERS = """
[[event]]
names = ["orders.create", "placed"]
type = "purchase"
map.user_id = "customer.id"
map.order_id = "id"
map.amount_minor = "total*minor_units"
map.currency = "currency"
set.units = 1

[[event]]
names = ["orders.update"]
type = "subscription_cancelled"
where."@event.before.state" = "open"
where.state = "cancelled"
map.user_id = "customer.id"

[[event]]
names = ["orders.*"]
type = "ignore"
"""
ORDER = {"id": 7, "customer": {"id": 42}, "total": 12.5, "currency": "EUR", "state": "open"}
PURCHASE = {
    "type": "purchase",
    "user_id": "42",
    "order_id": "7",
    "amount_minor": 1250,
    "currency": "EUR",
    "units": 1,
    "event_id": "orders/3/17",
    "timestamp": CAME,
}


def becomes(
    value: Any, format_: Format = "json", *, headers: dict[str, bytes] | None = None, **bridge: Any
) -> dict[str, Any] | Flaw | str:
    text = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    paths = Paths.parse(bridge.pop("name", None), bridge.pop("time", None))
    wanted = Bridge("orders", format_, parsed_mapping(ORDERS, "my.toml"), paths, "group", **bridge)
    outcome = event_of(Record("orders", 3, 17, CAME_MS, text, headers or {}), wanted)
    if isinstance(outcome, tuple):
        event: dict[str, Any] = json.loads(outcome[2])
        return event
    return outcome


def test_json_of_our_own_contract_stays_as_it_is() -> None:
    assert becomes(OURS) == OURS


def test_json_is_called_what_its_type_says_or_like_its_topic() -> None:
    assert becomes({"type": "placed", **ORDER}) == PURCHASE
    assert becomes({"what": "placed", **ORDER}, name="what", time="when") == PURCHASE
    assert becomes({"what": "placed", "when": AT, **ORDER}, name="what", time="when", product="shop") == {
        **PURCHASE,
        "timestamp": AT,
        "product": "shop",
    }
    by_topic = becomes({**ORDER, "user_id": "42"})
    assert isinstance(by_topic, dict)
    assert (by_topic["type"], by_topic["feature"]) == ("feature_use", "orders")


def test_the_example_of_the_documentation_does_what_it_says() -> None:
    text = (Path(__file__).parents[2] / "docs" / "emit.md").read_text(encoding="utf-8")
    [example] = [each for each in re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S) if "orders.create" in each]
    created = {"op": "c", "before": None, "after": ORDER, "source": {"table": "orders", "ts_ms": CAME_MS}}
    bridge = Bridge("orders", "debezium", parsed_mapping(example, "emit.md"), Paths(), "group")
    outcome = event_of(Record("orders", 3, 17, CAME_MS, json.dumps(created).encode(), {}), bridge)
    assert isinstance(outcome, tuple)
    assert json.loads(outcome[2]) == PURCHASE


@pytest.mark.parametrize("binary", [False, True])
def test_cloudevents_stand_in_the_value_or_in_headers(binary: bool) -> None:
    attributes = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "com.shop.placed", "time": AT}
    if binary:
        headers = {f"ce_{name}": text.encode() for name, text in attributes.items()}
        event = becomes(ORDER, "cloudevents", headers=headers)
    else:
        event = becomes({**attributes, "data": ORDER}, "cloudevents")
    assert event == {**PURCHASE, "event_id": "/shop e1", "timestamp": AT}


def test_debezium_tells_of_rows() -> None:
    source = {"table": "orders", "ts_ms": CAME_MS}
    created = {"op": "c", "before": None, "after": ORDER, "source": source}
    assert becomes(created, "debezium") == becomes({"schema": {}, "payload": created}, "debezium") == PURCHASE
    cancelled = {"op": "u", "before": ORDER, "after": {**ORDER, "state": "cancelled"}, "source": source}
    event = becomes(cancelled, "debezium")
    assert isinstance(event, dict)
    assert (event["type"], event["user_id"]) == ("subscription_cancelled", "42")
    for nothing in (
        {"op": "u", "before": ORDER, "after": ORDER, "source": source},
        {"op": "d", "before": ORDER, "after": None, "source": source},
        {"op": "t", "source": source},
        None,
    ):
        assert becomes(nothing, "debezium") == "ignored"


@pytest.mark.parametrize(
    ("value", "format_", "reason"),
    [
        (b"{", "json", "not_json"),
        ([1], "json", "wrong_type"),
        ([1], "cloudevents", "wrong_type"),
        ({"type": "placed"}, "cloudevents", "wrong_type"),
        ({"op": "c"}, "debezium", "wrong_type"),
        ({"type": "placed", "id": 7}, "json", "missing_field"),
        ({**OURS, "timestamp": "noon"}, "json", "bad_timestamp"),
        ({"type": "login"}, "json", "no_customer"),
    ],
)
def test_what_cannot_be_mapped_is_said(value: Any, format_: Format, reason: str) -> None:
    outcome = becomes(value, format_)
    assert isinstance(outcome, Flaw)
    assert outcome.reason == reason


@pytest.fixture
async def theirs(settings: Settings) -> str:
    """A topic of somebody else's, beside ours."""
    await create_topics(settings, replication=1)
    topic = f"{settings.topic_prefix}theirs"
    async with kafka_admin(settings) as admin:
        await admin.create_topics([NewTopic(topic, 2, 1)])
    return topic


def bridge_to(topic: str, mapping: str) -> Bridge:
    return Bridge(topic, "json", parsed_mapping(mapping, "my.toml"), Paths(), f"{topic}-bridge")


async def test_a_broken_mapping_is_mended_and_its_letters_are_retried(settings: Settings, theirs: str) -> None:
    orders = [{"type": "placed", **ORDER, "id": number} for number in range(10)]
    settings = settings.model_copy(update={"kafka_rebalance_timeout": 1})
    await send(settings, [KafkaRecord("theirs", json.dumps(order).encode()) for order in orders])
    complaints: list[str] = []
    broken = bridge_to(theirs, ORDERS.replace('"customer.id"', '"client.id"'))
    passed = await run_bridge(settings, broken, complaints.append, until_end=True)
    assert (passed.events, passed.refused) == (0, {"no_customer": 10})
    assert all("expected an id of a user or a visitor" in complaint for complaint in complaints)

    mended = Remapping(bridge_to(theirs, ORDERS))
    for handled in (10, 0):
        outcome = await retry(settings, Selection(topics=[theirs]), mended, print, print, dry_run=False)
        assert (outcome.handled, outcome.refused.total()) == (handled, 0)
    arrived = [json.loads(each.value) for each in await records(settings, f"{settings.topic_prefix}commerce", 10)]
    assert sorted(event["order_id"] for event in arrived) == [str(number) for number in range(10)]
    assert {event["event_id"].rpartition("/")[0] for event in arrived} <= {f"{theirs}/0", f"{theirs}/1"}


async def test_a_topic_that_is_missing_or_our_own_is_refused(settings: Settings) -> None:
    await create_topics(settings, replication=1)
    for topic, words in (("nowhere", "has no topic nowhere"), (f"{settings.topic_prefix}clicks", "in a circle")):
        bridge = Bridge(topic, "json", parsed_mapping("", ""), Paths(), "group")
        with pytest.raises(UserError, match=words):
            await run_bridge(settings, bridge, print, until_end=True)
