"""The vigil: look again at the customers whose churn risk crosses a level now, though nothing was heard of them.

The shard's timer index has them by the hour. At the beginning of an hour all of its customers are looked at: who has
been active meanwhile goes to a later hour, who crosses within this hour is kept in mind to the millisecond.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from heapq import heappop, heappush

import numpy as np

from stream.core.course import HOUR_MS
from stream.core.facts import customers_of
from stream.core.record import marked, unpacked
from stream.metrics import KINDS
from stream.metrics.contribution import profiles_of
from stream.metrics.evidence import Scoring
from stream.store.keys import product_of
from stream.store.shard import ShardStore, Work
from stream.worker.commits import Commits
from stream.worker.crossings import Crossings, crossings
from stream.worker.hot import HotState

_CUSTOMERS_AT_ONCE = 4000
_HOURS_AT_ONCE = 1000
_DUE_FROM = "due_from"
"""Field of the shard's state: the first hour whose customers may not all have been looked at."""


class Vigil:
    """Of one shard; whoever calls it holds the shard's lock."""

    def __init__(self, commits: Commits, hot: HotState, store: ShardStore, scoring: Scoring) -> None:
        self._commits = commits
        self._hot = hot
        self._store = store
        self._scoring = scoring
        self._soon: list[tuple[int, bytes]] = []
        self._hours: list[int] = []
        """Hours in the index whose customers are all known here."""
        self._next_hour: int | None = None

    async def begin(self) -> None:
        """Learn from which hour on there is something to do."""
        due_from = await self._commits.surely(
            "read the timers", lambda: self._store.field(self._commits.number, _DUE_FROM)
        )
        self._next_hour = int(due_from) if due_from else None

    def beginning(self, now_ms: int) -> dict[str, str]:
        """What the first commit ever says of the timer index: that it begins with this hour."""
        if self._next_hour is not None:
            return {}
        self._next_hour = now_ms // HOUR_MS
        return {_DUE_FROM: str(self._next_hour)}

    def note(self, found: Crossings) -> None:
        """What was found, and is committed: keep in mind who crosses within this hour."""
        for each in found.soon:
            heappush(self._soon, each)

    def is_due(self, now_ms: int) -> bool:
        """Whether there is anything to do at the moment."""
        if self._next_hour is None:
            return False
        return self._next_hour <= now_ms // HOUR_MS or bool(self._soon and self._soon[0][0] <= now_ms)

    async def look(self, now_ms: int) -> None:
        """Look at everybody whose time has come. Raises Fenced."""
        keys = dict.fromkeys([key async for key in self._due(now_ms)])
        for first in range(0, len(keys), _CUSTOMERS_AT_ONCE):
            await self.look_at(list(keys)[first : first + _CUSTOMERS_AT_ONCE], now_ms)
        hour = now_ms // HOUR_MS
        past = [each for each in self._hours if each < hour]
        if past:
            await self._commits.commit(Work(past_hours=past, fields={_DUE_FROM: str(hour)}))
            self._hours = [each for each in self._hours if each >= hour]

    async def look_at(self, keys: list[bytes], now_ms: int) -> None:
        """Look at these customers, and commit what has changed about them."""
        known = await self._commits.surely("load records", lambda: self._hot.known(keys))
        customers = customers_of([product_of(key) for key in keys], self._commits.names)
        marks, memories = unpacked(known, KINDS, customers)
        profiles = profiles_of(memories, customers, self._scoring)
        found = crossings(profiles, marks, keys, customers, self._scoring, now_ms)
        changed = np.flatnonzero(found.marks != marks).tolist()
        if changed:
            touched = [keys[place] for place in changed]
            records = [marked(known[place], int(found.marks[place])) for place in changed]
            await self._commits.commit(found.work()._replace(customers=touched, records=records))
            self._hot.remember(touched, records, {})
        self.note(found)

    async def _due(self, now_ms: int) -> AsyncIterator[bytes]:
        """Who is in the index under an hour that has begun, and who crosses now."""
        hour = now_ms // HOUR_MS
        while self._next_hour is not None and self._next_hour <= hour:
            hours = range(self._next_hour, min(self._next_hour + _HOURS_AT_ONCE, hour + 1))
            timers = await self._commits.surely(
                "read the timers", partial(self._store.timers, self._commits.number, hours)
            )
            self._next_hour = hours.stop
            for each, keys in timers.items():
                self._hours.append(each)
                for key in keys:
                    yield key
        while self._soon and self._soon[0][0] <= now_ms:
            yield heappop(self._soon)[1]
