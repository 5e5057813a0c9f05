"""Activity: active customers, stickiness and depth."""

from __future__ import annotations

from tests.recount.counted import CountedEvent, by_channel, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.segments import Segments
from tests.recount.visitors import Visitor, active_in, came_within, channels_of, visitors_of
from tests.recount.windows import WINDOW_HOURS, within


def activity(history: list[CountedEvent], now: int, segments: Segments) -> dict[Sample, Exact]:
    visitors = visitors_of(history)
    samples = active_customers(visitors, now) | volume(history, now)
    there = by_channel(history)
    for channel in channels_of(visitors):
        samples |= active_customers(visitors_of(there[channel]), now, "_by_channel", channel=channel)
    for segment, customers in segments.items():
        those = [visitor for visitor in visitors if visitor.customer in customers]
        samples |= active_customers(those, now, "_by_segment", segment=segment)
    return samples


def active_customers(visitors: list[Visitor], now: int, twin: str = "", **labels: str) -> dict[Sample, Exact]:
    active = {window: came_within(visitors, window, now) for window in WINDOW_HOURS}
    samples: dict[Sample, Exact] = {
        sample(f"active{twin}_customers", window=window, **labels): customers for window, customers in active.items()
    }
    samples[sample(f"stickiness{twin}_ratio", **labels)] = share(active["24h"], active["30d"])
    samples[sample(f"stickiness_weekly{twin}_ratio", **labels)] = share(active["7d"], active["30d"])
    return samples


def volume(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for window in WINDOW_HOURS:
        counted = within(history, window, now)
        for type_ in {event.type for event in history}:
            samples[sample("events", type=type_, window=window)] = len(of_types(counted, type_))
        active_events = sum(event.active for event in counted)
        depth = share(active_events, active_in(history, window, now))
        samples[sample("events_per_customer", window=window)] = depth
    return samples
