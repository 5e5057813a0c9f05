"""A client's process: what it is given, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.clients.calls import Call, expected, shape
from tests.clients.door import Door, Key
from tests.events import Event
from tests.stack.service import Service

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
_WITHIN_SECONDS = 90


@dataclass(frozen=True)
class Client:
    """feature and identifies: see `expected`; `given` are environment variables of its own."""

    command: tuple[str, ...]
    feature: str = "Lesson Finished"
    identifies: bool = True
    given: dict[str, str] = field(default_factory=dict)

    def wanted(self, said: Sequence[Call]) -> list[Event]:
        return expected(said, self.feature, self.identifies)


def in_python(name: str, **more: object) -> Client:
    return Client((sys.executable, "-m", f"tests.clients.python.{name}"), **more)  # type: ignore[arg-type]


def in_node(name: str, **more: object) -> Client:
    return Client(("node", str(NODE / f"{name}.mjs")), **more)  # type: ignore[arg-type]


async def run(client: Client, collector: Service, key: Key, said: Sequence[Call]) -> str:
    """To its end; returns what it printed."""
    given = {"HOST": f"http://127.0.0.1:{collector.port}", "KEY": key.key, "CALLS": json.dumps(said), **client.given}
    return await run_program(client.command, given)


async def run_program(command: Sequence[str], given: dict[str, str], folder: Path = ROOT) -> str:
    """To its end, which must be a good one; returns what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **given},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        raise AssertionError(f"{' '.join(command)[:200]} did not end within {_WITHIN_SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def assert_counted(door: Door, product: str, wanted: Sequence[Event], since: datetime) -> None:
    """Exactly these arrived, each once, and the product's gauges say so."""
    events = await door.arrived(product, len(wanted))
    assert shape(events) == shape(wanted), events
    assert len({each["event_id"] for each in events}) == len(events)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    # Some clients tell whole seconds.
    assert all(since - timedelta(seconds=1) <= datetime.fromisoformat(each["timestamp"]) <= soon for each in events)
    door.assert_gauges_equal_the_recount(product, events)
