"""Retention and churn: who came back on day N, and who of the period before came again."""

from __future__ import annotations

from stream.simulate.truth.attendance import Attendance, cohort
from stream.simulate.truth.complete_days import lifecycle, period_before, this_period
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.samples import Samples, sample, share


def retention(attended: list[Attendance], moment: Moment, days: tuple[int, ...]) -> Samples:
    samples: Samples = {}
    for n in days:
        customers = cohort(attended, n, moment)
        back = sum(each.first_day + n in each.days for each in customers)
        samples[sample("retention_ratio", day=n)] = share(back, len(customers))
        samples[sample("retention_customers", day=n)] = len(customers)
    states = lifecycle(attended, moment)
    start = sum(each.came_in(period_before(moment)) > 0 for each in attended)
    end = sum(each.came_in(this_period(moment)) > 0 for each in attended)
    samples[sample("retained_ratio")] = share(states["returning"], start)
    samples[sample("churn_ratio")] = share(states["dormant"], start)
    samples[sample("churned_customers")] = states["dormant"]
    samples[sample("period_start_customers")] = start
    samples[sample("retention_formula_ratio")] = share(end - states["new"], start)
    return samples
