"""Scripts write all or nothing: Lua does not roll back, so every way in which a write could fail is tried in turn."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from stream.demo.embedded import EmbeddedRedis, free_port
from stream.runtime.errors import UserError
from stream.store import packing
from stream.store.connect import advice, is_transient
from stream.store.heartbeats import Heartbeats, Said
from stream.store.keys import Keys
from stream.store.packing import PORTIONS
from stream.store.server import check_rights
from stream.store.shard import COMMIT_LENGTH, Commit, ShardStore, Unsent, WriteSet
from tests.deployment import CLICKS, KEEP_DAYS, NEWEST, SERIES, TODAY
from tests.increments import packed

SHARD, OWNER, TOPIC = 3, "the owner", "engagement.clicks"
CUSTOMERS = [b"u:ann", b"u:bob"]
HOUR = 480_000
FULL = b"7" * 999_999
NAMESPACE = "assidu"
KEYS = Keys(NAMESPACE)
OF_SHARD = KEYS.shard(SHARD)


class Owner:
    """Commits a little of everything, again and again, on a Redis of the test's own."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.store = ShardStore(redis, NAMESPACE)
        self.commits = 0
        self.last = ""

    async def claim(self) -> None:
        await self.store.claim(SHARD, OWNER, {TOPIC: 0})

    async def commit(self) -> str:
        number = self.commits
        commit = Commit(
            f"{number:0{COMMIT_LENGTH}x}", self.last, {TOPIC: number}, {TOPIC: number + 1}, number, [b"name"]
        )
        answer = await self.store.commit(SHARD, OWNER, commit, everything(number))
        if answer == "committed":
            self.commits, self.last = number + 1, commit.name
        return answer

    async def dump(self) -> dict[bytes, bytes]:
        return {key: await self.redis.dump(key) async for key in self.redis.scan_iter("*")}


def everything(number: int) -> WriteSet:
    return WriteSet(
        customers=CUSTOMERS,
        records=[b"%d" % number] * len(CUSTOMERS),
        series=packed([(CLICKS.key("app", "spring"), NEWEST, 1)]),
        newest_ms=number,
        ids={(TOPIC, HOUR + number): b"8 bytes."},
        ids_since={TOPIC: HOUR + number - 1},
        counters={"events:clicks": 1},
        timers={HOUR + number + 1: CUSTOMERS},
        past_hours=[HOUR + number - 1],
        messages=[b"message"],
        at_risk={b"u:ann": "", b"u:bob": "?7", b"u:cid": "8"},
        fields={"due_from": str(number)},
    )


@pytest.fixture
async def owner(own_redis: EmbeddedRedis) -> AsyncIterator[Owner]:
    """Two commits are in, so that every key is there, and buckets are to be split by the next."""
    async with Redis.from_url(own_redis.url) as redis:
        await redis.flushall()
        owner = Owner(redis)
        await owner.claim()
        for _ in range(2):
            assert await owner.commit() == "committed"
        await redis.hset(OF_SHARD.state, "customers", 48 * 65 + 1)
        yield owner


def bucket(first: int) -> str:
    return f"{OF_SHARD.customers}:{first}"


