"""A collector in the test's own loop, and a client that talks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple

import aiohttp

from stream.ingest.collector.app import Collector
from stream.settings import Settings
from stream.store.api_keys import ApiKeys, KeyKind
from stream.store.connect import connect
from tests.events import Event
from tests.stack.reading import records
from tests.stack.waiting import eventually_async

PATH = "/v1/events"
_numbers = count(1)


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Posts to a collector, with its key unless another is named."""

    def __init__(self, http: aiohttp.ClientSession, port: int, collector: Collector, stored: ApiKeys) -> None:
        self.http = http
        self.port = port
        self.stored = stored
        self.key = ""
        self._collector = collector

    async def create_key(self, product: str, kind: KeyKind, rate: float | None = None, *origins: str) -> str:
        """One that the collector knows already."""
        key = await self.stored.create(product, kind, rate, origins)
        await self._collector.keyring.look()
        return key

    async def post(
        self, body: Any, path: str = PATH, key: str | None = "", method: str = "POST", **headers: str
    ) -> Answer:
        """`body` as it is, or as JSON; `key` None: none."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["Authorization"] = f"Bearer {key or self.key}"
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(method, url, data=data, headers=sent, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def metrics(self) -> str:
        async with self.http.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            return await answer.text()

    async def is_ready(self) -> bool:
        async with self.http.get(f"http://127.0.0.1:{self.port}/readyz") as answer:
            return answer.status == 200


@asynccontextmanager
async def collecting(settings: Settings) -> AsyncIterator[Client]:
    """Until the end of the context, by which time all who have asked are answered."""
    stop = asyncio.Event()
    async with connect(settings) as redis, aiohttp.ClientSession(auto_decompress=False) as http:
        stored = ApiKeys(redis, settings.namespace)
        collector = Collector(settings, stored)
        client = Client(http, settings.collector_port, collector, stored)
        client.key = await client.create_key("shop", "server")
        running = asyncio.create_task(collector.run(stop))

        async def listens() -> bool:
            if running.done():
                await running
            try:
                await client.metrics()
            except aiohttp.ClientError:
                return False
            return True

        try:
            await eventually_async(listens, 30, "the collector to listen")
            yield client
        finally:
            stop.set()
            await running


def logins(number: int, customer: str = "ann") -> list[Event]:
    """Events that no other test has."""
    return [
        {
            "type": "login",
            "event_id": f"login-{next(_numbers)}",
            "user_id": customer,
            "timestamp": "2026-11-28T12:00:00Z",
        }
        for _ in range(number)
    ]


def ids_of(events: list[Event]) -> list[str]:
    return [event["event_id"] for event in events]


async def arrived(settings: Settings, events: list[Event]) -> list[Event]:
    """Those of the events that are in Kafka, as they are there, partition by partition."""
    wanted = set(ids_of(events))
    found = await records(settings, f"{settings.topic_prefix}logins", None)
    return [event for event in (json.loads(record.value) for record in found) if event["event_id"] in wanted]
