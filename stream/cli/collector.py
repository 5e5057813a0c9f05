"""The command `assidu collector`."""

from __future__ import annotations

import click


@click.command()
def collector() -> None:
    """Take events over HTTP: on ASSIDU_BIND:ASSIDU_COLLECTOR_PORT.

    Start as many as you like. Events are answered once Kafka has acknowledged them, or once they are on disk in
    ASSIDU_COLLECTOR_SPOOL while Kafka is away. `assidu keys` says who may send. Runs until SIGTERM or SIGINT, and
    then answers whoever has asked. GET /healthz, /readyz and /metrics beside.
    """
    import uvloop

    from stream.cli.settings import read_settings
    from stream.ingest.collector.app import run_collector
    from stream.runtime.logs import log_to_stderr

    settings = read_settings()
    log_to_stderr(settings.secrets)
    uvloop.run(run_collector(settings))
