"""The stack every test may use: a Kafka, a Redis, settings of its own for each test, and the command line."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from stream.demo.embedded import EmbeddedBroker, EmbeddedRedis, KafkaServer, free_port
from stream.kafka.topics import create_topics
from stream.settings import Settings
from stream.store.connect import connect_to
from stream.worker.side_outputs import SideOutputs
from tests.deployment import Deployment
from tests.stack.apache_kafka import ApacheKafka
from tests.stack.command import Assidu

STACKS = 2
BROKERS: dict[str, type[KafkaServer]] = {"embedded": EmbeddedBroker, "apache": ApacheKafka}


def pytest_configure() -> None:
    """Where the tests run in a shell's background, SIGINT is ignored, and so it would be by whatever they start and
    interrupt."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        choices=(*BROKERS, "both"),
        default="embedded",
        help="what tests with a Kafka run on: the embedded broker, Apache Kafka (see `make kafka`), or each in turn",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kafka" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--broker")
        brokers = list(BROKERS) if chosen == "both" else [chosen]
        metafunc.parametrize("kafka", brokers, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a Kafka runs in one of two processes, each with a stack of its own, for it mostly waits; meanwhile
    a third one (-n 3) tests laws. The tests of a file stay together."""
    needing = [item for item in items if "kafka" in getattr(item, "fixturenames", ())]
    files = sorted({item.path for item in needing})
    for item in needing:
        item.add_marker(pytest.mark.xdist_group(f"stack {files.index(item.path) % STACKS}"))


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """A developer's own ASSIDU_* must not change what the tests see."""
    for name in [name for name in os.environ if name.startswith("ASSIDU_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[KafkaServer]:
    with BROKERS[request.param]() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def settings(kafka: KafkaServer, redis_server: EmbeddedRedis) -> Settings:
    return own_settings(kafka, redis_server)


def own_settings(kafka: KafkaServer, redis_server: EmbeddedRedis) -> Settings:
    """Topics, keys and a group that no other test has, on the stack all tests share."""
    own = f"test-{uuid4().hex[:8]}"
    return Settings(
        _env_file=None,
        kafka=kafka.servers,
        redis=redis_server.url,
        partitions=4,
        topic_prefix=f"{own}.",
        namespace=own,
        group=own,
        canary_seconds=0,  # its events would be counted too
        kafka_session_timeout=6,
        kafka_rebalance_timeout=6,
        worker_port=0,
        exporter_port=free_port(),
        collector_port=free_port(),
    )


@pytest.fixture
def assidu(settings: Settings, tmp_path: Path) -> Iterator[Assidu]:
    command = Assidu(settings, tmp_path)
    yield command
    command.close()


@pytest.fixture(scope="module")
def own_redis() -> Iterator[EmbeddedRedis]:
    """Which the tests of a module may configure and empty."""
    with EmbeddedRedis({"appendonly": "no"}) as server:
        yield server


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[Redis]:
    async with connect_to(redis_server.url) as redis:
        yield redis


@pytest.fixture
def namespace() -> str:
    """That no other test has."""
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def apache(kafka: KafkaServer) -> None:
    """For what the embedded broker does not have."""
    if not kafka.durable:
        pytest.skip("the embedded broker has no such thing: run it with --broker apache (after `make kafka`)")


@pytest.fixture
async def deployment(redis: Redis, namespace: str) -> Deployment:
    deployment = Deployment(redis, namespace)
    await deployment.claim()
    return deployment


@pytest.fixture
async def side_outputs(settings: Settings) -> AsyncIterator[SideOutputs]:
    await create_topics(settings, replication=1)
    side_outputs = SideOutputs(settings)
    await side_outputs.start()
    yield side_outputs
    await side_outputs.stop()
