"""Score: how engaged each customer is, as one number, and what it is made of."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import MOST_POINTS, Definitions, ScoreParts
from stream.core.event_columns import Customers
from stream.core.increments import Increments
from stream.core.quantiles import quantile
from stream.core.ragged import Ints, distinct, tallied
from stream.core.series import Key, Kind, Series
from stream.core.time import FAR_PAST, Calendar
from stream.indicators.declare import (
    Alert,
    Card,
    Example,
    Family,
    Figure,
    Metric,
    MinSample,
    Panel,
    Reasons,
    ratio,
)
from stream.indicators.forms import by_segment
from stream.indicators.memories import Memories
from stream.indicators.reads import Labels, View, given
from stream.indicators.scenario import Scenario, event
from stream.indicators.score_path import Path, active, changed, path, scores
from stream.indicators.state.segments import SEGMENT, UNKNOWN, Segments

SCORES = Series("score", Kind.STOCK, "day", ("score",))
"""On each day the customers by what they score at its end."""
PARTS = Series("score_parts", Kind.STOCK, "day", ("part",))
"""How much of the part all of these have together: active days, visits, features, or customers."""

OF_SEGMENTS = Series("score_by_segment", Kind.STOCK, "day", ("of", SEGMENT))
"""What those whose segment is known score together (`points`), and how many they are (`customers`)."""

_PART_NAMES = tuple(name for name, _ in ScoreParts())
_OF = ("points", "customers")
_SCORES = MOST_POINTS + 1


def change(
    increments: Increments,
    customers: Customers,
    old: Memories,
    new: Memories,
    definitions: Definitions,
    calendar: Calendar,
    segments: Segments,
) -> None:
    """contribution(new) − contribution(old): of a customer whose path or segment differs, all of the old and all of
    the new."""
    before, now = active(old), active(new)
    rows = changed(old, new, before, now, definitions, calendar)
    if len(segments.moved):
        rows = distinct(np.concatenate([rows, segments.moved]))
    moves = []
    for memories, was_active, place, step in ((old, before, segments.was, -1), (new, now, segments.is_, 1)):
        some = rows[was_active.last[rows] != FAR_PAST]
        if len(some):
            found = path(memories, some, was_active, customers, definitions, calendar)
            group, score = customers.group[some], scores(found.parts, definitions)
            moves.append(_moves(group, found.first, score, step))
            _count_parts(increments, customers, group, found, step)
            _count_segments(increments, customers, group, segments.names, place[some], found.first, score, step)
    if moves:
        _count_moves(increments, customers, *map(np.concatenate, zip(*moves, strict=True)))


def _moves(group: Ints, first: Ints, score: NDArray[np.int32], step: int) -> tuple[Ints, Ints, Ints]:
    """(group of slice and product · _SCORES + score, day, by how much): who reaches a score leaves that of the day
    before."""
    nobody = np.full((len(score), 1), -1, score.dtype)
    scored = np.concatenate([nobody, score, nobody], axis=1)
    at, ahead = np.nonzero(scored[:, 1:] != scored[:, :-1])
    kind, day, count = (np.empty((2, len(at)), np.int64) for _ in range(3))
    for side, value in enumerate((scored[at, ahead], scored[at, ahead + 1])):
        kind[side] = np.where(value >= 0, group[at] * _SCORES + value, -1)
        day[side], count[side] = first[at] + ahead, (-step, step)[side]
    counts = kind >= 0
    return kind[counts], day[counts], count[counts]


def _count_moves(increments: Increments, customers: Customers, kind: Ints, day: Ints, count: Ints) -> None:
    """Tallied first: most moves are those of many, or cancel out."""
    kinds, place, day, count = tallied(kind, day, count)
    numbers = customers.keyed(*np.divmod(kinds, _SCORES), lambda product, score: SCORES.key(product, str(score)))
    increments.add(numbers[place], day, count)


def _count_parts(increments: Increments, customers: Customers, group: Ints, found: Path, step: int) -> None:
    group, part, day, count = _steps(group, found.first, found.parts)
    numbers = customers.keyed(group, part, lambda product, part: PARTS.key(product, _PART_NAMES[part]))
    increments.add(numbers, day, count * step)


def _count_segments(
    increments: Increments,
    customers: Customers,
    group: Ints,
    names: list[str],
    place: Ints,
    first: Ints,
    score: NDArray[np.int32],
    step: int,
) -> None:
    """`place[i]` is that of the segment among the names, −1 where it is unknown."""
    known = np.flatnonzero(place >= 0)
    if not len(known):
        return

    def key(product: str, trait: int) -> Key:
        segment, of = divmod(trait, len(_OF))
        return OF_SEGMENTS.key(product, _OF[of], names[segment])

    own = score[known]
    both = np.stack([np.maximum(own, 0), own >= 0], axis=1)
    found, of, day, count = _steps(group[known] * len(names) + place[known], first[known], both)
    found, segment = np.divmod(found, len(names))
    increments.add(customers.keyed(found, segment * len(_OF) + of, key), day, count * step)


def _steps(group: Ints, first: Ints, amounts: NDArray[Any]) -> tuple[Ints, Ints, Ints, Ints]:
    """(group, which amount, day, by how much it changes) of paths of amounts, shape (n, amounts, SPAN), added up over
    those of a group that begin on one day."""
    order = np.lexsort((first, group))
    group, first = group[order], first[order]
    starts = np.flatnonzero(np.append(True, (np.diff(group) != 0) | (np.diff(first) != 0)))
    together = np.add.reduceat(amounts[order], starts, axis=0, dtype=np.int64)
    nothing = np.zeros((*together.shape[:2], 1), np.int64)
    steps = np.diff(together, axis=2, prepend=nothing, append=nothing)
    at, which, ahead = np.nonzero(steps)
    return group[starts][at], which, first[starts][at] + ahead, steps[at, which, ahead]


def _customers(view: View, _: Labels) -> dict[int, int]:
    """By score, at the end of the last complete day."""
    found = view.sums(SCORES, "score", {}, None, view.today - 1)
    return {int(score): customers for score, customers in sorted(found.items(), key=lambda each: int(each[0]))}


def _counted(view: View, labels: Labels) -> int:
    return _of_segment("customers", sum(_customers(view, labels).values()), view, labels)


def _points(view: View, labels: Labels) -> int:
    points = sum(score * customers for score, customers in _customers(view, labels).items())
    return _of_segment("points", points, view, labels)


def _of_segment(of: str, in_all: int, view: View, labels: Labels) -> int:
    """Where the labels name a segment, how much of it is that segment's: under `unknown` the rest."""
    if SEGMENT not in labels:
        return in_all
    rest = labels[SEGMENT] == UNKNOWN
    wanted = {"of": of} if rest else {"of": of, SEGMENT: labels[SEGMENT]}
    known = view.sum(OF_SEGMENTS, wanted, None, view.today - 1)
    return in_all - known if rest else known


