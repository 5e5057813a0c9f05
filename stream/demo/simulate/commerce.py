"""Commerce: orders item by item, what of them is sent back, and what it costs to find customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from stream.demo.simulate.scheduler import Step
from stream.demo.simulate.session import Event, Session

CURRENCY = "EUR"
DAY_SECONDS = 86_400.0
DAYS_OF_A_CAMPAIGN = 7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def order(session: Session, rng: Random, delay_seconds: float) -> Iterator[Step]:
    """One line item, or a few; in some cases one is sent back in the weeks after."""
    order_id = f"{rng.randrange(10**10):010}"
    while True:
        amount_minor, units = rng.randrange(500, 12_000), rng.randint(1, 3)
        bought = partial(session.purchase, order_id=order_id, amount_minor=amount_minor, units=units)
        sent_back = _sent_back(session, order_id, amount_minor, units, rng) if rng.random() < 0.08 else None
        yield Step(delay_seconds, bought, sent_back)
        if rng.random() < 0.7:
            return
        delay_seconds = 1.0


def _sent_back(session: Session, order_id: str, amount_minor: int, units: int, rng: Random) -> Iterator[Step]:
    """A piece or all of the line item; some exchange it, and are paid nothing."""
    returned = rng.randint(1, units)
    paid_back = amount_minor * returned // units if rng.random() < 0.85 else None
    act = partial(session.send_back, order_id=order_id, amount_minor=paid_back, units=returned)
    yield Step(rng.uniform(1, 20) * DAY_SECONDS, act)


def spending(product: str, rng: Random, new_id: Callable[[], str]) -> Iterator[Step]:
    """Every day something for marketing, and once a week for sales."""
    day = 0
    while True:
        day += 1
        yield Step(DAY_SECONDS, partial(_spent, product, new_id, "marketing", rng.randrange(4_000, 12_000)))
        if day % DAYS_OF_A_CAMPAIGN == 0:
            yield Step(0, partial(_spent, product, new_id, "sales", rng.randrange(10_000, 40_000)))


def _spent(product: str, new_id: Callable[[], str], kind: str, amount_minor: int, at_ms: int) -> Event:
    """Of the product as a whole: it names no customer."""
    return {
        "event_id": new_id(),
        "type": "spend",
        "timestamp": (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds"),
        "product": product,
        "kind": kind,
        "amount_minor": amount_minor,
        "currency": CURRENCY,
    }
