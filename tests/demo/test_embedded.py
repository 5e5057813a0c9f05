"""The embedded stack: it is there when it says so, comes back as it was, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from redis import Redis

from stream.demo.embedded import Child, EmbeddedRedis, KafkaServer
from stream.demo.embedded import redis as embedded_redis
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.stack.waiting import eventually, eventually_async


async def create_topic(servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def produce(servers: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def consume(servers: str, topic: str, count: int) -> list[bytes]:
    """The first `count` values of the topic's only partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    values: list[bytes] = []
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])

        async def all_there() -> bool:
            records = (await consumer.getmany(timeout_ms=100)).get(partition, [])
            values.extend(record.value for record in records)
            return len(values) >= count

        await eventually_async(all_there, 20, f"{count} records of {topic}")
    finally:
        await consumer.stop()
    return values


async def test_a_broker_gives_back_what_was_produced(settings: Settings) -> None:
    topic = settings.topic_prefix + "any"
    await create_topic(settings.kafka, topic)
    await produce(settings.kafka, topic, b"one", b"two")
    assert await consume(settings.kafka, topic, 2) == [b"one", b"two"]


async def test_a_group_member_is_assigned_the_partitions(settings: Settings) -> None:
    topic = settings.topic_prefix + "any"
    await create_topic(settings.kafka, topic)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.kafka,
        group_id=settings.group,
        session_timeout_ms=int(settings.kafka_session_timeout * 1000),
        rebalance_timeout_ms=int(settings.kafka_rebalance_timeout * 1000),
    )
    await consumer.start()
    try:

        async def assigned() -> set[TopicPartition]:
            await consumer.getmany(timeout_ms=50)
            return set(consumer.assignment())

        assert await eventually_async(assigned, 30, "an assignment") == {TopicPartition(topic, 0)}
    finally:
        await consumer.stop()


async def test_a_paused_broker_answers_again_when_it_is_resumed(kafka: KafkaServer, settings: Settings) -> None:
    topic = settings.topic_prefix + "any"
    await create_topic(settings.kafka, topic)
    with kafka.paused():
        assert not kafka.answers()
    await produce(settings.kafka, topic, b"after")
    assert await consume(settings.kafka, topic, 1) == [b"after"]


@pytest.mark.slow
async def test_a_durable_broker_still_has_its_records_after_stop_and_kill(kafka: KafkaServer) -> None:
    if not kafka.durable:
        pytest.skip("the embedded broker keeps nothing; run with --broker apache")
    with type(kafka)() as own:
        await create_topic(own.servers, "kept")
        await produce(own.servers, "kept", b"one")
        with own.stopped():
            assert not own.answers()
        await produce(own.servers, "kept", b"two")
        own.kill()
        own.start()
        assert await consume(own.servers, "kept", 2) == [b"one", b"two"]


@pytest.mark.parametrize("end", [EmbeddedRedis.stop, EmbeddedRedis.kill])
def test_a_redis_comes_back_on_its_port_with_what_it_answered(end: Callable[[EmbeddedRedis], None]) -> None:
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        client.set("seen", 1)
        end(server)
        assert not server.answers()
        server.start()
        assert client.get("seen") == b"1"


def test_a_redis_goes_back_to_a_snapshot_as_often_as_asked() -> None:
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        client.set("position", 1)
        first = server.snapshot()
        client.set("position", 2)
        for _ in range(2):
            before = client.info("server")["run_id"]
            server.go_back_to(first)
            assert client.get("position") == b"1"
            assert client.info("server")["run_id"] != before
            client.set("position", 3)


def test_a_paused_redis_accepts_but_does_not_answer() -> None:
    with EmbeddedRedis() as server:
        with server.paused(), socket.create_connection(("127.0.0.1", server.port), timeout=1):
            assert not server.answers()
        assert server.answers()


def test_a_wrong_option_is_reported_with_the_servers_own_words() -> None:
    server = EmbeddedRedis({"no-such-option": "1"})
    with pytest.raises(UserError, match=r"(?s)ended before it answered.*no-such-option"):
        server.start()
    server.close()


def test_closing_removes_the_folder_and_the_process() -> None:
    with EmbeddedRedis() as server:
        folder, child = server.folder, server.process
        assert folder.is_dir()
    assert not folder.exists()
    assert not child.running


def test_without_one_on_path_redis_comes_from_a_python_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with EmbeddedRedis() as server, Redis.from_url(server.url) as client:
        assert "site-packages" in server.program
        assert client.eval("return redis.call('incrby', KEYS[1], 2)", 1, "n") == 2


def test_a_redis_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=00000000:0'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded_redis, "PACKAGED_REDIS", {})
    with pytest.raises(UserError, match=r"6\.2 or later.*redis-server is 5\.0.*assidu\[demo\]"):
        EmbeddedRedis()


PARENT = """
import sys
from stream.demo.embedded import EmbeddedRedis
with EmbeddedRedis() as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_server_does_not_outlive_its_parent(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=os.environ | {"TMPDIR": str(tmp_path)},  # a killed parent cannot remove the server's folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    port = int(parent.stdout.readline())
    assert listens(port)
    parent.send_signal(number)
    parent.communicate()
    eventually(lambda: not listens(port), 5, f"port {port} to be closed")


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = Child([sys.executable, "-c", stubborn], tmp_path / "log", tmp_path)
    eventually(lambda: "up" in child.log_tail(), 10, "the child to be up")
    assert child.terminate(within_seconds=0.2) == -signal.SIGKILL


def test_a_paused_child_can_be_ended(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "print('up', flush=True); input()"], tmp_path / "log", tmp_path)
    child.pause()
    assert child.terminate() != 0
    assert not child.running
