"""Benchmark of the read side: how long a refresh takes, and how soon /metrics answers meanwhile.

Redis holds what workers would have left there: 32 shards, 42 products, 24,000 samples. Run as
`python -m bench.exposition`; prints an `Exposition` as JSON.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from itertools import product as combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, time

import aiohttp
import msgspec
import numpy as np
from redis.asyncio import Redis

from stream.core.packed_cells import pack_cells
from stream.core.series import Key
from stream.core.time import DAY, MINUTE_MS, minute_of
from stream.demo.embedded import EmbeddedRedis, free_port
from stream.exporter.app import Exporter
from stream.indicators.catalogue import SERIES
from stream.runtime.json_text import json_text
from stream.settings import Settings
from stream.store.heartbeats import Heartbeats, Said
from stream.store.keys import Keys
from stream.store.shard import COMMIT_LENGTH
from tests.stack.command import Assidu
from tests.stack.service import Service

SHARDS = 32
PRODUCTS = 42
KEYS_OF_A_COMMIT = 200
ANSWER_SECONDS = 10.0

# Label values of every product; what is not named here has the three of _OTHERS.
_VALUES: dict[str, tuple[str, ...]] = {
    "channel": ("web", "ios", "android", "email"),
    "type": ("impression", "click", "interaction", "login", "signup", "page_view", "session", "survey_response"),
    "campaign": tuple(f"campaign-{number}" for number in range(10)),
    "days": ("1", "2", "3", "4", "5", "6", "7"),
    "day": ("1", "7", "14", "30"),
    "survey": ("nps",),
    "survey_id": ("after-visit", "yearly"),
    "scale": ("0-10",),
    "score": tuple(map(str, range(11))),
    "pages": ("0", "1", "2+"),
    "engaged": ("yes", "no"),
    "converted": ("yes", "no"),
    "visits": ("1", "2", "3", "4-6", "7+"),
    "currency": ("EUR", "USD"),
}
_OTHERS = ("1", "2", "3")  # some are read as numbers


class Quantiles(msgspec.Struct, frozen=True):
    """Of many answers, milliseconds."""

    p50: float
    p99: float
    longest: float


class Refresh(msgspec.Struct, frozen=True):
    """One refresh, milliseconds; `blocked`: the longest time for which nothing else had a turn."""

    took: float
    blocked: float


class Exposition(msgspec.Struct, frozen=True):
    """first: everything read from Redis; unchanged: no event since the last; changed: events of every product, in
    every shard; minute: they, and the minute has turned. /metrics is asked again and again meanwhile."""

    shards: int
    samples: int
    page_bytes: int
    first: Refresh
    unchanged: Refresh
    changed: Refresh
    minute: Refresh
    answer_idle: Quantiles
    answer_busy: Quantiles


class Workers:
    """Leave in Redis what the owners of all shards would, at a moment of their own (the event clock)."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self.minute = minute_of(int(time() * 1000))
        self._redis = redis
        self._shards = [Keys(settings.namespace).shard(number) for number in range(settings.partitions)]
        self._heartbeats = Heartbeats(redis, settings.namespace)
        self._random = np.random.default_rng(20_260_301)
        self._keys = [key for number in range(PRODUCTS) for key in _keys(f"product-{number:02}")]

    async def begin(self) -> None:
        """A month of increments, dealt out to the shards."""
        whole = [(key, *self._month(key)) for key in self._keys]
        for number, shard in enumerate(self._shards):
            await self._redis.set(shard.series, pack_cells(whole[number :: len(self._shards)]))
        await self.commit()

    async def commit(self) -> None:
        """A batch in every shard, of customers of all products."""
        await self._heartbeats.beat("worker", Said(list(range(len(self._shards)))))
        async with self._redis.pipeline(transaction=False) as pipe:
            for shard in self._shards:
                pipe.hset(shard.state, "newest_ms", str(self.minute * MINUTE_MS))
                pipe.rpush(shard.journal, secrets.token_hex(COMMIT_LENGTH // 2).encode() + self._batch())
            await pipe.execute()

    def _month(self, key: Key) -> tuple[np.ndarray, np.ndarray]:
        span, now = (DAY, self.minute) if _GRAINS[key[0]] == "minute" else (1, _day(self.minute))
        times = np.unique(now - self._random.integers(0, 31 * span, 300))
        return times, self._random.integers(1, 9, len(times))

    def _batch(self) -> bytes:
        touched = self._random.choice(len(self._keys), KEYS_OF_A_COMMIT, replace=False)
        one = np.ones(1, np.int64)
        return pack_cells((self._keys[at], self._now(self._keys[at]), one) for at in touched)

    def _now(self, key: Key) -> np.ndarray:
        return np.array([self.minute if _GRAINS[key[0]] == "minute" else _day(self.minute)])


_GRAINS = {series.name: series.grain for series in SERIES}


def _day(minute: int) -> int:
    return minute // DAY + date(1970, 1, 1).toordinal()


def _keys(product: str) -> Iterator[Key]:
    for series in SERIES:
        for values in combinations(*(_VALUES.get(label, _OTHERS) for label in series.labels)):
            yield series.key(product, *values)


async def refreshes(exporter: Exporter, workers: Workers) -> dict[str, Refresh]:
    """Each kind of refresh, of an exporter in this process."""
    found = {"first": await _refresh(exporter), "unchanged": await _refresh(exporter)}
    await workers.commit()
    found["changed"] = await _refresh(exporter)
    workers.minute += 1
    await workers.commit()
    return {**found, "minute": await _refresh(exporter)}


async def _refresh(exporter: Exporter) -> Refresh:
    gaps = []

    async def watch() -> None:
        while True:
            since = monotonic()
            await asyncio.sleep(0.001)
            gaps.append(monotonic() - since)

    watching = asyncio.create_task(watch())
    began = monotonic()
    await exporter.refresh()
    took = monotonic() - began
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return Refresh(took * 1000, max(gaps) * 1000)


async def answers(url: str, workers: Workers | None) -> Quantiles:
    """Scrape again and again; with `workers`, they commit once a second."""
    times, end = [], monotonic() + ANSWER_SECONDS
    commit_at = monotonic()
    async with aiohttp.ClientSession() as http:
        while monotonic() < end:
            if workers and monotonic() >= commit_at:
                await workers.commit()
                commit_at += 1
            began = monotonic()
            async with http.get(url) as answer:
                await answer.read()
            times.append((monotonic() - began) * 1000)
    p50, p99 = np.percentile(times, (50, 99))
    return Quantiles(float(p50), float(p99), max(times))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """`assidu exporter` as a process of its own; yields the address of /metrics."""
    with TemporaryDirectory() as folder:
        assidu = Assidu(settings, Path(folder))
        try:
            exporter = Service(assidu.start("exporter"))
            await asyncio.to_thread(exporter.wait_until_serving, 60)
            yield f"http://127.0.0.1:{settings.exporter_port}/metrics"
        finally:
            assidu.close()


async def measure() -> Exposition:
    with EmbeddedRedis() as server:
        settings = Settings(
            _env_file=None,
            redis=server.url,
            partitions=SHARDS,
            clock="event",
            canary_seconds=0,
            exporter_port=free_port(),
        )
        redis = Redis.from_url(server.url)
        try:
            workers, exporter = Workers(redis, settings), Exporter(redis, settings)
            await workers.begin()
            found = await refreshes(exporter, workers)
            page = exporter.exposition()
            async with serving(settings) as url:
                idle, busy = await answers(url, None), await answers(url, workers)
        finally:
            await redis.aclose()
    samples = sum(not line.startswith(b"#") for line in page.splitlines())
    return Exposition(SHARDS, samples, len(page), **found, answer_idle=idle, answer_busy=busy)


def main() -> None:
    print(json_text(asyncio.run(measure())))


if __name__ == "__main__":
    main()
