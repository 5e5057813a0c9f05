"""Retention and churn: who came back on day N, and who of an earlier period came again."""

from __future__ import annotations

from collections.abc import Sequence

from tests.recount.days import lifecycle
from tests.recount.first_week import decided
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import Segments
from tests.recount.visitors import Visitor


def retention(visitors: list[Visitor], today: int, days: Sequence[int], segments: Segments) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for n in days:
        cohort = decided(visitors, n, today)
        back = sum(visitor.anchor_day + n in visitor.days for visitor in cohort)
        samples[sample("retention_ratio", day=n)] = share(back, len(cohort))
        samples[sample("retention_customers", day=n)] = len(cohort)
    start = sum(visitor.active_between(today - 60, today - 31) for visitor in visitors)
    end = sum(visitor.active_between(today - 30, today - 1) for visitor in visitors)
    states = lifecycle(visitors, today)
    samples |= stayed(visitors, today)
    for segment, customers in segments.items():
        those = [visitor for visitor in visitors if visitor.customer in customers]
        samples |= stayed(those, today, "_by_segment", segment=segment)
    samples[sample("churned_customers")] = states["dormant"]
    samples[sample("retention_formula_ratio")] = share(end - states["new"], start)
    return samples


def stayed(visitors: list[Visitor], today: int, twin: str = "", **labels: str) -> dict[Sample, Exact]:
    """Of the actives of the 30 days before, those active again in the last 30."""
    start = [visitor for visitor in visitors if visitor.active_between(today - 60, today - 31)]
    retained = share(sum(visitor.active_between(today - 30, today - 1) for visitor in start), len(start))
    return {
        sample(f"retained{twin}_ratio", **labels): retained,
        sample(f"churn{twin}_ratio", **labels): None if retained is None else 1 - retained,
        sample(f"period_start{twin}_customers", **labels): len(start),
    }
