"""Hot state: the part of a shard's stored state that its owner keeps in memory, loaded lazily and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints
from stream.store.shard import ShardStore
from stream.worker.cache import RecordCache
from stream.worker.intake import Arrived
from stream.worker.repeats import Hashes, RepeatWindow, id_hashes, window_hours


@dataclass
class Repeats:
    """How many of a shard's events were; and topic -> the oldest hour whose ids are remembered from now on."""

    number: int = 0
    since: dict[str, int] = field(default_factory=dict)


class HotState:
    """Records (`cache`) and event ids of one shard. Changes are remembered only once they are committed."""

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

    def fresh(self, topic: str, hashes: Hashes, hours: Ints, repeats: Repeats) -> NDArray[np.bool_]:
        """Which of the topic's events are no repeats, by the hashes of their ids and the hours in which their Kafka
        records came; what that says goes into `repeats`."""
        window = self._windows[topic]
        new = window.fresh(hashes)
        repeats.number += len(new) - int(np.count_nonzero(new))
        repeats.since[topic] = window.since(int(hours[new].max(initial=-1)))
        return new

    def remember_ids(self, ids: Mapping[tuple[str, int], Hashes]) -> None:
        """Take in what was committed."""
        for (topic, hour), hashes in ids.items():
            self._windows[topic].add({hour: hashes})


def drop_repeats(arrived: Arrived, hot: Mapping[int, HotState]) -> tuple[Arrived, dict[int, Repeats]]:
    """(the events whose ids are new to the windows of their shards and topics, what was found by shard).

    All shards have the same key of ids. An id is kept under the hour in which its record came, or the oldest that is
    remembered: whatever is committed of some events is known when they are read again."""
    events = arrived.events
    [id_key] = {state.id_key for state in hot.values()}
    hashes = id_hashes(arrived.keys, [event.event_id for event in events], id_key)
    new, hours = np.ones(len(events), np.bool_), arrived.hours.copy()
    repeats = {shard: Repeats() for shard in hot}
    for shard, topic, part in arrived.by_part():
        new[part] = hot[shard].fresh(topic, hashes[part], hours[part], repeats[shard])
        hours[part] = np.maximum(hours[part], repeats[shard].since[topic])
    marked = arrived._replace(ids=hashes, hours=hours)
    return (marked if new.all() else marked.those(new)), repeats
