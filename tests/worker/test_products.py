"""Products are bounded, once for the whole deployment; nothing of what finds no place is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from redis.asyncio import Redis

from schemas import Event
from stream.core.time import Calendar
from stream.indicators.families.activity import ACTIVE, EVENTS
from stream.store.keys import customer_key
from stream.store.labels import ProductBook
from stream.worker.products import placed, products_of
from tests.events import login
from tests.histories import State, arrived, decoded

PRODUCTS, LIMIT, TODAY = 2000, 50, 20_000
NEWEST = datetime(2026, 3, 31, 12, tzinfo=UTC)


def logins() -> list[Event]:
    """One in each product; the customers are few, and the same ids stand for others in other products."""
    return [
        decoded(login(f"{number % 7}", NEWEST - timedelta(minutes=number % 60), str(number), product=f"p-{number}"))
        for number in range(PRODUCTS)
    ]


class Shard:
    """One of several that fold at the same time."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self.state = State(Calendar(UTC))  # type: ignore[arg-type]
        self.counters: Counter[str] = Counter()
        self._redis, self._namespace = redis, namespace
        self.restart()

    def restart(self) -> None:
        self._book = ProductBook(self._redis, self._namespace, LIMIT)

    async def take(self, events: Sequence[Event]) -> None:
        some = arrived(events)
        await self._book.learn(products_of(some), TODAY)
        some = placed(some, self._book.place, {0: self.counters})
        assert some.keys == [customer_key(event.product, event.customer) for event in some.events]
        self.state.take([some.events])


async def test_thousands_of_products_leave_fifty_and_other_however_batches_are_cut(
    redis: Redis,
    namespace: str,
) -> None:
    shards = [Shard(redis, namespace) for _ in range(3)]
    for seed in (1, 2):  # and all once more, in another order, after a restart
        chance = random.Random(seed)
        events = chance.sample(logins(), PRODUCTS)
        cuts = sorted(chance.choices(range(PRODUCTS + 1), k=20))
        for start, end in pairwise([0, *cuts, PRODUCTS]):
            some = events[start:end]
            for number, shard in enumerate(shards):
                await shard.take([event for event in some if int(event.customer_id) % 3 == number])
        for shard in shards:
            shard.restart()

    shown = {product for shard in shards for product in shard.state.table.products}
    assert len(shown) == LIMIT + 1
    assert "other" in shown
    assert total(shards, EVENTS.name) == 2 * PRODUCTS
    assert sum(shard.counters["label_overflow:product"] for shard in shards) == 2 * (PRODUCTS - LIMIT)
    # In `other` a customer of several products is one; each of the fifty has the one that it had.
    assert total(shards, ACTIVE.name) == LIMIT + 7


def total(shards: Sequence[Shard], series: str) -> int:
    tables = [shard.state.table for shard in shards]
    return sum(
        int(table.cells_of(key).cells()[1].sum())
        for table in tables
        for product in table.products
        for key in table.keys(series, product)
    )


async def test_the_default_product_and_other_take_no_place(redis: Redis, namespace: str) -> None:
    book = ProductBook(redis, namespace, limit=1)
    await book.learn(["default", "other", "app", "shop"], TODAY)
    assert [book.place(product) for product in ("default", "other", "app", "shop")] == [
        "default",
        "other",
        "app",
        "other",
    ]


async def test_a_product_unused_for_35_days_gives_up_its_place(redis: Redis, namespace: str) -> None:
    book = ProductBook(redis, namespace, limit=1)
    for today, product, expected in ((100, "app", "app"), (135, "shop", "other"), (136, "shop", "shop")):
        await book.learn([product], today)
        assert book.place(product) == expected


def test_where_every_product_has_a_place_nothing_is_touched() -> None:
    some = arrived(logins()[:3])

    assert placed(some, lambda product: product, {}) is some
