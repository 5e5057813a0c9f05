"""Seeded histories of test events: plain dicts, as products emit them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

OF_PRODUCTS = ("spend", "social_reach")
"""Types of events that name no customer."""
_OWN_FIELDS: dict[str, Callable[[random.Random], Event]] = {
    "impression": lambda chance: {"campaign": chance.choice(["spring", "autumn"]), "content": "article"},
    "click": lambda chance: {"campaign": "spring", "element": "buy"} if chance.random() < 0.5 else {},
    "interaction": lambda chance: {"content": "article", "action": chance.choice(["like", "play"])},
    "login": lambda chance: {},
    "signup": lambda chance: {"plan": "free"},
    "page_view": lambda chance: {"page": "/", "duration_ms": chance.randrange(60_000)},
    "session": lambda chance: {"session_id": "visit", "duration_ms": 60_000, "page_views": 3},
    "survey_sent": lambda chance: {"survey": chance.choice(["nps", "csat", "ces"]), "survey_id": "spring"},
    "survey_response": lambda chance: _answer(chance),
    "purchase": lambda chance: {
        "order_id": f"{chance.getrandbits(4):x}",
        "amount_minor": chance.randrange(1, 100_000),
        "currency": chance.choice(["EUR", "EUR", "JPY"]),
        "units": 1,
    },
    "product_return": lambda chance: {
        "order_id": f"{chance.getrandbits(4):x}",
        "amount_minor": chance.randrange(20_000),
        "currency": "EUR",
        "units": 1,
    },
    "spend": lambda chance: {"kind": "sales", "amount_minor": chance.randrange(9_000), "currency": "EUR"},
}


def history(
    seed: int,
    count: int,
    newest: datetime,
    *,
    days: int = 75,
    customers: int = 300,
    products: tuple[str, ...] = ("app", "shop"),
    channels: tuple[str, ...] = ("web", "ios", "store"),
) -> list[Event]:
    """`count` events in the order of their timestamps, over the `days` before `newest`; one lies at `newest`.

    Some are bots' and tests', some visitors are anonymous, some ids are shared by a user and a visitor, some
    timestamps lie on the edges of the rolling windows. Event ids are unique within the seed.
    """
    chance = random.Random(seed)
    moments = sorted(newest - _ago(chance, days) for _ in range(count - 1))
    return [
        {
            "type": (type_ := chance.choice(list(_OWN_FIELDS))),
            "event_id": f"{seed}-{number}",
            "timestamp": moment.isoformat(timespec="milliseconds"),
            "product": chance.choice(products),
            "channel": chance.choice(channels),
            **({} if type_ in OF_PRODUCTS else _customer(chance, customers)),
            **_left_out(chance),
            **_OWN_FIELDS[type_](chance),
        }
        for number, moment in enumerate([*moments, newest])
    ]


def _answer(chance: random.Random) -> Event:
    survey, scale = chance.choice(
        [
            ("nps", "0-10"),
            ("nps", "1-10"),
            ("csat", "1-5"),
            ("csat", "1-7"),
            ("ces", "1-3"),
            ("ces", "1-7"),
            ("ces", "1-10"),
        ]
    )
    first, last = map(int, scale.split("-"))
    return {
        "survey": survey,
        "survey_id": "spring",
        "scale": scale,
        "score": chance.randint(first, last),
        "reversed": chance.random() < 0.2,
        "themes": chance.sample(["price", "speed", "help"], chance.randrange(3)),
        "sentiment": chance.choice(["positive", "neutral", "negative"]),
    }


def login(customer: str, at: datetime, event_id: str, **fields: object) -> Event:
    """A single activity, for stories told event by event."""
    return {
        "type": "login",
        "event_id": event_id,
        "user_id": customer,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        **fields,
    }


def _ago(chance: random.Random, days: int) -> timedelta:
    """Mostly anywhere; more in the last week than before, and now and then exactly on the edge of a window."""
    draw = chance.random()
    if draw < 0.02:
        return timedelta(days=chance.choice([1, 7, 30]), minutes=chance.choice([-1, 0, 1]))
    return timedelta(milliseconds=chance.randrange((7 if draw < 0.3 else days) * 86_400_000))


def _customer(chance: random.Random, customers: int) -> Event:
    # A few customers do most, as in real life.
    name = f"customer-{int(customers * chance.random() ** 2)}"
    match chance.randrange(10):
        case 0:
            return {"anonymous_id": name}
        case 1:
            return {"user_id": name, "anonymous_id": f"device-of-{name}"}
        case _:
            return {"user_id": name}


def _left_out(chance: random.Random) -> Event:
    draw = chance.random()
    if draw < 0.02:
        return {"bot": True}
    return {"test": True} if draw < 0.03 else {}