WRITTEN = {
    "names": OF_SHARD.names,
    "journal": OF_SHARD.journal,
    "outbox": OF_SHARD.outbox,
    "at-risk": OF_SHARD.at_risk,
    "the last customer's bucket": bucket(next(each.start for each in PORTIONS if crc32(CUSTOMERS[1]) in each)),
    "a bucket to be split": bucket(0),
    "its upper half": bucket(PORTIONS[0].stop // 2),
    "ids": KEYS.ids(SHARD, TOPIC, HOUR + 2),
    "timers": KEYS.timers(SHARD, HOUR + 3),
}


@pytest.mark.parametrize("what", WRITTEN)
async def test_a_key_of_another_type_is_named_and_nothing_is_written(owner: Owner, what: str) -> None:
    await owner.redis.delete(WRITTEN[what])
    await owner.redis.xadd(WRITTEN[what], {"a": "stream"})

    error = await assert_nothing_written(owner)
    assert WRITTEN[what] in str(error)
    assert not is_transient(error)
    assert "ASSIDU_NAMESPACE" in str(advice(error))


@pytest.mark.parametrize(
    "field",
    [
        *("c:events:clicks", f"hour:{TOPIC}", f"oldest:{TOPIC}", f"parts:{WRITTEN['ids']}"),
        *("newest_ms", "journal_bytes", "customers", "buckets"),
    ],
)
async def test_a_field_that_is_no_number_is_named_and_nothing_is_written(owner: Owner, field: str) -> None:
    for garbage in ("x", "1.5", "", "99999999999999999999"):
        await owner.redis.hset(OF_SHARD.state, field, garbage)
        assert field in str(await assert_nothing_written(owner))


async def full(redis: Redis, on: bool) -> None:
    await redis.config_set("maxmemory", 100_000 if on else 0)


async def replica(redis: Redis, on: bool) -> None:
    await redis.replicaof(*(("127.0.0.1", str(free_port())) if on else ("NO", "ONE")))


async def without_replicas(redis: Redis, on: bool) -> None:
    await redis.config_set("min-replicas-to-write", int(on))


@pytest.mark.parametrize("unwell", [full, replica, without_replicas])
async def test_while_redis_refuses_to_write_nothing_is_written_and_after_it_all_is(
    owner: Owner, unwell: Callable[[Redis, bool], Awaitable[None]]
) -> None:
    await unwell(owner.redis, True)
    try:
        error = await assert_nothing_written(owner)
        assert is_transient(error), error
    finally:
        await unwell(owner.redis, False)

    assert await owner.commit() == "committed"


async def test_while_redis_cannot_write_to_disk_nothing_is_written() -> None:
    with EmbeddedRedis({"appendonly": "no"}) as server:
        async with Redis.from_url(server.url) as redis:
            await redis.config_set("save", "3600 1")
            owner = Owner(redis)
            await owner.claim()
            folder = Path((await redis.config_get("dir"))["dir"])
            shutil.rmtree(folder)
            while (await redis.info("persistence"))["rdb_last_bgsave_status"] == "ok":
                if not (await redis.info("persistence"))["rdb_bgsave_in_progress"]:
                    await bgsave(redis)
            error = await assert_nothing_written(owner)
            assert is_transient(error), error
            folder.mkdir()


async def bgsave(redis: Redis) -> None:
    try:
        await redis.bgsave()
    except ResponseError as error:
        assert "Background save" in str(error), error


COMMANDS = "HSET HSETNX HDEL HINCRBY RPUSH APPEND UNLINK".split()


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_command_that_is_forbidden_is_named_at_the_start(owner: Owner, command: str) -> None:
    async with limited(owner.redis, f"-{command}") as redis:
        with pytest.raises(UserError, match=command) as refused:
            await check_rights(redis, NAMESPACE)
        assert "ASSIDU_REDIS" in str(refused.value)

        if await has_acl_check(owner.redis):  # before Redis 7 a script cannot ask
            before, owner.store = owner.store, ShardStore(redis, NAMESPACE)
            error = await assert_nothing_written(owner)
            assert not is_transient(error)
            assert command in str(error)
            owner.store = before


@pytest.mark.parametrize("rule", ["-publish", "resetchannels"])
async def test_whoever_may_not_tell_exporters_is_told_at_the_start(owner: Owner, rule: str) -> None:
    async with limited(owner.redis, rule) as redis:
        with pytest.raises(UserError, match=r"PUBLISH.*channels"):
            await check_rights(redis, NAMESPACE)


async def test_what_may_be_done_is_found_out_without_a_trace(owner: Owner) -> None:
    before = await owner.dump()
    async with limited(owner.redis, "+@all") as redis:
        await check_rights(redis, NAMESPACE)
    assert await owner.dump() == before


async def test_arguments_that_do_not_fit_together_write_nothing(owner: Owner) -> None:
    good = everything(2)
    missing: list[WriteSet] = [
        good._replace(records=[b"one"]),
        good._replace(counters={"events:clicks": 10**20}),
    ]
    for write_set in missing:
        commit = Commit("f" * COMMIT_LENGTH, owner.last, {TOPIC: 2}, {TOPIC: 3}, 2, [b"name"])
        before = await owner.dump()
        with pytest.raises((ResponseError, ValueError)):
            await owner.store.commit(SHARD, OWNER, commit, write_set)
        assert await owner.dump() == before


async def test_blobs_go_on_in_another_part_before_redis_could_refuse_them(owner: Owner) -> None:
    """Redis's own bound cannot be set lower than this."""
    await owner.redis.config_set("proto-max-bulk-len", 1 << 20)
    try:
        ids, timers = KEYS.ids(SHARD, TOPIC, HOUR + 2), KEYS.timers(SHARD, HOUR + 3)
        stored = [bytes([number]) * 8 * 50_000 for number in range(6)]
        for number, blob in enumerate(stored):
            write_set = WriteSet(ids={(TOPIC, HOUR + 2): blob}, timers={HOUR + 3: [b"%d" % number * 60_000] * 8})
            commit = Commit(f"{number + 9:0{COMMIT_LENGTH}x}", owner.last, {TOPIC: 2}, {TOPIC: 2}, 2, [])
            assert await owner.store.commit(SHARD, OWNER, commit, write_set) == "committed"
            owner.last = commit.name

        assert await owner.store.ids(SHARD, TOPIC, [HOUR + 1, HOUR + 2, HOUR + 9]) == {
            HOUR + 1: b"8 bytes.",
            HOUR + 2: b"".join(stored),
        }
        assert await owner.store.timers(SHARD, [HOUR + 3]) == {HOUR + 3: [b"%d" % n * 60_000 for n in range(6)]}
        assert [await owner.redis.strlen(f"{ids}{part}") for part in ("", ":1", ":2", ":3")] == [800_000] * 3 + [0]

        gone = WriteSet(ids={(TOPIC, HOUR + 9): b"8 bytes."}, ids_since={TOPIC: HOUR + 9}, past_hours=[HOUR + 3])
        last = Commit("e" * COMMIT_LENGTH, owner.last, {TOPIC: 2}, {TOPIC: 2}, 2, [])
        assert await owner.store.commit(SHARD, OWNER, last, gone) == "committed"
        left = [key async for key in owner.redis.scan_iter("*")]
        assert not [key for key in left if key.decode().startswith((ids, timers))]
        assert not [field for field in await owner.redis.hkeys(OF_SHARD.state) if field.startswith(b"parts:")]
    finally:
        await owner.redis.config_set("proto-max-bulk-len", 512 << 20)


async def test_a_long_commit_is_cut_into_arguments_that_redis_takes(owner: Owner) -> None:
    customers = [b"u:%d" % number for number in range(6_000)]
    records = [b"%d" % number * 100 for number in range(6_000)]
    await owner.redis.config_set("proto-max-bulk-len", 1 << 20)
    try:
        commit = Commit("f" * COMMIT_LENGTH, owner.last, {TOPIC: 2}, {TOPIC: 3}, 2, [b"name"])
        write_set = WriteSet(customers=customers, records=records, messages=[b"after the records"])
        assert sum(map(len, records)) > 2 << 20
        assert await owner.store.commit(SHARD, OWNER, commit, write_set) == "committed"
        assert await owner.store.records(SHARD, customers) == records
        assert (await owner.store.names(SHARD))[-1] == b"name"
        assert (await owner.store.outbox(SHARD, 10)).messages[-1] == b"after the records"
    finally:
        await owner.redis.config_set("proto-max-bulk-len", 512 << 20)


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=30))
def test_portions_are_all_there_is_in_its_order_and_short(rows: list[tuple[bytes, bytes]]) -> None:
    left, right = [a for a, _ in rows], [b for _, b in rows]
    cuts = list(packing.portions(left, right, most_bytes=10))
    assert [row for cut in cuts for row in zip(left[cut], right[cut], strict=True)] == rows
    assert all(len(b"".join(column[cut])) <= 10 for cut in cuts for column in (left, right))
    assert len(cuts) <= len(rows)


