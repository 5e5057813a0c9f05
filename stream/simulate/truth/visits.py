"""Visits: how often customers came by, how long they stayed, and what came of it."""

from __future__ import annotations

from collections import Counter

from stream.simulate.diary import MINUTE_MS, Diary, Visit
from stream.simulate.truth.activity import last_active
from stream.simulate.truth.moment import WINDOWS, Moment
from stream.simulate.truth.samples import Samples, sample, share

ENGAGED_MS = 10_000


Closed = list[tuple[Visit, int]]
"""Visits, each with the first minute in which nothing can belong to it any more."""


def visits(diaries: list[Diary], moment: Moment, gap_ms: int) -> Samples:
    by_customer = [_closed(diary, gap_ms) for diary in diaries]
    everywhere = [visit for closed in by_customer for made in closed.values() for visit in made]
    samples = _made(everywhere, last_active(diaries), moment)
    for channel in {channel for closed in by_customer for channel in closed}:
        there = [visit for closed in by_customer for visit in closed.get(channel, [])]
        samples |= _made(there, last_active(diaries, channel), moment, "_by_channel", channel=channel)
    return samples | _frequency(by_customer, moment)


def _closed(diary: Diary, gap_ms: int) -> dict[str, Closed]:
    """By channel."""
    return {
        channel: [(visit, (visit.end_ms + gap_ms) // MINUTE_MS + 1) for visit in made]
        for channel, made in diary.visits(gap_ms).items()
    }


def closed_in(made: Closed, window: str, moment: Moment) -> list[Visit]:
    return [visit for visit, minute in made if moment.holds(minute, window)]


def _made(made: Closed, last: list[int], moment: Moment, twin: str = "", **labels: str) -> Samples:
    samples: Samples = {}
    for window in WINDOWS:
        closed = closed_in(made, window, moment)
        active = sum(moment.saw_active(at_ms, window) for at_ms in last)
        stayed_ms = sum(visit.end_ms - visit.begin_ms for visit in closed)
        of_window: dict[str, float | int | None] = {
            f"visits{twin}": len(closed),
            f"visits_per_customer{twin}": share(len(closed), active),
            f"visit_mean_duration{twin}_seconds": share(stayed_ms / 1000, len(closed)),
            f"visit_mean_pages{twin}": share(sum(visit.pages for visit in closed), len(closed)),
            f"visit_conversion{twin}_ratio": share(sum(visit.converted for visit in closed), len(closed)),
        }
        samples |= {sample(name, window=window, **labels): value for name, value in of_window.items()}
        with_pages = [visit for visit in closed if visit.pages]
        bounced = {"single_page": sum(visit.pages == 1 for visit in with_pages)}
        bounced["not_engaged"] = sum(not _engaged(visit) for visit in with_pages)
        for basis, number in bounced.items():
            name = sample(f"bounce{twin}_ratio", window=window, basis=basis, **labels)
            samples[name] = share(number, len(with_pages))
    return samples


def _engaged(visit: Visit) -> bool:
    return visit.end_ms - visit.begin_ms > ENGAGED_MS or visit.pages >= 2 or visit.converted


def _frequency(by_customer: list[dict[str, Closed]], moment: Moment) -> Samples:
    classes = dict.fromkeys(("1", "2", "3", "4-6", "7+"), 0)
    closed = Counter(sum(len(closed_in(made, "30d", moment)) for made in own.values()) for own in by_customer)
    for number, customers in closed.items():
        if number:
            classes[str(number) if number < 4 else "4-6" if number < 7 else "7+"] += customers
    return {sample("visit_frequency_customers", visits=name): customers for name, customers in classes.items()}
