"""The vigil: look at the customers whose churn risk crosses a level now, in silence or by what was heard, and tell.

The shard's timer index has them by the hour. At the beginning of an hour all of its customers are looked at: who has
been active meanwhile goes to a later hour, who crosses within this hour is kept in mind to the millisecond. A fold
puts whoever is to be told of under the present hour.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
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
from stream.worker.crossings import Schedule, crossings
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
        self._waiting: list[bytes] = []
        """Whose time has come."""
        self._soon: list[tuple[int, bytes]] = []
        """(moment, key) of whose time comes within this hour."""
        self._hours: set[int] = set()
        """Hours in the index whose customers are all known here."""
        self._next_hour: int | None = None
        """The first hour of which that is not so."""
        self._review: AsyncIterator[dict[bytes, bytes]] | None = None
        """Everybody who is still to be looked at since the customers were scored anew."""
        self._begun = False

    async def begin(self) -> None:
        """Learn what the shard's last owner left to do."""
        if due_from := await self._commits.field(DUE_FROM):
            self._next_hour = int(due_from)
        if scoring := await self._commits.field(SCORING):
            self._begun, self.scoring = True, Scoring.unpack(scoring, self.scoring.calendar)
        if await self._commits.field(REVIEW):
            self._review = everybody(self._commits, self._store)

    def fields(self, now_ms: int) -> dict[str, str]:
        """What the first commit ever says: by what customers are scored, and with which hour the index begins."""
        if self._begun:
            return {}
        self._next_hour = now_ms // HOUR_MS
        return {DUE_FROM: str(self._next_hour), SCORING: self.scoring.packed()}

    def committed(self, schedule: Schedule) -> None:
        """Keep in mind who crosses within this hour."""
        self._begun = True
        if self._next_hour is not None:
            self._hours.update(hour for hour in schedule.timers if hour < self._next_hour)
        for each in schedule.soon:
            heappush(self._soon, each)

    def is_due(self, now_ms: int) -> bool:
        """Whether there is anything to do at the moment."""
        if not self._begun or self._next_hour is None:
            return False
        if self._review or self._waiting or self.scoring != self._wanted():
            return True
        return self._next_hour <= now_ms // HOUR_MS or bool(self._soon and self._soon[0][0] <= now_ms)

    async def look(self, now_ms: int) -> bool:
        """Do some of what is due; returns whether there is more. Raises Fenced."""
        if self.scoring != (wanted := self._wanted()):
            await rescore(self._commits, self._store, self.scoring, wanted)
            self.scoring, self._review = wanted, everybody(self._commits, self._store)
        elif self._review:
            await self._look_at_everybody(self._review, now_ms)
        elif keys := await self._due(now_ms):
            known = await self._commits.surely("load records", lambda: self._hot.known(keys, self._commits.named))
            await self._look_at(dict(zip(keys, known, strict=True)), now_ms)
        elif past := [hour for hour in self._hours if hour < now_ms // HOUR_MS]:
            await self._commits.commit(Work(past_hours=past, fields={DUE_FROM: str(now_ms // HOUR_MS)}))
            self._hours.difference_update(past)
        else:
            return False
        return True

    async def _look_at_everybody(self, review: AsyncIterator[dict[bytes, bytes]], now_ms: int) -> None:
        """At some of them; nobody is left when the review has ended."""
        records = await anext(review, None)
        if records is None:
            await self._commits.commit(Work(fields={REVIEW: ""}))
            self._review = None
        else:
            await self._look_at(records, now_ms)

    async def _look_at(self, known: Mapping[bytes, bytes], now_ms: int) -> None:
        """Commit what has changed about the customers with these records."""
        keys = list(known)
        customers = customers_of(keys, [product_of(key) for key in keys], self._commits.names)
        marks, memories = unpacked(known.values(), KINDS, customers)
        profiles = profiles_of(memories, customers, self.scoring)
        found = crossings(profiles, marks, keys, customers, self.scoring, now_ms)
        changed = np.flatnonzero(found.schedule.marks != marks).tolist()
        if changed:
            touched = [keys[place] for place in changed]
            records = [marked(known[keys[place]], int(found.schedule.marks[place])) for place in changed]
            await self._commits.commit(
                Work(
                    customers=touched,
                    records=records,
                    counters={"risk_messages": len(found.messages)} if found.messages else {},
                    timers=found.schedule.timers,
                    messages=found.messages,
                    at_risk=found.at_risk,
                )
            )
            self._hot.remember(touched, records, {})
        self.committed(found.schedule)

    async def _due(self, now_ms: int) -> list[bytes]:
        """Some of those who are in the index under an hour that has begun, or who cross now."""
        hour = now_ms // HOUR_MS
        while not self._waiting and self._next_hour is not None and self._next_hour <= hour:
            hours = range(self._next_hour, min(self._next_hour + _HOURS_AT_ONCE, hour + 1))
            timers = await self._commits.surely(
                "read the timers", partial(self._store.timers, self._commits.number, hours)
            )
            self._next_hour = hours.stop
            self._hours.update(timers)
            self._waiting += [key for keys in timers.values() for key in keys]
        while self._soon and self._soon[0][0] <= now_ms:
            self._waiting.append(heappop(self._soon)[1])
        some, self._waiting = self._waiting[:_CUSTOMERS_AT_ONCE], self._waiting[_CUSTOMERS_AT_ONCE:]
        return list(dict.fromkeys(some))
