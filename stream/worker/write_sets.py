"""Write sets: what a pass writes to one shard, commit after commit. Pure.

A large batch is written in slices, so that no commit takes long; the position moves with the last one. Each slice
has the ids of its events: after a crash between two of them, what was written comes again, and is dropped as repeats.
They are no repeats of a client's, though: how many there are stands in the field REPLAYED, and so many do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stream.store.shard import REPLAYED, WriteSet
from stream.worker.fold import SliceChanges
from stream.worker.hot import Repeats
from stream.worker.repeats import Hashes

OfIds = Mapping[tuple[str, int], Hashes]
"""(topic, hour) -> hashes of ids."""


class LogsRead(NamedTuple):
    """What was read of a shard's logs, apart from what slices have.

    ids       of events that are left out
    counters  but for repeats
    replayed  how many events are still to come again that are written already
    """

    ids: OfIds
    counters: Mapping[str, int]
    repeats: Repeats
    replayed: int

    @property
    def replayed_now(self) -> int:
        """How many of the repeats are such events."""
        return min(self.replayed, self.repeats.number)


def write_sets(changes: Sequence[SliceChanges], read: LogsRead | None, fields: Mapping[str, str]) -> list[WriteSet]:
    """The slices' changes that are worth a commit, with these fields of the shard's state; and in the last one what
    was read, if anything was, which goes with the position."""
    written = [change for change in changes if change]
    if read is None:
        return [_write_set(change, fields) for change in written]
    last = written.pop() if changes[-1] else None
    found, replayed = [], read.replayed
    for change in written:
        replayed += sum(map(len, change.ids.values()))
        found.append(_write_set(change, {**fields, REPLAYED: str(replayed)}, read.repeats.since))
    if found or read.replayed_now:
        fields = {**fields, REPLAYED: str(read.replayed - read.replayed_now)}
    since = read.repeats.since
    rest = _write_set(last, fields, since) if last else WriteSet(fields=fields, ids_since=since)
    counters = {**read.counters, "repeats": read.repeats.number - read.replayed_now}
    ids = _merged(rest.ids, _packed(read.ids))
    found.append(rest._replace(ids=ids, counters={name: number for name, number in counters.items() if number}))
    return found


def _write_set(change: SliceChanges, fields: Mapping[str, str], ids_since: Mapping[str, int] = {}) -> WriteSet:
    """One slice's changes."""
    return WriteSet(
        customers=[change.keys[place] for place in change.changed],
        records=[change.records[place] for place in change.changed],
        series=change.series,
        newest_ms=change.newest_ms,
        ids=_packed(change.ids),
        ids_since=ids_since,
        timers=change.schedule.timers,
        messages=change.messages,
        at_risk=change.at_risk,
        fields=fields,
    )


def _packed(ids: OfIds) -> dict[tuple[str, int], bytes]:
    return {of: hashes.tobytes() for of, hashes in ids.items()}


def _merged(
    some: Mapping[tuple[str, int], bytes], others: Mapping[tuple[str, int], bytes]
) -> dict[tuple[str, int], bytes]:
    return {of: some.get(of, b"") + others.get(of, b"") for of in {**some, **others}}
