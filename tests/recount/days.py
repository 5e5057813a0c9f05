"""Complete days: who came on them, how often, and who is new, returning, resurrected or dormant."""

from __future__ import annotations

from collections import Counter

from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import Visitor


def complete_days(visitors: list[Visitor], today: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for days in (1, 7, 30):
        came = sum(visitor.active_between(today - days, today - 1) for visitor in visitors)
        samples[sample("calendar_active_customers", days=days)] = came
    period = range(today - 30, today)
    active_days = [sum(day in visitor.days for day in period) for visitor in visitors]
    for days in range(1, 31):
        samples[sample("active_days_customers", days=days)] = active_days.count(days)
    came = sum(days > 0 for days in active_days)
    samples[sample("average_stickiness_ratio")] = share(sum(active_days), 30 * came)
    states = lifecycle(visitors, today)
    for state in ("new", "returning", "resurrected", "dormant"):
        samples[sample("lifecycle_customers", state=state)] = states[state]
    samples[sample("quick_ratio")] = share(states["new"] + states["resurrected"], states["dormant"])
    return samples


def lifecycle(visitors: list[Visitor], today: int) -> Counter[str]:
    states: Counter[str] = Counter()
    for visitor in visitors:
        now = visitor.active_between(today - 30, today - 1)
        before = visitor.active_between(today - 60, today - 31)
        if today - 30 <= visitor.anchor_day <= today - 1:
            states["new"] += 1
        elif now:
            states["returning" if before else "resurrected"] += 1
        elif before:
            states["dormant"] += 1
    return states
