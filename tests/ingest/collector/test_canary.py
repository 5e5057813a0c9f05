"""The canary through the door: it comes as clients do, tells how Kafka is, and is counted nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stream.demo.embedded import KafkaServer
from stream.settings import Settings
from tests.ingest.collector.collecting import Client, collecting, logins
from tests.stack.reading import records
from tests.stack.waiting import eventually_async

OFTEN = {"canary_seconds": 0.05}


async def canaries(client: Client, within: str) -> int:
    """How many have come through in so many seconds."""
    [count] = re.findall(
        rf'^assidu_collector_canary_seconds_bucket{{le="{re.escape(within)}"}} (\S+)$',
        await client.metrics(),
        re.MULTILINE,
    )
    return int(float(count))


async def test_it_reaches_every_shard_as_a_test_event_and_is_in_no_other_figure(deployed: Settings) -> None:
    async with collecting(deployed.model_copy(update=OFTEN)) as client:

        async def several() -> bool:
            return await canaries(client, "10.0") >= 2 * deployed.partitions

        await eventually_async(several, 30, "canaries to come through")
        assert "assidu_collector_requests_total{" not in await client.metrics()
        assert "assidu_collector_events_total{" not in await client.metrics()
        assert (await client.post(logins(1))).status == 200
        assert 'assidu_collector_events_total{protocol="native",safe_in="kafka"} 1.0' in await client.metrics()
    found = [
        (record.partition, json.loads(record.value))
        for record in await records(deployed, f"{deployed.topic_prefix}logins", None)
    ]
    own = [(partition, event) for partition, event in found if event["user_id"].startswith("canary-")]
    assert {partition for partition, _ in own} == {*range(deployed.partitions)}
    assert all(event["test"] is True for _, event in own)


async def test_while_kafka_is_away_it_is_slower_than_all_and_not_in_the_spool(
    deployed: Settings, kafka: KafkaServer, tmp_path: Path
) -> None:
    changed = {**OFTEN, "collector_spool": str(tmp_path / "spool"), "collector_kafka_timeout": 1.0}
    async with collecting(deployed.model_copy(update=changed)) as client:

        async def through() -> bool:
            return await canaries(client, "10.0") > 0

        await eventually_async(through, 30, "a canary to come through")
        with kafka.paused():

            async def failed() -> bool:
                return await canaries(client, "+Inf") > await canaries(client, "10.0")

            await eventually_async(failed, 30, "a canary to fail")
            assert "assidu_collector_spool_bytes 0.0" in await client.metrics()


async def test_it_finds_the_door_also_where_the_collector_listens_to_everybody(deployed: Settings) -> None:
    async with collecting(deployed.model_copy(update={**OFTEN, "bind": "0.0.0.0"})) as client:

        async def through() -> bool:
            return await canaries(client, "10.0") > 0

        await eventually_async(through, 30, "a canary to come through")


async def test_its_key_is_listed_nowhere(client: Client) -> None:
    table = await client.stored.table()
    assert table.canary_key
    assert table.find(table.canary_key) is not None
    assert all(key.ending != table.canary_key[-4:] for key in table.keys.values())
