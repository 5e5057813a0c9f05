"""Cohorts: who came first in the same week, and in which weeks they were there again."""

from __future__ import annotations

from datetime import date

from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import Visitor


def cohorts(visitors: list[Visitor], today: int) -> dict[Sample, Exact]:
    """Weeks begin on Mondays, as dates in ISO 8601 have them."""
    samples: dict[Sample, Exact] = {}
    this_week = today - date.fromordinal(today).weekday()
    for monday in range(this_week - 12 * 7, this_week + 7, 7):
        members = [visitor for visitor in visitors if monday <= visitor.anchor_day < monday + 7]
        for week in range(13) if members else ():
            begin, end = monday + 7 * week, monday + 7 * week + 6
            if end < today:
                active = sum(visitor.active_between(begin, end) for visitor in members)
                labels = {"cohort": date.fromordinal(monday), "week": week}
                samples[sample("cohort_customers", **labels)] = active
                samples[sample("cohort_retention_ratio", **labels)] = share(active, len(members))
    return samples
