"""What small loads cost: CPU of worker and exporter, Redis's commands and file, and the delay from event to gauge.

Run as `python -m bench.small`: each row is a deployment of its own that has settled before it is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import product
from time import monotonic

import click
import msgspec
from redis.asyncio import Redis

from bench.delay import Buckets, bound, canaries, events_of, send
from bench.load import Load
from bench.measuring import Failed, cpu_seconds
from bench.stack import BROKERS, best_broker, leave_one_core, stack
from stream.demo.embedded import free_port
from stream.kafka.topics import create_topics
from stream.runtime.json_text import json_text
from stream.settings import Settings
from tests.stack.command import PROGRAM, Assidu

RATES = (0, 10, 50, 500)
PARTITIONS = (8, 64)
CANARY_SECONDS = 1.0
SETTLE_SECONDS, SECONDS = 30.0, 40.0
_CUSTOMERS = 10_000
_ARRIVE_SECONDS = 5.0
_HOUR = 3600


class Small(msgspec.Struct, frozen=True):
    """One row: shares of a core, Redis's commands a second and its append-only file's growth, and the bound in
    seconds that 99 % of the canaries kept (None: none was sent, or some were slower than all bounds)."""

    partitions: int
    rate: int
    worker_share: float
    exporter_share: float
    redis_commands_per_second: float
    aof_bytes_per_hour: float
    p99: float | None


async def measure(broker: str, cores: Sequence[int], partitions: int, rate: int, seconds: float) -> Small:
    """Without load there is no canary either: nothing at all happens."""
    with stack(broker, cores) as own:
        settings = Settings(
            _env_file=None,
            kafka=own.kafka.servers,
            redis=own.redis.url,
            partitions=partitions,
            idempotence="off",
            canary_seconds=CANARY_SECONDS if rate else 0,
            exporter_port=free_port(),
        )
        await create_topics(settings, replication=1)
        environment = Assidu(settings, own.redis.folder).environment()
        redis = Redis.from_url(own.redis.url)
        try:
            with (
                own.running("worker", [str(PROGRAM), "worker"], environment) as worker,
                own.running("exporter", [str(PROGRAM), "exporter"], environment, core=1) as exporter,
            ):
                events = events_of(Load(max(1, int(rate * (seconds + SETTLE_SECONDS))), _CUSTOMERS), partitions)
                await send(settings, events, rate, SETTLE_SECONDS)
                seen = await canaries(settings)
                before, began = await _used(redis), monotonic()
                cpu = [cpu_seconds([each]) for each in (worker, exporter)]
                await send(settings, events, rate, seconds)
                passed = monotonic() - began
                used = [cpu_seconds([each]) - was for each, was in zip((worker, exporter), cpu, strict=True)]
                commands, file_bytes = (now - was for now, was in zip(await _used(redis), before, strict=True))
                await asyncio.sleep(_ARRIVE_SECONDS if rate else 0)
                p99 = _p99(seen, await canaries(settings)) if rate else None
        finally:
            await redis.aclose()
    of_worker, of_exporter = (each / passed for each in used)
    return Small(partitions, rate, of_worker, of_exporter, commands / passed, file_bytes / passed * _HOUR, p99)


async def _used(redis: Redis) -> tuple[int, int]:
    """(commands, bytes of the append-only file) so far; a script counts as one, and what it calls too."""
    stats, persistence = await redis.info("stats"), await redis.info("persistence")
    return int(stats["total_commands_processed"]), int(persistence["aof_current_size"])


def _p99(before: Buckets, after: Buckets) -> float | None:
    seen = {bound_: count - before[bound_] for bound_, count in after.items()}
    if not any(seen.values()):
        raise Failed("no canary arrived")
    return bound(seen, 0.99)


def table(rows: Sequence[Small]) -> str:
    head = (
        "Small loads, which cost next to nothing:\n\n"
        "| partitions | events/s | core used by the worker | by the exporter | Redis, commands/s "
        "| its file, MB an hour | event to gauge, 99 % within |\n|---:|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(
        f"| {row.partitions} | {row.rate} | {row.worker_share:.3f} | {row.exporter_share:.3f} "
        f"| {row.redis_commands_per_second:.0f} | {row.aof_bytes_per_hour / 1e6:.1f} "
        f"| {'–' if row.p99 is None else f'{row.p99:g} s'} |\n"
        for row in rows
    )


async def rows(
    broker: str,
    cores: Sequence[int],
    partitions: Sequence[int] = PARTITIONS,
    rates: Sequence[int] = RATES,
    seconds: float = SECONDS,
) -> list[Small]:
    """One after the other; `cores` as in `Stack`."""
    return [await measure(broker, cores, number, rate, seconds) for number, rate in product(partitions, rates)]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), default=best_broker, show_default="apache where it is")
@click.option("--rate", "rates", type=click.IntRange(min=0), multiple=True, default=RATES, show_default=True)
@click.option("--partitions", type=click.IntRange(min=1), multiple=True, default=PARTITIONS, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=5), default=SECONDS, show_default=True)
def main(broker: str, rates: tuple[int, ...], partitions: tuple[int, ...], seconds: float) -> None:
    """Measure what small loads cost, and print it; keeps nothing."""
    click.echo(json_text(asyncio.run(rows(broker, leave_one_core(), partitions, rates, seconds))))


if __name__ == "__main__":
    main()
