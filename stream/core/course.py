"""The course of the churn risk: when each customer is at which level and why, if nothing more is heard of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.ragged import Ints
from stream.core.risk import EVIDENCE, HIGH, MEDIUM, Coefficients, Floats, Past, log_odds, logit, slope
from stream.core.time import DAY_MS

EVER, NEVER = -(1 << 62), 1 << 62
"""Moments before and after all others."""

SILENCE = len(EVIDENCE)
"""The reason that is no evidence; those that are have their places in EVIDENCE."""
REASONS = (*EVIDENCE, "silence")


class Outlook(NamedTuple):
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

    def those(self, which: NDArray[np.bool_] | Ints) -> Outlook:
        return Outlook(*(column[which] for column in self))  # type: ignore[arg-type]

    def differs(self, other: Outlook) -> NDArray[np.bool_]:
        """For each customer, whether anything is not as in the other."""
        answer = np.zeros(len(self.last), np.bool_)
        for mine, theirs in zip(self, other, strict=True):
            different = mine != theirs
            answer |= different.any(axis=1) if different.ndim > 1 else different
        return answer


def outlook(coefficients: Coefficients, past: Past, last: Ints, until: Ints, begin: Ints, end: Ints) -> Outlook:
    return Outlook(last, until, logit(coefficients, past, 0.0), slope(coefficients, past) / DAY_MS, begin, end)


class Pieces(NamedTuple):
    """Stretches of time in which a customer's evidence stays as it is; piece i is of customer `row[i]`.

    at_last   log-odds at the last activity, with the piece's evidence
    strongest the kind of evidence that weighs most, and how much; SILENCE and 0 where there is none
    """

    row: Ints
    start: Ints
    end: Ints
    at_last: Floats
    strongest: Ints
    weight: Floats


def pieces(of: Outlook, weights: Floats) -> Pieces:
    """From each customer's last activity until it counts no more; customer by customer, in order of time."""
    held = (of.end > np.maximum(of.begin, of.last[:, None])) & (of.begin < of.until[:, None])
    some = held.any(axis=1)
    without, having = np.flatnonzero(~some), np.flatnonzero(some)
    nothing = np.zeros(len(without))
    plain = Pieces(
        without,
        of.last[without],
        of.until[without],
        of.at_last[without],
        np.full(len(without), SILENCE),
        nothing,
    )
    if not len(having):
        return plain
    found = _broken(of.those(having), held[having], weights)
    found = found._replace(row=having[found.row])
    return Pieces(*map(np.concatenate, zip(plain, found, strict=True)))  # type: ignore[arg-type]


def _broken(of: Outlook, held: NDArray[np.bool_], weights: Floats) -> Pieces:
    """The pieces of customers with evidence, `held` where it is any."""
    kinds = np.flatnonzero(held.any(axis=0))
    last, until = of.last[:, None], of.until[:, None]
    begin, end = (np.where(held, moments, last)[:, kinds] for moments in (of.begin, of.end))
    edges = np.sort(np.clip(np.concatenate([last, begin, end, until], axis=1), last, until), axis=1)
    start, stop = edges[:, :-1], edges[:, 1:]
    in_force = (begin[:, None, :] <= start[:, :, None]) & (end[:, None, :] > start[:, :, None])
    weighing = np.where(in_force, weights[kinds], 0.0)
    heaviest = weighing.argmax(axis=2)
    weight = weighing.max(axis=2)
    at_last = of.at_last[:, None] + weighing.sum(axis=2)
    row, at = np.nonzero(start < stop)
    strongest = np.where(weight > 0, kinds[heaviest], SILENCE)
    return Pieces(row, start[row, at], stop[row, at], at_last[row, at], strongest[row, at], weight[row, at])


def reached(of: Outlook, some: Pieces, threshold: float) -> Ints:
    """In each piece, the moment from which on the log-odds are at the threshold or above it; the piece's start or
    earlier where they are from its beginning, its end where they are not within it."""
    return _when(of, some, threshold - some.at_last)


def _when(of: Outlook, some: Pieces, rise: Floats) -> Ints:
    """The moment at which silence has added so much, within the piece."""
    with np.errstate(divide="ignore", invalid="ignore"):
        after_ms = np.where(rise > 0, rise / of.per_ms[some.row], 0.0)
    moment = of.last[some.row] + np.ceil(np.minimum(after_ms, _LONG_MS)).astype(np.int64)
    return np.clip(moment, some.start, some.end)


_LONG_MS = 1e15
"""Thirty thousand years."""


class Spans(NamedTuple):
    """Customer `row[i]` is at level `level[i]` (its place in LEVELS) for the reason `reason[i]` from `start[i]` until
    before `end[i]`."""

    row: Ints
    level: Ints
    reason: Ints
    start: Ints
    end: Ints


def spans(of: Outlook, some: Pieces) -> Spans:
    """The pieces cut where level or reason change. The reason is what weighs most, silence or a piece of evidence."""
    medium, high = (reached(of, some, log_odds(threshold)) for threshold in (MEDIUM, HIGH))
    silence = _when(of, some, some.weight)
    found = []
    for level, start, end in ((0, some.start, medium), (1, medium, high), (2, high, some.end)):
        turn = np.clip(silence, start, end)
        for reason, first, stop in ((some.strongest, start, turn), (np.full(len(turn), SILENCE), turn, end)):
            at = np.flatnonzero(first < stop)
            found.append((some.row[at], np.full(len(at), level), reason[at], first[at], stop[at]))
    return Spans(*map(np.concatenate, zip(*found, strict=True)))
