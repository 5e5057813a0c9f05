"""The Faust app of a worker: one agent that hands every batch to its shard."""

from __future__ import annotations

from typing import Any

import faust
from faust.types import StreamT

from stream.kafka.batch import Batch
from stream.kafka.credentials import faust_credentials
from stream.kafka.group import client_id
from stream.kafka.transport import BatchTransport, take_records_as_parsed
from stream.settings import Settings
from stream.worker.shards import Shards

MOST_RECORDS_PER_FETCH = 60_000
_BATCHES_BUFFERED = 8
_COMMIT_OFFSETS_EVERY_SECONDS = 10.0
"""A hint for lag tools; Faust asks for the whole assignment once for each of its partitions."""


def engagement_app(settings: Settings, shards: Shards, folder: str) -> faust.App:
    """The app, ready to start, in a process of its own.

    It keeps no state (Faust wants a folder all the same); Redis holds the truth.
    """
    app = faust.App(
        settings.group,
        broker=";".join(f"kafka://{server.strip()}" for server in settings.kafka.split(",")),
        broker_credentials=faust_credentials(settings),
        autodiscover=False,
        datadir=folder,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=_BATCHES_BUFFERED,
        stream_recovery_delay=0.0,
        key_serializer="raw",
        value_serializer="raw",
        # Redis has the position: where Kafka no longer has what follows it, that is for somebody to know.
        consumer_auto_offset_reset="none",
        broker_commit_interval=_COMMIT_OFFSETS_EVERY_SECONDS,
        broker_max_poll_records=MOST_RECORDS_PER_FETCH,
        broker_client_id=client_id(settings),
        broker_session_timeout=settings.kafka_session_timeout,
        broker_heartbeat_interval=settings.kafka_heartbeat_interval,
        broker_rebalance_timeout=settings.kafka_rebalance_timeout,
        broker_request_timeout=max(40.0, settings.kafka_session_timeout + 1),
    )
    take_records_as_parsed()
    transport = BatchTransport(app.conf.broker_consumer, app)
    transport.positions = shards.positions
    transport.refused = shards.refused
    transport.out_of_range = shards.out_of_range
    app.transport = transport

    async def dispatch(stream: StreamT[list[Batch]]) -> None:
        async for batches in stream.noack():
            for batch in batches:
                await shards.deliver(batch)

    shards.consumer = app.consumer
    app.agent(app.topic(*settings.topics), concurrency=1)(dispatch)

    async def let_go(*_: Any, **__: Any) -> None:
        await shards.close()

    app.on_partitions_revoked.connect(let_go, weak=False)
    return app
