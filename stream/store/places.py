"""Places: a bounded number of values may be shown, and each is admitted once per deployment."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis

from stream.store.connect import script

AT_ONCE = 500
"""Values asked of Redis in one call, which takes it about a millisecond."""


class PlaceBook:
    """Which values have a place among those of a key, as far as this process has asked.

    What is kept here is bounded too: the values that have a place, and of all others only that there is no room for
    them today. That stays true until tomorrow: a place is given up after whole days, and only to another value.
    """

    def __init__(self, redis: Redis, limit: int) -> None:
        self._redis = redis
        self._admit = script(redis, "admit")
        self._limit = limit
        self._today = -1
        self._used: dict[str, dict[str, int]] = {}
        """Key -> value that has a place -> the day on which this process last told Redis of its use."""
        self._full_on: dict[str, int] = {}
        """Key -> the day on which it had no room left."""

    async def learn(self, key: str, values: Iterable[str], today: int) -> None:
        """Ask Redis for places for those that were not asked for today; `today` in days since the epoch."""
        if today != self._today:
            self._today = today
            self._forget_unused()
        unsettled = [value for value in dict.fromkeys(values) if self._is_unsettled(key, value)]
        while unsettled:
            await self._ask(key, unsettled[:AT_ONCE])
            unsettled = [value for value in unsettled[AT_ONCE:] if self._is_unsettled(key, value)]

    def has_place(self, key: str, value: str) -> bool:
        """What was not learnt before has none."""
        return value in self._used.get(key, ())

    def forget(self) -> None:
        """Redis may have gone back: ask again.

        Who has a place keeps it until there are new answers: other shards may be between `learn` and `has_place`.
        """
        self._full_on.clear()
        for used in self._used.values():
            used.update(dict.fromkeys(used, self._today - 1))

    def _is_unsettled(self, key: str, value: str) -> bool:
        day = self._used.get(key, {}).get(value)
        return self._full_on.get(key) != self._today if day is None else day != self._today

    async def _ask(self, key: str, values: list[str]) -> None:
        today = self._today
        answers = await self._admit(keys=[key], args=[self._limit, today, *values])
        admitted = [value for value, answer in zip(values, answers, strict=True) if answer]
        if len(admitted) < len(values):
            # Another worker may have admitted others: whoever has a place now, and nobody else.
            before = self._used.get(key, {})
            self._used[key] = {value: before.get(value, today - 1) for value in await places(self._redis, key)}
            self._full_on[key] = today
        self._used.setdefault(key, {}).update(dict.fromkeys(admitted, today))

    def _forget_unused(self) -> None:
        """On a new day, what has not been asked for for days: it may have lost its place."""
        for key, used in list(self._used.items()):
            self._used[key] = {value: day for value, day in used.items() if day >= self._today - 2}
            if not self._used[key]:
                del self._used[key]
        self._full_on.clear()


async def places(redis: Redis, key: str) -> set[str]:
    """The values that have a place; read in parts, for a limit may be high."""
    return {value.decode() async for value, _ in redis.zscan_iter(key, count=1000)}
