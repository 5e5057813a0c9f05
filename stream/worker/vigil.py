"""The vigil: look again at the customers whose churn risk crosses a level now, though nothing was heard of them.

The shard's timer index has them by the hour. At the beginning of an hour all of its customers are looked at: who has
been active meanwhile goes to a later hour, who crosses within this hour is kept in mind to the millisecond.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
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
from stream.store.shard import DUE_FROM, REVIEW, SCORING, ShardStore, Work
from stream.worker.commits import Commits
from stream.worker.crossings import Crossings, crossings
from stream.worker.hot import HotState
from stream.worker.rescoring import everybody, rescore

_CUSTOMERS_AT_ONCE = 4000
_HOURS_AT_ONCE = 1000


class Vigil:
    """Of one shard. Whoever looks or commits holds the shard's lock.

    scoring  by what the shard's customers are scored
    """

    def __init__(self, commits: Commits, hot: HotState, store: ShardStore, wanted: Callable[[], Scoring]) -> None:
        self._commits = commits
        self._hot = hot
        self._store = store
        self._wanted = wanted
        self.scoring = wanted()
        self._soon: list[tuple[int, bytes]] = []
        self._hours: list[int] = []
        """Hours in the index whose customers are all known here."""
        self._next_hour: int | None = None
        self._begun = self._to_review = False

    async def begin(self) -> None:
        """Learn what the shard's last owner left to do."""
        if due_from := await self._commits.field(DUE_FROM):
            self._next_hour = int(due_from)
        if scoring := await self._commits.field(SCORING):
            self._begun, self.scoring = True, Scoring.unpack(scoring, self.scoring.calendar)
        self._to_review = bool(await self._commits.field(REVIEW))

    def fields(self, now_ms: int) -> dict[str, str]:
        """What the first commit ever says: by what customers are scored, and with which hour the index begins."""
        if self._begun:
            return {}
        self._next_hour = now_ms // HOUR_MS
        return {DUE_FROM: str(self._next_hour), SCORING: self.scoring.packed()}

    def committed(self, found: Crossings) -> None:
        """Keep in mind who crosses within this hour."""
        self._begun = True
        for each in found.soon:
            heappush(self._soon, each)

    def is_due(self, now_ms: int) -> bool:
        """Whether there is anything to do at the moment."""
        if not self._begun or self._next_hour is None:
            return False
        if self._to_review or self.scoring != self._wanted():
            return True
        return self._next_hour <= now_ms // HOUR_MS or bool(self._soon and self._soon[0][0] <= now_ms)

    async def look(self, now_ms: int) -> None:
        """Look at everybody whose time has come, and at all when they are to be scored otherwise. Raises Fenced."""
        if self.scoring != (wanted := self._wanted()):
            await rescore(self._commits, self._store, self.scoring, wanted)
            self.scoring, self._to_review = wanted, True
        if self._to_review:
            async for records in everybody(self._commits, self._store):
                await self._look_at(list(records), now_ms, in_turn=False)
            await self._commits.commit(Work(fields={REVIEW: ""}))
            self._to_review = False
        keys = list(dict.fromkeys([key async for key in self._due(now_ms)]))
        for first in range(0, len(keys), _CUSTOMERS_AT_ONCE):
            await self._look_at(keys[first : first + _CUSTOMERS_AT_ONCE], now_ms, in_turn=True)
        hour = now_ms // HOUR_MS
        if past := [each for each in self._hours if each < hour]:
            await self._commits.commit(Work(past_hours=past, fields={DUE_FROM: str(hour)}))
            self._hours = [each for each in self._hours if each >= hour]

    async def _look_at(self, keys: list[bytes], now_ms: int, *, in_turn: bool) -> None:
        """Commit what has changed about these customers; `in_turn`: their time has come."""
        known = await self._commits.surely("load records", lambda: self._hot.known(keys))
        customers = customers_of(keys, [product_of(key) for key in keys], self._commits.names)
        marks, memories = unpacked(known, KINDS, customers)
        profiles = profiles_of(memories, customers, self.scoring)
        found = crossings(profiles, marks, keys, customers, self.scoring, now_ms, in_turn=in_turn)
        changed = np.flatnonzero(found.marks != marks).tolist()
        if changed:
            touched = [keys[place] for place in changed]
            records = [marked(known[place], int(found.marks[place])) for place in changed]
            await self._commits.commit(found.work()._replace(customers=touched, records=records))
            self._hot.remember(touched, records, {})
        self.committed(found)

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
