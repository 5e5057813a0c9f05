"""Bounded labels: a value is admitted once per deployment, or it is folded into `other`."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

from stream.core.facts import NONE, OTHER
from stream.core.series import Table
from stream.store.connect import script
from stream.store.keys import Keys


async def drop_released(redis: Redis, namespace: str, table: Table) -> None:
    """Let the table go of what is empty and bears a label value that has given up its place."""
    keys = Keys(namespace)
    admitted: dict[tuple[str, str], set[str]] = {}
    for product in table.products:
        for label in table.labels:
            names = await redis.hkeys(keys.labels(product, label))
            admitted[product, label] = {name.decode() for name in names}

    def shown(product: str, label: str, value: str) -> bool:
        places = admitted[product, label]  # none at all: the label is not a bounded one
        return not places or value in places or value in (OTHER, NONE)

    table.release(shown)


class LabelBook:
    """Which label values have a place, as far as this process has asked."""

    def __init__(self, redis: Redis, namespace: str, limit: int) -> None:
        self._keys = Keys(namespace)
        self._admit = script(redis, "admit")
        self._limit = limit
        self._day = -1
        self._asked: set[tuple[str, str, str]] = set()
        self._admitted: set[tuple[str, str, str]] = set()

    async def learn(self, wanted: Iterable[tuple[str, str, str]], today: int) -> None:
        """Ask Redis about (product, label, value) not asked about today; `today` in days since the epoch."""
        if today != self._day:
            self.forget()
            self._day = today
        unknown: dict[tuple[str, str], list[str]] = {}
        for product, label, value in wanted:
            if value != OTHER and (product, label, value) not in self._asked:
                unknown.setdefault((product, label), []).append(value)
        for (product, label), values in unknown.items():
            answers = await self._admit(keys=[self._keys.labels(product, label)], args=[self._limit, today, *values])
            for value, answer in zip(values, answers, strict=True):
                self._asked.add((product, label, value))
                (self._admitted.add if answer else self._admitted.discard)((product, label, value))

    def place(self, product: str, label: str, value: str) -> str:
        """The value itself, or `other`; what was not learnt before has no place."""
        return value if (product, label, value) in self._admitted else OTHER

    def forget(self) -> None:
        """A new day, or Redis may have gone back: ask again.

        The answers stay until there are new ones: other shards may be between `learn` and `place`.
        """
        self._asked.clear()
