"""Benchmark of the collector on one core: events that are answered once Kafka has acknowledged them (acks=all)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import click

from bench.measuring import Failed, Work, cpu_seconds, peak_bytes
from bench.posting import Posted, post_at, post_on, request
from bench.producer import CUSTOMERS, OWN_FIELDS
from bench.stack import BROKERS, CHECKOUT, leave_one_core
from stream.demo.embedded import Child, EmbeddedRedis, free_port
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.stack.command import Assidu

PATH = "/v1/events"
BATCH = 100
_SEED = 20_260_301
_REQUESTS = 64
_CONNECTIONS, _MANY_CONNECTIONS = 128, 512
_START_SECONDS = 30.0
_OVERLOAD = 6  # times as long as the others: memory has time to grow


class Server:
    """Something that takes events over HTTP, on one core."""

    def __init__(self, child: Child, port: int, key: str) -> None:
        self.child = child
        self.port = port
        self.key = key

    def requests(self, events: int) -> list[bytes]:
        return [request(PATH, self.key, body) for body in bodies(events)]

    def flat_out(self, events: int, seconds: float) -> Work:
        """As fast as it answers."""
        cpu, began = cpu_seconds([self.child]), monotonic()
        posted = asyncio.run(post_on(self.port, self.requests(events), _CONNECTIONS, seconds))
        if posted.statuses.keys() != {200}:
            raise Failed(f"answered {dict(posted.statuses)}:\n{self.child.log_tail()}")
        return Work(posted.statuses[200] * events, monotonic() - began, cpu_seconds([self.child]) - cpu)

    def paced(self, events: int, seconds: float, per_second: float, connections: int) -> Posted:
        """So many requests a second."""
        return asyncio.run(post_at(self.port, self.requests(events), connections, seconds, per_second))


def bodies(events: int) -> Iterator[bytes]:
    """Of so many events of some 200 bytes."""
    chance, types = random.Random(_SEED), list(OWN_FIELDS)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    for number in range(_REQUESTS):
        batch = [
            {
                "event_id": f"{number * events + each:012x}",
                "type": (type_ := types[each % len(types)]),
                "user_id": f"customer-{chance.randrange(CUSTOMERS):07}",
                "timestamp": moment,
                "channel": "web",
                **json.loads(f"{{{OWN_FIELDS[type_]}}}"),
            }
            for each in range(events)
        ]
        yield json.dumps(batch).encode()


@contextmanager
def collector(assidu: Assidu, core: int | None) -> Iterator[Server]:
    """With a topic for each family, and a key."""
    for command in (["topics"], ["keys", "create", "--product", "shop", "--format", "json"]):
        if (done := assidu.run(*command)).returncode != 0:
            raise Failed(done.stderr)
    key = json.loads(done.stdout)["key"]
    with _listening(assidu.start("collector"), assidu.settings.collector_port, key, core) as server:
        yield server


@contextmanager
def bare(folder: Path, core: int | None) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.bare_handler", str(port)]
    child = Child(command, folder / "bare.log", folder, {**os.environ, "PYTHONPATH": str(CHECKOUT)})
    with _listening(child, port, "none", core) as server:
        yield server


@contextmanager
def _listening(child: Child, port: int, key: str, core: int | None) -> Iterator[Server]:
    try:
        if core is not None:
            os.sched_setaffinity(child.pid, {core})
        deadline = monotonic() + _START_SECONDS
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if not child.running or monotonic() > deadline:
                raise Failed(f"{child.log.stem} does not listen:\n{child.log_tail()}")
            sleep(0.05)
        yield Server(child, port, key)
    finally:
        child.terminate()


def _rate(title: str, work: Work, events: int) -> None:
    each_us = work.cpu_seconds / work.events * events * 1e6
    on_a_core = work.events / work.cpu_seconds
    click.echo(
        f"{title}: {work.events_per_second:,.0f} events/s, {on_a_core:,.0f} on a whole core "
        f"({each_us:,.0f} µs of CPU a request, {work.core_share:.2f} of the core used)"
    )


def _latency(title: str, posted: Posted) -> None:
    click.echo(
        f"{title}: p50 {posted.percentile(50) * 1000:.0f} ms, p99 {posted.percentile(99) * 1000:.0f} ms, "
        f"answered {dict(posted.statuses)}"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), default="embedded", show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=10,
    show_default=True,
    help="Of each; six times as long for the memory.",
)
def main(broker: str, seconds: float) -> None:
    """Measure `assidu collector` on one core, and a handler that only decodes.

    Flat out; at half of that rate, for the time an answer takes; and asked for twice as much, for its memory.
    """
    try:
        _measure(broker, seconds, leave_one_core())
    except (Failed, UserError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)


def _measure(broker: str, seconds: float, cores: Sequence[int]) -> None:
    core = cores[0] if cores else None
    with BROKERS[broker]() as kafka, EmbeddedRedis() as redis, TemporaryDirectory(prefix="assidu-bench-") as name:
        folder = Path(name)
        with bare(folder, core) as server:
            for events in (BATCH, 1):
                _rate(f"only decoding, {events} a request", server.flat_out(events, seconds), events)
        settings = Settings(_env_file=None, kafka=kafka.servers, redis=redis.url, collector_port=free_port())
        with collector(Assidu(settings, folder), core) as server:
            server.flat_out(BATCH, 1)  # the broker's first batches wait for its own beginnings
            for events in (BATCH, 1):
                work = server.flat_out(events, seconds)
                _rate(f"collector, {events} a request", work, events)
                rate = work.events_per_second / events
                _latency(
                    f"  at half of that, {events} a request", server.paced(events, seconds, rate / 2, _CONNECTIONS)
                )
            before = peak_bytes(server.child.pid)
            _latency("  asked for twice as much", server.paced(1, _OVERLOAD * seconds, 2 * rate, _MANY_CONNECTIONS))
            click.echo(
                f"  memory: {before / 1e6:.0f} MB before, at most {peak_bytes(server.child.pid) / 1e6:.0f} MB then"
            )


if __name__ == "__main__":
    main()
