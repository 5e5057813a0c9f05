"""The present moment, by the clock of the settings: this machine's, or the newest event of all shards."""

from __future__ import annotations

from time import time

from stream.settings import Settings
from stream.store.shard import ShardStore


class Clock:
    def __init__(self, settings: Settings, store: ShardStore) -> None:
        self._by_events = settings.clock == "event"
        self._shards = range(settings.partitions)
        self._store = store
        self._newest_ms = 0

    def now_ms(self, coming_ms: int | None = None) -> int:
        """Milliseconds since the epoch; `coming_ms`: the newest event that is about to be committed."""
        return max(self._newest_ms, coming_ms or self._newest_ms) if self._by_events else int(time() * 1000)

    def note(self, newest_ms: int | None) -> None:
        """An event so new was committed."""
        self._newest_ms = max(self._newest_ms, newest_ms or self._newest_ms)

    async def follow(self) -> None:
        """Learn what other workers have committed, where that is the clock."""
        if self._by_events:
            self.note(await self._store.newest_ms(self._shards))
