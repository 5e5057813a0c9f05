"""The events that count: without repeats, bots and tests, with their time in milliseconds, minutes and local days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

TYPES_OF_TOPIC = {
    "clicks": "impression click interaction",
    "logins": "login signup",
    "sessions": "page_view session",
    "surveys": "survey_sent survey_response",
    "usage": "feature_use contribution social_action social_reach loyalty_action referral attendance",
    "commerce": "purchase product_return subscription_started subscription_renewed subscription_cancelled spend",
    "support": "ticket_opened ticket_replied ticket_resolved ticket_reopened",
    "messages": "message_delivered message_opened message_clicked",
    "identity": "identify alias erase",
}
TOPIC_OF_TYPE = {type_: topic for topic, types in TYPES_OF_TOPIC.items() for type_ in types.split()}
ALWAYS_ACTIVE = (
    "click interaction login signup page_view session survey_response feature_use contribution social_action "
    "loyalty_action referral purchase subscription_started ticket_opened".split()
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND, MINUTE = timedelta(milliseconds=1), timedelta(minutes=1)

Group = TypeVar("Group", str, tuple[str, ...])


@dataclass(frozen=True)
class CountedEvent:
    """An event that counts; `ms` and `minute` since the epoch, `day` the ordinal of its local day.

    `fields` is the event as it was emitted.
    """

    event_id: str
    product: str
    customer: str
    channel: str
    type: str
    active: bool
    ms: int
    minute: int
    day: int
    fields: Mapping[str, Any]


def counted_events(events: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> list[CountedEvent]:
    """Without repeats (topic, product, customer and event_id of an earlier event), bots and tests."""
    seen: set[tuple[str, str, str, str]] = set()
    counted = []
    for event in map(without_empty, events):
        identity = (TOPIC_OF_TYPE[event["type"]], product_of(event), customer_of(event), event["event_id"])
        if identity not in seen and not event.get("bot") and not event.get("test"):
            counted.append(counted_event(event, zone))
        seen.add(identity)
    return counted


def without_empty(event: Mapping[str, Any]) -> dict[str, Any]:
    """A field left empty is one left out."""
    given = {name: value for name, value in event.items() if value not in ("", None)}
    return {name: without_empty(value) if isinstance(value, Mapping) else value for name, value in given.items()}


def product_of(event: Mapping[str, Any]) -> str:
    return str(event.get("product", "default"))


def customer_of(event: Mapping[str, Any]) -> str:
    for prefix, field in (("u", "user_id"), ("a", "anonymous_id")):
        if event.get(field) is not None:
            return f"{prefix}:{event[field]}"
    return f"p:{product_of(event)}"  # of a product as a whole, such as spend


def counted_event(event: Mapping[str, Any], zone: ZoneInfo) -> CountedEvent:
    moment = datetime.fromisoformat(event["timestamp"])
    return CountedEvent(
        event_id=event["event_id"],
        product=product_of(event),
        customer=customer_of(event),
        channel=event.get("channel", "unknown"),
        type=event["type"],
        active=is_active(event),
        ms=(moment - EPOCH) // MILLISECOND,
        minute=minute_of(moment),
        day=moment.astimezone(zone).toordinal(),
        fields=event,
    )


def minute_of(moment: datetime) -> int:
    return (moment - EPOCH) // MINUTE


def day_of(minute: int, zone: ZoneInfo) -> int:
    return (EPOCH + minute * MINUTE).astimezone(zone).toordinal()


def is_active(event: Mapping[str, Any]) -> bool:
    match event["type"]:
        case "attendance":
            return bool(event["status"] == "attended")
        case "ticket_replied":
            return bool(event["by"] == "customer")
        case "message_clicked":
            return not event.get("machine")
        case type_:
            return type_ in ALWAYS_ACTIVE


def of_one_survey(event: CountedEvent) -> bool:
    """What found no place is `other`: many surveys, or the surveys of many products, which do not compare."""
    return "other" not in (event.product, event.fields["survey_id"])


def of_types(history: Iterable[CountedEvent], *types: str) -> list[CountedEvent]:
    return [event for event in history if event.type in types]


def grouped(
    events: Iterable[CountedEvent], group_of: Callable[[CountedEvent], Group]
) -> dict[Group, list[CountedEvent]]:
    groups: dict[Group, list[CountedEvent]] = {}
    for event in events:
        groups.setdefault(group_of(event), []).append(event)
    return groups


def by_channel(events: Iterable[CountedEvent]) -> dict[str, list[CountedEvent]]:
    return grouped(events, lambda event: event.channel)


def by_customer(events: Iterable[CountedEvent]) -> dict[str, list[CountedEvent]]:
    return grouped(events, lambda event: event.customer)


def customers(events: Iterable[CountedEvent]) -> int:
    """How many distinct customers they are of."""
    return len({event.customer for event in events})
