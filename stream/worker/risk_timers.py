"""Risk timers: which customers are to be evaluated now, because their level of churn risk changes, in silence or by
what was heard.

The shard's timer index has them by the hour. At the beginning of an hour all of its customers are evaluated: who has
been active meanwhile goes to a later hour, whose level changes within this hour is kept in mind to the millisecond. A
fold puts whoever is to be notified under the present hour.

No clock is trusted to go forward only: it may be corrected, and the shard's last owner may have had another one.
- The shard's present never goes back. It is stored with each commit, so that it does not for the next owner either; a
  clock that is behind by no more than `_SET_BACK_MS` is waited for.
- A clock further behind was put right: the present is taken back, and everybody is evaluated anew.
- Whoever stands under an hour that is known here is kept in mind here, whatever the time is, and an hour leaves the
  index when it is past and nobody is left under it whose time has come.
- No customer stands under an hour before the one with which the index begins, as it is stored.

Nothing is written here: what is to be committed is handed over, and kept in mind as if it were, for the shard is let
go of with all that is kept here if it is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import islice

import structlog

from stream.core.time import HOUR_MS, MINUTE_MS
from stream.indicators.churn.evidence import Scoring
from stream.store.shard import DUE_FROM, LATEST, REVIEW, SCORING, SET_BACKS, ShardStore, WriteSet
from stream.worker.commits import Commits
from stream.worker.level_changes import Schedule
from stream.worker.rescoring import everybody, rescored

log = structlog.get_logger()

_HOURS_AT_ONCE = 1000

_SET_BACK_MS = 10 * MINUTE_MS
"""More than a correction of a clock that runs well, or what the clocks of two machines lie apart."""


class RiskTimers:
    """Of one shard. Whoever folds or commits holds the shard's lock.

    scoring  by what the shard's customers are scored
    by_wall  whether the clock is a machine's, and may be set back; the newest event can only be known later
    set_backs  how often it was
    """

    def __init__(
        self,
        commits: Commits,
        store: ShardStore,
        wanted: Callable[[], Scoring],
        *,
        by_wall: bool,
    ) -> None:
        self._by_wall = by_wall
        self._commits = commits
        self._store = store
        self._wanted = wanted
        self.scoring = wanted()
        self._waiting: dict[bytes, None] = {}
        """Whose time has come, in this order."""
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
        self.set_backs = 0
        self._review: AsyncIterator[dict[bytes, bytes]] | None = None
        """Everybody who is still to be evaluated since the customers were scored anew."""
        self._reviewed = False
        """Whether that has come to its end, and is to be committed."""
        self._begun = False

    async def begin(self) -> None:
        """Learn what the shard's last owner left to do."""
        field = self._commits.field
        if due_from := await field(DUE_FROM):
            self._next_hour = self._due_from = int(due_from)
            self._latest_ms = int(await field(LATEST) or self._due_from * HOUR_MS)
            self.set_backs = int(await field(SET_BACKS) or 0)
        if scoring := await field(SCORING):
            self._begun, self.scoring = True, Scoring.unpack(scoring, self.scoring.calendar)
        if await field(REVIEW):
            self._begin_review()

    def present(self, clock_ms: int) -> int:
        """The shard's present moment: the clock's, but never before an earlier one."""
        self._latest_ms = max(self._latest_ms, clock_ms)
        return self._latest_ms

    def reschedule(self, evaluated: Iterable[bytes], schedules: Sequence[Schedule]) -> dict[str, str]:
        """A pass as of the present has evaluated these who were due, and found these schedules. Returns what each of
        its commits must say: that moment and, where they change, by what customers are scored and with which hour the
        index begins."""
        for key in evaluated:
            del self._waiting[key]
        fields = {LATEST: str(self._latest_ms)}
        if not self._begun:
            fields[SCORING] = self.scoring.packed()
            self._begun = True
        earliest = min((self._latest_ms // HOUR_MS, *(hour for schedule in schedules for hour in schedule.hours)))
        if self._due_from is None or earliest < self._due_from:
            fields[DUE_FROM] = str(earliest)
            self._due_from = earliest
        if self._next_hour is None:
            self._next_hour = earliest
        for schedule in schedules:
            self._keep(schedule, self._next_hour)
        return fields

    def _keep(self, schedule: Schedule, next_hour: int) -> None:
        """In mind, whoever now stands under an hour that is known."""
        self._hours.update(hour for hour in schedule.hours if hour < next_hour)
        for each in schedule.before(next_hour):
            heappush(self._soon, each)

    def is_due(self, clock_ms: int) -> bool:
        """Whether there is anything to do at the moment."""
        if not self._begun or self._next_hour is None:
            return False
        if self._review or self._reviewed or self._waiting or self.scoring != self._wanted():
            return True
        now_ms = self.present(clock_ms)
        if self._was_set_back(clock_ms):
            return True
        hour = now_ms // HOUR_MS
        past = min((self._next_hour, *self._hours)) < hour
        return past or self._next_hour <= hour or bool(self._soon and self._soon[0][0] <= now_ms)

    async def upkeep(self, clock_ms: int) -> WriteSet | None:
        """Something that is due for all of the shard's customers together: to be committed, before anything else is.
        Raises Fenced."""
        now_ms = self.present(clock_ms)
        if self._was_set_back(clock_ms):
            return self._set_back(clock_ms)
        if self.scoring != (wanted := self._wanted()):
            write_set = await rescored(self._commits, self._store, self.scoring, wanted)
            self.scoring = wanted
            self._begin_review()
            return write_set
        if self._reviewed:
            self._reviewed = False
            return WriteSet(fields={REVIEW: ""})
        if past := self._past(now_ms):
            return self._forget(past, now_ms)
        return None

    def _past(self, now_ms: int) -> list[int]:
        """Hours under which nobody is left, once everybody whose time has come was evaluated."""
        if self._waiting or self._review or (self._soon and self._soon[0][0] <= now_ms):
            return []
        hour = now_ms // HOUR_MS
        if self._next_hour is None or self._next_hour <= hour:
            return []
        return [each for each in self._hours if each < hour]

    def _was_set_back(self, clock_ms: int) -> bool:
        return self._by_wall and self._latest_ms - clock_ms > _SET_BACK_MS

    def _set_back(self, clock_ms: int) -> WriteSet:
        """Whatever was decided by a clock that was ahead may be wrong: begin as a new owner, and with everybody."""
        seconds, hour = round((self._latest_ms - clock_ms) / 1000), clock_ms // HOUR_MS
        log.warning("the clock was set back, evaluating everybody anew", shard=self._commits.number, seconds=seconds)
        due_from = hour if self._due_from is None else min(self._due_from, hour)
        self.set_backs += 1
        self._latest_ms, self._due_from, self._next_hour = clock_ms, due_from, due_from
        self._waiting, self._soon, self._hours = {}, [], set()
        self._begin_review()
        fields = {LATEST: clock_ms, DUE_FROM: due_from, SET_BACKS: self.set_backs, REVIEW: 1}
        return WriteSet(fields={name: str(value) for name, value in fields.items()})

    def _forget(self, past: Sequence[int], now_ms: int) -> WriteSet:
        """Hours under which nobody is left: whoever was has been evaluated since."""
        self._due_from = now_ms // HOUR_MS
        self._hours.difference_update(past)
        return WriteSet(past_hours=past, fields={DUE_FROM: str(self._due_from), LATEST: str(now_ms)})

    async def due(self, clock_ms: int, most: int) -> list[bytes]:
        """Some of the customers who are to be evaluated now; they stay due until they were. Raises Fenced."""
        while self._review and not self._waiting:
            await self._review_some(self._review)
        await self._find_due(self.present(clock_ms))
        return list(islice(self._waiting, most))

    @property
    def has_more(self) -> bool:
        """Whether there are more customers who are due than were evaluated."""
        return bool(self._waiting or self._review)

    def _begin_review(self) -> None:
        self._review, self._reviewed = everybody(self._commits, self._store), False

    async def _review_some(self, review: AsyncIterator[dict[bytes, bytes]]) -> None:
        """Of everybody; nobody is left when the review has ended."""
        records = await anext(review, None)
        if records is None:
            self._review, self._reviewed = None, True
        else:
            self._waiting.update(dict.fromkeys(records))

    async def _find_due(self, now_ms: int) -> None:
        """Those who are in the index under an hour that has begun, or who cross now."""
        hour = now_ms // HOUR_MS
        while not self._waiting and self._next_hour is not None and self._next_hour <= hour:
            hours = range(self._next_hour, min(self._next_hour + _HOURS_AT_ONCE, hour + 1))
            timers = await self._commits.retry(
                "read the timers", partial(self._store.timers, self._commits.number, hours)
            )
            self._next_hour = hours.stop
            self._hours.update(timers)
            self._waiting.update(dict.fromkeys(key for keys in timers.values() for key in keys))
        while self._soon and self._soon[0][0] <= now_ms:
            self._waiting[heappop(self._soon)[1]] = None
