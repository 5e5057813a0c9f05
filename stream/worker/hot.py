"""Hot state: the part of a shard's stored state that its owner keeps in memory, loaded lazily and bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from schemas import Event
from stream.core.record import Record, decode_record
from stream.metrics import KINDS
from stream.store.keys import customer_key
from stream.store.shard import ShardStore
from stream.worker.intake import Arrived
from stream.worker.repeats import Hashes, RepeatWindow, id_hash, window_hours


@dataclass
class Fresh:
    """Events without their repeats, and what their ids change: (topic, hour) -> hashes, and what leaves."""

    events: list[Event] = field(default_factory=list)
    repeats: int = 0
    ids: dict[tuple[str, int], Hashes] = field(default_factory=dict)
    leaving: list[tuple[str, int]] = field(default_factory=list)


class HotState:
    """Customers and event ids of one shard. Changes are remembered only once they are committed."""

    def __init__(self, shard: int, store: ShardStore, id_key: int, hours: int, most_customers: int) -> None:
        self._shard = shard
        self._store = store
        self._id_key = id_key
        self._hours = hours
        self._most_customers = most_customers
        self._customers: dict[bytes, Record] = {}
        self._windows: dict[str, RepeatWindow] = {}

    def holds(self, event: Event) -> bool:
        """Is the event's customer in memory, and hence of this shard?"""
        return customer_key(event.product, event.customer) in self._customers

    async def windows(self, topics: Iterable[str]) -> None:
        """Load the repeat windows of these topics, where not loaded yet."""
        for topic in topics:
            if topic not in self._windows:
                window = RepeatWindow(self._hours)
                newest = await self._store.newest_hour(self._shard, topic)
                if newest is not None:
                    hours = window_hours(newest, self._hours)
                    window.load(await self._store.ids(self._shard, topic, hours))
                self._windows[topic] = window

    async def customers(self, keys: Iterable[bytes]) -> dict[bytes, Record]:
        """The records of those of the customers that were seen before."""
        known = {}
        missing = []
        for key in keys:
            customer = self._customers.get(key)
            if customer is None:
                missing.append(key)
            else:
                known[key] = customer
        for key, blob in zip(missing, await self._store.customers(self._shard, missing), strict=True):
            if blob is not None:
                known[key] = decode_record(blob, KINDS)
        return known

    def drop_repeats(self, arrived: Mapping[str, list[Arrived]]) -> Fresh:
        """Topic by topic, the events whose id is new to the window."""
        fresh = Fresh()
        for topic, some in arrived.items():
            if not some:
                continue
            window = self._windows[topic]
            key = self._id_key
            hashes = np.fromiter(
                (id_hash(event.customer, event.event_id, key) for event, _ in some), np.uint64, len(some)
            )
            new = window.fresh(hashes)
            by_hour: dict[int, list[int]] = defaultdict(list)
            for index in np.flatnonzero(new).tolist():
                event, hour = some[index]
                fresh.events.append(event)
                by_hour[window.hour_kept(hour)].append(index)
            fresh.repeats += len(some) - int(new.sum())
            fresh.ids.update({(topic, hour): hashes[indices] for hour, indices in by_hour.items()})
            fresh.leaving += [(topic, hour) for hour in window.leaving(max(by_hour, default=-1))]
        return fresh

    def remember(self, customers: Mapping[bytes, Record], ids: Mapping[tuple[str, int], Hashes]) -> None:
        """Take in what was committed; the customers longest untouched make room."""
        hot = self._customers
        for key, customer in customers.items():
            hot.pop(key, None)
            hot[key] = customer
        while len(hot) > self._most_customers:
            del hot[next(iter(hot))]
        for (topic, hour), hashes in ids.items():
            self._windows[topic].add({hour: hashes})
