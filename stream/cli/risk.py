"""The commands about churn risk: at-risk, coefficients."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from stream.cli.read import AS_TABLE_OR_JSON, write_pieces
from stream.indicators.churn.levels import REASONS, AtRisk, Why
from stream.runtime.lifecycle import run_interruptibly


@click.command("at-risk")
@click.option("--product", help="Only this product.  [default: all]")
@click.option("--level", type=click.Choice(get_args(AtRisk)), help="Only this level.  [default: both]")
@click.option("--segment", help="Only this segment, or `unknown`.  [default: all]")
@click.option("--reason", type=click.Choice(REASONS), help="Only those for whom this weighs most.  [default: any]")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many are shown.")
@click.option("--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def at_risk(
    product: str | None, level: AtRisk | None, segment: str | None, reason: Why | None, top: int, format_: str
) -> None:
    """Show who is about to leave, the most likely first, and why.

    The risk is the probability of staying away for 30 days: medium from 40 %, high from 70 %.
    """
    from stream.cli.settings import read_settings
    from stream.query.at_risk import Query, ask, show, to_csv
    from stream.runtime.terminal import Terminal

    found = run_interruptibly(ask(read_settings(), Query(product, level, segment, reason, top)))
    if format_ == "json":
        click.echo(found.to_json())
    elif format_ == "csv":
        write_pieces([to_csv(found)])
    else:
        show(found, Terminal())


@click.command()
@click.option(
    "--set",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Let workers score by the coefficients in this TOML file, as `assidu fit --out` writes it.",
)
@click.option("--reset", is_flag=True, help="Let workers score by the defaults again.")
@AS_TABLE_OR_JSON
def coefficients(file: Path | None, reset: bool, format_: str) -> None:
    """Show, or set, by what coefficients churn risk is scored, and how many shards are scored so already.

    They hold for all products. Workers see what is set within a second and score their customers anew, a shard at a
    time: its gauges change all at once. What FILE leaves out stays as it is.

    They live in Redis and nowhere else: keep FILE, for a Redis that lost its data scores by the defaults again.
    Workers say at their start by which they score, and exporters show it by a gauge.
    """
    from stream.cli.settings import read_settings
    from stream.query.coefficients import apply, read_file, show, to_json
    from stream.runtime.terminal import Terminal

    if file and reset:
        raise click.UsageError("give either --set or --reset")
    found = run_interruptibly(apply(read_settings(), read_file(file) if file else {}, reset))
    if format_ == "json":
        click.echo(to_json(found))
    else:
        show(found, Terminal())
