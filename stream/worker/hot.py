"""Hot state: the part of a shard's stored state that its owner keeps in memory, loaded lazily and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stream.store.shard import ShardStore
from stream.worker.cache import RecordCache
from stream.worker.intake import Arrived, together
from stream.worker.repeats import Hashes, RepeatWindow, id_hashes, window_hours


@dataclass
class Fresh:
    """Events without their repeats, and what their ids change: (topic, hour) -> hashes; topic -> the oldest hour that
    is remembered then."""

    arrived: Arrived
    repeats: int = 0
    ids: dict[tuple[str, int], Hashes] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)


class HotState:
    """Records and event ids of one shard. Changes are remembered only once they are committed."""

    def __init__(self, shard: int, store: ShardStore, id_key: int, hours: int, most_customers: int) -> None:
        self._shard = shard
        self._store = store
        self._id_key = id_key
        self._hours = hours
        self._windows: dict[str, RepeatWindow] = {}
        self.cache = RecordCache(most_customers)

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

    async def known(self, keys: Sequence[bytes], named: int) -> list[bytes]:
        """The customers' records; an empty one for who was never seen before. Raises NotTheOwner when more than
        `named` names are stored."""
        records = self.cache.find(keys)
        missing = [place for place, record in enumerate(records) if record is None]
        stored = await self._store.records(self._shard, [keys[place] for place in missing], named)
        for place, record in zip(missing, stored, strict=True):
            records[place] = record
        return [record or b"" for record in records]

    def drop_repeats(self, arrived: Mapping[str, Arrived]) -> Fresh:
        """Topic by topic, the events whose id is new to the window."""
        fresh = Fresh(together(()))
        parts = []
        for topic, some in arrived.items():
            window, events = self._windows[topic], some.events
            customers, event_ids = [event.customer for event in events], [event.event_id for event in events]
            hashes = id_hashes(customers, event_ids, self._id_key)
            new = window.fresh(hashes)
            fresh.repeats += len(new) - int(new.sum())
            parts.append(some if new.all() else some.those(new))
            hours, hashes = window.hours_kept(parts[-1].hours), hashes[new]
            for hour in np.unique(hours).tolist():
                fresh.ids[topic, hour] = hashes[hours == hour]
            fresh.since[topic] = window.since(int(hours.max(initial=-1)))
        fresh.arrived = together(parts)
        return fresh

    def remember(
        self, keys: Sequence[bytes], records: Sequence[bytes], ids: Mapping[tuple[str, int], Hashes]
    ) -> None:
        """Take in what was committed."""
        self.cache.update(keys, records)
        for (topic, hour), hashes in ids.items():
            self._windows[topic].add({hour: hashes})
