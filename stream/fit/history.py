"""A history: the active days of a product's customers, read from a file of events."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np

from schemas import Event, Rejected, decode
from stream.core.time import Calendar, minute_of
from stream.emit.file import BadLines
from stream.emit.input import Input
from stream.emit.lines import Checked
from stream.errors import UserError
from stream.fit.examples import History
from stream.metrics.activity import makes_active
from stream.progress import progress


async def read_history(
    source: Input, chunks: AsyncIterator[list[Checked]], product: str, calendar: Calendar, bad: BadLines
) -> History:
    """What the events of the product say. Raises UserError where none makes a customer active."""
    numbers: dict[str, int] = {}
    who: list[int] = []
    days: list[int] = []
    with progress() as bars:
        bar = bars.add_task("reading events", total=source.size_bytes())
        async for chunk in chunks:
            for line, record in chunk:
                if isinstance(record, Rejected):
                    bad.add(line, record)
                    continue
                event = decode(record.value, record.family)
                if isinstance(event, Event) and _counts(event, product):
                    who.append(numbers.setdefault(event.customer, len(numbers)))
                    days.append(calendar.day(minute_of(event.epoch_ms)))
            bars.update(bar, completed=source.read_bytes() if bars.tasks[bar].total else None)
    if not days:
        raise UserError(f"no event of product {product!r} makes a customer active: name another by --product")
    return History(np.array(who, np.int64), np.array(days, np.int64))


def _counts(event: Event, product: str) -> bool:
    return event.product == product and not event.bot and not event.test and makes_active(event)
