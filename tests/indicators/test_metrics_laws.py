"""The laws that let shards, restarts and late events be: order, cuts, sums, undoing and compaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas import Event
from stream.core.increments import Increments
from stream.core.key_ids import KeyIds
from stream.core.series import Key, Table
from stream.core.time import FAR_FUTURE, Calendar, minute_of
from stream.indicators.catalogue import METRICS, SERIES
from stream.indicators.contribution import contribute
from stream.indicators.families import churn_risk
from stream.worker import intake
from stream.worker.fold import SliceChanges, by_shard, columns_of, count_events, fold
from tests.histories import (
    DAY,
    LATER,
    History,
    State,
    arrived,
    as_it_is,
    as_of,
    decoded,
    folded,
    histories,
    laws,
    minute_at,
    report,
)

HORIZON_DAYS = 400
SHORT_OR_LONG = histories() | histories(days_back=700)


def contents(table: Table) -> dict[Key, dict[int, int]]:
    """Every increment that is left."""
    found = {}
    for product in table.products:
        for series in SERIES:
            for key in table.keys(series.name, product):
                times, counts = table.cells_of(key).cells()
                if len(times):
                    found[key] = dict(zip(times.tolist(), counts.tolist(), strict=True))
    return found


def contributions(state: State, events: list[Event]) -> Table:
    """Everything that the events and the records they led to add to the series."""
    names = {0: state.key_ids}
    columns, touched, _, _ = columns_of(arrived(events), names, as_it_is, state.calendar, state.definitions)
    counts = Increments(columns.customers.key_ids)
    count_events(counts, columns)
    contribute(counts, [state.records[key] for key in touched], columns.customers, state.definitions, state.scoring)
    table = Table(SERIES)
    table.merge(counts.encode())
    return table


@laws
@given(SHORT_OR_LONG)
def test_folding_does_not_care_how_batches_are_cut_nor_in_what_order_events_come(history: History) -> None:
    one_batch = State(Calendar(history.zone)).take([history.events])
    many = folded(history)
    assert many.remembered() == one_batch.remembered()
    assert contents(many.table) == contents(one_batch.table)
    assert report(many.table, history.newest, history.zone) == report(one_batch.table, history.newest, history.zone)


def test_a_channel_reads_the_same_whether_or_not_it_ever_held_the_first_activity() -> None:
    later, earlier = (
        decoded({"event_id": channel, "type": "click", "user_id": "1", "timestamp": timestamp, "channel": channel})
        for channel, timestamp in (("web", "2026-03-02T00:00:00Z"), ("ios", "2026-03-01T00:00:00Z"))
    )
    calendar, at = Calendar(ZoneInfo("UTC")), datetime(2026, 3, 2, tzinfo=UTC)
    together = State(calendar).take([[later, earlier]])
    apart = State(calendar).take([[later], [earlier]])
    assert report(apart.table, at, calendar.zone) == report(together.table, at, calendar.zone)


@laws
@given(SHORT_OR_LONG, st.integers(1, 5))
def test_adding_up_shards_equals_folding_all_in_one(history: History, shards: int) -> None:
    total = Table(SERIES)
    for shard in range(shards):
        own = [[event for event in batch if int(event.customer_id) % shards == shard] for batch in history.batches()]
        total.merge(State(Calendar(history.zone)).take(own).table.encode())
    alone = folded(history).table
    assert contents(total) == contents(alone)
    assert report(total, history.newest, history.zone) == report(alone, history.newest, history.zone)


@laws
@given(SHORT_OR_LONG, st.integers(2, 4))
def test_folding_shards_together_equals_folding_each_by_itself(history: History, shards: int) -> None:
    calendar = Calendar(history.zone)
    alone, together = ([State(calendar, shard=shard) for shard in range(shards)] for _ in range(2))
    for batch in history.batches():
        own = [[event for event in batch if int(event.customer_id) % shards == shard] for shard in range(shards)]
        alone_found = [state.fold(arrived(events, state.shard)) for state, events in zip(alone, own, strict=True)]
        found = fold_together([state for state in together if own[state.shard]], own)
        assert [timers(alone_found[shard]) for shard in found] == [timers(each) for each in found.values()]
        assert [soon(alone_found[shard]) for shard in found] == [soon(each) for each in found.values()]
    for one, other in zip(alone, together, strict=True):
        assert one.remembered() == other.remembered()
        assert contents(one.table) == contents(other.table)
        assert KeyIds(other.key_ids.pack(0), other.key_ids.keys).numbers.tolist() == other.key_ids.numbers.tolist()


def timers(slices: list[SliceChanges]) -> list[dict[int, list[bytes]]]:
    return [each.schedule.timers for each in slices]


def soon(slices: list[SliceChanges]) -> list[tuple[int, bytes]]:
    return sorted(moment for each in slices for moment in each.schedule.before(FAR_FUTURE))


def fold_together(states: list[State], own: list[list[Event]]) -> dict[int, list[SliceChanges]]:
    """As one pass of a worker over these shards."""
    if not states:
        return {}
    events = intake.together([arrived(own[state.shard], state.shard) for state in states])
    names = {state.shard: state.key_ids for state in states}
    touched = columns_of(events, names, as_it_is, states[0].calendar, states[0].definitions)
    known = [next((state.records[key] for state in states if key in state.records), b"") for key in touched.keys]
    changes = fold(touched.columns, touched.keys, known, None, states[0].scoring, as_of(0, len(known)))
    found = by_shard(touched, changes)
    for state in states:
        state.keep(found[state.shard])
    return found


@laws
@given(SHORT_OR_LONG, st.integers(1, 3))
def test_folding_in_slices_of_some_customers_equals_folding_all_at_once(history: History, most: int) -> None:
    whole, sliced = State(Calendar(history.zone)), State(Calendar(history.zone), most_customers=most)
    for state in (whole, sliced):
        state.take(history.batches())
    assert whole.remembered() == sliced.remembered()
    assert contents(whole.table) == contents(sliced.table)


@laws
@given(SHORT_OR_LONG, st.integers(1, 3), st.integers(1, 5))
def test_a_batch_of_which_some_slices_were_written_is_folded_again_without_their_events(
    history: History, most: int, written: int
) -> None:
    """As after a crash between two commits of a batch: the ids of their events are known."""
    state = State(Calendar(history.zone), most_customers=most)
    for batch in history.batches():
        events = arrived(batch)._replace(ids=np.arange(len(batch), dtype=np.uint64))
        slices = state.changes(events)[:-1][:written]
        state.keep(slices)
        known = [hashes for each in slices for hashes in each.ids.values()]
        state.fold(events.those(~np.isin(events.ids, np.concatenate([np.empty(0, np.uint64), *known]))))
    once = folded(history)
    assert state.remembered() == once.remembered()
    assert contents(state.table) == contents(once.table)


@laws
@given(SHORT_OR_LONG)
def test_a_series_equals_the_sum_of_the_contributions_of_all_records(history: History) -> None:
    state = folded(history)
    assert contents(state.table) == contents(contributions(state, history.events))


@laws
@given(SHORT_OR_LONG)
def test_taking_a_customer_back_leaves_no_trace(history: History) -> None:
    state = folded(history)
    gone = decoded(history.emitted[0]).customer
    theirs = contributions(state, [event for event in history.events if event.customer == gone])
    others = [event for event in history.events if event.customer != gone]
    left = State(Calendar(history.zone)).take([others]).table
    left.merge(theirs.encode())
    assert contents(state.table) == contents(left)


@laws
@given(SHORT_OR_LONG, LATER, LATER)
def test_compaction_changes_no_reading_from_then_on(
    history: History, minutes_before: int, minutes_later: int
) -> None:
    """What comes after the compaction may be as late as the horizon allows. Churn risk is left out: it follows from
    all active days, of which a record forgets those beyond the horizon."""
    calendar, compacted_at = Calendar(history.zone), history.newest - timedelta(minutes=minutes_before)
    minute = minute_at(compacted_at)
    known, late = split_at(minute, history.events)
    whole = State(calendar).take([known])
    compacted = State(calendar, keep_days=HORIZON_DAYS + 60).take([known])
    compacted.table.compact(minute, calendar.day(minute), HORIZON_DAYS)
    if known:
        at = compacted_at + timedelta(minutes=minutes_later)
        assert without_risk(compacted, at) == without_risk(whole, at)
    at = history.newest + timedelta(minutes=minutes_later)
    whole.take([late])
    compacted.take([late])
    assert without_risk(compacted, at) == without_risk(whole, at)


def without_risk(state: State, at: datetime) -> dict[str, Any]:
    only = {metric.name for metric in METRICS} - {metric.name for metric in churn_risk.FAMILY.metrics}
    return report(state.table, at, state.calendar.zone, only)


def split_at(minute: int, events: list[Event]) -> tuple[list[Event], list[Event]]:
    """What comes before a compaction at the minute, and what after it: newer, or late within the horizon."""
    known: list[Event] = []
    late: list[Event] = []
    for number, event in enumerate(events):
        age_minutes = minute - minute_of(event.epoch_ms)
        comes_late = age_minutes < 0 or (number % 2 and age_minutes < HORIZON_DAYS * DAY)
        (late if comes_late else known).append(event)
    return known, late
