"""The command `assidu simulate`.

Imports of the parts stand inside the command, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from typing import TextIO

import click

from stream.stopping import run_interruptibly


@click.command(
    epilog="""\b
Examples:
  assidu simulate --rate 0                           75 days of the past, and no more
  assidu simulate --days 0 --rate 500                live traffic until Ctrl-C
  assidu simulate --for 60 --ledger truth.json       compare it with
  assidu report --format json --at MOMENT            at the moment that the ledger names
"""
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same customers.")
@click.option("--customers", type=click.IntRange(min=1), default=2000, show_default=True, help="Simulated customers.")
@click.option("--days", type=click.IntRange(min=0), default=75, show_default=True, help="How much past they have.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=50.0,
    show_default=True,
    metavar="EVENTS_PER_SECOND",
    help="Live events per second; 0: only the past.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long a time of live traffic.  [default: until Ctrl-C]",
)
@click.option(
    "--ledger",
    type=click.File("w", lazy=False),
    metavar="FILE",
    help="In the end write what every indicator must be, in the form of `assidu report --format json`.",
)
def simulate(seed: int, customers: int, days: int, rate: float, seconds: float | None, ledger: TextIO | None) -> None:
    """Send what simulated customers did and do to Kafka.

    First their past at full speed, then live traffic. Some messages are repeated, late, out of order,
    malformed, of bots or of tests: none of it may change a number. The ledger is only true of topics to
    which nothing else was sent.
    """
    from stream.settings import read_settings
    from stream.simulate import Plan
    from stream.simulate.run import run_simulation

    run_interruptibly(run_simulation(read_settings(), Plan(seconds, customers, seed, rate, days), ledger))
