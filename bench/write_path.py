"""Benchmark of the write path: Kafka to committed in Redis, beside a bare consumer and an ordinary Faust agent."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
import click
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import ordinary_agent
from bench.load import Ends, preload
from bench.measuring import Failed, Measured, measured
from bench.results import Run, checked_out, keep, machine, page
from bench.stack import BROKERS, Stack, stack
from bench.state import State
from stream.embedded import free_port
from stream.errors import UserError
from stream.settings import Settings
from stream.topics import create_topics
from tests.stack.command import PROGRAM, Assidu

LONGEST_SECONDS = 600.0

Advance = Callable[[int], None]


class Bench:
    """One run. The three parts read the same preloaded topics, one after the other."""

    def __init__(self, stack: Stack, redis: Redis, events: int, progress: Progress) -> None:
        self.settings = Settings(
            _env_file=None,
            kafka=stack.kafka.servers,
            redis=stack.redis.url,
            idempotence="off",
            worker_port=free_port(),
        )
        self.state = State(redis, self.settings)
        self._stack = stack
        self._redis = redis
        self._events = events
        self._progress = progress
        self._environment = Assidu(self.settings, stack.redis.folder).environment()

    async def preload(self, customers: int) -> Ends:
        await create_topics(self.settings, replication=1)
        return await preload(self.settings, self._events, customers, self._bar("preloading"))

    async def bare(self) -> Measured:
        command = [sys.executable, "-m", "bench.bare_consumer", str(self._events)]
        with self._stack.running("bare consumer", command, self._environment) as child:
            await asyncio.to_thread(child.process.wait, LONGEST_SECONDS)
        if child.process.returncode != 0:
            raise Failed(f"the bare consumer ended:\n{child.log_tail()}")
        self._bar("bare consumer")(self._events)
        return msgspec.json.decode(child.log_tail(1), type=Measured)

    async def ordinary(self, most_seconds: float) -> Measured:
        async def done() -> int:
            return int(await self._redis.get(ordinary_agent.DONE) or 0)

        command = [sys.executable, "-m", "bench.ordinary_agent", "worker"]
        with self._stack.running("ordinary agent", command, self._environment) as child:
            return await measured(child, done, self._events, most_seconds, self._bar("ordinary agent"))

    async def assidu(self) -> tuple[Measured, dict[str, float]]:
        with self._stack.running("assidu worker", [str(PROGRAM), "worker"], self._environment) as child:
            committed, bar = self.state.committed, self._bar("assidu worker")
            return await measured(child, committed, self._events, LONGEST_SECONDS, bar), await self._own_metrics()

    async def _own_metrics(self) -> dict[str, float]:
        """Samples without labels of the worker's own metrics."""
        url = f"http://{self.settings.bind}:{self.settings.worker_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            families = text_string_to_metric_families(await answer.text())
            return {
                sample.name: sample.value for family in families for sample in family.samples if not sample.labels
            }

    def _bar(self, what: str) -> Advance:
        task = self._progress.add_task(what, total=self._events)
        return lambda events: self._progress.advance(task, events)


async def run(broker: str, events: int, customers: int, seconds: float, progress: Progress) -> Run:
    """Everything, on a stack of its own. Raises Failed when Assidu's numbers are not right."""
    load, commit = os.getloadavg()[0], checked_out()
    with stack(broker) as own:
        redis = Redis.from_url(own.redis.url)
        try:
            bench = Bench(own, redis, events, progress)
            ends = await bench.preload(customers)
            bare = await bench.bare()
            assidu, samples = await bench.assidu()
            await bench.state.check(ends)
            customers_seen, customer_bytes = await bench.state.customers(), await bench.state.customer_bytes()
            ordinary = await bench.ordinary(seconds)
            info = await redis.info("server")
        finally:
            await redis.aclose()
    return Run(
        date=datetime.now(UTC).date().isoformat(),
        commit=commit,
        broker=broker,
        machine=machine(load, own.measured_core is not None, str(info.get("valkey_version", info["redis_version"]))),
        events=events,
        customers=customers,
        customers_seen=customers_seen,
        customer_bytes=customer_bytes,
        commits=int(samples["assidu_commit_seconds_count"]),
        commit_seconds=samples["assidu_commit_seconds_sum"],
        assidu=assidu,
        bare=bare,
        ordinary=ordinary,
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), default="embedded", show_default=True)
@click.option("--events", type=click.IntRange(min=10_000), default=400_000, show_default=True)
@click.option("--customers", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20,
    show_default=True,
    help="How long the ordinary agent is measured: it would need minutes for all events.",
)
@click.option("--quick", is_flag=True, help="50,000 events of 20,000 customers, 5 seconds; results are not kept.")
def main(broker: str, events: int, customers: int, seconds: float, quick: bool) -> None:
    """Measure the write path, print the results and keep them in bench/RESULTS.md and bench/results.json."""
    if quick:
        events, customers, seconds = 50_000, 20_000, 5
    # New topics have no leader for an instant: aiokafka tries again, and its warnings would tear the bars.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            result = asyncio.run(run(broker, events, customers, seconds, progress))
    except (Failed, UserError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
    if not quick:
        keep(result)
    click.echo(page({broker: result}))


if __name__ == "__main__":
    main()