async def test_a_piece_longer_than_a_part_is_one_by_itself(owner: Owner) -> None:
    for number in range(2):
        write_set = WriteSet(ids={(TOPIC, HOUR + 2): FULL * 2})
        commit = Commit(f"{number + 9:0{COMMIT_LENGTH}x}", owner.last, {TOPIC: 2}, {TOPIC: 2}, 2, [])
        assert await owner.store.commit(SHARD, OWNER, commit, write_set) == "committed"
        owner.last = commit.name
    assert await owner.store.ids(SHARD, TOPIC, [HOUR + 2]) == {HOUR + 2: FULL * 4}


async def test_compaction_writes_nothing_where_the_journal_is_none(owner: Owner) -> None:
    for _ in range(1_100):
        await owner.commit()
    await owner.redis.hset(OF_SHARD.state, "journal_bytes", "x")
    before = await owner.dump()
    with pytest.raises(ResponseError):
        await owner.store.compact(SHARD, OWNER, SERIES, NEWEST, TODAY, KEEP_DAYS)
    assert await owner.dump() == before


async def test_compaction_makes_room_in_a_redis_that_is_full(owner: Owner) -> None:
    for _ in range(1_100):
        await owner.commit()
    await full(owner.redis, True)
    try:
        assert await owner.store.compact(SHARD, OWNER, SERIES, NEWEST, TODAY, KEEP_DAYS)
    finally:
        await full(owner.redis, False)


