"""The command `assidu`: reads arguments, calls the part that does the work, turns errors into exit codes.

Imports of the parts stand inside the commands, so that `assidu --help` answers at once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import click

from stream.cli_emit import emit
from stream.cli_read import customer, report, status
from stream.errors import UserError

USER_MISTAKE = 2
UNREACHABLE = 3
INTERRUPTED = 130


class Commands(click.Group):
    """A group whose commands may raise: the user reads a message, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            _fail(ctx, str(error), USER_MISTAKE)
        except KeyboardInterrupt:
            _fail(ctx, "interrupted", INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if (outage := _outage(error)) is None:
                raise
            _fail(ctx, outage, UNREACHABLE)


def _fail(ctx: click.Context, message: str, code: int) -> None:
    click.echo(f"assidu: {message}", err=True)
    ctx.exit(code)


def _outage(error: Exception) -> str | None:
    """Which server failed, where it was looked for and which setting says so; None for a bug."""
    from aiokafka.errors import KafkaError
    from redis.exceptions import RedisError

    from stream.settings import read_settings

    if isinstance(error, KafkaError):
        server, setting = f"Kafka at {read_settings().kafka}", "ASSIDU_KAFKA"
    elif isinstance(error, RedisError):
        address = read_settings().redis.rpartition("@")[2]  # without the password
        server, setting = f"Redis at {address}", "ASSIDU_REDIS"
    else:
        return None
    return f"{server} does not answer as it should: is it running, and does {setting} name it? ({error})"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  assidu topics                       create the Kafka topics
  assidu emit events.jsonl            send a file of events, one JSON object a line
  tail -f app.log | assidu emit -     send events as they come

\b
Exit codes:
  0    done
  1    done, but some of the input was bad and is named
  2    a mistake in the command, the settings or the input
  3    Kafka or Redis does not answer
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


@commands.command()
@click.option(
    "--replication",
    type=click.IntRange(min=-1, max=32767),
    default=1,
    show_default=True,
    metavar="N",
    help="Copies of each topic to keep; -1 leaves it to the broker's default.",
)
def topics(replication: int) -> None:
    """Create the Kafka topics that are missing.

    Each gets ASSIDU_PARTITIONS partitions. A topic that exists with another number of partitions is
    an error, and nothing is changed.
    """
    from rich.console import Console
    from rich.table import Table

    from stream.settings import read_settings
    from stream.topics import create_topics

    if replication == 0:
        raise UserError("--replication 0: a topic needs at least one copy (or -1 for the broker's default)")
    table = Table("topic", "partitions", "")
    for topic in asyncio.run(create_topics(read_settings(), replication)):
        table.add_row(topic.name, str(topic.partitions), "created" if topic.created else "exists")
    Console(highlight=False).print(table)


@commands.command()
def worker() -> None:
    """Fold events into Redis: one process; start as many as there are shards to share.

    Runs until SIGTERM or SIGINT, and then finishes the commit in flight. GET /healthz, /readyz and
    /metrics on ASSIDU_BIND:ASSIDU_WORKER_PORT (0: any free port, named in the log).
    """
    import uvloop

    from stream.logs import log_to_stderr
    from stream.settings import read_settings
    from stream.worker.service import run_worker

    log_to_stderr()
    uvloop.run(run_worker(read_settings()))


@commands.command()
def exporter() -> None:
    """Serve every indicator to Prometheus: /metrics on ASSIDU_BIND:ASSIDU_EXPORTER_PORT.

    Start as many as you like; they agree. /readyz is 200 only while the data are fresh.
    """
    from stream.exporter.app import run_exporter
    from stream.logs import log_to_stderr
    from stream.settings import read_settings

    log_to_stderr()
    asyncio.run(run_exporter(read_settings()))


for command in (emit, status, report, customer):
    commands.add_command(command)


def main() -> None:
    """The entry point of the command `assidu`."""
    commands(prog_name="assidu")
