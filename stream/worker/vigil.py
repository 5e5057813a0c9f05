"""The vigil: look at the customers whose churn risk crosses a level now, in silence or by what was heard, and tell.

The shard's timer index has them by the hour. At the beginning of an hour all of its customers are looked at: who has
been active meanwhile goes to a later hour, who crosses within this hour is kept in mind to the millisecond. A fold
puts whoever is to be told of under the present hour.

No clock is trusted to go forward only: it may be corrected, and the shard's last owner may have had another one.
- The shard's present never goes back. It is stored with each commit, so that it does not for the next owner either; a
  clock that is behind by no more than `_SET_BACK_MS` is waited for.
- A clock further behind was put right: the present is taken back, and everybody is looked at anew.
- Whoever stands under an hour that is known here is kept in mind here, whatever the time is, and an hour leaves the
  index when it is past and nobody is left under it whose time has come.
- No customer stands under an hour before the one with which the index begins, as it is stored.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush

import numpy as np
import structlog

from stream.core.course import HOUR_MS
from stream.core.facts import customers_of
from stream.core.record import marked
from stream.core.time import MINUTE_MS
from stream.metrics import RECORD
from stream.metrics.churn_risk import profiles_of
from stream.metrics.evidence import Scoring
from stream.store.keys import product_of
from stream.store.shard import DUE_FROM, LATEST, REVIEW, SCORING, SET_BACKS, ShardStore, Work
from stream.worker.commits import Commits
from stream.worker.crossings import Schedule, crossings
from stream.worker.hot import HotState
from stream.worker.rescoring import everybody, rescore

log = structlog.get_logger()

_CUSTOMERS_AT_ONCE = 4000
_HOURS_AT_ONCE = 1000

_SET_BACK_MS = 10 * MINUTE_MS
"""More than a correction of a clock that runs well, or what the clocks of two machines lie apart."""


class Vigil:
    """Of one shard. Whoever looks or commits holds the shard's lock, and whoever folds from `present` to `committed`.

    scoring  by what the shard's customers are scored
    by_wall  whether the clock is a machine's, and may be set back; the newest event can only be known later
    """

    def __init__(
        self,
        commits: Commits,
        hot: HotState,
        store: ShardStore,
        wanted: Callable[[], Scoring],
        *,
        by_wall: bool,
    ) -> None:
        self._by_wall = by_wall
        self._commits = commits
        self._hot = hot
        self._store = store
        self._wanted = wanted
        self.scoring = wanted()
        self._waiting: list[bytes] = []
        """Whose time has come."""
        self._soon: list[tuple[int, bytes]] = []
        """(moment, key) of whose time comes within the hours that are known."""
        self._hours: set[int] = set()
        """Hours in the index whose customers are all known here."""
        self._next_hour: int | None = None
        """The first hour of which that is not so."""
        self._due_from: int | None = None
        """With which hour the index begins in Redis."""
        self._latest_ms = 0
        """The latest present: nothing was decided as of a later moment."""
        self._set_backs = 0
        self._review: AsyncIterator[dict[bytes, bytes]] | None = None
        """Everybody who is still to be looked at since the customers were scored anew."""
        self._begun = False

    async def begin(self) -> None:
        """Learn what the shard's last owner left to do."""
        field = self._commits.field
        if due_from := await field(DUE_FROM):
            self._next_hour = self._due_from = int(due_from)
            self._latest_ms = int(await field(LATEST) or self._due_from * HOUR_MS)
            self._set_backs = int(await field(SET_BACKS) or 0)
        if scoring := await field(SCORING):
            self._begun, self.scoring = True, Scoring.unpack(scoring, self.scoring.calendar)
        if await field(REVIEW):
            self._review = everybody(self._commits, self._store)

    def present(self, clock_ms: int) -> int:
        """The shard's present moment: the clock's, but never before an earlier one."""
        self._latest_ms = max(self._latest_ms, clock_ms)
        return self._latest_ms

    def fields(self, schedule: Schedule, now_ms: int) -> dict[str, str]:
        """What must be said in the commit of a fold or look as of `now_ms`: that moment and, where they change, by
        what customers are scored and with which hour the index begins."""
        fields = {LATEST: str(self.present(now_ms))}
        if not self._begun:
            fields[SCORING] = self.scoring.packed()
        earliest = min((now_ms // HOUR_MS, *schedule.hours))
        if self._due_from is None or earliest < self._due_from:
            fields[DUE_FROM] = str(earliest)
            self._due_from = earliest
            self._next_hour = earliest if self._next_hour is None else self._next_hour
        return fields

    def committed(self, schedule: Schedule) -> None:
        """Keep in mind whoever now stands under an hour that is known."""
        self._begun = True
        if self._next_hour is None:
            return
        self._hours.update(hour for hour in schedule.hours if hour < self._next_hour)
        for each in schedule.before(self._next_hour):
            heappush(self._soon, each)

    def is_due(self, clock_ms: int) -> bool:
        """Whether there is anything to do at the moment."""
        if not self._begun or self._next_hour is None:
            return False
        if self._review or self._waiting or self.scoring != self._wanted():
            return True
        now_ms = self.present(clock_ms)
        if self._was_set_back(clock_ms):
            return True
        hour = now_ms // HOUR_MS
        past = min((self._next_hour, *self._hours)) < hour
        return past or self._next_hour <= hour or bool(self._soon and self._soon[0][0] <= now_ms)

    async def look(self, clock_ms: int) -> bool:
        """Do some of what is due; returns whether there is more. Raises Fenced."""
        now_ms = self.present(clock_ms)
        if self._was_set_back(clock_ms):
            await self._set_back(clock_ms)
        elif self.scoring != (wanted := self._wanted()):
            await rescore(self._commits, self._store, self.scoring, wanted)
            self.scoring, self._review = wanted, everybody(self._commits, self._store)
        elif self._review:
            await self._look_at_everybody(self._review, now_ms)
        elif keys := await self._due(now_ms):
            known = await self._commits.surely("load records", lambda: self._hot.known(keys, self._commits.named))
            await self._look_at(dict(zip(keys, known, strict=True)), now_ms)
        elif past := [hour for hour in self._hours if hour < now_ms // HOUR_MS]:
            await self._forget(past, now_ms)
        else:
            return False
        return True

    def _was_set_back(self, clock_ms: int) -> bool:
        return self._by_wall and self._latest_ms - clock_ms > _SET_BACK_MS

    async def _set_back(self, clock_ms: int) -> None:
        """Whatever was decided by a clock that was ahead may be wrong: begin as a new owner, and with everybody."""
        before_ms, hour = self._latest_ms, clock_ms // HOUR_MS
        due_from = hour if self._due_from is None else min(self._due_from, hour)
        fields = {LATEST: clock_ms, DUE_FROM: due_from, SET_BACKS: self._set_backs + 1, REVIEW: 1}
        await self._commits.commit(Work(fields={name: str(value) for name, value in fields.items()}))
        self._set_backs += 1
        self._latest_ms, self._due_from, self._next_hour = clock_ms, due_from, due_from
        self._waiting, self._soon, self._hours = [], [], set()
        self._review = everybody(self._commits, self._store)
        seconds = round((before_ms - clock_ms) / 1000)
        log.warning("the clock was set back, looking at everybody anew", shard=self._commits.number, seconds=seconds)

    async def _forget(self, past: Sequence[int], now_ms: int) -> None:
        """Hours under which nobody is left: whoever was has been looked at since."""
        hour = now_ms // HOUR_MS
        await self._commits.commit(Work(past_hours=past, fields={DUE_FROM: str(hour), LATEST: str(now_ms)}))
        self._due_from = hour
        self._hours.difference_update(past)

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
        marks, memories = RECORD.unpacked(known.values(), customers)
        profiles = profiles_of(memories, customers, self.scoring)
        found = crossings(profiles, marks, keys, customers, self.scoring, now_ms, self._set_backs)
        changed = np.flatnonzero(found.schedule.marks != marks).tolist()
        if changed:
            touched = [keys[place] for place in changed]
            records = [marked(known[keys[place]], int(found.schedule.marks[place])) for place in changed]
            await self._commits.commit(
                Work(
                    customers=touched,
                    records=records,
                    timers=found.schedule.timers,
                    messages=found.messages,
                    at_risk=found.at_risk,
                    fields=self.fields(found.schedule, now_ms),
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
