"""The commands that set up and run: topics, worker, exporter."""

from __future__ import annotations

import click

from stream.runtime.errors import UserError
from stream.runtime.lifecycle import run_interruptibly


@click.command()
@click.option(
    "--replication",
    type=click.IntRange(min=-1, max=32767),
    default=1,
    show_default=True,
    metavar="N",
    help="Copies of each topic to keep; -1 leaves it to the broker's default.",
)
@click.option(
    "--raise",
    "raise_others",
    is_flag=True,
    help="Also give topics that have fewer partitions as many; stop the workers first.",
)
def topics(replication: int, raise_others: bool) -> None:
    """Create the Kafka topics that are missing.

    Each gets ASSIDU_PARTITIONS partitions. A topic that exists with another number of partitions is
    an error, and nothing is changed; with --raise only one that has more is. What was counted with
    fewer partitions stays as it is: count anew, in a new ASSIDU_NAMESPACE.
    """
    from stream.cli.settings import read_settings
    from stream.kafka.topics import create_topics
    from stream.runtime.terminal import Terminal

    if replication == 0:
        raise UserError("--replication 0: a topic needs at least one copy (or -1 for the broker's default)")
    found = run_interruptibly(create_topics(read_settings(), replication, raise_others))
    rows = ((topic.name, topic.partitions, topic.change or "exists") for topic in found)
    Terminal().table(("topic", "partitions", ""), rows)


@click.command()
def worker() -> None:
    """Fold events into Redis: one process; start as many as there are shards to share.

    Runs until SIGTERM or SIGINT, and then finishes the commit in flight. GET /healthz, /readyz and
    /metrics on ASSIDU_BIND:ASSIDU_WORKER_PORT (0: any free port, named in the log).
    """
    import uvloop

    from stream.cli.settings import read_settings
    from stream.runtime.logs import log_to_stderr
    from stream.worker.service import run_worker

    settings = read_settings()
    log_to_stderr(settings.secrets)
    uvloop.run(run_worker(settings))


@click.command()
def exporter() -> None:
    """Serve every indicator to Prometheus: /metrics on ASSIDU_BIND:ASSIDU_EXPORTER_PORT.

    Start as many as you like; they agree. /readyz is 200 only while the data are fresh.
    """
    from stream.cli.settings import read_settings
    from stream.exporter.app import run_exporter
    from stream.runtime.logs import log_to_stderr

    settings = read_settings()
    log_to_stderr(settings.secrets)
    run_interruptibly(run_exporter(settings))
