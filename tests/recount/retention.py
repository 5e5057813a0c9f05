"""Retention and churn: who came back on day N, and who of an earlier period came again."""

from __future__ import annotations

from collections.abc import Sequence

from tests.recount.days import lifecycle
from tests.recount.first_week import decided
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import Visitor


def retention(visitors: list[Visitor], today: int, days: Sequence[int]) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for n in days:
        cohort = decided(visitors, n, today)
        back = sum(visitor.anchor_day + n in visitor.days for visitor in cohort)
        samples[sample("retention_ratio", day=n)] = share(back, len(cohort))
        samples[sample("retention_customers", day=n)] = len(cohort)
    start = sum(visitor.active_between(today - 60, today - 31) for visitor in visitors)
    end = sum(visitor.active_between(today - 30, today - 1) for visitor in visitors)
    states = lifecycle(visitors, today)
    retained = share(states["returning"], start)
    samples[sample("retained_ratio")] = retained
    samples[sample("churn_ratio")] = None if retained is None else 1 - retained
    samples[sample("churned_customers")] = states["dormant"]
    samples[sample("period_start_customers")] = start
    samples[sample("retention_formula_ratio")] = share(end - states["new"], start)
    return samples
