"""A server of ours on a loopback port, with a folder of its own: start, stop, freeze, throw away."""

from __future__ import annotations

import random
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Self

from stream.demo.embedded.child import Child
from stream.runtime.errors import UserError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A loopback port nobody listens on.

    It lies below the range from which outgoing connections get theirs: otherwise, while the server is away, a
    client's own connection may take its port, or even be connected to itself.
    """
    while True:
        port = random.randint(20_000, 31_999)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port


class Server(ABC):
    """A child process that listens on one loopback port and keeps its files in a private folder.

    Port and folder stay the same from `start` to `stop` to `start`; `close`, or the end of a `with` block,
    removes everything.
    """

    title: ClassVar[str]

    def __init__(self) -> None:
        self.port = free_port()
        self._temporary = TemporaryDirectory(prefix=f"assidu-{self.title}-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self._child: Child | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers a real request by now."""

    @property
    def process(self) -> Child:
        if self._child is None:
            raise RuntimeError(f"the embedded {self.title} was never started")
        return self._child

    def start(self, within_seconds: float = 60) -> None:
        """Start it and wait until it answers; UserError with the end of its output when it does not."""
        self._child = Child(self.command(), self.folder / "log", self.folder)
        deadline = time.monotonic() + within_seconds
        while not self.answers():
            ended = not self._child.running
            if ended or time.monotonic() > deadline:
                self._child.kill()
                why = "ended before it answered" if ended else f"did not answer within {within_seconds:g} s"
                raise UserError(
                    f"the embedded {self.title} on port {self.port} {why}; the end of its output:\n"
                    + self._child.log_tail()
                )
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Away for the length of a `with` block: connections are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Frozen for the length of a `with` block: connections are accepted, nothing is answered."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def close(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
