"""Visits: runs of a customer's events on one channel, how long they were, how deep, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.recount.counted import CountedEvent, by_channel, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import active_in
from tests.recount.windows import WINDOW_HOURS, lies_within

VISIT_TYPES = (
    "page_view session click interaction login signup feature_use contribution purchase subscription_started".split()
)
MINUTE_MS = 60_000
FREQUENCIES = {"1": range(1, 2), "2": range(2, 3), "3": range(3, 4), "4-6": range(4, 7), "7+": range(7, 1_000_000)}


class Visit:
    """A maximal run of events with no gap over so many minutes."""

    def __init__(self, events: list[CountedEvent], gap_minutes: int) -> None:
        self.customer = events[0].customer
        self.channel = events[0].channel
        self.duration_ms = max(end_ms(event) for event in events) - min(start_ms(event) for event in events)
        sessions = of_types(events, "session")
        summarised = sum(int(session.fields["page_views"]) for session in sessions)
        self.pages = max(len(of_types(events, "page_view")), summarised)
        self.converted = bool(of_types(events, "purchase", "signup", "subscription_started")) or any(
            session.fields.get("converted") for session in sessions
        )
        self.closes = (max(end_ms(event) for event in events) + gap_minutes * MINUTE_MS) // MINUTE_MS + 1

    @property
    def engaged(self) -> bool:
        return self.duration_ms > 10_000 or self.pages >= 2 or self.converted


def start_ms(event: CountedEvent) -> int:
    return event.ms - int(event.fields["duration_ms"]) if event.type == "session" else event.ms


def end_ms(event: CountedEvent) -> int:
    return event.ms + int(event.fields.get("duration_ms") or 0) if event.type == "page_view" else event.ms


def visits_of(events: Iterable[CountedEvent], gap_minutes: int) -> list[Visit]:
    """The visits of one customer on one channel."""
    runs: list[list[CountedEvent]] = []
    for event in sorted(events, key=start_ms):
        if runs and start_ms(event) - max(end_ms(earlier) for earlier in runs[-1]) <= gap_minutes * MINUTE_MS:
            runs[-1].append(event)
        else:
            runs.append([event])
    return [Visit(run, gap_minutes) for run in runs]


def visits(history: list[CountedEvent], now: int, gap_minutes: int) -> dict[Sample, Exact]:
    paths = grouped(of_types(history, *VISIT_TYPES), lambda event: (event.customer, event.channel))
    found = [visit for path in paths.values() for visit in visits_of(path, gap_minutes)]
    samples = summary(found, history, now) | frequency(found, now)
    for channel, there in by_channel(history).items():
        on_it = [visit for visit in found if visit.channel == channel]
        if any(event.active for event in there):
            samples |= summary(on_it, there, now, "_by_channel", channel=channel)
    return samples


def summary(
    found: list[Visit], history: list[CountedEvent], now: int, twin: str = "", **labels: str
) -> dict[Sample, Exact]:
    samples: dict[Sample, Exact] = {}
    for window in WINDOW_HOURS:
        closed = [visit for visit in found if lies_within(visit.closes, window, now)]
        mean_pages = share(sum(visit.pages for visit in closed), len(closed))
        mean_seconds = share(sum(visit.duration_ms for visit in closed), 1000 * len(closed))
        conversion = share(sum(visit.converted for visit in closed), len(closed))
        labels["window"] = window
        samples[sample(f"visits{twin}", **labels)] = len(closed)
        per_customer = share(len(closed), active_in(history, window, now))
        samples[sample(f"visits_per_customer{twin}", **labels)] = per_customer
        samples[sample(f"visit_mean_duration{twin}_seconds", **labels)] = mean_seconds
        samples[sample(f"visit_mean_pages{twin}", **labels)] = mean_pages
        samples[sample(f"visit_conversion{twin}_ratio", **labels)] = conversion
        with_pages = [visit for visit in closed if visit.pages]
        single = share(sum(visit.pages == 1 for visit in with_pages), len(with_pages))
        idle = share(sum(not visit.engaged for visit in with_pages), len(with_pages))
        samples[sample(f"bounce{twin}_ratio", basis="single_page", **labels)] = single
        samples[sample(f"bounce{twin}_ratio", basis="not_engaged", **labels)] = idle
    return samples


def frequency(found: list[Visit], now: int) -> dict[Sample, Exact]:
    """Customers by the number of their visits that closed in the last 30 days."""
    closed = [visit.customer for visit in found if lies_within(visit.closes, "30d", now)]
    often = [closed.count(customer) for customer in set(closed)]
    return {
        sample("visit_frequency_customers", visits=label): sum(n in numbers for n in often)
        for label, numbers in FREQUENCIES.items()
    }
