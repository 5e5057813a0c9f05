"""What stands around the write path: the producer before it, the exporter behind it, the way through all of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import msgspec

from bench.delay import Delay
from bench.delay import measure as measure_delay
from bench.exposition import Exposition
from bench.exposition import measure as measure_exposition
from bench.producer import Produced
from bench.producer import measured as measure_producer

EMITTED_EVENTS = 1_000_000
RATE = 20_000
DELAY_SECONDS = 60.0
DELAY_CUSTOMERS = 100_000


class Around(msgspec.Struct, frozen=True):
    producer: Produced
    exposition: Exposition
    delay: Delay


async def measured(broker: str, cores: Sequence[int]) -> Around:
    """One after the other, each on a stack of its own. Raises Failed when one did not do its work."""
    producer = await asyncio.to_thread(measure_producer, broker, EMITTED_EVENTS, cores[0] if cores else None)
    delay = await measure_delay(broker, cores, RATE, DELAY_SECONDS, DELAY_CUSTOMERS)
    if cores:  # the exporter that is measured is this process
        os.sched_setaffinity(0, cores)
    return Around(producer, await measure_exposition(), delay)


def table(around: Around) -> str:
    producer, page, delay = around.producer, around.exposition, around.delay
    return (
        "Around the write path:\n\n"
        f"- `assidu emit` of {producer.events:,} events, acks=all, on one core: {producer.events_per_second:,.0f} "
        f"events/s, {producer.cpu_seconds_per_million:.1f} CPU s per million events.\n"
        f"- From an event's timestamp to the gauges at {delay.events_per_second:,.0f} events/s, by "
        f"{delay.canaries} canaries: half {_within(delay.p50)}, 99 % {_within(delay.p99)}.\n"
        f"- /metrics of {page.samples:,} samples and {page.shards} shards while every shard commits once a second: "
        f"half within {page.answer_busy.p50:.0f} ms, 99 % within {page.answer_busy.p99:.0f} ms; a refresh takes "
        f"{page.changed.took:.0f} ms when everything has changed, {page.unchanged.took:.0f} ms when nothing has.\n"
    )


def _within(seconds: float | None) -> str:
    return "in more than a minute" if seconds is None else f"within {seconds:g} s"
