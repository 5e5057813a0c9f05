"""The options by which a command reads a file of events, or rows of CSV as events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stream.runtime.errors import UserError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stream.ingest.input import Input
    from stream.ingest.lines import Checked
    from stream.ingest.mapping import EventMapping
    from stream.ingest.moments import Moments
    from stream.ingest.rows import Layout
    from stream.settings import Settings

SOME_INPUT_BAD = 1
"""Exit code of a command that used the good lines and named the others."""

Command = TypeVar("Command", bound=Callable[..., Any])

_DATES = (
    click.option(
        "--date-format",
        metavar="FORMAT",
        help="Of timestamps: epoch (seconds since 1970), epoch-ms, or a strptime format; its %y is 1969 to 2068, "
        "its %Z reads UTC, GMT and Z only.  [default: ISO 8601 with its separators]",
    ),
    click.option("--at", metavar="HH:MM", default="00:00", show_default=True, help="Time for dates without one."),
    click.option(
        "--timezone",
        metavar="ZONE",
        help="Of timestamps without offset. Where clocks are set back, the first of the two times; one that clocks "
        "pass over is a bad row.  [default: ASSIDU_TIMEZONE]",
    ),
)
_OPTIONS = (
    click.option("--csv", "from_csv", is_flag=True, help="Read rows of CSV instead of lines of JSON."),
    click.option("--type", "event_type", metavar="TYPE", help="Type of the events made of the rows."),
    click.option(
        "--map",
        "columns",
        metavar="FIELD=COLUMN[*FACTOR]",
        multiple=True,
        help="Take a field from a column, times a factor (amount_minor=amount*100). A line break in a heading is "
        "a space. @line is the number of the row's first line.",
    ),
    click.option(
        "--set", "constants", metavar="FIELD=VALUE", multiple=True, help="Give a field the same value in all."
    ),
    *_DATES,
    click.option(
        "--delimiter",
        metavar="C",
        help="A character, space (any run) or tab.  [default: what a first line sep=C says, or a comma]",
    ),
    click.option("--columns", "names", metavar="A,B,…", help="Names of the columns of a file without header."),
    click.option("--no-header", is_flag=True, help="The first row is data; columns are called 1, 2, …."),
)


ENCODING = click.option(
    "--encoding",
    metavar="NAME",
    help="Of the file, such as latin-1 or cp1252.  [default: what its byte order mark says, or UTF-8]",
)


def csv_options(command: Command) -> Command:
    """Decorates a command that takes them as `from_csv` and, all others together, as `rows` wants them; `--product`,
    which `rows` wants too, means something of its own to each command."""
    return _with(_OPTIONS, command)


def date_options(command: Command) -> Command:
    """Decorates a command that takes the options that say how dates are read, as `moments` wants them."""
    return _with(_DATES, command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    return reduce(lambda decorated, option: option(decorated), reversed(options), command)


def refuse_csv_options(ctx: click.Context, csv: dict[str, Any]) -> None:
    """Raises UserError where they are given without --csv."""
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in csv
        and ctx.get_parameter_source(parameter.name) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        raise UserError(f"{', '.join(given)}: only together with --csv")


def rows(source: Input, settings: Settings, csv: dict[str, Any]) -> AsyncIterator[list[Checked]]:
    """Every row as the options say, checked."""
    from stream.ingest.rows import csv_events

    return csv_events(source, _layout(**csv), _mapping(settings, **csv))


def _layout(delimiter: str | None, names: str | None, no_header: bool, **_: Any) -> Layout:
    from stream.ingest.cells import WHITESPACE
    from stream.ingest.mapping import column_name
    from stream.ingest.rows import Layout

    if delimiter is not None:
        delimiter = {"space": WHITESPACE, "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '\r\n"\x00':
            raise UserError(f"--delimiter {delimiter}: give one character, `space` or `tab`")
    columns = None if names is None else tuple(map(column_name, names.split(",")))
    return Layout(delimiter, columns, header=not no_header)


def _mapping(
    settings: Settings,
    event_type: str | None,
    columns: Sequence[str],
    constants: Sequence[str],
    product: str | None,
    **times: Any,
) -> EventMapping:
    from stream.ingest.mapping import Column, EventMapping

    if event_type is None:
        raise UserError("--csv needs --type: which event is a row? For example --type purchase")
    sources = {field: Column.parse(text) for field, text in pairs("--map", columns).items()}
    values = pairs("--set", [*constants, *([] if product is None else [f"product={product}"])])
    return EventMapping(event_type, sources, values, moments(settings, **times))


def pairs(option: str, texts: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not (field and equals and value):
            raise UserError(f"{option} {text}: write {option} FIELD=…")
        if field in pairs:
            raise UserError(f"{option} {text}: {field} is given twice")
        pairs[field] = value
    return pairs


def moments(settings: Settings, date_format: str | None, at: str, timezone: str | None, **_: Any) -> Moments:
    from datetime import time
    from zoneinfo import ZoneInfo

    from stream.ingest.moments import Moments

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
