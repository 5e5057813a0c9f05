"""The end of a process: SIGINT and SIGTERM, heard at once and as something to wait for; what ends together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_AGAIN_SECONDS = 1.0


def run_interruptibly(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, but SIGINT always wakes the loop.

    asyncio.run leaves it to Python's signal handlers, and Python does not look for a signal once more before it
    sleeps: one that comes in that moment would be heard when something else happens, minutes later.
    """
    with asyncio.Runner() as runner:
        # Any signal handler of the loop gives it a file descriptor that wakes it at every signal. SIGURG is
        # ignored by default: to handle it changes nothing else.
        runner.get_loop().add_signal_handler(signal.SIGURG, lambda: None)
        return runner.run(main)


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
        await _cancelled(running)


async def _cancelled(tasks: set[asyncio.Task[object]]) -> None:
    """Cancel them until they have ended: up to Python 3.11 asyncio.wait_for can swallow a cancellation."""
    ending = asyncio.gather(*tasks, return_exceptions=True)
    while not ending.done():
        for task in tasks:
            task.cancel()
        await asyncio.wait({ending}, timeout=_AGAIN_SECONDS)
