"""The past: what is told of an earlier moment is what was told at that moment; all else says why it is not."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas import Event
from stream.core.definitions import Definitions
from stream.core.series import Kept, Table
from stream.core.time import Calendar, minute_of
from stream.indicators.catalogue import METRICS
from stream.indicators.state import subscription
from stream.query.past import Past, Told
from stream.query.samples import samples
from tests.histories import DAY, HOUR, History, State, histories, laws, minute_at

COMPLETE_DAYS = {metric.name for metric in METRICS if not metric.rolling}
MOST_TRANSITIONS = 4

Sample = tuple[str, frozenset[tuple[str, str]]]

MINUTES_EARLIER = st.one_of(
    st.integers(0, 26 * HOUR), st.integers(0, 75 * DAY), st.integers(0, 31).map(lambda days: days * DAY)
)


def told(table: Table, minute: int, calendar: Calendar, kept: Kept) -> dict[Sample, Told]:
    pasts = [Past(table, product, calendar, Definitions(), kept) for product in table.products]
    return {
        (metric.name, frozenset({"product": past.product, **labels}.items())): each
        for past in pasts
        for metric in METRICS
        for labels, each in past.at(minute).samples(metric)
    }


TELL_OF_BEFORE = {"identify", "session", "ticket_opened"}
"""They may say afterwards what was before, as late events do: that a visit lasted, or who a customer is at all times;
and where clocks disagree that a ticket is opened that was resolved."""


def without_many_transitions(events: list[Event]) -> list[Event]:
    """With at most four of a subscription: as many as are remembered."""
    kept, seen = [], Counter[tuple[str, str]]()
    for event in events:
        if event.type in subscription.TYPES:
            seen[event.product, event.customer] += 1
            if seen[event.product, event.customer] > MOST_TRANSITIONS:
                continue
        kept.append(event)
    return kept


@laws
@given(histories(), MINUTES_EARLIER, st.booleans())
def test_what_is_told_of_the_past_is_what_was_told_then(
    history: History, minutes_earlier: int, on_the_hour: bool
) -> None:
    minute = minute_at(history.newest) - minutes_earlier
    if on_the_hour:
        minute -= minute % HOUR
    calendar, events = Calendar(history.zone), without_many_transitions(history.events)
    by_then = [event for event in events if minute_of(event.epoch_ms) <= minute]
    later = [event for event in events if event not in by_then and event.type not in TELL_OF_BEFORE]
    if not by_then:
        return
    now, then = State(calendar).take([by_then, later]), State(calendar).take([by_then])
    newest = max(minute_of(event.epoch_ms) for event in [*by_then, *later])
    kept = Kept(newest, calendar.day(newest), None)
    now.table.compact(kept.newest, kept.today, kept.keep_days)
    expected = {
        (each.metric.name, frozenset(each.labels.items())): each.value
        for each in samples(then.table, minute, calendar, Definitions())
    }
    found = told(now.table, minute, calendar, kept)
    # A label under which something stood then may be gone with it, where what stands cannot be told at all.
    gone = {name for name, _ in expected.keys() - found.keys()}
    assert gone.isdisjoint(name for (name, _), (_, untold) in found.items() if untold is None)
    assert all(untold is None for (name, _), (_, untold) in found.items() if name in COMPLETE_DAYS)
    wrong = {
        sample: (value, expected.get(sample))
        for sample, (value, untold) in found.items()
        if untold is None and (value or None) != (expected.get(sample) or None)
    }
    assert wrong == {}
