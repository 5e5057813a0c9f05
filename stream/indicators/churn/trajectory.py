"""The trajectory of the churn risk: when each customer is at which level and why, if nothing more is heard of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints
from stream.core.time import DAY_MS, FAR_FUTURE, FAR_PAST, HOUR_MS
from stream.indicators.churn.levels import SILENCE
from stream.indicators.churn.model import HIGH, MEDIUM, Coefficients, Floats, Past, log_odds, logit, slope

BEFORE_ALL, AFTER_ALL = -(1 << 24), FAR_FUTURE // HOUR_MS
"""Such hours."""


_ROUNDING_MS = 1e-3
"""So much earlier or later a moment may seem than it is: those that are full hours must count as such."""


class Inputs(NamedTuple):
    """All that the risk of n customers depends on; moments in milliseconds since the epoch.

    last    the last activity
    until   the customer counts until then, unless something more is heard
    at_last log-odds at the last activity, without evidence
    per_ms  how much each millisecond of silence adds; never negative
    begin, end  shape (n, kinds of EVIDENCE): the evidence holds from `begin` until before `end`
    """

    last: Ints
    until: Ints
    at_last: Floats
    per_ms: Floats
    begin: Ints
    end: Ints

    def those(self, which: NDArray[np.bool_] | Ints) -> Inputs:
        return Inputs(*(column[which] for column in self))  # type: ignore[arg-type]

    def differs(self, other: Inputs) -> NDArray[np.bool_]:
        """For each customer, whether anything is not as in the other."""
        answer = np.zeros(len(self.last), np.bool_)
        for mine, theirs in zip(self, other, strict=True):
            different = mine != theirs
            answer |= different.any(axis=1) if different.ndim > 1 else different
        return answer


def inputs(coefficients: Coefficients, past: Past, last: Ints, until: Ints, begin: Ints, end: Ints) -> Inputs:
    return Inputs(last, until, logit(coefficients, past, 0.0), slope(coefficients, past) / DAY_MS, begin, end)


class Trajectory(NamedTuple):
    """The risk over time, in pieces in which a customer's evidence stays as it is; piece i is of customer `row[i]`.

    at_last   log-odds at the last activity, with the piece's evidence
    strongest the kind of evidence that weighs most, and how much; SILENCE and 0 where there is none
    """

    row: Ints
    start: Ints
    end: Ints
    at_last: Floats
    strongest: Ints
    weight: Floats

    def those(self, which: NDArray[np.bool_] | Ints) -> Trajectory:
        return Trajectory(*(column[which] for column in self))  # type: ignore[arg-type]

    def of(self, customers: Ints, size: int) -> Trajectory:
        """The trajectory of these of the `size` customers, ascending, each numbered by its place among them."""
        if len(customers) == size:
            return self
        place = np.full(size, -1)
        place[customers] = np.arange(len(customers))
        some = self.those(place[self.row] >= 0)
        return some._replace(row=place[some.row])


def trajectory(of: Inputs, weights: Floats) -> Trajectory:
    """From each customer's last activity until it counts no more."""
    held = (of.end > np.maximum(of.begin, of.last[:, None])) & (of.begin < of.until[:, None])
    kinds = np.count_nonzero(held, axis=1)
    parts = []
    for row, cut in (
        (np.flatnonzero(kinds == 0), _whole),
        (np.flatnonzero(kinds == 1), _cut_once),
        (np.flatnonzero(kinds > 1), _cut),
    ):
        if len(row) or cut is _whole:
            found = cut(of.those(row), held[row], weights)
            parts.append(found._replace(row=row[found.row]))
    return Trajectory(*map(np.concatenate, zip(*parts, strict=True)))


def _whole(of: Inputs, _: NDArray[np.bool_], __: Floats) -> Trajectory:
    """Without any evidence there is nothing to cut."""
    size = len(of.last)
    return Trajectory(np.arange(size), of.last, of.until, of.at_last, np.full(size, SILENCE), np.zeros(size))


