"""Evidence: what a customer's record says about its churn risk, besides how long it has been silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.core.key_ids import FoldKeys
from stream.core.latest import Latest
from stream.core.ragged import Ints, places, stretch_starts
from stream.core.series import Key
from stream.core.time import DAY_MS, FAR_FUTURE, FAR_PAST, MINUTE_MS, Calendar
from stream.indicators.churn.levels import EVIDENCE, Evidence
from stream.indicators.churn.model import Coefficients, past
from stream.indicators.churn.trajectory import Inputs, inputs
from stream.indicators.families.activity import ACTIVE_BY_CHANNEL, Activity
from stream.indicators.families.first_week import LAST_DAY, active_days
from stream.indicators.memories import Memories
from stream.indicators.state.answers import Answers, all_answers
from stream.indicators.state.subscription import Subscription
from stream.indicators.state.tickets import Tickets

COUNTED_MS = 90 * DAY_MS
"""So long after their last activity customers count, and longer while they have a subscription."""

_LASTS_MS: dict[Evidence, int] = {
    "nps_detractor": 90 * DAY_MS,
    "negative_answer": 30 * DAY_MS,
    "first_week": 60 * DAY_MS,
    "subscription_cancelled": 90 * DAY_MS,
}
_MOST_OF_A_DETRACTOR = 6


@dataclass(frozen=True)
class Scoring:
    """How customers are scored. `first_week_days`: so many active days make a first week engaged."""

    coefficients: Coefficients
    first_week_days: int
    calendar: Calendar

    def packed(self) -> str:
        """As it is kept beside the series that it made."""
        return msgspec.json.encode((self.coefficients, self.first_week_days)).decode()

    @classmethod
    def unpack(cls, packed: str, calendar: Calendar) -> Scoring:
        """Inverse of `packed`; the calendar is that of the deployment."""
        coefficients, first_week_days = msgspec.json.decode(packed, type=tuple[dict[str, float], int])
        return cls(Coefficients(**coefficients), first_week_days, calendar)


def scored(memories: Memories) -> Ints:
    """The rows of the customers that have a risk: those that were ever active."""
    return np.flatnonzero(memories.activity.days.masks.lengths)


class Held(NamedTuple):
    """Of n customers, the evidence as it is known now: shape (n, kinds of EVIDENCE), from when until before when each
    holds (milliseconds since the epoch); until FAR_PAST where there is none."""

    begin: Ints
    end: Ints


def held(memories: Memories, key_ids: FoldKeys, size: int, scoring: Scoring) -> Held:
    """Of all `size` customers."""
    found = _of_answers(memories.answers, key_ids, size)
    found |= _of_tickets(memories.tickets) | _of_subscription(memories.subscription)
    found |= _of_first_week(memories.activity, scoring)
    begin, end = (np.stack([found[kind][side] for kind in EVIDENCE], axis=1) for side in (0, 1))
    return Held(begin, end)


def inputs_of(rows: Ints, minute: Ints, evidence: Held, memories: Memories, scoring: Scoring) -> Inputs:
    """The inputs of the customers in these rows (of `scored`), who were last active at these minutes.

    What was heard counts at once, and so as if it had always held; only a first week ends in the future.
    """
    last, subscribed = minute * MINUTE_MS, subscribing(memories.subscription)[rows]
    begin = np.full((len(rows), len(EVIDENCE)), FAR_PAST)
    week = EVIDENCE.index("first_week")
    begin[:, week] = evidence.begin[rows, week]
    return inputs(
        scoring.coefficients,
        past(memories.activity.days.those(rows), scoring.coefficients.half_life_days),
        last,
        np.where(subscribed, FAR_FUTURE, last + COUNTED_MS),
        begin,
        evidence.end[rows],
    )


Intervals = dict[Evidence, tuple[Ints, Ints]]
"""Kind -> (begin, end) for each customer."""


def _of_answers(answers: Answers, key_ids: FoldKeys, size: int) -> Intervals:
    given = all_answers(answers, size)
    numbers, where = places(given.number)
    worst = np.array([_worst_scores(key_ids[number]) for number in numbers.tolist()], np.int64).reshape(-1, 2)[where]
    found: Intervals = {}
    kinds: tuple[Evidence, ...] = ("nps_detractor", "negative_answer")
    for column, kind in enumerate(kinds):
        bad = given.score <= worst[:, column]
        found[kind] = _lasting(kind, _latest(size, given.row[bad], given.ms[bad]))
    return found


def _lasting(kind: Evidence, since: Ints) -> tuple[Ints, Ints]:
    return since, np.where(since > FAR_PAST, since + _LASTS_MS[kind], FAR_PAST)


def is_detractor(key: Key, score: int) -> bool:
    """Of an answer under a key of RESPONSES."""
    return score <= _worst_scores(key)[0]


def is_negative(key: Key, score: int) -> bool:
    """Of an answer under a key of RESPONSES: below the middle of a scale of satisfaction or effort."""
    return score <= _worst_scores(key)[1]


def _worst_scores(key: Key) -> tuple[int, int]:
    """(the highest score of a detractor, the highest below the middle of the scale), −1 where there is none."""
    _, _, survey, _, scale = key
    if survey == "nps":
        return _MOST_OF_A_DETRACTOR, -1
    first, _, last = scale.partition("-")
    return -1, (int(first) + int(last) - 1) // 2


def _of_tickets(tickets: Tickets) -> Intervals:
    opened = np.full(tickets.size, FAR_FUTURE)
    np.minimum.at(opened, tickets.row[tickets.open], tickets.heard[tickets.open])
    return {"open_ticket": (opened, np.where(opened < FAR_FUTURE, FAR_FUTURE, FAR_PAST))}


def _of_subscription(subscription: Subscription) -> Intervals:
    gone = subscription.last[~subscription.live[subscription.last]]
    cancelled = _latest(subscription.size, subscription.row[gone], subscription.ms[gone])
    return {"subscription_cancelled": _lasting("subscription_cancelled", cancelled)}


def _of_first_week(activity: Activity, scoring: Scoring) -> Intervals:
    """From when until when it is known that the first week is over and was not engaged."""
    active = active_days(activity)
    failed = np.flatnonzero((active > 0) & (active < scoring.first_week_days))
    over = np.full(len(active), FAR_PAST)
    over[failed] = scoring.calendar.starts(activity.first_day[failed] + LAST_DAY + 1)
    return {"first_week": _lasting("first_week", over)}


def subscribing(subscription: Subscription) -> NDArray[np.bool_]:
    """Whether each customer has a subscription now."""
    having = np.zeros(subscription.size, np.bool_)
    having[subscription.row[subscription.last]] = subscription.live[subscription.last]
    return having


def last_heard(memories: Memories) -> Ints:
    """When anything was heard last of each customer's subscription and tickets; FAR_PAST where nothing ever was."""
    subscription, tickets = memories.subscription, memories.tickets
    return np.maximum(
        _latest(subscription.size, subscription.row, subscription.ms),
        _latest(tickets.size, tickets.row, tickets.heard),
    )


