"""Messages of churn risk on their way to Kafka: sent, dropped and counted once, and held back where they must be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from stream.settings import Settings
from stream.store.connect import connect
from stream.store.replica import read_state
from stream.worker.commits import Fenced
from stream.worker.held_back import HeldBack
from stream.worker.measures import REGISTRY
from stream.worker.outbox import Outbox
from stream.worker.side_outputs import SideOutputs
from tests.shard_owner import DAY, SHARD, TEN, Risks, ShardOwner, event
from tests.stack.reading import records
from tests.stack.waiting import eventually_async


@pytest.fixture
async def risks(settings: Settings) -> AsyncIterator[Risks]:
    async with connect(settings) as redis:
        yield Risks(redis, settings.namespace)


async def owner_with_messages(risks: Risks, number: int) -> ShardOwner:
    owner = await ShardOwner.of(risks)
    await owner.fold([event("login", f"user-{each}", TEN) for each in range(number)], TEN)
    await owner.evaluate(TEN + 60 * DAY)
    return owner


async def sent(risks: Risks) -> int:
    return (await read_state(risks.redis, risks.namespace, SHARD)).counters.get("risk_messages", 0)


async def test_messages_are_counted_when_kafka_has_them(
    risks: Risks, side_outputs: SideOutputs, settings: Settings
) -> None:
    owner = await owner_with_messages(risks, 1200)
    messages = (await risks.unsent()).messages
    assert (len(messages), await sent(risks)) == (1200, 0)
    running = asyncio.create_task(Outbox(owner.commits, risks.store, side_outputs).run())

    async def all_are_sent() -> bool:
        return await sent(risks) == 1200

    await eventually_async(all_are_sent, 30, "1200 messages")
    owner.commits.closed.set()
    running.cancel()
    assert await risks.unsent() == ([], 1200, 0)
    assert [record.value for record in await records(settings, settings.churn_risk, 1200)] == messages


async def test_whoever_lost_the_shard_sends_no_more_than_what_it_holds(
    risks: Risks, side_outputs: SideOutputs
) -> None:
    """It is told by the first answer, not by the next sign of life: until then it would send the same on and on."""
    owner = await owner_with_messages(risks, 600)
    await ShardOwner.of(risks)
    with pytest.raises(Fenced, match="owner"):
        await asyncio.wait_for(Outbox(owner.commits, risks.store, side_outputs).run(), 30)
    assert (len((await risks.unsent()).messages), await sent(risks)) == (600, 0)


async def test_there_is_no_room_while_very_many_wait(risks: Risks, settings: Settings) -> None:
    owner = await ShardOwner.of(risks)
    outbox = Outbox(owner.commits, risks.store, SideOutputs(settings))
    outbox.filled(9_999)
    assert outbox.has_room
    outbox.filled(1)
    assert not outbox.has_room


def test_what_holds_messages_back_is_measured_at_once_and_said_once_a_minute() -> None:
    seconds = iter([1000.0, 1010.0, 1060.0, 1119.0, 1120.0, 1130.0, 1140.0])
    held_back = HeldBack(7, lambda: next(seconds))
    measured = []
    with capture_logs() as said:
        for why in ("behind", "behind", "behind", "behind", "behind", None, "behind"):
            held_back.note(why)
            measured.append(REGISTRY.get_sample_value("assidu_risk_held_back_seconds", {"shard": "7"}))
    assert measured == [0, 10, 60, 119, 120, 0, 0]
    assert [(entry["shard"], entry["why"], entry["seconds"]) for entry in said] == [
        (7, "behind", 60),
        (7, "behind", 120),
    ]
