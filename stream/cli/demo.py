"""The command `assidu demo`.

Imports of the parts stand inside the command, so that `assidu --help` answers at once.
"""

from __future__ import annotations

import click

from stream.runtime.lifecycle import run_interruptibly

PART_ENDED = 1


@click.command(
    epilog="""\b
Examples:
  assidu demo                          until Ctrl-C
  assidu demo --for 60 --rate 500
  assidu demo --customers 10000 --seed 7
"""
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long a time of live traffic.  [default: until Ctrl-C]",
)
@click.option("--customers", type=click.IntRange(min=1), default=2000, show_default=True, help="Simulated customers.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same customers.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=50.0,
    show_default=True,
    metavar="EVENTS_PER_SECOND",
    help="Live events per second.",
)
@click.pass_context
def demo(ctx: click.Context, seconds: float | None, customers: int, seed: int, rate: float) -> None:
    """Run everything on this machine, with simulated customers, and show the numbers moving.

    Starts a Kafka broker and a Redis of its own (no Docker, no Java; they keep nothing), a worker, an
    exporter and a collector, sends the past of the customers, and then live traffic. Prints a command that
    sends an event of your own over HTTP. Stops all of it at the end; the exit code is 1 when a part ended
    by itself. ASSIDU_TIMEZONE, ASSIDU_INDICATORS, ASSIDU_BIND, ASSIDU_EXPORTER_PORT, ASSIDU_WORKER_PORT and
    ASSIDU_COLLECTOR_PORT apply (a port that is taken is replaced by a free one); other settings do not.
    """
    from stream.cli.settings import read_settings
    from stream.demo.course import run_demo
    from stream.demo.simulate import Plan
    from stream.demo.stack import PartEnded
    from stream.runtime.terminal import Terminal

    plan = Plan(seconds, customers, seed, rate)
    try:
        run_interruptibly(run_demo(read_settings(), plan, Terminal()))
    except PartEnded as ended:
        click.echo(f"assidu: {ended}", err=True)
        ctx.exit(PART_ENDED)
