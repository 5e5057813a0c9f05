"""The first week: which new customers came often enough."""

from __future__ import annotations

from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import Segments
from tests.recount.visitors import Visitor, channels_of


def first_week(visitors: list[Visitor], today: int, enough: int, segments: Segments) -> dict[Sample, Exact]:
    cohort = decided(visitors, 6, today)
    samples = engaged("first_week", cohort, channels_of(visitors), segments, enough)
    for days in range(1, 8):
        customers = sum(visitor.first_week_days == days for visitor in cohort)
        samples[sample("first_week_active_days_customers", days=days)] = customers
    return samples


def first_week_in_progress(
    visitors: list[Visitor], today: int, enough: int, segments: Segments
) -> dict[Sample, Exact]:
    cohort = [visitor for visitor in visitors if visitor.anchor_day + 6 >= today]
    return engaged("first_week_in_progress", cohort, channels_of(visitors), segments, enough)


def decided(visitors: list[Visitor], n: int, today: int) -> list[Visitor]:
    """The customers whose day n is one of the last 28 complete days."""
    return [visitor for visitor in visitors if today - 28 <= visitor.anchor_day + n <= today - 1]


def engaged(
    name: str, cohort: list[Visitor], channels: set[str], segments: Segments, enough: int
) -> dict[Sample, Exact]:
    """The cohort and its engaged share, in total, for every channel that was ever active and for every segment."""
    samples: dict[Sample, Exact] = {}
    groups: list[tuple[str, dict[str, str], list[Visitor]]] = [("", {}, cohort)]
    for channel in channels:
        some = [visitor for visitor in cohort if visitor.anchor_channel == channel]
        groups.append(("_by_channel", {"channel": channel}, some))
    for segment, customers in segments.items():
        some = [visitor for visitor in cohort if visitor.customer in customers]
        groups.append(("_by_segment", {"segment": segment}, some))
    for twin, labels, some in groups:
        often = sum(visitor.first_week_days >= enough for visitor in some)
        samples[sample(f"{name}{twin}_ratio", **labels)] = share(often, len(some))
        samples[sample(f"{name}{twin}_customers", **labels)] = len(some)
    return samples
