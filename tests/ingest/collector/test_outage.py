"""Kafka away, clients gone, the end of the process: what was answered by 200 is there, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from stream.demo.embedded import KafkaServer
from stream.settings import Settings
from tests.events import Event
from tests.ingest.collector.collecting import Client, arrived, collecting, ids_of, logins
from tests.stack.waiting import eventually_async


@pytest.fixture
def hasty(deployed: Settings, tmp_path: Path) -> Settings:
    """Does not wait for Kafka for long, and has a spool."""
    return deployed.model_copy(update={"collector_kafka_timeout": 0.5, "collector_spool": str(tmp_path / "spool")})


async def all_arrived(settings: Settings, events: list[Event]) -> list[Event]:
    async def complete() -> list[Event] | None:
        found = await arrived(settings, events)
        return found if {*ids_of(found)} == {*ids_of(events)} else None

    found = await eventually_async(complete, 60, f"{len(events)} events in Kafka")
    assert found is not None
    return found


async def test_while_kafka_is_away_events_are_safe_on_disk_and_drained_in_order(
    hasty: Settings, kafka: KafkaServer
) -> None:
    async with collecting(hasty) as client:
        before, first, later = logins(1), logins(3), logins(50)
        assert (await client.post(before)).status == 200
        with kafka.paused():
            # What is on its way when Kafka goes away may be there, too: it comes again, with the same ids.
            assert (await client.post(first)).status == 200
            for event in later:
                assert (await client.post([event])).status == 200
            assert await client.is_ready()
            shown = await client.metrics()
            assert 'assidu_collector_events_total{protocol="native",safe_in="spool"} 53.0' in shown
            assert "assidu_collector_spool_bytes 0.0" not in shown
        found = await all_arrived(hasty, before + first + later)
        of_later = {*ids_of(later)}
        assert [each for each in ids_of(found) if each in of_later] == ids_of(later)

        async def is_drained() -> bool:
            return "assidu_collector_spool_bytes 0.0" in await client.metrics()

        await eventually_async(is_drained, 10, "the spool to be drained")
        after = logins(1)
        assert (await client.post(after)).status == 200
        assert 'events_total{protocol="native",safe_in="kafka"} 2.0' in await client.metrics()


async def test_what_was_spooled_before_a_restart_is_drained_after_it(hasty: Settings, kafka: KafkaServer) -> None:
    first, second = logins(1), logins(20)
    with kafka.paused():
        async with collecting(hasty) as client:  # it starts while Kafka is away
            assert (await client.post(first)).status == 200
        async with collecting(hasty) as client:
            assert (await client.post(second)).status == 200
    async with collecting(hasty):
        found = await all_arrived(hasty, first + second)
    assert Counter(ids_of(found)) == Counter(ids_of(first + second))


async def test_without_a_spool_nobody_is_told_200_while_kafka_is_away(hasty: Settings, kafka: KafkaServer) -> None:
    async with collecting(hasty.model_copy(update={"collector_spool": ""})) as client:
        with kafka.paused():
            answer = await client.post(logins(1))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert not await client.is_ready()
        events = logins(1)

        async def is_taken() -> bool:
            return (await client.post(events)).status == 200

        await eventually_async(is_taken, 30, "events to be taken again")
        assert await arrived(hasty, events)


def request(client: Client, events: list[Event], missing: int = 0) -> bytes:
    body = json.dumps(events).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: collector\r\nAuthorization: Bearer {client.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body[: len(body) - missing]


async def connect(client: Client, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def test_who_hangs_up_before_the_answer_has_its_events_written(deployed: Settings, kafka: KafkaServer) -> None:
    events = logins(10)
    async with collecting(deployed) as client:
        with kafka.paused():
            _, writer = await connect(client, request(client, events))

            async def is_read() -> bool:
                return "assidu_collector_in_flight_bytes 0.0" not in await client.metrics()

            await eventually_async(is_read, 10, "the request to be read")
            writer.transport.abort()
        assert len(await all_arrived(deployed, events)) == 10


async def test_who_hangs_up_amid_the_body_has_nothing_written_and_leaves_nothing(deployed: Settings) -> None:
    events, others = logins(10), logins(1)
    async with collecting(deployed) as client:
        _, writer = await connect(client, request(client, events, missing=10))
        writer.transport.abort()
        assert (await client.post(others)).status == 200

        async def is_left() -> bool:
            return "assidu_collector_in_flight_bytes 0.0" in await client.metrics()

        await eventually_async(is_left, 10, "the request to be given up")
    assert await arrived(deployed, events + others) == await arrived(deployed, others) != []


async def test_at_the_end_who_has_asked_is_answered(deployed: Settings, kafka: KafkaServer) -> None:
    events = logins(10)
    async with collecting(deployed) as client:
        kafka.pause()
        reader, writer = await connect(client, request(client, events))

        async def is_read() -> bool:
            return "assidu_collector_in_flight_bytes 0.0" not in await client.metrics()

        await eventually_async(is_read, 10, "the request to be read")
        asyncio.get_running_loop().call_later(0.5, kafka.resume)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert len(await arrived(deployed, events)) == 10
