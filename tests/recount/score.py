"""The engagement score: what each customer did in the last 30 complete days, in points."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from tests.recount.counted import CountedEvent, by_channel, by_customer, day_of, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import Segments
from tests.recount.subscriptions import STATES, is_live, transitions
from tests.recount.visits import VISIT_TYPES, visits_of

DEFAULT_SCORE = {
    "activity": {"points": 40, "full": 12},
    "visits": {"points": 20, "full": 12},
    "use": {"points": 15, "full": 5},
    "voice": {"points": 15, "full": 1},
    "value": {"points": 10, "full": 1},
}


def score_of(
    history: list[CountedEvent],
    today: int,
    zone: ZoneInfo,
    gap_minutes: int,
    score: Mapping[str, Mapping[str, int]],
    segments: Segments,
) -> dict[Sample, Exact]:
    points_of: dict[str, dict[str, Fraction]] = {}
    for customer, events in by_customer(history).items():
        amounts = done(events, today, zone, gap_minutes)
        if amounts["activity"]:
            points_of[customer] = {
                name: Fraction(part["points"] * min(amounts[name], part["full"]), part["full"])
                for name, part in score.items()
            }
    points = list(points_of.values())
    of_customer = {name: floor(sum(each.values()) + Fraction(1, 2)) for name, each in points_of.items()}
    scores = sorted(of_customer.values())
    samples: dict[Sample, Exact] = {sample("score_mean"): share(sum(scores), len(scores))}
    for segment, customers in segments.items():
        own = [each for customer, each in of_customer.items() if customer in customers]
        samples[sample("score_by_segment_mean", segment=segment)] = share(sum(own), len(own))
    for quantile in ("0.1", "0.5", "0.9"):
        found = float(scores[ceil(Fraction(quantile) * len(scores)) - 1]) if scores else None
        samples[sample("score_quantile", quantile=quantile)] = found
    for name in score:
        together = sum((each[name] for each in points), Fraction(0))
        samples[sample("score_part_mean", part=name)] = together / len(points) if points else None
    return samples


def done(events: list[CountedEvent], today: int, zone: ZoneInfo, gap_minutes: int) -> dict[str, int]:
    """How much of each part the customer did on the last 30 complete days."""
    period = range(today - 30, today)
    lately = [event for event in events if event.day in period]
    paths = by_channel(of_types(events, *VISIT_TYPES)).values()
    closing = [day_of(visit.closes, zone) for path in paths for visit in visits_of(path, gap_minutes)]
    return {
        "activity": len({event.day for event in lately if event.active}),
        "visits": sum(day in period for day in closing),
        "use": len({event.fields["feature"] for event in of_types(lately, "feature_use")}),
        "voice": int(bool(of_types(lately, "survey_response", "contribution", "referral"))),
        "value": int(bool(of_types(lately, "purchase")) or subscribed(events, today)),
    }


def subscribed(events: list[CountedEvent], today: int) -> bool:
    """At the end of yesterday."""
    heard = [event for event in of_types(events, *STATES) if event.product != "other"]
    return is_live(event for event in transitions(heard) if event.day < today)
