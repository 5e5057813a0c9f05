"""One deployment for all tests of the collector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from stream.demo.embedded import EmbeddedRedis, KafkaServer
from stream.kafka.topics import create_topics
from stream.settings import Settings
from tests.conftest import own_settings
from tests.ingest.collector.collecting import Client, collecting


@pytest.fixture(scope="module")
def deployed(kafka: KafkaServer, redis_server: EmbeddedRedis) -> Settings:
    settings = own_settings(kafka, redis_server)
    asyncio.run(create_topics(settings, replication=1))
    return settings


@pytest.fixture
async def client(deployed: Settings) -> AsyncIterator[Client]:
    async with collecting(deployed) as client:
        yield client
