"""The command `assidu emit`: its options, and what they ask of the parts that do the work.

Imports of the parts stand inside the functions, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stream.cli.rows import ENCODING, SOME_INPUT_BAD, csv_options, refuse_csv_options, rows
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import run_interruptibly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stream.ingest.input import Input
    from stream.ingest.lines import Checked


@click.command(
    epilog="""\b
Examples:
  assidu emit events.jsonl.gz
  assidu emit --csv orders.csv --type purchase --map user_id=customer --map timestamp=paid_at \\
    --map order_id=order --map amount_minor=amount*100 --map units=items --set currency=EUR
  assidu emit --csv --delimiter space --columns customer,date,units,amount CDNOW_master.txt \\
    --type purchase --map user_id=customer --map timestamp=date --date-format %Y%m%d --at 12:00 \\
    --map order_id=@line --map units=units --map amount_minor=amount*100 --set currency=USD
"""
)
@click.argument("file")
@click.option("--raw", metavar="FAMILY", help="Send each line unchecked to this family's topic.")
@ENCODING
@csv_options
@click.option("--product", metavar="P", help="The same as --set product=P.")
@click.pass_context
def emit(ctx: click.Context, /, file: str, raw: str | None, encoding: str | None, from_csv: bool, **csv: Any) -> None:
    """Send the events of FILE to Kafka; - is standard input. What gzip, bzip2, xz, zstd or zip packed is unpacked.

    JSON by default: an event on each line, an array of events, or events over several lines. With --csv rows of
    CSV. Every event is checked before it is sent; bad lines are named on stderr by number and reason, the good
    ones are sent, and the exit code is 1. Returns when Kafka has acknowledged all.

    A CSV file sent twice counts once, also when rows were added to it in between: where no column is mapped to
    event_id, a row's own comes from its cells, --type and the product, and from how many equal rows came before it.
    Where @line is mapped, the row's line is part of what it says.
    """
    from stream.cli.settings import read_settings
    from stream.ingest.file import emit_file
    from stream.ingest.input import Input

    if raw is not None and from_csv:
        raise UserError("--raw and --csv exclude each other: --raw sends lines as they are")
    if not from_csv:
        refuse_csv_options(ctx, csv)
    settings = read_settings()
    source = Input(file, encoding)
    chunks = rows(source, settings, csv) if from_csv else _lines(source, raw)
    if not run_interruptibly(emit_file(settings, source, chunks)):
        ctx.exit(SOME_INPUT_BAD)


def _lines(source: Input, raw: str | None) -> AsyncIterator[list[Checked]]:
    from stream.ingest.lines import json_lines, raw_lines

    return json_lines(source) if raw is None else raw_lines(source, raw)
