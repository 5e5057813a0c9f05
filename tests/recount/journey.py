"""The journey: which steps newcomers did in their first 30 days, and how soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.recount.counted import CountedEvent, of_types
from tests.recount.first_week import decided
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import Visitor

DEFAULT_JOURNEY = tuple(
    {"type": type_, "where": ()} for type_ in ("signup", "feature_use", "purchase", "survey_response", "referral")
)


def journey_of(
    history: list[CountedEvent], visitors: list[Visitor], today: int, journey: Sequence[Mapping[str, Any]]
) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    cohort = decided(visitors, 30, today)
    for step in journey:
        label = " ".join([step["type"], *(f"{name}={value}" for name, value in step["where"])])
        seconds = []
        for visitor in cohort:
            did = [
                event
                for event in of_types(history, step["type"])
                if event.customer == visitor.customer
                and event.day <= visitor.anchor_day + 30
                and all(event.fields.get(name) == value for name, value in step["where"])
            ]
            if did:
                seconds.append(max(0, (min(event.ms for event in did) - visitor.anchor_ms) // 1000))
        samples[sample("journey_customers", step=label)] = len(seconds)
        samples[sample("journey_ratio", step=label)] = share(len(seconds), len(cohort))
        median = float(sorted(seconds)[(len(seconds) - 1) // 2]) if seconds else None
        samples[sample("journey_median_seconds", step=label)] = median
    return samples
