"""Kafka producers that wait for every replica, idempotent where the broker can."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import BrokerResponseError, IncompatibleBrokerVersion, KafkaConnectionError

from stream.kafka.connection import connection, start
from stream.runtime.errors import UserError
from stream.settings import Settings

_START_SECONDS = 60.0
FAREWELL_SECONDS = 5.0

log = logging.getLogger(__name__)


async def start_producer(
    settings: Settings, start_seconds: float = _START_SECONDS, **options: Any
) -> AIOKafkaProducer:
    """A started producer with acks=all; `options` are aiokafka's.

    ASSIDU_IDEMPOTENCE=auto falls back when the broker offers no producer ids, and says so once; event ids absorb
    the repeats that may follow. Raises aiokafka's KafkaError when Kafka does not answer in `start_seconds`, and
    UserError where it will never let us in.
    """
    if settings.idempotence == "off":
        return await _start(settings, start_seconds, idempotent=False, **options)
    try:
        with _silent(logging.getLogger("aiokafka.producer.sender")):  # a refusal is expected, and said below
            return await _start(settings, start_seconds, idempotent=True, **options)
    except (BrokerResponseError, IncompatibleBrokerVersion) as error:
        words = f"Kafka at {settings.kafka} offers no idempotent producer ({error})"
        if settings.idempotence == "on":
            raise UserError(f"{words}: set ASSIDU_IDEMPOTENCE=auto or off") from None
        log.warning("%s: sending with acks=all; repeats are told by their event_id", words)
        return await _start(settings, start_seconds, idempotent=False, **options)


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Send what is left; give up on it when Kafka does not take it within seconds."""
    try:
        async with asyncio.timeout(FAREWELL_SECONDS):
            await producer.stop()
    except TimeoutError:
        await abandon_producer(producer)


async def abandon_producer(producer: AIOKafkaProducer) -> None:
    """End it at once, with what it has not sent. An idempotent producer retries for ever, and aiokafka has no public
    way to make it stop."""
    producer._closed = True  # or it would complain, once it is forgotten, that nobody closed it
    sender = producer._sender.sender_task
    while sender is not None and not sender.done():
        sender.cancel()  # once cancelled it still waits for the requests on their way: again, until it drops them
        await asyncio.sleep(0)
    for each in producer.client._conns.values():
        if each._writer is not None:
            each._writer.transport.abort()  # or closing would wait until Kafka takes the rest of a request
    await asyncio.wait([asyncio.create_task(producer.client.close())], timeout=FAREWELL_SECONDS)
    producer._message_accumulator.fail_all(KafkaConnectionError("given up"))


async def _start(settings: Settings, start_seconds: float, *, idempotent: bool, **options: Any) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(**connection(settings), acks="all", enable_idempotence=idempotent, **options)
    try:
        # aiokafka asks for a producer id again and again, without a bound of its own.
        async with asyncio.timeout(start_seconds):
            await start(producer, settings)
    except TimeoutError:
        await stop_producer(producer)
        raise KafkaConnectionError(f"no producer id for {start_seconds:g} s") from None
    except BaseException:
        await stop_producer(producer)
        raise
    return producer
