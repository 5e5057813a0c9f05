"""SIGINT ends what runs, at whatever moment it comes."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from time import monotonic

import pytest

from stream.runtime.lifecycle import run_interruptibly
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
