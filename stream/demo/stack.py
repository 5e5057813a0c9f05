"""The demo's own stack: broker, Redis, a worker, an exporter and a collector, all gone when it ends."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from stream.demo.embedded import Child, EmbeddedBroker, EmbeddedRedis, free_port
from stream.runtime.secret import SecretUrl
from stream.settings import Settings

# What a demo takes from the user's settings; the rest belongs to a stack of theirs.
HONOURED = ("timezone", "indicators", "bind")
PARTITIONS = 4
# Shorter ones make no faster start: the embedded broker lets about 4 s pass before the first member may join.
SESSION_TIMEOUT_SECONDS = 6.0
REBALANCE_TIMEOUT_SECONDS = 6.0

STOP_SECONDS = 3.0  # a worker that is about to join its group would take longer, and nothing here must last

_PROGRAM = [sys.executable, "-c", "from stream.cli import main; main()"]


class PartEnded(Exception):
    """A part of the demo ended, though nobody asked it to: which, how, and the end of its log."""


class Stack:
    """Broker and Redis, for the length of a `with` block; `start_programs` adds worker, exporter and collector."""

    def __init__(self, wishes: Settings) -> None:
        self._ending = ExitStack()
        self._folder = Path(self._ending.enter_context(TemporaryDirectory(prefix="assidu-demo-")))
        self._broker, self._redis = EmbeddedBroker(), EmbeddedRedis({"appendonly": "no"})
        self._parts: dict[str, Child] = {}
        self.settings = _own_settings(wishes, self._broker.servers, self._redis.url)

    def __enter__(self) -> Self:
        try:
            for server in (self._broker, self._redis):
                self._ending.enter_context(server)
                self._parts[server.title] = server.process
        except BaseException:
            self._ending.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.close()

    def start_programs(self) -> None:
        """Start worker, exporter and collector; the topics must be there."""
        environment = _environment(self.settings) | {"TMPDIR": str(self._folder)}
        for name in ("worker", "exporter", "collector"):
            child = Child([*_PROGRAM, name], self._folder / f"{name}.log", self._folder, environment)
            self._ending.callback(child.terminate, STOP_SECONDS)
            self._parts[name] = child

    def check(self) -> None:
        """Raise PartEnded when one of the parts is no longer running."""
        for name, child in self._parts.items():
            if not child.running:
                raise PartEnded(
                    f"the {name} ended by itself, exit code {child.process.returncode}; the end of its log:\n"
                    + child.log_tail()
                )

    @property
    def exporter_url(self) -> str:
        return _url(self.settings.bind, self.settings.exporter_port)

    @property
    def worker_url(self) -> str:
        return _url(self.settings.bind, self.settings.worker_port)

    @property
    def collector_url(self) -> str:
        return _url(self.settings.bind, self.settings.collector_port)


def _own_settings(wishes: Settings, kafka: str, redis: str) -> Settings:
    """The defaults, whatever the environment says, with this stack's addresses and what is honoured."""
    return Settings.model_construct(
        kafka=kafka,
        redis=SecretUrl(redis),
        partitions=PARTITIONS,
        idempotence="off",  # the embedded broker knows no idempotent producer
        kafka_session_timeout=SESSION_TIMEOUT_SECONDS,
        kafka_rebalance_timeout=REBALANCE_TIMEOUT_SECONDS,
        worker_port=_port(wishes.bind, wishes.worker_port),
        exporter_port=_port(wishes.bind, wishes.exporter_port),
        collector_port=_port(wishes.bind, wishes.collector_port),
        **{name: getattr(wishes, name) for name in HONOURED},
    )


def _port(host: str, wanted: int) -> int:
    """The port asked for if it can be had, else any free one."""
    if wanted:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As the servers do: a port in TIME_WAIT can be had.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, wanted))
            except OSError:
                return free_port()
            return wanted
    return free_port()


def _url(bind: str, port: int) -> str:
    """Where this machine reaches what listens there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _environment(settings: Settings) -> dict[str, str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("ASSIDU_")}
    return inherited | settings.environment()