def _cut_once(of: Inputs, held: NDArray[np.bool_], weights: Floats) -> Trajectory:
    """With one piece of evidence there are at most three pieces: before it, with it, after it."""
    row, kind = np.nonzero(held)
    weight = weights[kind]
    begin = np.maximum(of.begin[row, kind], of.last)
    end = np.minimum(of.end[row, kind], of.until)
    nothing, silence = np.zeros(len(row)), np.full(len(row), SILENCE)
    before = Trajectory(row, of.last, begin, of.at_last, silence, nothing)
    during = Trajectory(row, begin, end, of.at_last + weight, np.where(weight > 0, kind, SILENCE), weight)
    after = Trajectory(row, end, of.until, of.at_last, silence, nothing)
    parts = [part.those(part.start < part.end) for part in (before, during, after)]
    return Trajectory(*map(np.concatenate, zip(*parts, strict=True)))


def _cut(of: Inputs, held: NDArray[np.bool_], weights: Floats) -> Trajectory:
    """However many pieces of evidence there are."""
    kinds = np.flatnonzero(held.any(axis=0))
    last, until = of.last[:, None], of.until[:, None]
    begin, end = (np.where(held, moments, last)[:, kinds] for moments in (of.begin, of.end))
    edges = np.sort(np.clip(np.concatenate([last, begin, end, until], axis=1), last, until), axis=1)
    start, stop = edges[:, :-1], edges[:, 1:]
    in_force = (begin[:, None, :] <= start[:, :, None]) & (end[:, None, :] > start[:, :, None])
    weighing = np.where(in_force, weights[kinds], 0.0)
    weight = weighing.max(axis=2)
    at_last = of.at_last[:, None] + weighing.sum(axis=2)
    strongest = np.where(weight > 0, kinds[weighing.argmax(axis=2)], SILENCE)
    row, at = np.nonzero(start < stop)
    return Trajectory(row, *(column[row, at] for column in (start, stop, at_last, strongest, weight)))


def when(of: Inputs, row: Ints, rise: Floats) -> Floats:
    """The moment at which silence has added so much to these customers' log-odds, FAR_PAST where it need not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rise > 0, of.last[row] + rise / of.per_ms[row], FAR_PAST)


def adding(of: Inputs, weights: Floats, moment: Ints) -> Floats:
    """What each reason adds to the log-odds at these moments, one for each customer: shape (n, REASONS)."""
    at = moment[:, None]
    evidence = np.where((of.begin <= at) & (at < of.end), weights, 0.0)
    silence = of.per_ms * np.maximum(moment - of.last, 0)
    return np.concatenate([evidence, silence[:, None]], axis=1)


class Intervals(NamedTuple):
    """Customer `row[i]` is at level `level[i]` (its place in LEVELS) for the reason `reason[i]` from `start[i]` until
    before `end[i]`, in full hours since the epoch: what comes to be within an hour shows from the next one on."""

    row: Ints
    level: Ints
    reason: Ints
    start: Ints
    end: Ints


def intervals(of: Inputs, some: Trajectory) -> Intervals:
    """The trajectory cut where level or reason change. The reason is what weighs most, silence or some evidence.

    A customer's first interval begins at BEFORE_ALL: nothing is asked about the time before its last activity, and
    else every activity would move that beginning, too.
    """
    start = np.where(some.start == of.last[some.row], BEFORE_ALL, _hours(some.start))
    end = _hours(some.end)
    medium, high = (
        np.clip(_hours(when(of, some.row, log_odds(level) - some.at_last)), start, end) for level in (MEDIUM, HIGH)
    )
    backed = np.flatnonzero(some.weight > 0)
    outweighed = _hours(when(of, some.row[backed], some.weight[backed]))
    found = []
    for level, first, stop in ((0, start, medium), (1, medium, high), (2, high, end)):
        turn = np.clip(outweighed, first[backed], stop[backed])
        lasts = np.flatnonzero(first[backed] < turn)
        at = backed[lasts]
        found.append((some.row[at], np.full(len(at), level), some.strongest[at], first[at], turn[lasts]))
        first = first.copy()
        first[backed] = turn
        at = np.flatnonzero(first < stop)
        found.append((some.row[at], np.full(len(at), level), np.full(len(at), SILENCE), first[at], stop[at]))
    return Intervals(*map(np.concatenate, zip(*found, strict=True)))


def _hours(moments: Ints | Floats) -> Ints:
    """Rounded up. (In floating point, which is quicker and exact enough by far.)"""
    return np.ceil((np.minimum(moments, FAR_FUTURE) - _ROUNDING_MS) / HOUR_MS).astype(np.int64)
