"""Churn risk: how likely is each customer to stay away, why, and how many are there at each level?

METRICS, "Churn risk", with its default coefficients. Silence is told by the full hour: a customer is at the level of
the last one, or at that of its own last activity, if that is later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import inf, log, log2
from typing import NamedTuple

from stream.simulate.diary import Answer, Diary
from stream.simulate.truth.attendance import Attendance, attendance
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.samples import Samples, sample, share

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
COUNTED_DAYS = 90

HALF_LIFE_DAYS = 14
CONSTANT, DECAY, OVERDUE = -0.5, 0.7, 0.3
DETRACTOR, NEGATIVE, OPEN_TICKET, FIRST_WEEK, CANCELLED = 0.7, 0.5, 0.4, 0.6, 1.5
USUAL_GAP_DAYS = 30
ROUNDING = 1e-9

LEVELS = {"low": 0.0, "medium": 0.4, "high": 0.7}
"""From which probability on."""
REASONS = ("nps_detractor", "negative_answer", "open_ticket", "first_week", "subscription_cancelled", "silence")


class Outlook(NamedTuple):
    """A customer's place in the numbers."""

    level: str
    reason: str
    channel: str
    segment: str


def churn_risk(diaries: list[Diary], moment: Moment, first_week_days: int, trait: str) -> Samples:
    """`trait` is the one that is the segment."""
    outlooks = [found for diary in diaries if (found := outlook(diary, moment, first_week_days, trait))]
    samples = _levels(outlooks)
    for channel in {deed.channel for diary in diaries for deed in diary.deeds if deed.active}:
        samples |= _levels([each for each in outlooks if each.channel == channel], "_by_channel", channel=channel)
    for segment in {"unknown"} | {getattr(each, trait) for diary in diaries for each in diary.traits}:
        samples |= _levels([each for each in outlooks if each.segment == segment], "_by_segment", segment=segment)
    reasons = Counter((each.level, each.reason) for each in outlooks)
    for level in LEVELS:
        for reason in REASONS:
            samples[sample("risk_reasons_customers", level=level, reason=reason)] = reasons[level, reason]
    return samples


def outlook(diary: Diary, moment: Moment, first_week_days: int, trait: str) -> Outlook | None:
    """None for who was never active, or long ago and has no subscription."""
    attended = attendance(diary, moment)
    if attended is None:
        return None
    now_ms = max(moment.hour_ms, attended.last_ms)
    silent_days = (now_ms - attended.last_ms) / DAY_MS
    if silent_days >= COUNTED_DAYS and not diary.subscribed:
        return None
    silence = weight_of_a_day(attended) * silent_days
    against = dict(evidence(diary, attended, moment, now_ms, first_week_days))
    log_odds = CONSTANT - DECAY * log2(activity_of(attended)) + silence + sum(against.values())
    probable = [level for level, from_ in LEVELS.items() if not from_ or log_odds >= log(from_ / (1 - from_))]
    heaviest = max(against.values(), default=0.0)
    return Outlook(
        level=probable[-1],
        reason=next((each for each in REASONS if against.get(each) == heaviest > silence + ROUNDING), "silence"),
        channel=attended.last_channel,
        segment=diary.trait(trait) or "unknown",
    )


def activity_of(attended: Attendance) -> float:
    """Active days as of the last one, older ones counting for less."""
    last = max(attended.days)
    return sum(2 ** ((day - last) / HALF_LIFE_DAYS) for day in attended.days)


def weight_of_a_day(attended: Attendance) -> float:
    """What a day of silence adds: the more, the shorter the usual gap between active days."""
    gap_days = (USUAL_GAP_DAYS + max(attended.days) - min(attended.days)) / len(attended.days)
    return DECAY / HALF_LIFE_DAYS + OVERDUE / gap_days


def evidence(
    diary: Diary,
    attended: Attendance,
    moment: Moment,
    now_ms: int,
    first_week_days: int,
    heard_before_ms: float = inf,
) -> Iterator[tuple[str, float]]:
    """What speaks against the customer at `now_ms`, besides silence, and how much it weighs.

    Whatever is heard holds at once, `now_ms` being the last full hour; of a moment long past only what was heard
    before it does.
    """
    detractor_ms = [each.at_ms for each in diary.opinions.values() if each.survey == "nps" and each.score <= 6]
    negative_ms = [each.at_ms for each in diary.opinions.values() if each.survey != "nps" and _is_negative(each)]
    cancelled_ms = [] if diary.cancelled_ms is None else [diary.cancelled_ms]
    for name, weight, heard_ms, lasts_days in (
        ("nps_detractor", DETRACTOR, detractor_ms, 90),
        ("negative_answer", NEGATIVE, negative_ms, 30),
        ("subscription_cancelled", CANCELLED, cancelled_ms, 90),
    ):
        if heard_ms and now_ms - lasts_days * DAY_MS < max(heard_ms) < heard_before_ms:
            yield name, weight
    if diary.waiting_since_ms is not None and diary.waiting_since_ms < heard_before_ms:
        yield "open_ticket", OPEN_TICKET
    week_over_ms = moment.starts_ms(attended.first_day + 7)
    within = 0 <= now_ms - week_over_ms < 60 * DAY_MS and week_over_ms < heard_before_ms
    if attended.first_week_days < first_week_days and within:
        yield "first_week", FIRST_WEEK


def _is_negative(answer: Answer) -> bool:
    """Below the middle of its scale."""
    first, last = map(int, answer.scale.split("-"))
    return 2 * answer.score < first + last


def _levels(outlooks: list[Outlook], twin: str = "", **labels: str) -> Samples:
    samples: Samples = {}
    for level in LEVELS:
        customers = sum(each.level == level for each in outlooks)
        samples[sample(f"risk{twin}_customers", level=level, **labels)] = customers
        samples[sample(f"risk{twin}_ratio", level=level, **labels)] = share(customers, len(outlooks))
    return samples
