"""The command `assidu emit`: its options, and what they ask of the parts that do the work.

Imports of the parts stand inside the functions, so that `assidu --help` answers at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from stream.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stream.emit.input import Input
    from stream.emit.lines import Checked
    from stream.emit.mapping import EventMapping, Moments
    from stream.emit.rows import Layout
    from stream.settings import Settings

SOME_INPUT_BAD = 1


@click.command(
    epilog="""\b
Examples:
  assidu emit events.jsonl.gz
  assidu emit --csv orders.csv --type purchase --map user_id=customer --map timestamp=paid_at \\
    --map order_id=order --map amount_minor=amount*100 --map units=items --set currency=EUR
  assidu emit --csv --delimiter space --columns customer,date,units,amount CDNOW_master.txt \\
    --type purchase --map user_id=customer --map timestamp=date --at 12:00 --map order_id=@line \\
    --map units=units --map amount_minor=amount*100 --set currency=USD
"""
)
@click.argument("file")
@click.option("--raw", metavar="FAMILY", help="Send each line unchecked to this family's topic.")
@click.option("--csv", "from_csv", is_flag=True, help="Read rows of CSV instead of lines of JSON.")
@click.option("--type", "event_type", metavar="TYPE", help="Type of the events made of the rows.")
@click.option(
    "--map",
    "columns",
    metavar="FIELD=COLUMN[*FACTOR]",
    multiple=True,
    help="Take a field from a column, times a factor (amount_minor=amount*100); @line is the line number.",
)
@click.option("--set", "constants", metavar="FIELD=VALUE", multiple=True, help="Give a field the same value in all.")
@click.option("--product", metavar="P", help="The same as --set product=P.")
@click.option("--date-format", metavar="FORMAT", help="strptime format of timestamps.  [default: ISO 8601]")
@click.option("--at", metavar="HH:MM", default="00:00", show_default=True, help="Time for dates without one.")
@click.option("--timezone", metavar="ZONE", help="Of timestamps without offset.  [default: ASSIDU_TIMEZONE]")
@click.option("--delimiter", metavar="C", default=",", show_default=True, help="A character, space (any run) or tab.")
@click.option("--columns", "names", metavar="A,B,…", help="Names of the columns of a file without header.")
@click.option("--no-header", is_flag=True, help="The first row is data; columns are called 1, 2, ….")
@click.pass_context
def emit(ctx: click.Context, /, file: str, raw: str | None, from_csv: bool, **csv: Any) -> None:
    """Send the events of FILE (- for standard input; .gz is unpacked) to Kafka.

    Lines of JSON by default, rows of CSV with --csv. Every event is checked before it is sent; bad lines
    are named on stderr by number and reason, the good ones are sent, and the exit code is 1. Returns
    when Kafka has acknowledged all. A CSV file sent twice counts once.
    """
    from stream.emit.file import emit_file
    from stream.emit.input import Input
    from stream.settings import read_settings

    if raw is not None and from_csv:
        raise UserError("--raw and --csv exclude each other: --raw sends lines as they are")
    if not from_csv:
        _refuse_options_of_csv(ctx, csv)
    settings = read_settings()
    source = Input(file)
    records = _rows(source, settings, csv) if from_csv else _lines(source, raw)
    if not asyncio.run(emit_file(settings, source, records)):
        ctx.exit(SOME_INPUT_BAD)


def _refuse_options_of_csv(ctx: click.Context, csv: dict[str, Any]) -> None:
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in csv
        and ctx.get_parameter_source(parameter.name) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        raise UserError(f"{', '.join(given)}: only together with --csv")


def _lines(source: Input, raw: str | None) -> AsyncIterator[list[Checked]]:
    from schemas import FAMILIES
    from stream.emit.lines import json_lines, raw_lines

    if raw is None:
        return json_lines(source)
    if raw not in FAMILIES:
        raise UserError(f"--raw {raw}: no such family; choose one of {', '.join(FAMILIES)}")
    return raw_lines(source, raw)


def _rows(source: Input, settings: Settings, csv: dict[str, Any]) -> AsyncIterator[list[Checked]]:
    from stream.emit.rows import csv_records

    return csv_records(source, _layout(**csv), _mapping(settings, **csv))


def _layout(delimiter: str, names: str | None, no_header: bool, **_: Any) -> Layout:
    from stream.emit.rows import WHITESPACE, Layout

    delimiter = {"space": WHITESPACE, "tab": "\t"}.get(delimiter, delimiter)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise UserError(f"--delimiter {delimiter}: give one character, `space` or `tab`")
    columns = None if names is None else tuple(name.strip() for name in names.split(","))
    return Layout(delimiter, columns, header=not no_header)


def _mapping(
    settings: Settings,
    event_type: str | None,
    columns: Sequence[str],
    constants: Sequence[str],
    product: str | None,
    **times: Any,
) -> EventMapping:
    from stream.emit.mapping import Column, EventMapping

    if event_type is None:
        raise UserError("--csv needs --type: which event is a row? For example --type purchase")
    sources = {field: Column.parse(text) for field, text in _pairs("--map", columns).items()}
    values = _pairs("--set", [*constants, *([] if product is None else [f"product={product}"])])
    return EventMapping(event_type, sources, values, _moments(settings, **times))


def _pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not (field and equals and value):
            raise UserError(f"{option} {text}: write {option} FIELD=…")
        if field in pairs:
            raise UserError(f"{option} {text}: {field} is given twice")
        pairs[field] = value
    return pairs


def _moments(settings: Settings, date_format: str | None, at: str, timezone: str | None, **_: Any) -> Moments:
    from datetime import time
    from zoneinfo import ZoneInfo

    from stream.emit.mapping import Moments

    try:
        zone = settings.zone if timezone is None else ZoneInfo(timezone)
    except (OSError, ValueError, KeyError):
        raise UserError(f"--timezone {timezone}: not an IANA time zone (for example Europe/Paris)") from None
    try:
        time_of_day = time.fromisoformat(at)
    except ValueError:
        raise UserError(f"--at {at}: not a time of day (for example 12:00)") from None
    if time_of_day.tzinfo is not None:
        raise UserError(f"--at {at}: without an offset; --timezone says where")
    return Moments(zone, time_of_day, date_format)
