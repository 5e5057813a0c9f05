"""The targets: what the write path has to reach, and whether a run did."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from bench.around import Around
from bench.peers import PEERS
from bench.results import Run
from bench.scenarios import COLD, FLAT, MAIN, MIDNIGHT, SIZE, START, TWO
from bench.small import Small

EVENTS_PER_SECOND = 60_000
EVENTS_PER_SECOND_HOPED_FOR = 100_000
OF_BARE = 0.4
OF_PEERS = {"ordinary": 10, "taking": 5, "quixstreams": 2, "bytewax": 2}
FLAT_WITHIN = 0.25
CPU_OF_TWO_WITHIN = 0.15
BYTES_PER_CUSTOMER = 200
MEMORY_MIB = 600
START_SECONDS = 5.0
EMITTED_PER_SECOND = 60_000
DELAY_SECONDS = 1.0
WORKER_SHARES = {(8, 0): 0.03, (64, 0): 0.05, (8, 50): 0.05, (64, 50): 0.05, (8, 500): 0.12, (64, 500): 0.12}
"""(partitions, events/s) -> how much of a core the worker may use."""
IDLE_EXPORTER_SHARE, IDLE_COMMANDS, IDLE_AOF_MB = 0.03, 20, 1.0
SMALL_DELAY_SECONDS = 1.5
ANSWER_MS = 100.0


class Verdict(NamedTuple):
    target: str
    measured: str
    reached: bool


def verdicts(run: Run) -> Iterator[Verdict]:
    """One for every target of which the run has measured something."""
    main = run.scenarios[MAIN].measured
    for wanted in (EVENTS_PER_SECOND, EVENTS_PER_SECOND_HOPED_FOR):
        yield _at_least(f"at least {wanted:,} events/s", main.events_per_second, wanted, "{:,.0f}")
    of_bare = main.events_per_second / run.bare.events_per_second
    yield _at_least(f"at least {OF_BARE} of the bare consumer", of_bare, OF_BARE)
    for name, peer in run.peers.items():
        wanted = OF_PEERS[name]
        what = f"at least {wanted} times {PEERS[name].title}"
        yield _at_least(what, main.events_per_second / peer.events_per_second, wanted, "{:.1f}")
    yield from _of_scenarios(run)
    for row in run.small:
        yield from _small(row)
    if run.around:
        yield from _around(run.around)


def _of_scenarios(run: Run) -> Iterator[Verdict]:
    rates = {name: one.measured.events_per_second for name, one in run.scenarios.items()}
    flat = [rate for name, rate in rates.items() if name.startswith(FLAT)]
    if flat:
        yield _at_least(
            f"however many customers there are: the slowest within {FLAT_WITHIN:.0%} of the fastest",
            min(flat) / max(flat),
            1 - FLAT_WITHIN,
        )
        for name in (COLD, MIDNIGHT):
            if name in rates:
                what = f"{run.scenarios[name].title}: within {FLAT_WITHIN:.0%} of the fastest"
                yield _at_least(what, rates[name] / max(flat), 1 - FLAT_WITHIN)
    if two := run.scenarios.get(TWO):
        cpu = two.measured.cpu_seconds_per_million / run.scenarios[MAIN].measured.cpu_seconds_per_million
        what = f"CPU an event of two workers within {CPU_OF_TWO_WITHIN:.0%} of one's"
        yield _at_most(what, cpu, 1 + CPU_OF_TWO_WITHIN, "{:.2f}")
    if size := run.scenarios.get(SIZE):
        what = f"at most {BYTES_PER_CUSTOMER} bytes of Redis a customer"
        yield _at_most(what, size.bytes_per_customer, BYTES_PER_CUSTOMER)
    if start := run.scenarios.get(START):
        seconds = start.measured.start_seconds
        yield _at_most(
            f"one shard of all customers: start to first commit in {START_SECONDS:g} s",
            seconds,
            START_SECONDS,
            "{:.1f}",
        )
    largest = max(one.measured.peak_bytes for one in run.scenarios.values())
    yield _at_most(f"at most {MEMORY_MIB} MiB of memory in every run", largest / 2**20, MEMORY_MIB)


def _small(row: Small) -> Iterator[Verdict]:
    where = f"{row.rate} events/s in {row.partitions} partitions"
    if wanted := WORKER_SHARES.get((row.partitions, row.rate)):
        yield _at_most(f"{where}: at most {wanted:g} of a core for the worker", row.worker_share, wanted, "{:.3f}")
    if row.rate:
        p99 = inf if row.p99 is None else row.p99
        what = f"{where}: 99 % of the events in the gauges within {SMALL_DELAY_SECONDS:g} s"
        yield _at_most(what, p99, SMALL_DELAY_SECONDS, "{:g}")
        return
    what = f"{where}: at most {IDLE_EXPORTER_SHARE:g} of a core for the exporter"
    yield _at_most(what, row.exporter_share, IDLE_EXPORTER_SHARE, "{:.3f}")
    what = f"{where}: at most {IDLE_COMMANDS} commands a second in Redis"
    yield _at_most(what, row.redis_commands_per_second, IDLE_COMMANDS)
    what = f"{where}: at most {IDLE_AOF_MB:g} MB an hour of Redis's append-only file"
    yield _at_most(what, row.aof_bytes_per_hour / 1e6, IDLE_AOF_MB, "{:.2f}")


def _around(around: Around) -> Iterator[Verdict]:
    rate = around.producer.events_per_second
    yield _at_least(f"assidu emit: at least {EMITTED_PER_SECOND:,} events/s", rate, EMITTED_PER_SECOND, "{:,.0f}")
    p99 = inf if around.delay.p99 is None else around.delay.p99
    yield _at_most(f"event to gauge: 99 % within {DELAY_SECONDS:g} s", p99, DELAY_SECONDS, "{:g}")
    slow = around.exposition.answer_busy.p99
    yield _at_most(f"/metrics: 99 % within {ANSWER_MS:g} ms", slow, ANSWER_MS)


def _at_least(target: str, measured: float, wanted: float, form: str = "{:.2f}") -> Verdict:
    return Verdict(target, form.format(measured), measured >= wanted)


def _at_most(target: str, measured: float, wanted: float, form: str = "{:.0f}") -> Verdict:
    return Verdict(target, form.format(measured), measured <= wanted)
