"""The stack of a benchmark: broker and Redis on all cores but one, what is measured alone on that one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from stream.demo.embedded import Child, EmbeddedBroker, EmbeddedRedis, KafkaServer
from tests.stack.apache_kafka import JARS, ApacheKafka

BROKERS: dict[str, type[KafkaServer]] = {"embedded": EmbeddedBroker, "apache": ApacheKafka}
TITLES = {"embedded": "the embedded broker (Tansu, in memory)", "apache": "Apache Kafka (KRaft, one node)"}
CHECKOUT = Path(__file__).parents[1]


def best_broker() -> str:
    """The real one where it can run."""
    return "apache" if shutil.which("java") and any(JARS.glob("kafka_*.jar")) else "embedded"


class Stack:
    """`cores` are those that what is measured may have, one a process, the quietest first; empty: not pinned."""

    def __init__(self, kafka: KafkaServer, redis: EmbeddedRedis, cores: Sequence[int]) -> None:
        self.kafka = kafka
        self.redis = redis
        self._cores = cores

    @contextmanager
    def running(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], core: int = 0
    ) -> Iterator[Child]:
        """A program for the length of a `with` block; `core` 0 is the one that it shares with nobody."""
        folder = self.redis.folder
        paths = {"PYTHONPATH": str(CHECKOUT)}  # for the modules of bench; the folder has no `.env`
        child = Child(command, folder / f"{name}.log", folder, {**environment, **paths})
        if self._cores:
            # Before it has other threads: they inherit it.
            os.sched_setaffinity(child.pid, {self._cores[core % len(self._cores)]})
        try:
            yield child
        finally:
            child.terminate()

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """This process may have all cores for the length of a `with` block: nothing is measured meanwhile."""
        if not self._cores:
            yield
            return
        usual = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores)
        try:
            yield
        finally:
            os.sched_setaffinity(0, usual)


@contextmanager
def stack(broker: str, cores: Sequence[int]) -> Iterator[Stack]:
    """An empty broker and an empty Redis, on the cores that this process keeps to."""
    with BROKERS[broker]() as kafka, EmbeddedRedis() as redis:
        yield Stack(kafka, redis, cores)


def leave_one_core() -> list[int]:
    """The cores for what is measured, the one first that this process and all it starts from now on leave alone.

    Empty where processes cannot be pinned, or there is only one core.
    """
    if not hasattr(os, "sched_setaffinity"):
        return []
    *others, last = sorted(os.sched_getaffinity(0))
    if not others:
        return []
    os.sched_setaffinity(0, others)
    return [last, *reversed(others)]
