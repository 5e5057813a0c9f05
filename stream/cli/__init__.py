"""The command `assidu`: reads arguments, calls the part that does the work, turns errors into exit codes.

Imports of the parts stand inside the commands, so that `assidu --help` answers at once.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

from stream.cli.bridge import bridge
from stream.cli.collector import collector
from stream.cli.dead_letters import dead_letters
from stream.cli.demo import demo
from stream.cli.emit import emit
from stream.cli.endings import (
    BUG,
    INTERRUPTED,
    UNREACHABLE,
    USER_MISTAKE,
    bug,
    not_installed,
    outage,
    output_lost,
    prepare_output,
    refusal,
)
from stream.cli.fit import fit
from stream.cli.indicators import indicators
from stream.cli.keys import keys
from stream.cli.map import map_
from stream.cli.read import customer, report, status
from stream.cli.render import render
from stream.cli.risk import at_risk, coefficients
from stream.cli.run import exporter, topics, worker
from stream.cli.simulate import simulate
from stream.runtime.errors import UserError
from stream.runtime.printable import printable_lines


class Commands(click.Group):
    """A group whose commands may raise: the user reads a message, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()
        except UserError as error:
            _fail(ctx, str(error), USER_MISTAKE)
        except KeyboardInterrupt:
            _fail(ctx, "interrupted", INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except ModuleNotFoundError as error:
            if (missing := not_installed(error)) is None:
                raise
            _fail(ctx, missing, USER_MISTAKE)
        except OSError as error:
            if (lost := output_lost(error)) is None:
                raise
            _fail(ctx, *lost)
        except Exception as error:
            if mistake := refusal(error):
                _fail(ctx, mistake, USER_MISTAKE)
            if (server := outage(error)) is None:
                raise
            _fail(ctx, server, UNREACHABLE)


def _fail(ctx: click.Context, message: str | None, code: int) -> None:
    if message:
        click.echo(f"assidu: {printable_lines(message)}", err=True)
    ctx.exit(code)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  assidu demo                         see it all, on a stack of its own
  assidu topics                       create the Kafka topics
  assidu emit events.jsonl            send a file of events, one JSON object a line
  tail -f app.log | assidu emit -     send events as they come

\b
Exit codes:
  0    done
  1    done, but some of the input was bad and is named
  2    a mistake in the command, the settings or the input
  3    Kafka or Redis does not answer
  4    the output cannot be written
  130  interrupted
""",
)
@click.version_option(package_name="assidu", prog_name="assidu")
def commands() -> None:
    """Measure how faithfully customers come back, live.

    Settings are environment variables or lines of a .env file: ASSIDU_KAFKA (host:port,…; default
    127.0.0.1:9092), ASSIDU_REDIS (default redis://127.0.0.1:6379/0), ASSIDU_PARTITIONS (8),
    ASSIDU_TIMEZONE (UTC), ASSIDU_TOPIC_PREFIX (engagement.), ASSIDU_IDEMPOTENCE (auto, on, off), …
    """
    # The libraries' own warnings would drown what a command says; it reports their errors itself.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())


for command in (
    topics,
    worker,
    exporter,
    collector,
    keys,
    emit,
    bridge,
    map_,
    status,
    report,
    customer,
    at_risk,
    coefficients,
    dead_letters,
    fit,
    simulate,
    demo,
    indicators,
    render,
):
    commands.add_command(command)


def main() -> None:
    """The entry point of the command `assidu`."""
    prepare_output()
    try:
        commands(prog_name="assidu")
    except Exception as error:
        lost = output_lost(error) if isinstance(error, OSError) else None
        message, code = lost or (bug(error), BUG)
        if message:
            click.echo(f"assidu: {message}", err=True)
        sys.exit(code)
