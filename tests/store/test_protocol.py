"""The commit protocol against a real Redis: what is refused, what is written once, and what readers see of it."""

from __future__ import annotations

import json
import random

import pytest

from stream.core.key_ids import KeyIds
from stream.store.heartbeats import Heartbeats, Said
from stream.store.keys import Keys
from stream.store.shard import COMMIT_LENGTH
from tests.deployment import (
    CLICKS,
    NEWEST,
    OWNER,
    SHARD,
    Deployment,
    anything,
    at,
    clicks,
    readings,
    total,
)


async def test_the_same_commit_again_is_already_in_and_changes_nothing(deployment: Deployment) -> None:
    name = "c" * COMMIT_LENGTH
    assert await deployment.commit(clicks(), name=name) == "committed"
    stored = await deployment.stored()

    assert await deployment.commit(clicks(), name=name) == "already"
    assert await deployment.stored() == stored


async def test_a_commit_of_another_owner_is_refused_and_writes_nothing(deployment: Deployment) -> None:
    await deployment.store.claim(SHARD, "the successor", None)
    stored = await deployment.stored()

    assert await deployment.commit(clicks(), customers=[b"ann"], records=[b"record"]) == "owner"
    assert await deployment.stored() == stored


async def test_a_commit_from_another_position_is_refused_and_writes_nothing(deployment: Deployment) -> None:
    await deployment.commit(clicks())
    stored = await deployment.stored()

    assert await deployment.commit(clicks(), expected=at(0)) == "position"
    assert await deployment.stored() == stored


async def test_a_commit_after_another_one_than_the_last_is_refused_and_writes_nothing(deployment: Deployment) -> None:
    """As when Redis went back behind a commit that moved no position."""
    await deployment.commit(position=at(0), messages=[b"told"])
    before, deployment.position = await deployment.stored(), 0
    await deployment.commit(position=at(0), messages=[b"told, too"])
    deployment.position = 0
    await deployment.go_back_to(before)

    assert await deployment.commit(clicks()) == "position"
    assert await deployment.stored() == before


async def test_a_commit_that_counts_on_other_names_is_refused_and_writes_nothing(deployment: Deployment) -> None:
    names = KeyIds()
    names.id_of(names.keys.number(CLICKS.key("app", "spring")))
    await deployment.commit(clicks(), names=names.pack(0))
    stored = await deployment.stored()

    assert await deployment.commit(clicks(), named=0) == "position"
    assert await deployment.stored() == stored
    assert await deployment.store.names(SHARD) == names.pack(0)


async def test_messages_that_kafka_has_are_dropped_and_counted_once_however_often_that_is_said(
    deployment: Deployment,
) -> None:
    """As when Redis's answer is lost and the owner tries again: what was not sent yet must stay."""
    await deployment.commit(messages=[b"one", b"two", b"three"])
    some = await deployment.store.outbox(SHARD, 2)
    assert some == ([b"one", b"two"], 0, 3)
    assert (await deployment.counters()).get("risk_messages", 0) == 0, "nothing is sent by being written down"

    for answer in ("sent", "already"):
        assert await deployment.store.sent(SHARD, OWNER, some) == answer
        assert await deployment.store.outbox(SHARD, 2) == ([b"three"], 2, 1)
        assert (await deployment.counters())["risk_messages"] == 2


async def test_messages_are_dropped_by_the_owner_alone_and_where_they_were_read(deployment: Deployment) -> None:
    await deployment.commit(messages=[b"one", b"two"])
    before, some = await deployment.stored(), await deployment.store.outbox(SHARD, 1)
    assert await deployment.store.sent(SHARD, "a stranger", some) == "owner"
    assert await deployment.store.sent(SHARD, OWNER, some) == "sent"
    later = await deployment.store.outbox(SHARD, 1)
    await deployment.go_back_to(before)
    assert await deployment.store.sent(SHARD, OWNER, later) == "position"
    assert await deployment.stored() == before


async def test_a_claim_keeps_the_position_and_names_the_last_commit(deployment: Deployment) -> None:
    name = "c" * COMMIT_LENGTH
    await deployment.commit(name=name)

    assert await deployment.store.claim(SHARD, "the successor", at(0)) == (at(1), name)
    assert await deployment.store.claim(SHARD + 1, "the successor", None) is None


