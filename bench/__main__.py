"""Benchmark of the write path: Assidu in all scenarios, beside a bare consumer and what a user would pick instead."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from bench import around, small
from bench.around import Around
from bench.deployment import deployed
from bench.load import Load
from bench.measuring import Failed, Measured
from bench.page import page, section
from bench.peers import BARE, ORDINARY, PEERS
from bench.progress import Bar, bars
from bench.results import FOLDER, Outcome, Run, checked_out, keep, machine
from bench.scenarios import MAIN, Scenario, scenarios
from bench.small import Small
from bench.stack import BROKERS, best_broker, leave_one_core
from bench.stages import profile
from stream.runtime.errors import UserError

STAGES, AROUND, SMALL = OTHERS = "stages", "around", "small"
# The embedded broker holds everything in memory.
EVENTS = {"apache": 6_000_000, "embedded": 1_500_000}
CUSTOMERS = {"apache": 1_000_000, "embedded": 200_000}
QUICK_EVENTS, QUICK_CUSTOMERS, QUICK_SECONDS = 300_000, 50_000, 5.0
BARE_EVENTS = 3_000_000


class Bench:
    """One run on one machine: what was measured, and of what there is nothing."""

    def __init__(self, broker: str, seconds: float) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.peers: dict[str, Measured] = {}
        self.stages: dict[str, float] = {}
        self.missing: dict[str, str] = {}
        self.around: Around | None = None
        self.small: list[Small] = []
        self.redis_version = ""
        self.cores = leave_one_core()
        self._broker = broker
        self._seconds = seconds

    async def main(self, scenario: Scenario, peers: Sequence[str], bar: Bar) -> Measured:
        """The main run, and on its topics the peers and the bare consumer, which is returned.

        Raises Failed when the main run's numbers are not right.
        """
        async with deployed(self._broker, self.cores, bar, scenario.settings) as deployment:
            self.redis_version = await deployment.redis_version()
            self.outcomes[MAIN] = await deployment.outcome(scenario)
            bare = await deployment.bare(BARE, min(scenario.load.events, BARE_EVENTS))
            for name in peers:
                with self._missing_if_failed(name):
                    if why := PEERS[name].missing(self._broker):
                        raise Failed(why)
                    self.peers[name] = await deployment.beside(name, PEERS[name], self._seconds)
        return bare

    async def under(self, name: str, scenario: Scenario, bar: Bar) -> None:
        """A scenario on a stack of its own."""
        with self._missing_if_failed(name):
            async with deployed(self._broker, self.cores, bar, scenario.settings) as deployment:
                self.outcomes[name] = await deployment.outcome(scenario)

    async def profile(self, load: Load, bar: Bar) -> None:
        with self._missing_if_failed(STAGES):
            async with deployed(self._broker, self.cores, bar, {}) as deployment:
                self.stages = await profile(deployment, load)

    async def look_around(self) -> None:
        with self._missing_if_failed(AROUND):
            self.around = await around.measured(self._broker, self.cores)

    async def small_loads(self) -> None:
        with self._missing_if_failed(SMALL):
            self.small = await small.rows(self._broker, self.cores)

    @contextmanager
    def _missing_if_failed(self, name: str) -> Iterator[None]:
        """Half an hour of measuring is not lost to what goes wrong in the end of it."""
        try:
            yield
        except Exception as failure:
            self.missing[name] = (
                str(failure) if isinstance(failure, Failed) else f"{type(failure).__name__}: {failure}"
            )


async def run(
    broker: str, chosen: dict[str, Scenario], peers: Sequence[str], seconds: float, others: Collection[str]
) -> Run:
    """Everything, one after the other; `others`: what is no scenario and no peer."""
    load = os.getloadavg()[0]
    bench = Bench(broker, seconds)
    main_load = chosen[MAIN].load
    with bars() as bar:
        bare = await bench.main(chosen[MAIN], peers, _titled(MAIN, bar))
        for name, scenario in chosen.items():
            if name != MAIN:
                await bench.under(name, scenario, _titled(name, bar))
        if STAGES in others:
            await bench.profile(main_load._replace(events=main_load.events // 6), _titled(STAGES, bar))
    if SMALL in others:
        await bench.small_loads()
    if AROUND in others:
        await bench.look_around()
    return Run(
        date=datetime.now(UTC).date().isoformat(),
        commit=checked_out(),
        broker=broker,
        machine=machine(load, bool(bench.cores), bench.redis_version),
        events=main_load.events,
        customers=main_load.customers,
        bare=bare,
        scenarios=bench.outcomes,
        peers=bench.peers,
        stages=bench.stages,
        missing=bench.missing,
        around=bench.around,
        small=bench.small,
    )


def _titled(title: str, bar: Bar) -> Bar:
    return lambda what, events: bar(f"{title}: {what}", events)


def _defaults(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} on {broker}" for broker, number in numbers.items())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--broker", type=click.Choice(list(BROKERS)), help="[default: apache where it is, else embedded]")
@click.option("--events", type=click.IntRange(min=10_000), help=f"Of the main run.  [default: {_defaults(EVENTS)}]")
@click.option("--customers", type=click.IntRange(min=1_000), help=f"To draw from.  [default: {_defaults(CUSTOMERS)}]")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=15,
    show_default=True,
    help="How long a peer is measured: some would need minutes for all events.",
)
@click.option("--large", is_flag=True, help="Ten times the customers, too.")
@click.option("--only", multiple=True, help="Beside the main run only this scenario or peer; keeps nothing.")
@click.option("--quick", is_flag=True, help="Less than two minutes; keeps nothing.")
def main(
    broker: str | None,
    events: int | None,
    customers: int | None,
    seconds: float,
    large: bool,
    only: tuple[str, ...],
    quick: bool,
) -> None:
    """Measure the write path, print the results and keep them in bench/RESULTS.md and bench/results.json."""
    broker = broker or best_broker()
    if quick:
        events, customers, seconds, only = QUICK_EVENTS, QUICK_CUSTOMERS, QUICK_SECONDS, (ORDINARY,)
    chosen = scenarios(events or EVENTS[broker], customers or CUSTOMERS[broker], large)
    if unknown := set(only) - {*chosen, *PEERS, *OTHERS}:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join([*chosen, *PEERS, *OTHERS])}")
    if only:
        chosen = {name: scenario for name, scenario in chosen.items() if name in (MAIN, *only)}
    peers = [name for name in PEERS if not only or name in only]
    others = [name for name in OTHERS if not only or name in only]
    try:
        result = asyncio.run(run(broker, chosen, peers, seconds, others))
    except (Failed, UserError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
    if not only:
        (FOLDER / "RESULTS.md").write_text(page(keep(result)))
    click.echo(section(result))


if __name__ == "__main__":
    main()
