"""The commands that read: status, report, customer."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, datetime
from typing import TYPE_CHECKING

import click

from stream.query.step import STEPS, Step
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import run_interruptibly
from stream.runtime.printable import printable_lines

if TYPE_CHECKING:
    from stream.query.history import Asked

AS_TABLE_OR_JSON = click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True
)


def _within_calendars(moment: datetime) -> datetime:
    """Raises ValueError for a moment of a year that another time zone's calendar may not have."""
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError
    return moment


class Moment(click.ParamType):
    """RFC 3339 with an offset."""

    name = "RFC3339"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = _within_calendars(datetime.fromisoformat(str(value)))
        except ValueError:
            self.fail(f"{value!r} is not RFC 3339, for example 2026-03-31T12:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset from UTC, for example …Z or …+02:00", param, ctx)
        return moment


class LocalMoment(click.ParamType):
    """A date or a time; without an offset, of the deployment's timezone."""

    name = "DATE or TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return _within_calendars(datetime.fromisoformat(str(value)))
        except ValueError:
            self.fail(f"{value!r} is no date or time, for example 2026-03-31 or 2026-03-31T12:00", param, ctx)


def write_pieces(pieces: Iterable[str]) -> None:
    """Text for programs; on a terminal made printable, and all at once, after any bar of progress."""
    if sys.stdout.isatty():
        pieces = [printable_lines("".join(pieces))]
    for piece in pieces:
        click.echo(piece, nl=False)


@click.command()
@click.option("--wait", type=click.FloatRange(min=0), metavar="SECONDS", help="Wait until nothing is left to fold.")
@AS_TABLE_OR_JSON
@click.pass_context
def status(ctx: click.Context, wait: float | None, format_: str) -> None:
    """Show how far each shard is: position, end, lag, last commit, watermark.

    With --wait the exit code is 0 after two equal readings without lag, 1 when the time is over.
    """
    from stream.cli.settings import read_settings
    from stream.query.status import read_status, show
    from stream.runtime.terminal import Terminal

    found, settled = run_interruptibly(read_status(read_settings(), wait))
    if format_ == "json":
        click.echo(found.to_json())
    else:
        show(found, Terminal())
    if wait is not None and not settled:
        click.echo(f"assidu: still {found.lag} records to fold after {wait:g} s; is a worker running?", err=True)
        ctx.exit(1)


@click.command()
@click.option(
    "--at", type=Moment(), help="The moment T, cut to the minute; it may lie in the future.  [default: now]"
)
@click.option("--product", help="Only this product.  [default: all]")
@click.option(
    "--indicator", "indicators", metavar="NAME", multiple=True, help="Only this one, or these.  [default: all]"
)
@click.option("--history", "step", type=click.Choice(STEPS), help="At every one of these moments instead.")
@click.option("--since", type=LocalMoment(), help="Where the history begins.  [default: see above]")
@click.option("--until", type=LocalMoment(), help="Where it ends, included.  [default: now]")
@click.option("--openmetrics", is_flag=True, help="Write the history for promtool.")
@click.option("--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_context
def report(
    ctx: click.Context,
    at: datetime | None,
    product: str | None,
    indicators: tuple[str, ...],
    step: Step | None,
    since: datetime | None,
    until: datetime | None,
    openmetrics: bool,
    format_: str,
) -> None:
    """Show every indicator now, as of a moment, or through time. Reads only.

    \b
    --history hour    at every full hour of UTC; the last 24 hours
    --history day     at every midnight of ASSIDU_TIMEZONE; the last 30 days
    --history week    at Mondays' midnights; as far back as anything is kept
    --history month   at first midnights of months; as far back as anything is kept

    What is undefined (nothing to divide by) is null, and so is what cannot be told of a moment, with one of three
    words. "no longer kept": days are kept for ASSIDU_HORIZON_DAYS and more, minutes and hours for 31 days.
    "overwritten since": it counts customers by what they did last, or as they are now, and the product's later events
    have changed that; indicators over complete days and counts of events are never overwritten. "kept by the hour":
    a moment over 25 hours ago that is no full hour of UTC.

    With --openmetrics what is null is left out, and `promtool tsdb create-blocks-from openmetrics FILE` makes blocks
    for Prometheus of it.
    """
    given = [
        name for name, value in (("--since", since), ("--until", until), ("--openmetrics", openmetrics)) if value
    ]
    if given and step is None:
        raise UserError(f"{', '.join(given)}: only together with --history")
    if step is not None and at is not None:
        raise UserError("--at: not together with --history, which has --since and --until")
    if openmetrics and ctx.get_parameter_source("format_") is not click.core.ParameterSource.DEFAULT:
        raise UserError("--format: not together with --openmetrics, which is one")
    if step is None:
        _report(at, product, indicators, format_)
    else:
        from stream.query.history import Asked

        _history(Asked(step, since, until, product, indicators), "openmetrics" if openmetrics else format_)


def _report(at: datetime | None, product: str | None, indicators: tuple[str, ...], format_: str) -> None:
    from stream.cli.settings import read_settings
    from stream.query.report import make_report, show, to_csv
    from stream.runtime.terminal import Terminal

    made = run_interruptibly(make_report(read_settings(), at, product, indicators))
    if made.caution:
        click.echo(f"assidu: {made.caution}", err=True)
    if format_ == "json":
        click.echo(made.to_json())
    elif format_ == "csv":
        write_pieces([to_csv(made)])
    else:
        show(made, Terminal())


def _history(asked: Asked, format_: str) -> None:
    from stream.cli.settings import read_settings
    from stream.exporter.openmetrics import openmetrics
    from stream.query.history import make_history, show
    from stream.runtime.terminal import Terminal

    made = run_interruptibly(make_history(read_settings(), asked))
    if made.caution:
        click.echo(f"assidu: {made.caution}", err=True)
    if format_ == "json":
        click.echo(made.to_json())
    elif format_ == "csv":
        write_pieces(made.to_csv())
    elif format_ == "openmetrics":
        write_pieces(openmetrics(made))
    else:
        show(made, Terminal())


@click.command()
@click.argument("customer_id", metavar="ID")
@click.option("--product", help="Only this product.  [default: all]")
@AS_TABLE_OR_JSON
def customer(customer_id: str, product: str | None, format_: str) -> None:
    """Show what is known of a customer and in which numbers it counts now.

    ID is the bare user_id or anonymous_id, as products send it.
    """
    from stream.cli.settings import read_settings
    from stream.query.customer import find_customer, show, to_json
    from stream.runtime.terminal import Terminal

    found = run_interruptibly(find_customer(read_settings(), customer_id, product))
    if format_ == "json":
        click.echo(to_json(found))
    else:
        show(found, Terminal())
