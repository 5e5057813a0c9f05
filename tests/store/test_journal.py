"""The journal is merged when it takes room, by entries or by bytes; those who follow it find where they left off."""

from __future__ import annotations

import random

import numpy as np
import pytest

from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, KeyIds
from stream.core.packed_cells import NO_INCREMENTS
from stream.store.journal import Journal, staying
from tests.deployment import CLICKS, DAY, NEWEST, Deployment, readings


@pytest.mark.parametrize(
    ("entries", "size", "packed_size", "long"),
    [
        pytest.param(1023, 1_000, 0, False, id="short"),
        pytest.param(1024, 1_000, 0, True, id="many entries"),
        pytest.param(20, 1_999_999, 0, False, id="less than two megabytes"),
        pytest.param(20, 2_000_000, 0, True, id="two megabytes"),
        pytest.param(20, 4_999_999, 5_000_000, False, id="less than what it would be merged into"),
        pytest.param(20, 5_000_000, 5_000_000, True, id="as much as what it would be merged into"),
    ],
)
def test_when_a_journal_is_long(entries: int, size: int, packed_size: int, long: bool) -> None:
    assert Journal(entries, size, packed_size).is_long is long


@pytest.mark.parametrize(
    ("sizes", "stay"),
    [
        pytest.param([10] * 1_000, 128, id="small ones: enough of them for a reader that pauses"),
        pytest.param([10] * 5, 5, id="few ones: all"),
        pytest.param([200_000] * 10, 2, id="large ones: half a megabyte"),
        pytest.param([3_000_000] * 10, 1, id="huge ones: the newest, by which a reader knows that it has all"),
    ],
)
def test_what_stays_of_it(sizes: list[int], stay: int) -> None:
    assert staying([b"." * size for size in sizes]) == stay


async def test_large_entries_are_merged_long_before_there_are_many(deployment: Deployment) -> None:
    chance = random.Random(7)
    follower = await deployment.reader()
    compacted, longest = 0, 0
    for number in range(60):
        await deployment.commit(large(chance))
        journal = await deployment.redis.memory_usage(deployment.journal, samples=0)
        longest = max(longest, journal)
        compacted += await deployment.compact()
        if number % 3 == 0:
            await follower.refresh()
    assert compacted >= 2
    assert longest < 4_000_000
    assert int(await deployment.redis.hget(deployment.state, "journal_bytes")) == sum(
        map(len, await deployment.redis.lrange(deployment.journal, 0, -1))
    )

    await follower.refresh()
    assert readings(follower) == readings(await deployment.reader())


async def test_a_follower_in_step_is_not_thrown_back_by_a_merge(deployment: Deployment) -> None:
    chance = random.Random(8)
    follower = await deployment.reader()
    while not await deployment.compact():
        await deployment.commit(large(chance))
        await follower.refresh()
    table = follower.table
    await deployment.commit(NO_INCREMENTS)
    await follower.refresh()
    assert follower.table is table, "everything was loaded anew"


def large(chance: random.Random) -> bytes:
    """About 90 KB of increments."""
    minutes = np.array(chance.sample(range(NEWEST - 30 * DAY, NEWEST), 30_000))
    batch = Increments(FoldKeys([KeyIds()]))
    batch.add(batch.key_ids.number(CLICKS.key("app", "spring"), np.zeros(len(minutes), np.int64)), minutes, 1)
    return batch.encode()
