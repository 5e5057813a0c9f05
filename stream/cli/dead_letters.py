"""The commands `assidu dead-letters list|show|retry|drop`.

Imports of the parts stand inside the functions, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stream.cli.bridge import bridge_of, mapping_options
from stream.cli.read import AS_TABLE_OR_JSON, LocalMoment
from stream.cli.rows import SOME_INPUT_BAD, date_options, moments, pairs
from stream.runtime.errors import UserError
from stream.runtime.lifecycle import run_interruptibly
from stream.runtime.printable import printable

if TYPE_CHECKING:
    from stream.ingest.bridge.formats import Format
    from stream.ingest.dead_letters.handling import Outcome
    from stream.ingest.dead_letters.selection import Selection
    from stream.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

_SELECTION = (
    click.option("--reason", "reasons", multiple=True, metavar="REASON", help="Only those refused for this reason."),
    click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Only of this topic: clicks, logins, …"),
    click.option("--product", "products", multiple=True, metavar="P", help="Only events of this product."),
    click.option("--since", type=LocalMoment(), help="Only those refused from then on."),
    click.option("--until", type=LocalMoment(), help="Only those refused before."),
)
_ALL = click.option("--all", "all_", is_flag=True, help="Every open letter, if no other option selects any.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Only show what would happen.")
_PLACES = click.argument("letters", nargs=-1, metavar="[PARTITION:OFFSET]…")


def _selecting(command: Command) -> Command:
    return reduce(lambda decorated, option: option(decorated), reversed(_SELECTION), command)


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at refused events, mend them, and send them again.

    What a worker refuses goes to the topic of dead letters with the reason. A letter is open until it is retried or
    dropped; that is remembered in the topic itself.
    """


@dead_letters.command("list")
@_selecting
@click.option("--each", is_flag=True, help="List open letters one by one.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="With --each: at most.")
@AS_TABLE_OR_JSON
def list_(each: bool, limit: int, format_: str, **selected: Any) -> None:
    """Count letters by reason, topic and product: open, retried, dropped."""
    from stream.cli.settings import read_settings
    from stream.ingest.dead_letters import showing
    from stream.runtime.terminal import Terminal

    settings = read_settings()
    selection = _selection(settings, **selected)
    if each:
        lines, number = run_interruptibly(showing.lines(settings, selection, limit))
        if format_ == "json":
            click.echo(showing.to_json(lines))
        else:
            showing.show_lines(lines, number, Terminal())
        return
    counts = run_interruptibly(showing.count(settings, selection))
    if format_ == "json":
        click.echo(showing.to_json(counts))
    else:
        showing.show_counts(counts, Terminal())


@dead_letters.command()
@click.argument("letter", metavar="PARTITION:OFFSET")
@AS_TABLE_OR_JSON
def show(letter: str, format_: str) -> None:
    """Show one letter with the value that was refused."""
    from stream.cli.settings import read_settings
    from stream.ingest.dead_letters import showing
    from stream.ingest.dead_letters.letter import Place
    from stream.ingest.dead_letters.topic import find_one
    from stream.runtime.terminal import Terminal

    place = Place.parse(letter)
    found = showing.whole(run_interruptibly(find_one(read_settings(), place)))
    if format_ == "json":
        click.echo(showing.to_json(found))
    else:
        showing.show_whole(found, Terminal())


@dead_letters.command(
    epilog="""\b
Examples:
  assidu dead-letters retry --reason missing_field --topic logins --map user_id=customer.id --dry-run
  assidu dead-letters retry --reason bad_timestamp --map timestamp=timestamp --date-format epoch-ms
  assidu dead-letters retry 3:17 --set currency=EUR
  assidu dead-letters retry --topic shop.orders --mapping mapping.toml
"""
)
@_PLACES
@_selecting
@_ALL
@click.option("--set", "constants", metavar="FIELD=VALUE", multiple=True, help="Give a field this value.")
@click.option(
    "--map",
    "columns",
    metavar="FIELD=PATH[*FACTOR]",
    multiple=True,
    help="Take a field from elsewhere in the event (user_id=customer.id), times a factor (amount_minor=amount*100).",
)
@date_options
@mapping_options
@_DRY_RUN
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    letters: tuple[str, ...],
    all_: bool,
    constants: Sequence[str],
    columns: Sequence[str],
    date_format: str | None,
    at: str,
    timezone: str | None,
    mapping_file: Path | None,
    format_: Format,
    name: str | None,
    time: str | None,
    dry_run: bool,
    **selected: Any,
) -> None:
    """Mend the events of open letters and send them again.

    Letters of a bridge are mapped anew by --mapping, with the --format, --name and --time that the bridge has.

    An event keeps its event_id, and a letter that was retried is not retried again: nothing counts twice. What is
    still no event is named on stderr and stays open, and so does a letter that has only the beginning of its record;
    the exit code is then 1.
    """
    from stream.cli.settings import read_settings
    from stream.ingest.dead_letters.fix import read_fix
    from stream.ingest.dead_letters.handling import Mender
    from stream.ingest.dead_letters.handling import retry as retry_letters
    from stream.ingest.dead_letters.remapping import Remapping

    settings = read_settings()
    selection = _selection(settings, letters, all_, **selected)
    if mapping_file and (constants or columns):
        raise UserError("--mapping excludes --set and --map: the mapping says where fields come from")
    dates = moments(settings, date_format=date_format, at=at, timezone=timezone)
    mender: Mender = read_fix(pairs("--set", constants).items(), pairs("--map", columns).items(), dates)
    if mapping_file:
        mender = Remapping(bridge_of(mapping_file, format_, name, time))
    outcome = run_interruptibly(retry_letters(settings, selection, mender, _say, _complain, dry_run=dry_run))
    _end(ctx, outcome, "would be retried" if dry_run else "retried")


