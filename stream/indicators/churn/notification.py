"""Notification state: the level of churn risk that was notified last of each customer, and when to evaluate it again.

Whoever is notified does not want to hear of every wavering, so a level is left later than it was entered: high below
LEAVE_HIGH, medium below LEAVE_MEDIUM (hysteresis). So it depends on what was notified before, unlike the gauges'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints
from stream.core.time import FAR_FUTURE, FAR_PAST, HOUR_MS
from stream.indicators.churn.model import HIGH, MEDIUM, Floats, log_odds
from stream.indicators.churn.trajectory import Inputs, Trajectory, when

LEAVE_MEDIUM, LEAVE_HIGH = 0.30, 0.55
"""The risks below which medium, and high, is left."""

_LEVEL_BITS = 2
_ENTER = np.array([log_odds(MEDIUM), log_odds(HIGH), np.inf])
"""From which log-odds on each level is left for a higher one."""
_LEAVE = np.array([-np.inf, log_odds(LEAVE_MEDIUM), log_odds(LEAVE_HIGH)])
"""Below which each is left for a lower one."""


class NotificationState(NamedTuple):
    """The level notified last, and the hour (since the epoch) under which the customer stands in the timer index, 0
    where it is under none. Stored as one word a customer."""

    level: Ints
    hour: Ints

    @classmethod
    def unpack(cls, words: NDArray[np.uint32]) -> NotificationState:
        return cls((words & ((1 << _LEVEL_BITS) - 1)).astype(np.int64), (words >> _LEVEL_BITS).astype(np.int64))

    def pack(self) -> NDArray[np.uint32]:
        return (self.hour << _LEVEL_BITS | self.level).astype(np.uint32)

    def those(self, which: Ints) -> NotificationState:
        return NotificationState(self.level[which], self.hour[which])


class Heard(NamedTuple):
    """When of n customers the evidence began (milliseconds since the epoch; shape (n, kinds of EVIDENCE)), and when
    anything was heard of them last that is no activity; FAR_PAST where there is none."""

    evidence: Ints
    last: Ints

    def those(self, which: Ints) -> Heard:
        return Heard(self.evidence[which], self.last[which])


class Evaluation(NamedTuple):
    """How n customers are.

    log_odds  now
    level     that it makes, after the one notified before
    since     from when on (milliseconds since the epoch)
    due       the next moment at which the level changes or the customer counts no more, if nothing more is heard, or
              FAR_FUTURE
    counts    whether the customer counts now; if not, its level stays
    """

    log_odds: Floats
    level: Ints
    since: Ints
    due: Ints
    counts: NDArray[np.bool_]


def evaluate(of: Inputs, some: Trajectory, heard: Heard, notified: Ints, now_ms: int | Ints) -> Evaluation:
    """Customers of whom these levels were notified last, at the moment `now_ms`, or each at its own; `some` are all
    of their trajectory."""
    counts = now_ms < of.until
    moment = np.maximum(of.last, now_ms)
    current = (some.start <= moment[some.row]) & (moment[some.row] < some.end)
    piece = np.zeros(len(of.last), np.int64)
    piece[some.row[current]] = np.flatnonzero(current)
    odds = some.at_last[piece] + of.per_ms * (moment - of.last)
    level = np.where(counts, _after(notified, odds), notified)
    since = _since(of, some.those(piece), heard, notified, level, moment)
    return Evaluation(odds, level, since, _due(of, some, level, moment, counts), counts)


def _after(notified: Ints, odds: Floats) -> Ints:
    """The level that follows the one notified before."""
    level = np.maximum(notified, np.searchsorted(_ENTER, odds, side="right"))
    for high in (2, 1):
        level = np.where((level == high) & (odds < _LEAVE[high]), high - 1, level)
    return level


def _since(of: Inputs, now: Trajectory, heard: Heard, notified: Ints, level: Ints, moment: Ints) -> Ints:
    """Since when the customers have been at the level; `now` is the piece that each is in.

    A level is entered when silence and evidence suffice for it, and left when something good is heard or bad expires.
    """
    in_force = (of.begin <= moment[:, None]) & (moment[:, None] < of.end)
    evidence = np.where(in_force, heard.evidence, FAR_PAST).max(axis=1)
    silence = when(of, np.arange(len(notified)), np.append(-np.inf, _ENTER)[level] - now.at_last)
    entered = np.maximum(np.where(level > 0, np.ceil(silence), FAR_PAST), evidence)
    since = np.where(level >= notified, entered, heard.last)
    return np.clip(since, now.start, moment).astype(np.int64)


def _due(of: Inputs, some: Trajectory, level: Ints, moment: Ints, counts: NDArray[np.bool_]) -> Ints:
    row, now = some.row, moment[some.row]
    up = np.maximum(np.floor(when(of, row, _ENTER[level[row]] - some.at_last)) + 1, some.start)
    at_start = some.at_last + of.per_ms[row] * (some.start - of.last[row])
    down = np.where(at_start < _LEAVE[level[row]], some.start, FAR_FUTURE)
    due = np.full(len(level), float(FAR_FUTURE))
    for moments in (np.where(up < some.end, up, FAR_FUTURE), down):
        later = moments > now
        np.minimum.at(due, row[later], moments[later])
    due = np.where((level > 0) | (due < FAR_FUTURE), np.minimum(due, of.until), due)
    return np.where(counts, due, FAR_FUTURE).astype(np.int64)


def scheduled(
    before: NotificationState, due: Ints, now_ms: int | Ints
) -> tuple[NotificationState, NDArray[np.bool_]]:
    """(where the customers stand in the index from now on, whoever must be put under a new hour).

    Who stands under an hour to come that is no later than that of the next change stays there, and is evaluated again
    then: an activity moves the change but not the customer.
    """
    hour = np.where(due < FAR_FUTURE, due // HOUR_MS, 0)
    to_come = before.hour > now_ms // HOUR_MS
    stays = (before.hour == hour) | (to_come & ((before.hour < hour) | (hour == 0)))
    return NotificationState(before.level, np.where(stays, before.hour, hour)), ~stays & (hour > 0)
