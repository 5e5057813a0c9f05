"""Bounded labels and products: a value is admitted once per deployment, or it is folded into `other`."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

from schemas import DEFAULT_PRODUCT
from stream.core.event_columns import NONE, OTHER
from stream.core.series import Table
from stream.store.keys import Keys
from stream.store.places import PlaceBook


async def drop_released(redis: Redis, namespace: str, table: Table) -> None:
    """Let the table go of what is empty and bears a label value, or is of a product, that has given up its place."""
    keys = Keys(namespace)
    bounded = [(product, label) for product in table.products for label in table.labels]
    async with redis.pipeline(transaction=False) as pipe:
        for key in (keys.products, *(keys.labels(*each) for each in bounded)):
            pipe.zrange(key, 0, -1)
        products, *values = [{name.decode() for name in names} for names in await pipe.execute()]
    admitted = dict(zip(bounded, values, strict=True))

    def shown(product: str, label: str, value: str) -> bool:
        places = admitted[product, label]  # none at all: the label is not a bounded one
        return not places or value in places or value in (OTHER, NONE)

    table.release(lambda product: product in products or product in (DEFAULT_PRODUCT, OTHER), shown)


class LabelBook:
    """The labels of each product. `other` and `none` take no place."""

    def __init__(self, redis: Redis, namespace: str, limit: int) -> None:
        self._keys = Keys(namespace)
        self._book = PlaceBook(redis, limit)
        self.forget = self._book.forget

    async def learn(self, wanted: Iterable[tuple[str, str, str]], today: int) -> None:
        """Ask Redis about (product, label, value) not asked about today; `today` in days since the epoch."""
        values: dict[str, list[str]] = {}
        for product, label, value in wanted:
            if value not in (OTHER, NONE):
                values.setdefault(self._keys.labels(product, label), []).append(value)
        for key, some in values.items():
            await self._book.learn(key, some, today)

    def place(self, product: str, label: str, value: str) -> str:
        """The value itself, or `other`; what was not learnt before has no place."""
        has_place = value == NONE or self._book.has_place(self._keys.labels(product, label), value)
        return value if has_place else OTHER


class ProductBook:
    """The products. The default one and `other` take no place."""

    def __init__(self, redis: Redis, namespace: str, limit: int) -> None:
        self._key = Keys(namespace).products
        self._book = PlaceBook(redis, limit)
        self.forget = self._book.forget

    async def learn(self, products: Iterable[str], today: int) -> None:
        """Ask Redis about products not asked about today; `today` in days since the epoch."""
        wanted = [product for product in products if product not in (DEFAULT_PRODUCT, OTHER)]
        await self._book.learn(self._key, wanted, today)

    def place(self, product: str) -> str:
        """The product itself, or `other`; what was not learnt before has no place."""
        return product if product == DEFAULT_PRODUCT or self._book.has_place(self._key, product) else OTHER
