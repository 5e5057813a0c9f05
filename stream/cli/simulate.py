"""The command `assidu simulate`.

Imports of the parts stand inside the command, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from pathlib import Path

import click

from stream.runtime.lifecycle import run_interruptibly


@click.command(
    epilog="""\b
Examples:
  assidu simulate --rate 0                           75 days of the past, and no more
  assidu simulate --days 0 --rate 500                live traffic until Ctrl-C
  assidu simulate --for 60 --activity-log log.jsonl  keep what happened, to count it by other means
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
    "--activity-log",
    "log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every event to FILE as it happened, once and before delivery: JSON lines.",
)
def simulate(seed: int, customers: int, days: int, rate: float, seconds: float | None, log: Path | None) -> None:
    """Send the events of simulated customers to Kafka.

    First their past at full speed, then live traffic. Delivery is unreliable: some messages are repeated,
    late, out of order, malformed, of bots or of tests. None of it may change a number.
    """
    from stream.cli.settings import read_settings
    from stream.demo.simulate import Plan
    from stream.demo.simulate.run import run_simulation

    run_interruptibly(run_simulation(read_settings(), Plan(seconds, customers, seed, rate, days), log))