@dead_letters.command()
@_PLACES
@_selecting
@_ALL
@_DRY_RUN
@click.pass_context
def drop(ctx: click.Context, /, letters: tuple[str, ...], all_: bool, dry_run: bool, **selected: Any) -> None:
    """Mark open letters as done with, without sending anything.

    They stay in the topic for as long as it keeps them.
    """
    from stream.cli.settings import read_settings
    from stream.ingest.dead_letters.handling import drop as drop_letters

    settings = read_settings()
    selection = _selection(settings, letters, all_, **selected)
    outcome = run_interruptibly(drop_letters(settings, selection, _say, _complain, dry_run=dry_run))
    _end(ctx, outcome, "would be dropped" if dry_run else "dropped")


def _selection(
    settings: Settings,
    letters: Sequence[str] = (),
    all_: bool = True,
    *,
    reasons: Sequence[str],
    topics: Sequence[str],
    products: Sequence[str],
    since: datetime | None,
    until: datetime | None,
) -> Selection:
    from stream.ingest.dead_letters.letter import Place
    from stream.ingest.dead_letters.selection import Selection

    if not (all_ or letters or reasons or topics or products or since or until):
        raise UserError("which letters? Name them, or select them by --reason, --topic, …; --all means all")
    places = frozenset(map(Place.parse, letters))
    selection = Selection(reasons, topics, products, _epoch_ms(since, settings), _epoch_ms(until, settings), places)
    selection.check()
    return selection


def _epoch_ms(moment: datetime | None, settings: Settings) -> int | None:
    """Without an offset, it is of the deployment's timezone."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=settings.zone)).timestamp() * 1000)


def _say(text: str) -> None:
    click.echo(printable(text))


def _complain(text: str) -> None:
    click.echo(printable(text), err=True)


def _end(ctx: click.Context, outcome: Outcome, done: str) -> None:
    topics = ", ".join(f"{topic} {number}" for topic, number in sorted(outcome.topics.items()))
    click.echo(
        f"{outcome.handled} {'letter' if outcome.handled == 1 else 'letters'} {done}{topics and f': {topics}'}"
    )
    if outcome.refused:
        reasons = ", ".join(f"{reason} {number}" for reason, number in outcome.refused.most_common())
        click.echo(f"{outcome.refused.total()} cannot be retried, and stay open: {reasons}")
    if outcome.refused or outcome.missing:
        ctx.exit(SOME_INPUT_BAD)