@pytest.mark.parametrize("customers", [1_999, 2_000, 2_001, 25_000])
async def test_a_commit_of_any_number_of_customers_is_written_whole(deployment: Deployment, customers: int) -> None:
    keys = [f"customer-{number}".encode() for number in range(customers)]
    records = [f"record {number}".encode() for number in range(customers)]
    ids = {("clicks", 400_000): bytes(8), ("clicks", 400_001): bytes(16)}

    assert await deployment.commit(clicks(), customers=keys, records=records, ids=ids) == "committed"
    assert await deployment.store.records(SHARD, keys) == records
    assert await deployment.store.ids(SHARD, "clicks", (400_000, 400_001, 400_002)) == {
        400_000: bytes(8),
        400_001: bytes(16),
    }
    assert await deployment.store.newest_hour(SHARD, "clicks") == 400_001


async def test_an_owner_sees_what_redis_has_of_its_shards(deployment: Deployment) -> None:
    name = "c" * COMMIT_LENGTH
    await deployment.commit(name=name)

    signs = await deployment.store.signs([SHARD, SHARD + 1])
    assert signs == {SHARD: (OWNER, name, at(1)), SHARD + 1: (None, None, None)}


async def test_a_sign_of_life_tells_whether_redis_still_has_the_one_before(deployment: Deployment) -> None:
    heartbeats = Heartbeats(deployment.redis, deployment.namespace)
    assert await heartbeats.beat("w", Said([SHARD]))
    stored = await deployment.stored()
    assert await heartbeats.beat("w", Said([SHARD], {SHARD: {"clicks": 5}}, {SHARD: 7}))
    assert (await deployment.reader()).heartbeats[SHARD][1:] == ({"clicks": 5}, 7)

    await deployment.go_back_to(stored)
    assert not await heartbeats.beat("w", Said([SHARD]))
    assert await heartbeats.beat("w", Said([SHARD]))
    await deployment.redis.delete(*await deployment.stored())
    assert not await heartbeats.beat("w", Said([SHARD]))


async def test_the_youngest_sign_of_life_for_a_shard_counts_and_the_superseded_are_forgotten(
    deployment: Deployment,
) -> None:
    heartbeats, key = Heartbeats(deployment.redis, deployment.namespace), Keys(deployment.namespace).heartbeats
    old = {"gone": (1_000, [1]), "gone, and nobody has its shard": (2_000, [1, 2]), "alive": (70_000, [0, 1])}
    for worker, (ms, shards) in old.items():
        await deployment.redis.hset(key, worker, f"{ms} word {json.dumps({'shards': shards})}")

    assert {shard: each.ms for shard, each in (await heartbeats.read()).items()} == {0: 70_000, 1: 70_000, 2: 2_000}
    await heartbeats.forget_superseded()
    assert set(await deployment.redis.hkeys(key)) == {b"alive", b"gone, and nobody has its shard"}


async def test_compaction_keeps_every_reading_and_followers_agree_with_fresh_readers(deployment: Deployment) -> None:
    chance = random.Random(1)
    follower, sleeper = await deployment.reader(), await deployment.reader()
    for number in range(1_100):
        await deployment.commit(anything(chance))
        if number in (10, 1_050):
            await follower.refresh()
        if number == 10:
            await sleeper.refresh()
    before = readings(await deployment.reader())

    assert await deployment.compact()
    assert not await deployment.compact(), "nothing is left to compact"
    await deployment.commit(clicks(7, NEWEST - 10))

    after = before | {key: count + 7 for key, count in before.items() if "spring" in key and key[0] + 10 < key[1]}
    for replica in (await deployment.reader(), follower, sleeper):
        await replica.refresh()
        assert readings(replica) == after


@pytest.mark.parametrize("more", [0, 1, 5])
async def test_a_follower_notices_that_redis_went_back(deployment: Deployment, more: int) -> None:
    """Also when by now there are as many commits as before, or more."""
    await deployment.commit(clicks())
    stored, last = await deployment.stored(), deployment.last
    await deployment.commit(clicks())
    follower = await deployment.reader()
    await deployment.go_back_to(stored)
    deployment.position, deployment.last = 1, last
    for _ in range(more):
        await deployment.commit(clicks(100))
    await follower.refresh()

    assert readings(follower) == readings(await deployment.reader())
    assert total(follower, CLICKS.key("app", "spring"), None, NEWEST) == 1 + 100 * more


async def test_a_follower_notices_that_redis_was_emptied(deployment: Deployment) -> None:
    await deployment.commit(clicks())
    follower = await deployment.reader()
    await deployment.go_back_to({})
    await follower.refresh()

    assert follower.table.products == []
    assert follower.states[SHARD].position is None
