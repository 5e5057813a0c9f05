"""How long it takes from an event's timestamp to the gauges while events keep coming: told by the exporter's canary.

Run as `python -m bench.delay`: a worker on a core of its own, everything else on the others, so many events a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from time import monotonic, time

import aiohttp
import click
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from bench.load import Load, Parcel, parcels
from bench.measuring import Failed
from bench.stack import BROKERS, best_broker, leave_one_core, stack
from stream.demo.embedded import free_port
from stream.exporter.canary import BUCKETS
from stream.ingest.event_producer import EventProducer
from stream.kafka.partitions import shards_of_keys
from stream.kafka.topics import create_topics
from stream.runtime.json_text import json_text
from stream.runtime.pipeline_metrics import EVENT_TO_GAUGE
from stream.settings import Settings
from tests.stack.command import PROGRAM, Assidu

CANARY_SECONDS = 0.2
WARM_UP_SECONDS = 20.0
_STEP_SECONDS = 0.05
_MADE_AT_ONCE = 1000  # events: while many are made none is sent, and then comes a flood
_SETTLE_SECONDS = 5.0

Buckets = dict[float, int]
"""Upper bound in seconds -> canaries that took no longer."""


class Delay(msgspec.Struct, frozen=True):
    """`p50` and `p99` are the bounds in seconds that half and 99 % of the canaries kept; None: slower than all."""

    broker: str
    events_per_second: float
    canaries: int
    p50: float | None
    p99: float | None


async def measure(broker: str, cores: Sequence[int], rate: int, seconds: float, customers: int) -> Delay:
    """The load comes as it would from products; what is counted begins after a warm-up.

    `cores` as in `Stack`: the worker has the first, the exporter shares the next.
    """
    with stack(broker, cores) as own:
        settings = Settings(
            _env_file=None,
            kafka=own.kafka.servers,
            redis=own.redis.url,
            idempotence="off",
            canary_seconds=CANARY_SECONDS,
            exporter_port=free_port(),
        )
        await create_topics(settings, replication=1)
        environment = Assidu(settings, own.redis.folder).environment()
        with (
            own.running("worker", [str(PROGRAM), "worker"], environment),
            own.running("exporter", [str(PROGRAM), "exporter"], environment, core=1),
        ):
            events = events_of(Load(int(rate * (seconds + WARM_UP_SECONDS)), customers), settings.partitions)
            await send(settings, events, rate, WARM_UP_SECONDS)
            before = await canaries(settings)
            sent = await send(settings, events, rate, seconds)
            await asyncio.sleep(_SETTLE_SECONDS)  # the last canaries of that time arrive
            after = await canaries(settings)
    seen = {bound: count - before[bound] for bound, count in after.items()}
    if not any(seen.values()):
        raise Failed("no canary arrived")
    return Delay(broker, sent / seconds, max(seen.values()), bound(seen, 0.5), bound(seen, 0.99))


def events_of(load: Load, partitions: int) -> Iterator[tuple[str, str, bytes]]:
    """(family, customer id, event), one by one."""
    for chunk in parcels(load, partitions, int(time() * 1000), at_once=_MADE_AT_ONCE):
        yield from _mixed(chunk)


def _mixed(chunk: list[Parcel]) -> Iterator[tuple[str, str, bytes]]:
    """The parcels' events in turn, so that every partition gets some all the time."""
    waiting = [(parcel.family, zip(parcel.keys, parcel.values, strict=True)) for parcel in chunk]
    while waiting:
        left = []
        for family, pairs in waiting:
            if (pair := next(pairs, None)) is not None:
                yield family, pair[0].decode(), pair[1]
                left.append((family, pairs))
        waiting = left


async def send(settings: Settings, events: Iterator[tuple[str, str, bytes]], rate: int, seconds: float) -> int:
    """Send at the rate for so long; how many were sent."""
    sent, began = 0, monotonic()
    async with EventProducer(settings, partitioner=shards_of_keys) as producer:
        while (passed := monotonic() - began) < seconds:
            due = int(passed * rate) - sent
            await producer.send_many(islice(events, due))
            sent += due
            await asyncio.sleep(_STEP_SECONDS)
    return sent


async def canaries(settings: Settings) -> Buckets:
    url = f"http://{settings.bind}:{settings.exporter_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        families = text_string_to_metric_families(await answer.text())
        return {
            float(sample.labels["le"]): int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == EVENT_TO_GAUGE.bucket
        }


def bound(seen: Buckets, share: float) -> float | None:
    """The least bucket that holds so large a share."""
    total = max(seen.values())
    return next((bound for bound in BUCKETS if seen[bound] >= share * total), None)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), default=best_broker, show_default="apache where it is")
@click.option("--rate", type=click.IntRange(min=1), default=20_000, show_default=True, help="Events a second.")
@click.option("--seconds", type=click.FloatRange(min=5), default=60, show_default=True)
@click.option("--customers", type=click.IntRange(min=1000), default=100_000, show_default=True)
def main(broker: str, rate: int, seconds: float, customers: int) -> None:
    """Measure the delay from event to gauge, and print it; keeps nothing."""
    delay = asyncio.run(measure(broker, leave_one_core(), rate, seconds, customers))
    click.echo(json_text(delay))


if __name__ == "__main__":
    main()
