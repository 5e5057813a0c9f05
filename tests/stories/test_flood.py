"""A flood of label values: what is remembered and shown stays bounded, and the sums stay right."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from stream.store.keys import Keys
from tests.events import Event, login
from tests.stack.command import Assidu
from tests.stack.story import NEWEST, Story

CAMPAIGNS = 100_000
PRODUCTS = 2000
LIMIT = 20


def flood() -> list[Event]:
    """Every event of another campaign; a thousand customers; one click on each ten impressions."""
    chance = random.Random(3)
    return [
        {
            "type": "click" if number % 11 == 10 else "impression",
            "event_id": str(number),
            "user_id": f"customer-{chance.randrange(1000)}",
            "timestamp": (NEWEST - timedelta(minutes=chance.randrange(20 * 60))).isoformat(),
            "product": "app",
            "campaign": f"{chance.getrandbits(64):x}",
        }
        for number in range(CAMPAIGNS)
    ]


@pytest.mark.slow
def test_a_flood_of_campaigns_is_counted_as_other(assidu: Assidu) -> None:
    story = Story(assidu, label_limit=LIMIT)
    worker = story.worker()
    events = flood()
    story.emit(events)
    story.settle(120)

    samples = story.report(NEWEST + timedelta(minutes=1))["metrics"]
    impressions = by_campaign(samples, "engagement_impressions")
    clicks = by_campaign(samples, "engagement_clicks")
    assert len(impressions) == len(clicks) == LIMIT + 1
    assert impressions["other"] + clicks["other"] == CAMPAIGNS - LIMIT == story.counter("label_overflow:campaign")
    assert sum(clicks.values()) == sum(event["type"] == "click" for event in events)
    assert sum(impressions.values()) == sum(event["type"] == "impression" for event in events)
    exposed = {event["user_id"] for event in events}
    assert value(samples, "engagement_active_customers", window="24h") == len(
        {event["user_id"] for event in events if event["type"] == "click"}
    )
    assert value(samples, "engagement_clickthrough_ratio", window="24h", basis="customers") == pytest.approx(
        len({event["user_id"] for event in events if event["type"] == "click"}) / len(exposed)
    )
    # The record of a customer that saw a hundred campaigns is no larger than its share of the places.
    assert largest_record(story) < 2_000
    assert worker.child.running


def test_a_flood_of_products_is_counted_as_other(assidu: Assidu) -> None:
    """One login in each, all with the same event_id and of the same user: another person in each product."""
    story = Story(assidu)
    story.worker()
    products = [f"product-{number}" for number in range(PRODUCTS)]
    story.emit(login("42", NEWEST, "1", product=product) for product in [*products, *products[:500]])
    story.settle()

    samples = [each for each in story.report(NEWEST)["metrics"] if each["labels"].get("window") == "24h"]
    logins = by_product(samples, "engagement_events", type="login")
    assert len(logins) == 50 + 1
    assert sum(logins.values()) == PRODUCTS
    assert by_product(samples, "engagement_active_customers") == dict.fromkeys(logins, 1)
    assert story.counter("label_overflow:product") == PRODUCTS - 50
    assert story.counter("repeats") == 500


def by_product(samples: list[dict[str, Any]], name: str, **labels: str) -> dict[str, int]:
    return {
        each["labels"]["product"]: each["value"]
        for each in samples
        if each["name"] == name and labels.items() <= each["labels"].items()
    }


def by_campaign(samples: list[dict[str, Any]], name: str) -> dict[str, int]:
    return {
        each["labels"]["campaign"]: each["value"]
        for each in samples
        if each["name"] == name and each["labels"]["window"] == "24h"
    }


def value(samples: list[dict[str, Any]], name: str, **labels: str) -> Any:
    [found] = [each["value"] for each in samples if each["name"] == name and labels.items() <= each["labels"].items()]
    return found


def largest_record(story: Story) -> int:
    """Bytes of the longest customer record in Redis."""
    redis, keys = Redis.from_url(story.settings.redis.get_secret_value()), Keys(story.settings.namespace)
    return max(
        len(record)
        for shard in range(story.settings.partitions)
        for bucket in redis.scan_iter(f"{keys.shard(shard).customers}:*")
        for record in redis.hvals(bucket)
    )
