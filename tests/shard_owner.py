"""A shard's owner as far as churn risk goes: folds, evaluates, commits to a real Redis by a clock of the test's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from redis.asyncio import Redis

from schemas import Event
from schemas.churn_risk import ChurnRisk
from stream.core.definitions import Definitions
from stream.core.key_ids import KeyIds
from stream.core.time import Calendar
from stream.indicators.catalogue import RECORD
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.indicators.churn.notification import NotificationState
from stream.store.keys import Keys
from stream.store.shard import ShardStore, Unsent
from stream.worker.commits import Commits
from stream.worker.fold import by_shard, columns_of, fold
from stream.worker.risk_timers import RiskTimers
from stream.worker.write_sets import write_sets
from tests.histories import arrived, as_it_is, as_of, decoded

SHARD = 0
SCORING = Scoring(Coefficients(), 3, Calendar(ZoneInfo("UTC")))
ALL = 100_000
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
TEN = int(datetime(2026, 3, 31, 10, tzinfo=UTC).timestamp() * 1000)

_numbers = count()


def event(type_: str, user: str, ms: int, **fields: Any) -> dict[str, Any]:
    timestamp = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat()
    return {"event_id": str(next(_numbers)), "type": type_, "user_id": user, "timestamp": timestamp, **fields}


class Risks:
    """What a deployment of one shard has in Redis about churn risk."""

    def __init__(self, redis: Redis, namespace: str | None = None) -> None:
        self.redis = redis
        self.namespace = namespace or f"test-{uuid4().hex[:8]}"
        self.keys = Keys(self.namespace)
        self.store = ShardStore(redis, self.namespace)

    async def unsent(self) -> Unsent:
        return await self.store.outbox(SHARD, ALL)

    async def notified(self) -> list[ChurnRisk]:
        """All messages, in the order in which they were committed."""
        return [msgspec.json.decode(each, type=ChurnRisk) for each in (await self.unsent()).messages]

    async def index(self) -> dict[int, set[str]]:
        """Hour -> users who are to be evaluated then."""
        pattern = self.keys.timers(SHARD, 0).removesuffix("0") + "*"
        hours = [int(key.rpartition(b":")[2]) async for key in self.redis.scan_iter(pattern, count=1000)]
        found = await self.store.timers(SHARD, hours) if hours else {}
        return {hour: {key.decode().removeprefix("u:") for key in keys} for hour, keys in found.items()}

    async def hours_in_records(self, users: Sequence[str]) -> dict[str, int]:
        """User -> the hour under which it stands by its record; those who stand under none are left out."""
        records = await self.store.records(SHARD, [f"u:{user}".encode() for user in users])
        states, _ = RECORD.sections(record or b"" for record in records)
        return {
            user: hour
            for user, hour in zip(users, NotificationState.unpack(states).hour.tolist(), strict=True)
            if hour
        }

    async def field(self, name: str) -> int:
        return int(await self.store.field(SHARD, name) or 0)


class ShardOwner:
    """Whoever claims the shard later fences this one. To die, it is simply not asked any more."""

    def __init__(self, risks: Risks, commits: Commits, by_wall: bool, scoring: Scoring) -> None:
        self.scoring = scoring
        self.commits = commits
        self._store = risks.store
        self._timers = RiskTimers(commits, risks.store, lambda: self.scoring, by_wall=by_wall)

    @classmethod
    async def of(cls, risks: Risks, *, by_wall: bool = True, scoring: Scoring = SCORING) -> Self:
        token, store = uuid4().hex, risks.store
        claim = await store.claim(SHARD, token, {"logins": 0})
        assert claim is not None
        owner = cls(risks, Commits(SHARD, token, claim, KeyIds(await store.names(SHARD)), store), by_wall, scoring)
        await owner._timers.begin()
        return owner

    async def fold(self, events: Iterable[Mapping[str, Any]], clock_ms: int, as_of_ms: int | None = None) -> None:
        """`as_of_ms`: as of when customers are evaluated, if that is not the shard's present."""
        now_ms = self._timers.present(clock_ms)
        await self._pass([decoded(dict(event)) for event in events], [], as_of_ms or now_ms)

    async def evaluate(self, clock_ms: int, most: int = ALL, at_once: int = 4_000) -> None:
        """Whatever is due, or `most` commits of `at_once` customers: then it is as though the owner died in the
        middle."""
        while most and self._timers.is_due(clock_ms):
            most -= 1
            if write_set := await self._timers.upkeep(clock_ms):
                await self.commits.commit(write_set)
            else:
                due = await self._timers.due(clock_ms, at_once)
                await self._pass([], due, self._timers.present(clock_ms))

    async def _pass(self, events: list[Event], due: list[bytes], as_of_ms: int) -> None:
        """As the pipeline's, of one slice."""
        names, looked_at = {SHARD: self.commits.key_ids}, dict.fromkeys(due, SHARD)
        touched = columns_of(arrived(events), names, as_it_is, SCORING.calendar, Definitions(), looked_at, ALL)
        keys = touched.keys
        known = [record or b"" for record in await self._store.records(SHARD, keys)]
        present = as_of(as_of_ms, len(keys))._replace(
            due=np.isin(keys, due), set_backs=np.full(len(keys), self._timers.set_backs)
        )
        [change] = by_shard(touched, fold(touched.columns, keys, known, None, self._timers.scoring, present))[SHARD]
        for write_set in write_sets([change], None, self._timers.reschedule(due, [change.schedule])):
            await self.commits.commit(write_set)
