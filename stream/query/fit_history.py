"""A history: the active days of a product's customers, out of a stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import numpy as np

from schemas import DEFAULT_PRODUCT, Event
from stream.core.time import Calendar, minute_of
from stream.indicators.churn.fit.examples import History
from stream.indicators.families.activity import makes_active
from stream.runtime.errors import UserError


def whose(product: str | None) -> str:
    """The product whose customers are meant."""
    return product or DEFAULT_PRODUCT


async def read_history(events: AsyncIterator[Event], product: str, zone: ZoneInfo) -> History:
    """What the events of the product say. Raises UserError where none makes a customer active."""
    calendar = Calendar(zone)
    numbers: dict[str, int] = {}
    who: list[int] = []
    days: list[int] = []
    async for event in events:
        if event.product == product and not event.bot and not event.test and makes_active(event):
            who.append(numbers.setdefault(event.customer, len(numbers)))
            days.append(calendar.day(minute_of(event.epoch_ms)))
    if not days:
        raise UserError(f"no event of product {product!r} makes a customer active: name another by --product")
    return History(np.array(who, np.int64), np.array(days, np.int64))
