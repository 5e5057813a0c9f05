"""The command `assidu fit`.

Imports of the parts stand inside the functions, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from stream.cli.read import AS_TABLE_OR_JSON
from stream.cli.rows import ENCODING, SOME_INPUT_BAD, csv_options, refuse_csv_options, rows
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import run_interruptibly


@click.command(
    epilog="""\b
Examples:
  assidu fit --product app --out churn-risk.toml
  assidu fit events.jsonl.gz --product app --out churn-risk.toml
  assidu fit --csv orders.csv --type purchase --map user_id=customer --map timestamp=paid_at \\
    --map order_id=order --map amount_minor=amount*100 --map units=items --set currency=EUR
"""
)
@click.argument("file", required=False)
@click.option("--product", metavar="P", help="Whose customers; rows of CSV are all of it.  [default: default]")
@click.option(
    "--horizon-days",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="Who is not active for so long has churned.",
)
@click.option(
    "--capacity",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Say from which risk on at most so many customers are flagged.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the coefficients there, as TOML.")
@AS_TABLE_OR_JSON
@ENCODING
@csv_options
@click.pass_context
def fit(
    ctx: click.Context,
    /,
    file: str | None,
    product: str | None,
    horizon_days: int,
    capacity: int,
    out: Path | None,
    format_: str,
    encoding: str | None,
    from_csv: bool,
    **csv: Any,
) -> None:
    """Fit the churn risk to what is stored of customers, or to the history in FILE.

    FILE is read as `assidu emit` reads it. The last days grade what was learnt from those before: AUC, Brier
    score, a table of what was told and what came. Bad lines are named on stderr; the exit code is then 1.

    `assidu coefficients --set` brings what --out has written into force.
    """
    if find_spec("sklearn") is None:
        raise UserError("assidu fit needs scikit-learn: pip install 'assidu[fit]'")

    from stream.cli.settings import read_settings
    from stream.ingest.events import read_events
    from stream.ingest.file import BadLines, complaints
    from stream.ingest.input import Input
    from stream.ingest.lines import json_lines
    from stream.query.fit_history import read_history, whose
    from stream.query.fit_report import make_report, show
    from stream.query.fit_stored import read_stored
    from stream.runtime.terminal import Terminal

    if not from_csv:
        refuse_csv_options(ctx, csv)
    settings, of_product, bad = read_settings(), whose(product), BadLines(complaints())
    if file is None:
        if from_csv or encoding is not None:
            raise click.UsageError("--csv and --encoding need a FILE")
        history = run_interruptibly(read_stored(settings, of_product))
    else:
        source = Input(file, encoding)
        chunks = rows(source, settings, {**csv, "product": product}) if from_csv else json_lines(source)
        history = run_interruptibly(read_history(read_events(source, chunks, bad), of_product, settings.zone))
        bad.close()
    report = make_report(history, of_product, horizon_days, capacity)
    if out:
        try:
            out.write_text(report.to_toml())
        except OSError as error:
            raise UserError(f"cannot write {out}: {error.strerror}") from None
    if format_ == "json":
        click.echo(report.to_json())
    else:
        show(report, Terminal())
    if bad.reasons:
        ctx.exit(SOME_INPUT_BAD)
