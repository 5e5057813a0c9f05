"""A service's end: SIGTERM and SIGINT as something to wait for, and what ends together with something else."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def told_to_stop() -> asyncio.Event:
    """Set once this process gets SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def until_ended(first: Coroutine[Any, Any, object], *others: Coroutine[Any, Any, object]) -> None:
    """Run all of them until the first has ended, and cancel what still runs; raises what one of them raises."""
    ending = asyncio.create_task(first)
    running: set[asyncio.Task[object]] = {ending, *map(asyncio.create_task, others)}
    try:
        while not ending.done():
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
