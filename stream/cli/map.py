"""The command `assidu map`: what a recorded request of another SDK becomes."""

from __future__ import annotations

from pathlib import Path

import click

from stream.cli.read import AS_TABLE_OR_JSON
from stream.cli.rows import SOME_INPUT_BAD


@click.command(
    "map",
    epilog="""\b
Examples:
  assidu map request.json
  assidu map request.json --mapping mapping.toml --format json
  assidu map request.json --protocol amplitude
""",
)
@click.argument("file", type=click.File("rb"))
@click.option("--protocol", metavar="NAME", help="Take it for one of this protocol, whatever its path.")
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A mapping file of your own, read over the default mapping.",
)
@AS_TABLE_OR_JSON
@click.pass_context
def map_(
    ctx: click.Context, file: click.utils.LazyFile, protocol: str | None, mapping_file: Path | None, format_: str
) -> None:
    """Show what the request in FILE becomes, and why not; - is standard input. Nothing is sent.

    FILE has one request as JSON: {"method": "POST", "path": "/v1/batch", "headers": {…}, "body": "…"}, or the body
    in base64 as body_base64. Events that are refused are named, and the exit code is 1.
    """
    import time

    from stream.ingest.protocols.captured import HEADINGS, captured_call, explained, rows
    from stream.ingest.protocols.mapping import default_mapping, read_mapping
    from stream.runtime.json_text import json_text
    from stream.runtime.terminal import Terminal

    call = captured_call(file.read(), file.name, protocol)
    mapping = read_mapping(mapping_file) if mapping_file else default_mapping()
    found = explained(call, mapping, time.time_ns() // 1_000_000)
    if format_ == "json":
        click.echo(json_text(found))
    else:
        terminal = Terminal()
        terminal.say(f"{found['protocol'] or 'configuration'}, answered with {found['answer']['status']}")
        if found["events"]:
            terminal.table(HEADINGS, rows(found))
    if any("refused" in each for each in found["events"]):
        ctx.exit(SOME_INPUT_BAD)
