"""The commands that read: status, report, customer."""

from __future__ import annotations

from datetime import datetime

import click

from stream.runtime.lifecycle import run_interruptibly

AS_TABLE_OR_JSON = click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True
)


class Moment(click.ParamType):
    """RFC 3339 with an offset."""

    name = "RFC3339"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not RFC 3339, for example 2026-03-31T12:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no offset from UTC, for example …Z or …+02:00", param, ctx)
        return moment


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
@AS_TABLE_OR_JSON
def report(at: datetime | None, product: str | None, format_: str) -> None:
    """Show every indicator, now or as of a moment. Reads only.

    Before the newest event, indicators over complete days are answered; rolling ones cannot be and are
    null. What is undefined (nothing to divide by) is null too.
    """
    from stream.cli.settings import read_settings
    from stream.query.report import make_report, show
    from stream.runtime.terminal import Terminal

    made = run_interruptibly(make_report(read_settings(), at, product))
    if made.caution:
        click.echo(f"assidu: {made.caution}", err=True)
    if format_ == "json":
        click.echo(made.to_json())
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
