"""The path of the score: what each customer scores on every day that a record can tell of, until it counts no more.

The score on a day looks back on the 30 days that end with it. It is told from the day before the customer's last
active day on: by then nothing is known of a day to come, and of the last 31 days the record knows all that counts.
Without further events each later day is known as well, for days only leave.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import MOST_DAYS, Definitions
from stream.core.event_columns import Customers
from stream.core.ragged import Ints, places, starts_of
from stream.core.time import FAR_PAST, MINUTE_MS, Calendar
from stream.indicators.memories import Memories
from stream.indicators.state.score_inputs import BOUGHT, USED, VOICED
from stream.indicators.state.subscription import Subscription
from stream.indicators.state.visits import closes

SPAN = MOST_DAYS + 1
"""Days of a path: on the one after them nobody counts who was not active again."""
_LATE = 3
"""A visit may close so many days after its events, and less."""

_AHEAD = np.arange(SPAN, dtype=np.uint32)
_PERIOD = np.uint32((1 << MOST_DAYS) - 1)


class Path(NamedTuple):
    """Of some customers: the first day, and for it and each of the SPAN − 1 days after it how much there is of each
    part of the score, no more than makes it full; shape (n, parts, SPAN). Who was not active in the 30 days does not
    count: there is nothing of any part."""

    first: Ints
    parts: NDArray[np.uint8]


class Active(NamedTuple):
    """Of each customer the last active day (FAR_PAST without any), and as bits the 31 days that end with it."""

    last: Ints
    days: NDArray[np.uint64]


def active(memories: Memories) -> Active:
    days = memories.activity.days
    rows = np.flatnonzero(days.masks.lengths)
    last = np.full(len(days.first_block), FAR_PAST)
    bits = np.zeros(len(last), np.uint64)
    _, _, last[rows] = days.those(rows).extent()
    bits[rows] = days.window(rows, last[rows] - MOST_DAYS) & np.uint64((1 << SPAN) - 1)
    return Active(last, bits)


def path(
    memories: Memories,
    rows: Ints,
    was_active: Active,
    customers: Customers,
    definitions: Definitions,
    calendar: Calendar,
) -> Path:
    """Of the customers in these rows, all of whom have been active."""
    last = was_active.last[rows]
    place = np.full(len(customers), -1)
    place[rows] = np.arange(len(rows))
    days = np.bitwise_count(was_active.days[rows].astype(np.uint32)[:, None] >> _AHEAD & _PERIOD)
    visits = _visits(memories, place, last, definitions, calendar)
    used, voiced, bought = _done(memories, place, last, customers)
    value = (bought > 0) | _lives(memories.subscription, place, last, calendar)
    counted = (days, visits, used, voiced, value)
    parts = np.empty((len(rows), len(counted), SPAN), np.uint8)
    for number, (each, (_, part)) in enumerate(zip(counted, definitions.score, strict=True)):
        parts[:, number] = np.minimum(each, part.full)
    parts *= (days > 0)[:, None]
    return Path(last - 1, parts)


def _visits(
    memories: Memories, place: Ints, last: Ints, definitions: Definitions, calendar: Calendar
) -> NDArray[np.int32]:
    """Visits that closed on the 30 days; shape (n, SPAN)."""
    runs = memories.visits.runs
    runs = runs[place[runs.row] >= 0]
    at = place[runs.row]
    width = SPAN + _LATE
    day = calendar.days(closes(runs, definitions.visit_gap_ms)) - (last[at] - MOST_DAYS)
    seen = day >= 0
    counts = np.bincount(at[seen] * width + day[seen], minlength=len(last) * width).reshape(-1, width)
    until = np.zeros((len(last), SPAN + MOST_DAYS), np.int32)
    counts.cumsum(axis=1, out=until[:, 1 : width + 1])
    until[:, width + 1 :] = until[:, width : width + 1]
    return until[:, MOST_DAYS:] - until[:, :SPAN]


def _done(memories: Memories, place: Ints, last: Ints, customers: Customers) -> Ints:
    """How many different things of each of the three kinds were done on the 30 days; shape (3, n, SPAN)."""
    inputs = memories.score_inputs
    kind = np.zeros(len(inputs.key), np.int64)
    for number, series in enumerate((USED, VOICED, BOUGHT)):
        kind[inputs.of(customers.key_ids, series)] = number
    at = place[inputs.row]
    shape = 3, len(last), SPAN
    group, oldest = kind * len(last) + at, last[at] - MOST_DAYS
    # From the last active day's end on, the last day of a thing tells until when it counts; before, a last day that
    # is that very day is not over yet, and the one before it tells.
    complete = np.where(inputs.last < last[at], inputs.last, inputs.before) - oldest
    ends = inputs.last - oldest
    here, began = (at >= 0) & (ends >= 0), (at >= 0) & (complete >= 0)
    ending = np.bincount(group[here] * SPAN + ends[here], minlength=3 * len(last) * SPAN).reshape(shape)
    found = ending[..., ::-1].cumsum(axis=-1)[..., ::-1]
    found[..., 0] = np.bincount(group[began], minlength=3 * len(last)).reshape(shape[:-1])
    return found


def _lives(some: Subscription, place: Ints, last: Ints, calendar: Calendar) -> NDArray[np.bool_]:
    """Whether there was a subscription at the end of each day, by the last transition until then; shape (n, SPAN)."""
    which = np.flatnonzero(place[some.row] >= 0)
    at, live = place[some.row[which]], some.live[which]
    begins = np.clip(calendar.days(some.ms[which] // MINUTE_MS) - (last[at] - 1), 0, SPAN)
    number = np.bincount(at, minlength=len(last))
    in_row = np.arange(len(at)) - starts_of(number)[at]
    found = np.zeros((len(last), SPAN), np.bool_)
    for nth in range(int(number.max(initial=0))):
        of = in_row == nth
        found[at[of]] = np.where(np.arange(SPAN) >= begins[of, None], live[of, None], found[at[of]])
    return found


def scores(parts: NDArray[np.uint8], definitions: Definitions) -> NDArray[np.int32]:
    """The score on each day, −1 for who does not count; shape (n, SPAN)."""
    whole = definitions.score.denominator
    points = np.zeros((len(parts), SPAN), np.int32)
    for number, (_, part) in enumerate(definitions.score):
        points += parts[:, number] * np.int32(part.points * whole // part.full)
    return np.where(parts[:, 0] > 0, (2 * points + whole) // (2 * whole), np.int32(-1))


def changed(
    old: Memories, new: Memories, before: Active, now: Active, definitions: Definitions, calendar: Calendar
) -> Ints:
    """The rows of the customers whose paths may differ."""
    differ: NDArray[np.bool_] = (before.last != now.last) | (before.days != now.days)
    if new.differ(old, "score_inputs"):
        differ[new.score_inputs.differing(old.score_inputs)] = True
    if new.differ(old, "subscription"):
        differ[new.subscription.differing(old.subscription)] = True
    if not new.differ(old, "visits"):
        return np.flatnonzero(differ)
    runs, gone = new.visits.runs[new.visits.fresh], new.visits.gone
    row = np.concatenate([runs.row, gone.row])
    day = calendar.days(np.concatenate([closes(each, definitions.visit_gap_ms) for each in (runs, gone)]))
    visits, which = places(row << 32 | day)
    net = np.bincount(which, np.repeat([1, -1], [len(runs), len(gone)]), len(visits))
    differ[visits[net != 0] >> 32] = True
    return np.flatnonzero(differ)
