"""The command `assidu render`.

Imports of the parts stand inside the command, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from pathlib import Path

import click

from stream.runtime.errors import UserError

STALE = 1


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a file is not what would be written.")
@click.pass_context
def render(ctx: click.Context, check: bool) -> None:
    """Write the generated files of this checkout again.

    Run it in a checkout after changing an indicator: docs/indicators.md, the default indicators file, Grafana's
    dashboards and Prometheus's alert rules are made from the definitions in stream/indicators. Alerts link to
    ASSIDU_GRAFANA_URL and ASSIDU_RUNBOOK_URL; how long each must last, and the colours of dashboards, are as
    ASSIDU_INDICATORS says.
    """
    from stream.cli.settings import read_settings

    try:
        from stream.render.files import stale, write
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("grafana_foundation_sdk", "yaml"):
            raise
        raise UserError("rendering needs grafana-foundation-sdk and PyYAML: pip install 'assidu[render]'") from None

    paths = (stale if check else write)(Path(), read_settings())
    for path in paths:
        click.echo(f"{path}: {'is not what would be written' if check else 'brought up to date'}")
    if check and paths:
        click.echo("assidu: run `assidu render`", err=True)
        ctx.exit(STALE)
