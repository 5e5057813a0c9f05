"""Care: tickets from the opening to the first reply, the resolution and what comes after it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from tests.recount.counted import CountedEvent, customers, grouped, of_types
from tests.recount.samples import Exact, Sample, sample, share
from tests.recount.visitors import active_in
from tests.recount.windows import WINDOW_HOURS, lies_within, within

ORDER = ("ticket_opened", "ticket_resolved", "ticket_reopened")


def care(history: list[CountedEvent], now: int) -> dict[Sample, Exact]:
    """Of what is `other`, which may be many products, tickets are counted when they are opened, and no more."""
    samples: dict[Sample, Exact] = {}
    opened = of_types(history, "ticket_opened")
    known = [event for event in history if event.type.startswith("ticket_") and event.product != "other"]
    tickets = list(grouped(known, lambda event: (event.customer, event.fields["ticket_id"])).values())
    samples[sample("open_tickets")] = sum(is_open(ticket) for ticket in tickets)
    resolved, replied = durations(tickets, "ticket_resolved"), durations(tickets, "ticket_replied")
    for window in WINDOW_HOURS:
        labels = {"window": window}
        recent = within(opened, window, now)
        for topic in {topic_of(event) for event in opened}:
            number = sum(topic_of(event) == topic for event in recent)
            samples[sample("tickets", topic=topic, **labels)] = number
        samples[sample("contact_ratio", **labels)] = share(customers(recent), active_in(history, window, now))
        for kind, count, all_ in (
            ("resolution", "resolved_tickets", resolved),
            ("first_reply", "first_replied_tickets", replied),
        ):
            times = sorted(took for took, minute in all_ if lies_within(minute, window, now))
            samples[sample(count, **labels)] = len(times)
            samples[sample(f"{kind}_mean_seconds", **labels)] = share(sum(times), 1000 * len(times))
            for part in ("0.5", "0.9"):
                found = Fraction(times[ceil(Fraction(part) * len(times)) - 1], 1000) if times else None
                samples[sample(f"{kind}_quantile_seconds", quantile=part, **labels)] = found
        again = sum(bool(within(of_types(ticket, "ticket_reopened"), window, now)) for ticket in tickets)
        either = sum(bool(within(of_types(ticket, *ORDER[1:]), window, now)) for ticket in tickets)
        samples[sample("resolved_or_reopened_tickets", **labels)] = either
        samples[sample("reopened_ratio", **labels)] = share(again, either)
    return samples


def topic_of(event: CountedEvent) -> str:
    return str(event.fields.get("topic", "none"))


def is_open(ticket: list[CountedEvent]) -> bool:
    heard = of_types(ticket, *ORDER)
    return bool(heard) and max(heard, key=lambda event: (event.ms, ORDER.index(event.type))).type != "ticket_resolved"


def durations(tickets: list[list[CountedEvent]], type_: str) -> list[tuple[int, int]]:
    """(milliseconds from the opening to the first of its kind, the minute of that) of each ticket that has both."""
    found = []
    for ticket in tickets:
        opened = of_types(ticket, "ticket_opened")
        ends = [event for event in of_types(ticket, type_) if event.fields.get("by") != "customer"]
        if opened and ends:
            end = min(ends, key=lambda event: event.ms)
            found.append((max(0, end.ms - min(event.ms for event in opened)), end.minute))
    return found
