"""Kafka is away amid what clients send: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import asyncio

import pytest

from stream.demo.embedded import KafkaServer
from tests.clients.calls import calls, shape
from tests.clients.door import Door
from tests.clients.running import in_node, in_python, run

AWAY_SECONDS = 20
KEPT_BY_THE_SPOOL = {
    "rudderstack": in_python("rudder"),
    "posthog": in_python("posthog"),
    "snowplow": in_python("snowplow", feature="lesson_finished", identifies=False),
    "segment in Node": in_node("segment"),
    "amplitude in Node": in_node("amplitude"),
}
KEPT_BY_THE_CLIENT = {"segment": in_python("segment")}
"""Which comes again when it was told to. Others wait for as long as they like, or give up."""


@pytest.mark.usefixtures("python_clients", "node")
async def test_kafka_is_away_for_a_while(door: Door, kafka: KafkaServer) -> None:
    senders = [(each, door.spooling, door.server_key()) for each in KEPT_BY_THE_SPOOL.values()]
    senders += [(each, door.bare, door.server_key()) for each in KEPT_BY_THE_CLIENT.values()]
    before, amid, after = calls("before"), calls(*(f"amid-{number}" for number in range(10))), calls("after")

    await asyncio.gather(*(run(*sender, before) for sender in senders))
    kafka.pause()
    try:
        sending = asyncio.gather(*(run(*sender, amid) for sender in senders))
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        kafka.resume()
    await sending
    await asyncio.gather(*(run(*sender, after) for sender in senders))

    for client, _, key in senders:
        wanted = client.wanted(before + amid + after)
        events = await door.arrived(key.product, len(wanted))
        assert shape({each["event_id"]: each for each in events}.values()) == shape(wanted)
        door.assert_gauges_equal_the_recount(key.product, events)
    door.refused()  # by the one without a spool
