"""A deployment as far as Redis goes: one shard, whose owner commits what a test wants."""

from __future__ import annotations

import random
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from stream.core.packed_cells import NO_INCREMENTS
from stream.core.series import Kind, Series
from stream.store.keys import Keys
from stream.store.replica import Replica, read_state
from stream.store.shard import COMMIT_LENGTH, Commit, Position, ShardStore, WriteSet
from tests.increments import Increment, packed

SHARD, OWNER = 3, "the owner"
SEEN = Series("seen", Kind.CENSUS, "minute")
CLICKS = Series("clicks", Kind.FLOW, "minute", ("campaign",))
MEMBERS = Series("members", Kind.STOCK, "day")
SERIES = (SEEN, CLICKS, MEMBERS)

HOUR, DAY = 60, 24 * 60
TODAY = 20_000
NEWEST = TODAY * DAY + 12 * HOUR + 17
KEEP_DAYS = 400


class Deployment:
    """One shard in a namespace of its own, claimed by OWNER at position 0."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self.redis = redis
        self.namespace = namespace
        self.store = ShardStore(redis, namespace)
        self.state, self.journal = Keys(namespace).shard(SHARD).state, Keys(namespace).shard(SHARD).journal
        self.position = 0
        self.last = ""

    async def claim(self) -> None:
        await self.store.claim(SHARD, OWNER, at(0))

    async def commit(self, series: bytes | None = None, owner: str = OWNER, **changed: Any) -> str:
        """Commit one record more than before, or what is changed about that."""
        of_commit = {name: changed.pop(name) for name in Commit._fields if name in changed}
        name = uuid4().hex[:COMMIT_LENGTH]
        before, after = at(self.position), at(self.position + 1)
        commit = Commit(name, self.last, before, after, 0, ())._replace(**of_commit)
        work = WriteSet(series=series or NO_INCREMENTS, counters={"events": 1})._replace(**changed)
        answer = await self.store.commit(SHARD, owner, commit, work)
        if answer == "committed":
            self.position += 1
            self.last = commit.name
        return answer

    async def compact(self) -> bool:
        return await self.store.compact(SHARD, OWNER, SERIES, NEWEST, TODAY, KEEP_DAYS)

    async def counters(self) -> dict[str, int]:
        return (await read_state(self.redis, self.namespace, SHARD)).counters

    async def reader(self) -> Replica:
        """A replica that has just loaded everything."""
        replica = Replica(self.redis, self.namespace, SHARD + 1, SERIES)
        await replica.refresh()
        return replica

    async def stored(self) -> dict[bytes, bytes]:
        """Everything in Redis, as it is."""
        return {key: await self.redis.dump(key) async for key in self.redis.scan_iter(f"{self.namespace}:*")}

    async def go_back_to(self, stored: dict[bytes, bytes]) -> None:
        await self.redis.delete(*await self.stored())
        for key, value in stored.items():
            await self.redis.restore(key, 0, value)


def at(offset: int) -> Position:
    return {"clicks": offset}


def clicks(count: int = 1, minute: int = NEWEST) -> bytes:
    return packed([(CLICKS.key("app", "spring"), minute, count)])


def anything(chance: random.Random) -> bytes:
    """Some of everything, up to 30 days in the future and beyond what is kept in the past."""
    cells: list[Increment] = []
    for _ in range(5):
        minute = NEWEST - chance.randrange(40 * DAY)
        cells += [
            (CLICKS.key("app", chance.choice(["spring", "autumn"])), minute, 1),
            (SEEN.key("app"), minute, 1),
            (MEMBERS.key("app"), TODAY + chance.randint(-500, 30), chance.choice([1, -1])),
        ]
    return packed(cells)


def readings(replica: Replica) -> dict[tuple[Any, ...], int]:
    """Every kind of reading, now and later."""
    found = {}
    for later in (0, 1, HOUR, DAY, 9 * DAY):
        minute, today = NEWEST + later, TODAY + later // DAY
        for width in (DAY, 7 * DAY, 30 * DAY):
            start = minute - width
            found[later, width, "seen"] = total(replica, SEEN.key("app"), start, minute)
            for campaign in ("spring", "autumn"):
                begin = start if width == DAY else start - start % HOUR
                found[later, width, campaign] = total(replica, CLICKS.key("app", campaign), begin, minute)
        for ago in (1, 31, 61):
            found[later, ago, "members"] = total(replica, MEMBERS.key("app"), None, today - ago)
    return found


def total(replica: Replica, key: tuple[str, ...], after: int | None, until: int) -> int:
    return replica.table.cells_of(key).total(after, until)
