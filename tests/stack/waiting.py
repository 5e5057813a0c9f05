"""Waiting for a condition instead of for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

T = TypeVar("T")

PAUSE_SECONDS = 0.05  # between two looks at the condition


def eventually(condition: Callable[[], T], within_seconds: float, what: str) -> T:
    """The condition's first truthy value; AssertionError, saying what was waited for, when there is none."""
    deadline = time.monotonic() + within_seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            _give_up(within_seconds, what, value)
        time.sleep(PAUSE_SECONDS)
    return value


async def eventually_async(condition: Callable[[], Awaitable[T]], within_seconds: float, what: str) -> T:
    """As `eventually`, for a condition that has to be awaited; other tasks go on meanwhile."""
    deadline = time.monotonic() + within_seconds
    while not (value := await condition()):
        if time.monotonic() > deadline:
            _give_up(within_seconds, what, value)
        await asyncio.sleep(PAUSE_SECONDS)
    return value


def _give_up(within_seconds: float, what: str, value: object) -> NoReturn:
    raise AssertionError(f"waited {within_seconds:g} s in vain for {what}; last seen: {value!r}")