def _latest(size: int, row: Ints, moments: Ints) -> Ints:
    latest = np.full(size, FAR_PAST)
    np.maximum.at(latest, row, moments)
    return latest


def last_activity(latest: Latest, key_ids: FoldKeys) -> tuple[Ints, Ints]:
    """(minute, key of ACTIVE_BY_CHANNEL) of each customer's last activity; of several channels in the same minute the
    first by name. FAR_PAST and any number for who was never active."""
    of_it = np.flatnonzero(key_ids.are_of(ACTIVE_BY_CHANNEL.name, latest.number))
    row, number, minute = latest.row[of_it], latest.number[of_it], latest.minute[of_it]
    newest, channel = np.full(latest.size, FAR_PAST), np.zeros(latest.size, np.int64)
    if not len(row):
        return newest, channel
    channels, which = places(number)
    by_name = np.array(sorted(range(len(channels)), key=lambda each: key_ids[int(channels[each])][-1], reverse=True))
    rank = np.empty_like(by_name)
    rank[by_name] = np.arange(len(by_name))
    starts = stretch_starts(row)
    best = np.maximum.reduceat(minute * len(by_name) + rank[which], starts)
    newest[row[starts]] = best // len(by_name)
    channel[row[starts]] = channels[by_name[best % len(by_name)]]
    return newest, channel
