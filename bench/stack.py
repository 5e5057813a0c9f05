"""The stack of a benchmark: broker and Redis on all cores but one, what is measured alone on that one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stream.embedded import Child, EmbeddedBroker, EmbeddedRedis, KafkaServer
from tests.stack.apache_kafka import ApacheKafka

BROKERS: dict[str, type[KafkaServer]] = {"embedded": EmbeddedBroker, "apache": ApacheKafka}
TITLES = {"embedded": "the embedded broker (Tansu, in memory)", "apache": "Apache Kafka (KRaft, one node)"}
CHECKOUT = Path(__file__).parents[1]


class Stack:
    """`measured_core` is None where processes cannot be pinned, or there is only one core."""

    def __init__(self, kafka: KafkaServer, redis: EmbeddedRedis, measured_core: int | None) -> None:
        self.kafka = kafka
        self.redis = redis
        self.measured_core = measured_core

    @contextmanager
    def running(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Iterator[Child]:
        """A program on the measured core, for the length of a `with` block."""
        folder = self.redis.folder
        paths = {"PYTHONPATH": str(CHECKOUT)}  # for the modules of bench; the folder has no `.env`
        child = Child(command, folder / f"{name}.log", folder, {**environment, **paths})
        if self.measured_core is not None:
            os.sched_setaffinity(child.pid, {self.measured_core})  # before it has other threads: they inherit it
        try:
            yield child
        finally:
            child.terminate()


@contextmanager
def stack(broker: str) -> Iterator[Stack]:
    """Broker, Redis and this process share all cores but the measured one."""
    measured_core = _leave_one_core()
    with BROKERS[broker]() as kafka, EmbeddedRedis() as redis:
        yield Stack(kafka, redis, measured_core)


def _leave_one_core() -> int | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    *others, last = sorted(os.sched_getaffinity(0))
    if not others:
        return None
    os.sched_setaffinity(0, others)  # and with it whatever this process starts
    return last
