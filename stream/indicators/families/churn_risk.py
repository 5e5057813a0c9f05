"""Churn risk: customers by level and reason, as they are and as they will be if nothing is heard.

A customer's risk follows from the days on which it was active, from its silence and from evidence against it
(`churn/model.py`); it counts until 90 days after its last activity, and for as long as it has a subscription. Silence
alone moves a customer from level to level. It is known in advance when, so levels stand in the series as increments
of the future. They lie on full hours: a level reached in silence shows from the next full hour on, what an event
changes at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.key_ids import FoldKeys
from stream.core.ragged import Ints, places
from stream.core.series import Key, Kind, Series
from stream.core.time import HOUR
from stream.indicators.churn import calibration as risk_grades
from stream.indicators.churn.calibration import Grades, count_grades, grades
from stream.indicators.churn.evidence import Scoring, held, inputs_of, last_activity, last_heard, scored
from stream.indicators.churn.levels import LEVELS, REASONS
from stream.indicators.churn.notification import Heard
from stream.indicators.churn.trajectory import AFTER_ALL, Inputs, Intervals, Trajectory, intervals, trajectory
from stream.indicators.declare import (
    Alert,
    Breakdown,
    Card,
    Example,
    Family,
    Figure,
    MinSample,
    Panel,
    Reasons,
)
from stream.indicators.families.activity import ACTIVE_EVENTS
from stream.indicators.forms import BY_SEGMENT, Count, Ratio
from stream.indicators.memories import Memories
from stream.indicators.reads import Labels, View, standing, standing_under
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.segments import IDENTIFIED, UNKNOWN

RISK = Series("risk", Kind.STOCK, "minute", ("level", "reason", "channel", "segment"))
"""Customers by level and largest reason, by the channel of their last activity and by their segment."""

SERIES = (RISK, IDENTIFIED, *risk_grades.SERIES)


class Profiles(NamedTuple):
    """All that the risk of some customers, ascending by row, and their place in the series depend on.

    trajectory   of the inputs
    channel  key (of ACTIVE_BY_CHANNEL) of the channel of the last activity
    segment  key (of IDENTIFIED) of the segment, −1 where it is unknown
    """

    row: Ints
    inputs: Inputs
    trajectory: Trajectory
    channel: Ints
    segment: Ints
    heard: Heard
    graded: Grades


def profiles_of(memories: Memories, customers: Customers, scoring: Scoring) -> Profiles:
    """Of those customers that have a risk."""
    row = scored(memories)
    minute, channel = last_activity(memories.latest, customers.key_ids)
    evidence = held(memories, customers.key_ids, len(customers), scoring)
    inputs = inputs_of(row, minute[row], evidence, memories, scoring)
    cut = trajectory(inputs, scoring.coefficients.evidence)
    graded = grades(row, memories, evidence, customers, scoring)
    heard = Heard(evidence.begin, last_heard(memories)).those(row)
    return Profiles(row, inputs, cut, channel[row], memories.segment.numbers[row], heard, graded)


def change(increments: Increments, customers: Customers, before: Profiles, now: Profiles) -> None:
    """contribution(now) − contribution(before); who had a risk before has one now."""
    at = np.searchsorted(now.row, before.row)
    differ = before.inputs.differs(now.inputs.those(at))
    differ |= (before.channel != now.channel[at]) | (before.segment != now.segment[at])
    came = np.ones(len(now.row), np.bool_)
    came[at] = differ
    _count(increments, customers.key_ids, before, np.flatnonzero(differ), -1)
    _count(increments, customers.key_ids, now, np.flatnonzero(came), 1)
    count_grades(increments, customers, before.row, before.graded, -1)
    count_grades(increments, customers, now.row, now.graded, 1)


def _count(increments: Increments, key_ids: FoldKeys, some: Profiles, which: Ints, step: int) -> None:
    if not len(which):
        return
    found = intervals(some.inputs.those(which), some.trajectory.of(which, len(some.row)))
    numbers = _numbers(key_ids, some.channel[which], some.segment[which], found)
    increments.add(numbers, found.start * HOUR, step)
    ends = found.end < AFTER_ALL
    increments.add(numbers[ends], found.end[ends] * HOUR, -step)


def _numbers(key_ids: FoldKeys, channel: Ints, segment: Ints, found: Intervals) -> Ints:
    """For each interval the key of RISK; channel and segment are those of the customers in the rows."""
    segments, place = places(np.where(segment >= 0, key_ids.in_keys(segment), -1))
    names = [key_ids[each][-1] if each >= 0 else UNKNOWN for each in segments.tolist()]
    shape = len(names), len(LEVELS), len(REASONS)

    def key(channel: Key, traits: int) -> Key:
        _, product, channel_name = channel
        of_segment, level, reason = np.unravel_index(traits, shape)
        return RISK.key(product, LEVELS[level], REASONS[reason], channel_name, names[of_segment])

    traits = np.ravel_multi_index((place[found.row], found.level, found.reason), shape)
    return key_ids.like(channel[found.row], key, traits)


_CHANNELS = standing_under("channel", RISK, ACTIVE_EVENTS)
_NAMED_SEGMENTS = standing_under("segment", RISK, IDENTIFIED)


def _segments(view: View) -> list[str]:
    return sorted({UNKNOWN, *_NAMED_SEGMENTS(view)})


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann comes daily and came yesterday. bob came as often and has been silent for 20 days, cyd for 50. dan is a "
    "detractor since today and has an open ticket, eve's is resolved. fay's first week had one active day. gus "
    "has been silent for 89 days and counts for a day yet; hal is as silent, but subscribes; ida cancelled that. sid "
    "and yan are of those that are graded as of 9 February: sid came back, yan stayed away.",
    (
        event("login", "ann", *(f"03-{day:02}" for day in range(1, 31))),
        event("login", "bob", *(f"03-{day:02}" for day in range(1, 12)), channel="ios"),
        event("login", "cyd", *(f"02-{day:02}" for day in range(1, 10)), channel="ios"),
        event("survey_response", "dan", "03-31 11:00", survey="nps", survey_id="yearly", score=3, scale="0-10"),
        event("ticket_opened", "dan", "03-31 10:00", ticket_id="7"),
        event("ticket_resolved", "eve", "03-31 11:00", ticket_id="8"),
        event("ticket_opened", "eve", "03-31 09:00", ticket_id="8"),
        event("login", "fay", "03-22"),
        event("identify", "fay", "03-22", traits={"segment": "trial"}),
        event("login", "gus hal", "01-01"),
        event("subscription_started", "hal ida", "01-01"),
        event("subscription_cancelled", "ida", "03-30"),
        event("login", "sid yan", "02-08"),
        event("login", "sid", "02-20"),
    ),
)

_MIN_SAMPLE = MinSample("engagement_risk_customers", at_least=100)
WHY_AT_HIGH_RISK = Reasons(
    "Largest reasons", "engagement_risk_reasons_customers", by="reason", labels={"level": "high"}
)

_AT_RISK = {"high": "high risk", "medium": "medium risk"}
_REASONS = {
    "silence": "long silence",
    "subscription_cancelled": "cancelled",
    "nps_detractor": "detractor (NPS)",
    "negative_answer": "poor answer",
    "open_ticket": "open ticket",
    "first_week": "weak first week",
}


def _by_channel(example: Example) -> Breakdown:
    return Breakdown("channel", _CHANNELS, example, added="By the channel of the last activity.")


def _by_segment(example: Example) -> Breakdown:
    return Breakdown("segment", _segments, example, added=BY_SEGMENT)


def _at_any_level(view: View, labels: Labels) -> Any:
    return standing(RISK)(view, {name: value for name, value in labels.items() if name != "level"})


FAMILY = Family(
    "Churn risk",
    "Who is about to leave, how many are they, and why?",
    SCENARIO,
    (
        (
            Count(
                "engagement_risk_customers",
                standing(RISK),
                labels={"level": LEVELS},
                help="Customers by how likely they are to stay away for 30 days: high from 70 %, medium from 40 "
                "%, else low; of those active in the last 90 days or subscribed. What silence changes shows on the "
                "full hour.",
                example=Example({"number": 6}, 6, {"level": "high"}),
                panel=Panel("Customers by churn risk", overview={"level": "high"}),
                card=Card(
                    "Who is about to leave",
                    "Customers at risk",
                    "now",
                    tuple(Figure(caption, {"level": level}) for level, caption in _AT_RISK.items()),
                ),
                breakdowns=(
                    _by_channel(Example({"number": 1}, 1, {"channel": "ios", "level": "high"})),
                    _by_segment(Example({"number": 1}, 1, {"segment": "trial", "level": "medium"})),
                ),
            ),
            Ratio(
                "engagement_risk_ratio",
                standing(RISK),
                over=_at_any_level,
                labels={"level": LEVELS},
                help="Customers at the level of churn risk, as a share of all that have one.",
                example=Example({"number": 3, "customers": 11}, 3 / 11, {"level": "medium"}),
                panel=Panel("Share of customers by churn risk", overview={"level": "high"}),
                card=Card(
                    "Who is about to leave",
                    "Share at risk",
                    "now",
                    tuple(Figure(caption, {"level": level}, "customers") for level, caption in _AT_RISK.items()),
                ),
                breakdowns=(
                    _by_channel(Example({"number": 1, "customers": 2}, 0.5, {"channel": "ios", "level": "high"})),
                    _by_segment(Example({"number": 1, "customers": 1}, 1.0, {"segment": "trial", "level": "medium"})),
                ),
                alerts=(
                    Alert(
                        name="EngagementHighRisk",
                        summary="Many customers are about to leave",
                        condition="above",
                        threshold=0.5,
                        min_sample=_MIN_SAMPLE,
                        reasons=WHY_AT_HIGH_RISK,
                        for_="2h",
                        labels={"level": "high"},
                    ),
                    Alert(
                        name="EngagementHighRiskRising",
                        summary="More customers are about to leave than a week ago",
                        condition="rises_by",
                        threshold=0.05,
                        min_sample=_MIN_SAMPLE,
                        reasons=WHY_AT_HIGH_RISK,
                        for_="2h",
                        labels={"level": "high"},
                        severity="critical",
                    ),
                ),
            ),
            Count(
                "engagement_risk_reasons_customers",
                standing(RISK),
                labels={"level": LEVELS, "reason": REASONS},
                help="Customers at the level of churn risk by what adds most to it: silence, or a piece of evidence.",
                example=Example({"number": 1}, 1, {"level": "medium", "reason": "first_week"}),
                panel=Panel("Customers by churn risk and largest reason"),
                card=Card(
                    "Who is about to leave",
                    "Why at high risk",
                    "now, by what weighs most",
                    tuple(
                        Figure(caption, {"level": "high", "reason": reason}) for reason, caption in _REASONS.items()
                    ),
                ),
            ),
        ),
        *risk_grades.METRICS,
    ),
    series=SERIES,
)
