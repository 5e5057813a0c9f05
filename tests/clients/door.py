"""The front door with everything behind it: two collectors, a worker and an exporter; and what came through."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import NamedTuple

from stream.demo.embedded import free_port
from stream.store.api_keys import ApiKeys, KeyKind
from stream.store.connect import connect
from tests.events import Event
from tests.recount import compare, recount
from tests.stack.command import Assidu
from tests.stack.reading import records
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually, eventually_async

_KEYS = 50
"""Of each kind: more than there are clients."""


class Key(NamedTuple):
    """Each client has a key of its own, and so a product of its own."""

    product: str
    key: str


class Door:
    """`spooling` keeps events on disk while Kafka is away, `bare` sends clients away then."""

    def __init__(self, assidu: Assidu) -> None:
        self._story = Story(assidu, product_limit=2 * _KEYS, collector_kafka_timeout=2)
        self.settings = self._story.settings
        self.page_port = free_port()
        self.origin = f"http://localhost:{self.page_port}"
        self._server_keys, self._browser_keys = asyncio.run(self._create_keys())
        self._story.worker()
        self._exporter = self._story.exporter()
        self.spooling = self._story.collector(collector_spool=assidu.folder / "spool")
        self.bare = self._story.collector()
        self._refused: Counter[str] = Counter()

    def server_key(self) -> Key:
        return next(self._server_keys)

    def browser_key(self) -> Key:
        """For pages of `origin`."""
        return next(self._browser_keys)

    async def arrived(self, product: str, count: int, within_seconds: float = 20) -> list[Event]:
        """The product's events in Kafka, once there are so many."""

        async def enough() -> list[Event] | None:
            found = await self._events(product)
            return found if len({each["event_id"] for each in found}) >= count else None

        found = await eventually_async(enough, within_seconds, f"{count} events of {product} in Kafka")
        assert found is not None
        return found

    def assert_gauges_equal_the_recount(self, product: str, events: Sequence[Event]) -> None:
        seen: list[str] = []

        def equal() -> bool:
            page = [each for each in self._exporter.engagement() if each["labels"].get("product") == product]
            definitions = asdict(self.settings.indicators.definitions)
            counted = recount(events, datetime.now(UTC), self.settings.zone, **definitions)
            seen[:] = compare({"metrics": page}, {key: value for key, value in counted.items() if value is not None})
            return bool(page) and not seen

        try:
            eventually(equal, 60, f"gauges of {product} that equal the recount")
        except AssertionError as error:
            error.add_note("\n".join(seen[:40]))
            raise

    def refused(self) -> Mapping[str, int]:
        """What the collectors did not take since this was asked last: requests and single events."""
        now = Counter({name: int(value) for each in (self.spooling, self.bare) for name, value in _refused(each)})
        new, self._refused = now - self._refused, now
        return new

    async def _events(self, product: str) -> list[Event]:
        topics = await asyncio.gather(*(records(self.settings, topic, None) for topic in self.settings.topics))
        events = [json.loads(record.value) for topic in topics for record in topic]
        return [event for event in events if event["product"] == product]

    async def _create_keys(self) -> tuple[Iterator[Key], Iterator[Key]]:
        async with connect(self.settings) as redis:
            stored = ApiKeys(redis, self.settings.namespace)

            async def created(kind: KeyKind, *origins: str) -> Iterator[Key]:
                products = [f"{kind}-{number}" for number in range(_KEYS)]
                return iter([Key(each, await stored.create(each, kind, None, origins)) for each in products])

            return await created("server"), await created("browser", self.origin)


def _refused(collector: Service) -> Iterator[tuple[str, float]]:
    for (name, labels), value in collector.metrics().items():
        has = dict(labels)
        if name == "assidu_collector_problems_total" or (
            name == "assidu_collector_requests_total" and not has["status"].startswith("2")
        ):
            yield f"{collector.child.log.name} {has}", value
