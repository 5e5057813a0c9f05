"""Customers on their way over a threshold of churn risk."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from math import log, log2
from typing import Any

from tests.events import Event

DAY = timedelta(days=1)
MEDIUM, HIGH = log(0.4 / 0.6), log(0.7 / 0.3)
SECONDS_A_DAY = 86_400

_numbers = count()


def login(user: str, at: datetime, **fields: Any) -> Event:
    return event("login", user, at, **fields)


def event(type_: str, user: str, at: datetime, **fields: Any) -> Event:
    return {
        "event_id": f"level-change-{next(_numbers)}",
        "type": type_,
        "user_id": user,
        "timestamp": at.isoformat(),
        "product": "app",
        "channel": "web",
        **fields,
    }


def silence_until(threshold: float, active_days: int) -> float:
    """Seconds of silence after which a customer active on so many days in a row is at the threshold (METRICS)."""
    activity = sum(2 ** (-age / 14) for age in range(active_days))
    gap = (30 + active_days - 1) / active_days
    return (threshold + 0.5 + 0.7 * log2(activity)) / (0.7 / 14 + 0.3 / gap) * SECONDS_A_DAY
