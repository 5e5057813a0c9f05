"""The command `assidu bridge`.

Imports of the parts stand inside the function, so that `assidu --help` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stream.cli.rows import SOME_INPUT_BAD
from stream.runtime.lifecycle import run_interruptibly
from stream.runtime.printable import printable

if TYPE_CHECKING:
    from stream.ingest.bridge.formats import Format
    from stream.ingest.bridge.run import Bridge


Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--mapping",
        "mapping_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="What events become of ours, read over the default mapping; see `assidu map`.",
    ),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["json", "cloudevents", "debezium"]),
        default="json",
        show_default=True,
        help="Of the records' values.",
    ),
    click.option(
        "--name",
        metavar="PATH",
        help="Where an event says what it is called.  [default: see above]",
    ),
    click.option("--time", metavar="PATH", help="Where it says when it happened.  [default: see above]"),
)


def mapping_options(command: Command) -> Command:
    """Decorates a command that takes what `bridge_of` wants."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


@click.command(
    epilog="""\b
Examples:
  assidu bridge shop.orders --mapping mapping.toml
  assidu bridge crm --format cloudevents
  assidu bridge db.public.orders --format debezium --mapping mapping.toml --product shop
"""
)
@click.argument("topic")
@mapping_options
@click.option("--product", metavar="P", help="Of all events.  [default: what an event says as product]")
@click.option("--group", metavar="NAME", help="The consumer group.  [default: ASSIDU_NAMESPACE-bridge-TOPIC]")
@click.option("--until-end", is_flag=True, help="End when all is passed that is in the topic now.")
@click.pass_context
def bridge(
    ctx: click.Context,
    topic: str,
    mapping_file: Path | None,
    format_: Format,
    name: str | None,
    time: str | None,
    product: str | None,
    group: str | None,
    until_end: bool,
) -> None:
    """Turn the events of another Kafka TOPIC into events of ours, from its beginning on, until SIGTERM or SIGINT.

    \b
    json         called what `type` says, else like the topic; at `timestamp`, else when the record came
    cloudevents  in the value, or in ce_ headers beside the data
    debezium     called TABLE.create, .update, .delete or .read; the row's columns, and @event.before.COLUMN

    Each counts once: an event without an id of its own is known by its topic, partition and offset. Several bridges
    of one group share the partitions. What cannot be mapped is named on stderr and becomes a dead letter; the exit
    code is then 1.
    """
    from stream.cli.settings import read_settings
    from stream.ingest.bridge.run import run_bridge

    settings = read_settings()
    wanted = bridge_of(
        mapping_file, format_, name, time, topic, group or f"{settings.namespace}-bridge-{topic}", product
    )
    passed = run_interruptibly(run_bridge(settings, wanted, _complain, until_end=until_end))
    click.echo(f"{passed.events} events passed, {passed.refused.total()} refused, {passed.left_out.total()} left out")
    for kind, counts in (("refused", passed.refused), ("left out", passed.left_out)):
        for reason, number in counts.most_common():
            click.echo(f"  {kind}: {reason} {number}")
    if passed.refused:
        ctx.exit(SOME_INPUT_BAD)


def bridge_of(
    mapping_file: Path | None,
    format_: Format,
    name: str | None,
    time: str | None,
    topic: str = "",
    group: str = "",
    product: str | None = None,
) -> Bridge:
    """As the options say."""
    from stream.ingest.bridge.formats import Paths
    from stream.ingest.bridge.run import Bridge
    from stream.ingest.protocols.mapping import default_mapping, read_mapping

    mapping = read_mapping(mapping_file) if mapping_file else default_mapping()
    return Bridge(topic, format_, mapping, Paths.parse(name, time), group, product)


def _complain(text: str) -> None:
    click.echo(printable(text), err=True)
