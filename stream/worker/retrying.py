"""Broken infrastructure is not bad input: try the same again, with growing pauses, until it works or is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog
from aiokafka.errors import KafkaError

from stream.kafka import errors as kafka_errors
from stream.store.connect import REDIS_ERRORS, is_transient

log = structlog.get_logger()

Result = TypeVar("Result")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class GivenUp(Exception):
    """The shard was closed while something it needs was away."""


class Signal(Protocol):
    """What is waited for of an asyncio.Event."""

    def is_set(self) -> bool: ...
    async def wait(self) -> object: ...


class AllSet:
    """Set when each of the events is."""

    def __init__(self, events: Sequence[asyncio.Event]) -> None:
        self._events = events

    def is_set(self) -> bool:
        return all(event.is_set() for event in self._events)

    async def wait(self) -> None:
        for event in self._events:
            await event.wait()


def raise_if_lasting(error: Exception, what: str) -> None:
    """Raises the error of Redis's or Kafka's where trying again is in vain: Kafka's as a UserError that says that it
    does not `what`."""
    if isinstance(error, KafkaError):
        if not kafka_errors.is_transient(error):
            raise kafka_errors.refusal(error, what) from None
    elif not is_transient(error):
        raise error


async def retrying(what: str, attempt: Callable[[], Awaitable[Result]], given_up: Signal) -> Result:
    """The result of `attempt`, tried until Redis and Kafka let it through. Raises GivenUp once that is set, and
    UserError where Kafka never will."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        if given_up.is_set():
            raise GivenUp(what)
        try:
            result = await attempt()
        except (*REDIS_ERRORS, KafkaError) as error:
            raise_if_lasting(error, what)
            log.warning("trying again", what=what, error=str(error) or type(error).__name__, pause_seconds=pause)
            try:
                await asyncio.wait_for(given_up.wait(), pause)
            except TimeoutError:
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            return result
