"""Complete days: who came on the days up to yesterday, how often, and who is new, back or gone."""

from __future__ import annotations

from collections import Counter

from stream.simulate.truth.attendance import Attendance
from stream.simulate.truth.moment import Moment
from stream.simulate.truth.samples import Samples, sample, share

PERIOD_DAYS = 30


def complete_days(attended: list[Attendance], moment: Moment) -> Samples:
    today = moment.today
    samples: Samples = {}
    for days in (1, 7, 30):
        came = sum(each.came_in(range(today - days, today)) > 0 for each in attended)
        samples[sample("calendar_active_customers", days=days)] = came
    active_days = Counter(each.came_in(this_period(moment)) for each in attended)
    for days in range(1, PERIOD_DAYS + 1):
        samples[sample("active_days_customers", days=days)] = active_days[days]
    daily_mean = sum(days * customers for days, customers in active_days.items()) / PERIOD_DAYS
    samples[sample("average_stickiness_ratio")] = share(daily_mean, len(attended) - active_days[0])
    states = lifecycle(attended, moment)
    for state in ("new", "returning", "resurrected", "dormant"):
        samples[sample("lifecycle_customers", state=state)] = states[state]
    return samples


def this_period(moment: Moment) -> range:
    return range(moment.today - PERIOD_DAYS, moment.today)


def period_before(moment: Moment) -> range:
    return range(moment.today - 2 * PERIOD_DAYS, moment.today - PERIOD_DAYS)


def lifecycle(attended: list[Attendance], moment: Moment) -> Counter[str]:
    """Customers by state; who came neither now nor before is in none."""
    names = {(True, True): "returning", (True, False): "resurrected", (False, True): "dormant"}
    states: Counter[str] = Counter()
    for each in attended:
        came = (each.came_in(this_period(moment)) > 0, each.came_in(period_before(moment)) > 0)
        states["new" if each.first_day in this_period(moment) else names.get(came, "forgotten")] += 1
    return states
