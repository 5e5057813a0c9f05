"""The course of a demo: start the stack, send the past, go live, end cleanly."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import aiohttp
from rich.console import Console

from stream.demo.screen import Screen
from stream.demo.simulate import Plan, Traffic
from stream.demo.stack import Stack
from stream.ingest.collector.first_event import create_key
from stream.ingest.event_producer import EventProducer
from stream.kafka.partitions import shards_of_keys
from stream.kafka.topics import create_topics
from stream.runtime.lifecycle import until_ended
from stream.settings import Settings


async def run_demo(wishes: Settings, plan: Plan, console: Console) -> None:
    """Ends when the plan's time is over, on SIGINT and on SIGTERM; raises PartEnded when a part of it dies."""
    demo = asyncio.create_task(_demo(wishes, plan, console))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, demo.cancel)
    with suppress(asyncio.CancelledError):
        await demo
    console.print("The demo has ended; everything it started is stopped.")


async def _demo(wishes: Settings, plan: Plan, console: Console) -> None:
    console.print("Starting a Kafka broker, Redis, a worker, an exporter and a collector …")
    with Stack(wishes) as stack:
        await create_topics(stack.settings, replication=1)
        key = await create_key(stack.settings)
        stack.start_programs()
        async with (
            aiohttp.ClientSession() as http,
            EventProducer(stack.settings, partitioner=shards_of_keys) as producer,
        ):
            traffic = Traffic(producer, plan)
            screen = Screen(stack, http, plan, console, key)
            await until_ended(screen.show_past(traffic), traffic.send_past())
            await until_ended(screen.show_live(), traffic.send_live())
