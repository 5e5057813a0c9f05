"""Libraries of products' servers: a batch goes in, and the gauges say what was sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.clients.calls import calls
from tests.clients.door import Door
from tests.clients.running import Client, assert_counted, in_node, in_python, run

USERS = [f"user-{number}" for number in range(10)]
IN_PYTHON = {
    "segment": in_python("segment"),
    "rudderstack": in_python("rudder"),
    "posthog": in_python("posthog"),
    "posthog by its new protocol": in_python("posthog", given={"POSTHOG_CAPTURE_MODE": "v1"}),
    "amplitude": in_python("amplitude"),
    "snowplow": in_python("snowplow", feature="lesson_finished", identifies=False),
    "cloudevents": in_python("cloud_events"),
}
IN_NODE = {
    "segment": in_node("segment"),
    "rudderstack": in_node("rudder"),
    "posthog": in_node("posthog"),
    "posthog by its new protocol": in_node("posthog", given={"POSTHOG_CAPTURE_MODE": "v1"}),
    "amplitude": in_node("amplitude"),
    "snowplow": in_node("snowplow", feature="lesson_finished", identifies=False),
    "cloudevents": in_node("cloudevents"),
    "jitsu": in_node("jitsu"),
    "openpanel": in_node("openpanel"),
    "umami": in_node("umami"),
}


@pytest.mark.parametrize("name", IN_PYTHON)
@pytest.mark.usefixtures("python_clients")
async def test_python(door: Door, name: str) -> None:
    await a_batch_counts(door, IN_PYTHON[name])


@pytest.mark.parametrize("name", IN_NODE)
@pytest.mark.usefixtures("node")
async def test_node(door: Door, name: str) -> None:
    await a_batch_counts(door, IN_NODE[name])


async def a_batch_counts(door: Door, client: Client) -> None:
    key, said, since = door.server_key(), calls(*USERS), datetime.now(UTC)
    printed = await run(client, door.spooling, key, said)
    refused = door.refused()
    assert not refused, f"{refused}\n{printed}"
    await assert_counted(door, key.product, client.wanted(said), since)
