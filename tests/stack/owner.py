"""The owner of all shards without a Kafka: commits increments as a worker does, and gives signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import time
from types import TracebackType
from typing import Self

from stream.core.series import Key
from stream.settings import Settings
from stream.store.connect import REDIS_ERRORS, connect
from stream.store.heartbeats import Heartbeats, Said
from stream.store.shard import Commit, ShardStore, WriteSet
from tests.increments import packed

OWNER = "the-test"
SHARD = 0
HEARTBEAT_SECONDS = 0.3


class Owner:
    """Of the one shard that the settings ask for, for the length of an `async with` block."""

    def __init__(self, settings: Settings) -> None:
        assert settings.partitions == 1
        self._redis = connect(settings)
        self._store = ShardStore(self._redis, settings.namespace)
        self._heartbeats = Heartbeats(self._redis, settings.namespace)
        self._position = dict.fromkeys(settings.topics, 0)
        self._commits = 0
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._store.claim(SHARD, OWNER, self._position)
        self.live()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.fall_silent()
        await self._redis.aclose()

    def live(self) -> None:
        self._beating = asyncio.create_task(self._beat())

    async def fall_silent(self) -> None:
        """As a worker that hangs: what it committed stays, signs of life end."""
        if self._beating:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def add(self, increments: Mapping[tuple[Key, int], int]) -> None:
        """Commit (key, moment) -> number."""
        series = packed((key, moment, number) for (key, moment), number in increments.items())
        before, self._position = self._position, {topic: n + 1 for topic, n in self._position.items()}
        self._commits += 1
        name, newest_ms = f"{self._commits:016x}", int(time() * 1000)
        after = f"{self._commits - 1:016x}" if self._commits > 1 else ""
        commit, write_set = (
            Commit(name, after, before, self._position, 0, []),
            WriteSet(series=series, newest_ms=newest_ms),
        )
        assert await self._store.commit(SHARD, OWNER, commit, write_set) == "committed"

    async def _beat(self) -> None:
        while True:
            with suppress(*REDIS_ERRORS):  # it beats again when Redis is back
                await self._heartbeats.beat(OWNER, Said([SHARD]))
            await asyncio.sleep(HEARTBEAT_SECONDS)
