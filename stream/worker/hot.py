"""Hot state: the part of a shard's stored state that its owner keeps in memory, loaded lazily and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints, distinct
from stream.store.shard import ShardStore
from stream.worker.cache import RecordCache
from stream.worker.intake import Arrived
from stream.worker.repeats import Hashes, RepeatWindow, id_hashes, window_hours


@dataclass
class Ids:
    """What the ids of some events change: (topic, hour) -> hashes, topic -> the oldest hour that is remembered then;
    and how many were repeats."""

    new: dict[tuple[str, int], Hashes] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    repeats: int = 0


class HotState:
    """Records and event ids of one shard. Changes are remembered only once they are committed."""

    def __init__(self, shard: int, store: ShardStore, id_key: int, hours: int, most_customers: int) -> None:
        self._shard = shard
        self._store = store
        self.id_key = id_key
        self._hours = hours
        self._windows: dict[str, RepeatWindow] = {}
        self.cache = RecordCache(most_customers)

    def lacks_windows(self, topics: Iterable[str]) -> bool:
        """Whether a repeat window of these topics is not loaded yet."""
        return not self._windows.keys() >= set(topics)

    async def load_windows(self, topics: Iterable[str]) -> None:
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

    def new_ids(self, topic: str, hashes: Hashes, hours: Ints, ids: Ids) -> NDArray[np.bool_]:
        """Which of the topic's events, by the hashes of their ids and the hours in which their records came, are no
        repeats; what that changes goes into `ids`."""
        window = self._windows[topic]
        new = window.fresh(hashes)
        hours, hashes = window.hours_kept(hours[new]), hashes[new]
        ids.repeats += len(new) - len(hashes)
        for hour in distinct(hours).tolist():
            ids.new[topic, hour] = hashes[hours == hour]
        ids.since[topic] = window.since(int(hours.max(initial=-1)))
        return new

    def remember(
        self, keys: Sequence[bytes], records: Sequence[bytes], ids: Mapping[tuple[str, int], Hashes]
    ) -> None:
        """Take in what was committed."""
        self.cache.update(keys, records)
        for (topic, hour), hashes in ids.items():
            self._windows[topic].add({hour: hashes})


def drop_repeats(arrived: Arrived, hot: Mapping[int, HotState]) -> tuple[Arrived, dict[int, Ids]]:
    """(the events whose ids are new to the windows of their shards and topics, what the ids change by shard).

    All shards have the same key of ids."""
    events = arrived.events
    [id_key] = {state.id_key for state in hot.values()}
    hashes = id_hashes(arrived.keys, [event.event_id for event in events], id_key)
    new = np.ones(len(events), np.bool_)
    ids = {shard: Ids() for shard in hot}
    edges = np.searchsorted(arrived.part, np.arange(len(arrived.parts) + 1)).tolist()
    for (shard, topic), first, end in zip(arrived.parts, edges, edges[1:], strict=False):
        part = slice(first, end)
        new[part] = hot[shard].new_ids(topic, hashes[part], arrived.hours[part], ids[shard])
    return (arrived if new.all() else arrived.those(new)), ids