async def test_signs_of_life_claims_and_emptied_outboxes_write_all_or_nothing_too(owner: Owner) -> None:
    """Each writes once, or to one key only."""
    attempts: list[Callable[[], Awaitable[Any]]] = [
        lambda: owner.store.claim(SHARD, "another", None),
        lambda: Heartbeats(owner.redis, NAMESPACE).beat("worker", Said([SHARD])),
        lambda: owner.store.sent(SHARD, OWNER, Unsent([b"message"], 0, 1)),
    ]
    await replica(owner.redis, True)
    try:
        for attempt in attempts:
            before = await owner.dump()
            with pytest.raises(ResponseError) as error:
                await attempt()
            assert is_transient(error.value)
            assert await owner.dump() == before
    finally:
        await replica(owner.redis, False)


@pytest.mark.parametrize("away_hours", [1, 4, 48, 24 * 365])
async def test_after_an_absence_only_the_hours_of_the_window_are_left(
    own_redis: EmbeddedRedis, away_hours: int
) -> None:
    """An owner with a window of 3 hours folds what came in the meantime, an hour or a day at a time."""
    window = 3
    async with Redis.from_url(own_redis.url) as redis:
        await redis.flushall()
        store = ShardStore(redis, NAMESPACE)
        position = {TOPIC: 0}
        await store.claim(SHARD, OWNER, position)
        chance, last, at = random.Random(away_hours), "", HOUR
        batches = [[HOUR, HOUR + 1, HOUR + 2, HOUR + 3]]
        while at < HOUR + 3 + away_hours:
            until = min(at + chance.choice([1, 24, 24]), HOUR + 3 + away_hours)
            batches.append(list(range(at + 1, until + 1)))
            at = until
        batches += [[at]] * 30  # it goes on: what is left to sweep is swept some at a time
        for number, hours in enumerate(batches):
            write_set = WriteSet(
                ids={(TOPIC, hour): b"8 bytes." for hour in hours}, ids_since={TOPIC: max(hours) - window}
            )
            commit = Commit(f"{number:0{COMMIT_LENGTH}x}", last, position, position, 0, [])
            assert await store.commit(SHARD, OWNER, commit, write_set) == "committed"
            last = commit.name
        left = {int(key.rsplit(b":", 1)[1]) async for key in redis.scan_iter(f"{KEYS.all_ids(SHARD)}*")}
    assert left == set(range(at - window, at + 1))


async def assert_nothing_written(owner: Owner) -> RedisError:
    before = await owner.dump()
    with pytest.raises(RedisError) as error:
        answer = await owner.commit()
        raise AssertionError(answer)
    assert await owner.dump() == before
    return error.value


class limited:
    """`async with`: a connection as a user who may do everything but that."""

    def __init__(self, redis: Redis, rule: str) -> None:
        self._admin, self._rule, self._name = redis, rule, f"user-{uuid4().hex}"

    async def __aenter__(self) -> Redis:
        await self._admin.execute_command(
            "ACL", "SETUSER", self._name, "on", ">x", "~*", "&*", "+@all", self._rule.lower()
        )
        where = self._admin.connection_pool.connection_kwargs
        self._client = Redis(host=where["host"], port=where["port"], username=self._name, password="x")
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        await self._admin.execute_command("ACL", "DELUSER", self._name)


async def has_acl_check(redis: Redis) -> bool:
    return bool(await redis.eval("return redis.acl_check_cmd and 1 or 0", 0))
