"""SIGINT ends what runs, at whatever moment it comes."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import suppress
from time import monotonic

import pytest

from stream.runtime.lifecycle import run_interruptibly, until_ended
from tests.stack.waiting import eventually

_SLEEP_SECONDS = 10


def test_an_interrupt_is_heard_also_where_it_does_not_break_the_sleep_of_the_loop() -> None:
    def interrupt() -> None:
        # One that comes just before the loop sleeps cannot be timed. One that another thread receives is like it.
        eventually(lambda: sys._current_frames()[main].f_code.co_name == "select", 10, "the loop to sleep")
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    async def sleep() -> None:
        threading.Thread(target=interrupt).start()
        await asyncio.sleep(_SLEEP_SECONDS)

    main = threading.get_ident()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a program of its own
    began = monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_interruptibly(sleep())
    finally:
        signal.signal(signal.SIGINT, before)
    assert monotonic() - began < _SLEEP_SECONDS


async def test_a_cancellation_that_is_swallowed_once_is_repeated() -> None:
    """As asyncio.wait_for may do on Python 3.11."""

    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async with asyncio.timeout(20):
        await until_ended(asyncio.sleep(0.01), stubborn())