def _points_of_part(view: View, labels: Labels) -> float:
    part = dict(view.definitions.score)[labels["part"]]
    return view.sum(PARTS, labels, None, view.today - 1) * part.points / part.full


def _quantile(share: str, customers: dict[int, int]) -> float | None:
    score = quantile(customers, Fraction(share))
    return None if score is None else float(score)


SCENARIO = Scenario(
    "2026-03-31 12:00",
    "The last 30 complete days are 1 to 30 March. ann came on 12 of them, in 12 visits, used two features (40 + 20 + "
    "6), answered (15) and bought (10); that ann found a third feature today counts from midnight on. bob came once "
    "(3⅓ + 1⅔), as did cyd, who has a subscription. dan came last the day before these days, eve first today: "
    "neither counts. ann and cyd are in a segment.",
    (
        event("login", "ann", *(f"03-{day}" for day in range(10, 22))),
        event("feature_use", "ann", "03-10", "03-11", feature="search"),
        event("feature_use", "ann", "03-12", feature="export"),
        event("survey_response", "ann", "03-12", survey="nps", survey_id="spring", score=9, scale="0-10"),
        event("purchase", "ann", "03-13", order_id="1", amount_minor=900, currency="EUR", units=1),
        event("feature_use", "ann", "03-31 09:00", feature="share"),
        event("login", "bob cyd", "03-15"),
        event("subscription_started", "cyd", "03-15"),
        event("login", "dan", "02-28"),
        event("login", "eve", "03-31"),
        event("identify", "ann cyd", "03-31", traits={"segment": "pro"}),
    ),
)

FAMILY = Family(
    "Engagement score",
    "How engaged is each customer, all in all, and what makes or lacks most?",
    SCENARIO,
    (
        Metric(
            name="engagement_score_mean",
            help="Mean score, from 0 to 100, of the customers active in the last 30 complete days: points for their "
            "active days, visits and features, for having said anything and for having bought, or a subscription "
            "(definitions.score). It moves at midnight.",
            unit="mean",
            reads={"points": _points, "customers": _counted},
            formula=lambda points, customers: ratio(points, customers),
            example=Example({"points": 111, "customers": 3}, 37.0),
            panel=Panel("Engagement score, mean", overview={}),
            breakdowns=(by_segment(OF_SEGMENTS, {"points": 106, "customers": 2}, 53.0, segment="pro"),),
            sample_size="customers",
            card=Card(
                "Who comes",
                "Engagement score",
                "last 30 complete days",
                (Figure(counted="customers active in 30 complete days"),),
                order=1,
            ),
            alerts=(
                Alert(
                    name="EngagementScoreFalling",
                    summary="Customers are less engaged than a week ago",
                    condition="falls_by",
                    threshold=0.1,
                    # By chance alone, scores that differ by 20 points from customer to customer have a mean over 200
                    # with a standard deviation of 1.4 points, and less of it changes in a week.
                    min_sample=MinSample("engagement_calendar_active_customers", 200, {"days": "30"}),
                    reasons=Reasons("Points lost in a week", "engagement_score_part_mean", by="part", fallen=True),
                    for_="1h",
                ),
            ),
            series=(SCORES, OF_SEGMENTS),
        ),
        Metric(
            name="engagement_score_quantile",
            help="The least score that this share of the customers active in the last 30 complete days do not "
            "exceed.",
            unit="quantile",
            labels={"quantile": ("0.1", "0.5", "0.9")},
            reads={"share": given("quantile"), "customers": _customers},
            formula=_quantile,
            example=Example({"share": "0.5", "customers": {5: 1, 15: 1, 91: 1}}, 15.0, {"quantile": "0.5"}),
            panel=Panel("Engagement score, quantiles"),
            series=(SCORES,),
        ),
        Metric(
            name="engagement_score_part_mean",
            help="Mean points of the part of the score: activity, visits, use (different features), voice (an "
            "answer, a contribution, a referral), value (a purchase, a subscription). Together they are the mean "
            "score, but for rounding.",
            unit="mean",
            labels={"part": _PART_NAMES},
            reads={"points": _points_of_part, "customers": _counted},
            formula=lambda points, customers: ratio(points, customers),
            example=Example({"points": 6.0, "customers": 3}, 2.0, {"part": "use"}),
            panel=Panel("Engagement score, mean points by part"),
            sample_size="customers",
            series=(SCORES, PARTS),
        ),
    ),
)
