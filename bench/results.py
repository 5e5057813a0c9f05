"""The results: kept as JSON, one run for each broker."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from bench.around import Around
from bench.measuring import Measured
from bench.small import Small
from bench.stack import CHECKOUT

FOLDER = Path(__file__).parent
PACKAGES = (
    "aiokafka",
    "faust-streaming",
    "msgspec",
    "numpy",
    "redis",
    "uvloop",
    "quixstreams",
    "bytewax",
    "confluent-kafka",
)


class Machine(msgspec.Struct, frozen=True):
    """`load` is the system's load average of the minute before the run: other people's work spoils the figures."""

    cpu: str
    cores: int
    memory_gib: float
    load: float
    pinned: bool
    versions: dict[str, str]


class Outcome(msgspec.Struct, frozen=True):
    """One scenario of Assidu's worker; the bytes are Redis's, of all `customers` and all `events` sent.

    `commits`, their events, their time and Redis's CPU are those of the measured worker from its start.
    """

    title: str
    measured: Measured
    events: int
    commits: int
    committed_events: int
    commit_seconds: float
    customers: int
    customer_bytes: int
    visit_bytes: int
    id_bytes: int
    timer_bytes: int = 0
    redis_cpu_seconds: float | None = None
    kafka_cpu_seconds: float | None = None

    @property
    def bytes_per_customer(self) -> float:
        """Visits counted apart."""
        return (self.customer_bytes - self.visit_bytes) / self.customers

    @property
    def visit_bytes_per_customer(self) -> float:
        return self.visit_bytes / self.customers

    @property
    def timer_bytes_per_customer(self) -> float:
        return self.timer_bytes / self.customers

    @property
    def id_bytes_per_event(self) -> float:
        return self.id_bytes / self.events

    @property
    def redis_cpu_microseconds_per_event(self) -> float | None:
        return None if self.redis_cpu_seconds is None else self.redis_cpu_seconds / self.committed_events * 1e6

    @property
    def kafka_cpu_microseconds_per_event(self) -> float | None:
        """Of serving the workers; what it took to take the events in is not in it."""
        return None if self.kafka_cpu_seconds is None else self.kafka_cpu_seconds / self.committed_events * 1e6


class Run(msgspec.Struct, frozen=True):
    """One `make bench`. `stages`: microseconds of CPU an event; `missing`: name -> why there is nothing of it."""

    date: str
    commit: str
    broker: str
    machine: Machine
    events: int
    customers: int
    bare: Measured
    scenarios: dict[str, Outcome]
    peers: dict[str, Measured]
    stages: dict[str, float]
    missing: dict[str, str]
    around: Around | None = None
    small: list[Small] = []


def machine(load: float, pinned: bool, redis_version: str) -> Machine:
    """This machine; `load` is passed in because it was read before the run."""
    cpu = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    versions = {name: number for name in PACKAGES if (number := _version(name))}
    return Machine(
        cpu=cpu[1] if cpu else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        load=load,
        pinned=pinned,
        versions={"python": platform.python_version(), "redis-server": redis_version, **versions},
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # one of the extra `bench`
        return None


def checked_out() -> str:
    """The commit that was measured, with "+" when files differ from it; empty outside of a git checkout."""
    say = ["git", "-C", str(CHECKOUT), "describe", "--always", "--abbrev=12", "--dirty=+"]
    return subprocess.run(say, capture_output=True, text=True, check=False).stdout.strip()


def keep(run: Run) -> dict[str, Run]:
    """Put the run in the place of its broker's last one; all that are kept."""
    path = FOLDER / "results.json"
    runs = msgspec.json.decode(path.read_bytes(), type=dict[str, Run]) if path.exists() else {}
    runs = dict(sorted({**runs, run.broker: run}.items()))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(runs), indent=2) + b"\n")
    return runs
