"""Closed visits: the runs of each customer's events on each channel, and the series that count them.

A visit is a maximal run of a customer's visit events on one channel with no gap over 30 minutes (a definition). It
closes at the minute after its end + that gap and counts there; late events extend, bridge and merge visits of the
last 31 days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import Customers, EventColumns
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys, keys_of
from stream.core.ragged import Ints, Ragged
from stream.core.runs import MOST_PAGES, Runs, chained, merged
from stream.core.series import KEEP_MINUTES, Key, Kind, Series
from stream.core.time import DAY, FAR_PAST, HOUR, MINUTE_MS

TYPES = frozenset(
    "page_view session click interaction login signup feature_use contribution purchase subscription_started".split()
)
_SEEN = frozenset({"page_view"})
_ENDED = frozenset({"session"})
CONVERSIONS = frozenset({"purchase", "signup", "subscription_started"})

ENGAGED_MS = 10_000
_PERIOD = 30 * DAY
_KEEP_MINUTES = KEEP_MINUTES + 4 * DAY
"""A visit may close a day and more after the moment of its events, and a session of a day may reach back to it."""

VISITS = Series("visits", Kind.FLOW, "minute", ("channel", "pages", "engaged", "converted"))
"""Labels: pages 0, 1 or 2+; engaged (over 10 s) and converted yes or no."""
VISIT_MS = Series("visit_ms", Kind.FLOW, "minute", ("channel",))
PAGES = Series("visit_pages", Kind.FLOW, "minute", ("channel",))
FREQUENCY = Series("visit_frequency", Kind.STOCK, "minute", ("visits",), settled=3 * DAY)


@dataclass(frozen=True)
class Visits:
    """The visits of `size` customers of the last 31 days; what the series do not know yet: the visits that are
    `fresh`, and those that are `gone`."""

    size: int
    runs: Runs
    fresh: NDArray[np.bool_]
    gone: Runs

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Visits:
        runs = Runs.unpack(stored).renumbered(customers.read)
        return cls(len(customers), runs, np.ones(len(runs), np.bool_), runs[:0])

    def pack(self, customers: Customers) -> list[Ragged]:
        return [self.runs.renumbered(lambda _, channel: customers.key_ids.ids(channel)).pack(self.size)]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Visits:
        gap_ms = columns.definitions.visit_gap_ms
        runs, fresh, gone = merged(self.runs, _spans(columns), gap_ms)
        edge, minute = np.full(self.size, FAR_PAST), closes(runs, gap_ms)
        np.maximum.at(edge, runs.row, minute - _KEEP_MINUTES)
        kept = minute > edge[runs.row]
        if not kept.all():
            gone = chained(gone, runs[~kept & ~fresh])
            runs, fresh = runs[kept], fresh[kept]
        return Visits(self.size, runs, fresh, gone)


def _spans(columns: EventColumns) -> Runs:
    """The time that each visit event covers, as a run of its own."""
    at, channel = columns.under(VISIT_MS, TYPES)
    size = len(columns.type)
    start, end = columns.ms.copy(), columns.ms.copy()
    views, summed, converted = np.zeros((3, size), np.int64)
    seen, ended = columns.of(_SEEN), columns.of(_ENDED)
    views[seen] = 1
    end[seen] += _numbers(columns, _SEEN, lambda event: event.duration_ms or 0)
    start[ended] -= _numbers(columns, _ENDED, lambda event: event.duration_ms)
    summed[ended] = _numbers(columns, _ENDED, lambda event: min(event.page_views, MOST_PAGES))
    converted[ended] = _numbers(columns, _ENDED, lambda event: bool(event.converted))
    converted[columns.of(CONVERSIONS)] = 1
    return Runs(columns.row[at], channel, *(column[at] for column in (start, end, views, summed, converted)))


def _numbers(columns: EventColumns, types: frozenset[str], read: Callable[[Any], int]) -> Ints:
    return np.array(columns.fields(types, read), np.int64)


def closes(runs: Runs, gap_ms: int) -> Ints:
    """The minute in which each visit counts."""
    return (runs.end_ms + gap_ms) // MINUTE_MS + 1


def change(increments: Increments, customers: Customers, old: Visits, new: Visits, definitions: Definitions) -> None:
    """contribution(new) − contribution(old); `new` is what `old` was merged into, or `old` is empty."""
    gap_ms = definitions.visit_gap_ms
    for runs, count in ((new.gone, -1), (new.runs[new.fresh], 1)):
        _count(increments, customers.key_ids, runs, closes(runs, gap_ms), count)
    _count_frequency(increments, customers, new, gap_ms)


def _count(increments: Increments, key_ids: FoldKeys, runs: Runs, minute: Ints, count: int) -> None:
    """`minute[i]`: in which run i counts."""
    pages, lasted = runs.pages, runs.lasted_ms
    traits = np.minimum(pages, 2) << 2 | (lasted > ENGAGED_MS) << 1 | runs.converted
    increments.add(key_ids.like(runs.channel, _key, traits), minute, count)
    increments.add(runs.channel[lasted > 0], minute[lasted > 0], count * lasted[lasted > 0])
    seen = pages > 0
    increments.add(key_ids.like(runs.channel[seen], keys_of(PAGES)), minute[seen], count * pages[seen])


def _key(channel: Key, traits: int) -> Key:
    pages = ("0", "1", "2+")[traits >> 2]
    engaged, converted = (("no", "yes")[traits >> bit & 1] for bit in (1, 0))
    return VISITS.key(*channel[1:], pages, engaged, converted)


CLASSES = ("1", "2", "3", "4-6", "7+")
_CLASS_OF = np.array([-1, 0, 1, 2, 3, 3, 3, 4])
"""Of so many visits (7: or more) the place of their class; −1 for no visit at all."""


def _count_frequency(increments: Increments, customers: Customers, visits: Visits, gap_ms: int) -> None:
    """Customers enter and leave the classes of so many visits closed in 30d.

    A visit closed at minute m is in the window (floor_hour(T − 30d), T] for m ≤ T < ceil_hour(m) + 30d.
    """
    touched = np.zeros(visits.size, np.bool_)
    touched[visits.gone.row] = touched[visits.runs.row[visits.fresh]] = True
    here = touched[visits.runs.row]
    row = np.concatenate([visits.runs.row[here], visits.gone.row])
    enters = np.concatenate([closes(visits.runs, gap_ms)[here], closes(visits.gone, gap_ms)])
    before = np.concatenate([~visits.fresh[here], np.ones(len(visits.gone), np.bool_)])
    now = np.concatenate([np.ones(int(here.sum()), np.bool_), np.zeros(len(visits.gone), np.bool_)])
    minute = np.concatenate([enters, -(-enters // HOUR) * HOUR + _PERIOD])
    row = np.concatenate([row, row])
    order = np.argsort((row << 32) + minute)
    row, minute = row[order], minute[order]
    numbers = np.stack([customers.numbers(FREQUENCY, name) for name in CLASSES])
    for counted, count in ((before, -1), (now, 1)):
        visits_now = np.cumsum(np.concatenate([counted, -counted.astype(np.int64)])[order])
        class_now = _CLASS_OF[np.minimum(visits_now, 7)]
        class_before = np.append(-1, class_now[:-1])
        for classes, step in ((class_before, -count), (class_now, count)):
            moved = (class_before != class_now) & (classes >= 0)
            increments.add(numbers[classes[moved], row[moved]], minute[moved], step)
