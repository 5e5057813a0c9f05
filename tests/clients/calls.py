"""What every client is told to say, each in its own way, and what ought to become of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.events import Event

Call = dict[str, Any]

MADE_BY_CLIENTS = ("event_id", "timestamp", "product", "channel", "anonymous_id", "session_id")
"""Of an event that arrived: what a client or the collector makes by itself."""


def calls(*users: str) -> list[Call]:
    """Four of each user's: `call` is page, identify or track."""
    return [call for user in users for call in _calls(user)]


def _calls(user: str) -> list[Call]:
    order = {
        "order_id": f"order of {user}",
        "revenue": 19.9,
        "currency": "EUR",
        "products": [{"product_id": "mug", "quantity": 2}],
    }
    return [
        {"call": "page", "user": user, "url": "https://shop.example/pricing?from=mail", "title": "Pricing"},
        {"call": "identify", "user": user, "traits": {"plan": "pro", "country": "FR"}},
        {"call": "track", "user": user, "event": "Order Completed", "properties": order},
        {"call": "track", "user": user, "event": "Lesson Finished", "properties": {"lesson": "kafka"}},
    ]


def expected(said: Iterable[Call], feature: str, identifies: bool) -> list[Event]:
    """Our events, without what is made on the way.

    feature     how the client calls the finished lesson
    identifies  whether it can tell traits
    """
    return [_expected(call, feature) for call in said if identifies or call["call"] != "identify"]


def _expected(call: Call, feature: str) -> Event:
    user = {"user_id": call["user"]}
    match call:
        case {"call": "page"}:
            return {"type": "page_view", "page": "/pricing", **user}
        case {"call": "identify"}:
            return {"type": "identify", "traits": call["traits"], **user}
        case {"event": "Order Completed"}:
            order_id = call["properties"]["order_id"]
            return {
                "type": "purchase",
                "order_id": order_id,
                "amount_minor": 1990,
                "currency": "EUR",
                "units": 2,
                **user,
            }
        case _:
            return {"type": "feature_use", "feature": feature, **user}


def shape(events: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Comparable: without what is made on the way, and in one order."""
    bare = [{name: value for name, value in each.items() if name not in MADE_BY_CLIENTS} for each in events]
    return sorted(bare, key=lambda each: (each.get("user_id", ""), each["type"]))
