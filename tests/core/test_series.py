"""Series: sums over time that add up however they are packed, split and compacted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.series import Kept, Key, Kind, Series, Table
from stream.core.time import DAY, HOUR, floor_hour
from tests.increments import Increment, packed

laws = settings(derandomize=True, database=None, deadline=None, max_examples=150)

CENSUS = Series("census", Kind.CENSUS, "minute", ("channel",))
FLOW = Series("flow", Kind.FLOW, "minute")
DAY_FLOW = Series("day_flow", Kind.FLOW, "day")
DAY_STOCK = Series("day_stock", Kind.STOCK, "day")
ALL = (CENSUS, FLOW, DAY_FLOW, DAY_STOCK)
KEYS = (
    CENSUS.key("app", "web"),
    CENSUS.key("app", "ios"),
    FLOW.key("app"),
    DAY_FLOW.key("app"),
    DAY_STOCK.key("shop"),
)

TIMES = st.one_of(st.integers(-5, 5), st.integers(0, 100_000))
INCREMENTS = st.lists(st.tuples(st.sampled_from(KEYS), TIMES, st.integers(-3, 3)), max_size=40)


def table_of(*batches: Iterable[Increment]) -> Table:
    table = Table(ALL)
    for batch in batches:
        table.merge(packed(batch))
    return table


def sums(table: Table) -> dict[Key, dict[int, int]]:
    """Every increment that is left."""
    found = {}
    for key in KEYS:
        if cells := table.get(key):
            times, counts = cells.cells()
            found[key] = dict(zip(times.tolist(), counts.tolist(), strict=True))
    return {key: cells for key, cells in found.items() if cells}


@laws
@given(INCREMENTS, st.sampled_from(KEYS), st.none() | TIMES, TIMES)
def test_a_total_is_the_sum_of_the_increments_after_one_time_until_another(
    increments: list[Increment], key: Key, after: int | None, until: int
) -> None:
    cells = table_of(increments).cells_of(key)
    expected = sum(
        count for each, time, count in increments if each == key and time <= until and (after is None or time > after)
    )
    assert cells.total(after, until) == (expected if after is None or after < until else 0)


@laws
@given(INCREMENTS, INCREMENTS)
def test_batches_merged_in_either_order_or_as_one_are_the_same(one: list[Increment], other: list[Increment]) -> None:
    assert sums(table_of(one, other)) == sums(table_of(other, one)) == sums(table_of(one + other))


@laws
@given(INCREMENTS, INCREMENTS)
def test_merging_between_two_readings_is_seen_by_the_second(one: list[Increment], other: list[Increment]) -> None:
    table = table_of(one)
    for key in KEYS:
        table.cells_of(key).total(None, 0)
    table.merge(packed(other))
    assert sums(table) == sums(table_of(one + other))


def test_a_total_stays_the_sum_while_a_key_grows_little_by_little_in_any_order() -> None:
    key, chance, table = FLOW.key("app"), random.Random(1), Table(ALL)
    counts: Counter[int] = Counter()
    for _ in range(300):
        batch = [(key, chance.randrange(500), chance.choice((-1, 1, 2))) for _ in range(chance.randrange(1, 20))]
        table.merge(packed(batch))
        for _, time, count in batch:
            counts[time] += count
        after, until = sorted(chance.choices(range(-1, 501), k=2))
        expected = sum(count for time, count in counts.items() if after < time <= until)
        assert table.cells_of(key).total(after, until) == expected
    assert sums(table) == {key: {time: count for time, count in sorted(counts.items()) if count}}


@laws
@given(st.lists(INCREMENTS, max_size=4), st.sampled_from(["web", "ios", None]))
def test_the_keys_with_a_label_value_are_those_that_were_seen_so_far(
    batches: list[list[Increment]], channel: str | None
) -> None:
    table, seen = Table(ALL), []
    for batch in batches:
        table.merge(packed(batch))
        seen += [key for key in table.keys(CENSUS.name, "app") if key not in seen]
        expected = [key for key in seen if channel in (None, key[2])]
        assert list(table.keys_with(CENSUS.name, "app", (channel,))) == expected


@laws
@given(INCREMENTS, INCREMENTS)
def test_the_version_grows_when_a_series_of_the_product_does(one: list[Increment], other: list[Increment]) -> None:
    table = table_of(one)
    before = {key: table.version(key[0], key[1]) for key in KEYS}
    readings_before = sums(table)
    table.merge(packed(other))
    for key in KEYS:
        if table.version(key[0], key[1]) == before[key]:
            assert sums(table).get(key) == readings_before.get(key)


@laws
@given(INCREMENTS, INCREMENTS)
def test_a_table_is_read_back_as_it_was_stored(one: list[Increment], other: list[Increment]) -> None:
    table, read = table_of(one, other), Table(ALL)
    read.merge(table.encode())
    assert sums(read) == sums(table)
    assert read.products == table.products
    for series in ALL:
        for product in table.products:
            assert read.keys(series.name, product) == table.keys(series.name, product)
    assert read.encode() == table.encode()


def test_what_cancels_out_within_a_batch_is_not_sent() -> None:
    key = FLOW.key("app")
    assert packed([(key, 1, 2), (key, 1, -2)]) == packed([])


def test_a_key_that_holds_nothing_any_more_is_still_known_after_storage() -> None:
    key = CENSUS.key("app", "web")
    table, read = table_of([(key, 1, 1)], [(key, 1, -1)]), Table(ALL)
    read.merge(table.encode())
    assert read.keys(CENSUS.name, "app") == [key]
    assert read.cells_of(key).total(None, 10) == 0


NEWEST = 29_600_000 + 17
TODAY = 739_700
MINUTES = st.integers(NEWEST - 33 * DAY, NEWEST)
DAYS = st.integers(TODAY - 900, TODAY + 60)
KEPT = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(KEYS[:3]), MINUTES, st.integers(-2, 3)),
        st.tuples(st.just(KEYS[3]), DAYS.map(lambda day: min(day, TODAY)), st.integers(-2, 3)),
        st.tuples(st.just(KEYS[4]), DAYS, st.integers(-2, 3)),
    ),
    max_size=40,
)


def readings(table: Table, minute: int, today: int) -> list[int]:
    """All that an indicator may ask for at the minute: exact and hourly windows, day spans and stocks."""
    census, _, flow, day_flow, day_stock = (table.cells_of(key) for key in KEYS)
    exact = [census.total(minute - days * DAY, minute) for days in (1, 7, 30)]
    hourly = [flow.total(floor_hour(minute - days * DAY), minute) for days in (7, 30)]
    spans = [day_flow.total(today - first, today) for first in (1, 30, 60, 399)]
    stocks = [day_stock.total(None, today - days) for days in (0, 1, 31, 399)]
    return [*exact, flow.total(minute - DAY, minute), *hourly, *spans, *stocks]


@laws
@given(KEPT, st.integers(0, 40 * DAY))
def test_compaction_changes_no_reading_at_that_minute_or_later(
    increments: list[Increment], minutes_later: int
) -> None:
    whole, compacted = table_of(increments), table_of(increments)
    compacted.compact(NEWEST, TODAY, 400)
    for minutes in (0, minutes_later):
        minute, today = NEWEST + minutes, TODAY + minutes // DAY
        assert readings(compacted, minute, today) == readings(whole, minute, today)


@laws
@given(KEPT, st.integers(0, 40 * DAY))
def test_all_there_ever_was_of_a_lasting_flow_survives_compaction(
    increments: list[Increment], minutes_later: int
) -> None:
    lasting = replace(FLOW, lasting=True)
    whole, compacted = Table([lasting]), Table([lasting])
    for table in (whole, compacted):
        table.merge(packed([each for each in increments if each[0] == FLOW.key("app")]))
    compacted.compact(NEWEST, TODAY, 400)
    minute = NEWEST + minutes_later
    for after in (None, minute - DAY, floor_hour(minute - 7 * DAY), floor_hour(minute - 30 * DAY)):
        one, other = (table.cells_of(FLOW.key("app")).total(after, minute) for table in (whole, compacted))
        assert one == other


def test_compaction_keeps_every_window_over_a_busy_month_exact() -> None:
    busy = [(key, NEWEST - minutes, 1 + minutes % 7) for key in KEYS[:3] for minutes in range(33 * DAY)]
    whole, compacted = table_of(busy), table_of(busy)
    compacted.compact(NEWEST, TODAY, 400)
    for minute in (*range(NEWEST, NEWEST + 2 * HOUR), NEWEST + DAY, NEWEST + 7 * DAY, NEWEST + 30 * DAY):
        assert readings(compacted, minute, TODAY) == readings(whole, minute, TODAY)


@laws
@given(KEPT)
def test_compacting_again_changes_nothing(increments: list[Increment]) -> None:
    once, twice = table_of(increments), table_of(increments)
    for table in (once, twice, twice):
        table.compact(NEWEST, TODAY, 400)
    assert twice.encode() == once.encode()


@pytest.mark.parametrize("key", KEYS[:3], ids=lambda key: key[0])
def test_compaction_bounds_what_a_series_of_minutes_holds(key: Key) -> None:
    table = table_of([(key, NEWEST - minutes, 1) for minutes in range(40 * DAY)])
    table.compact(NEWEST, TODAY, 400)
    times, _ = table.cells_of(key).cells()
    assert len(times) <= (31 * DAY if key[0] == CENSUS.name else 25 * HOUR + 31 * 24)


@pytest.mark.parametrize("key", KEYS[3:], ids=lambda key: key[0])
def test_compaction_bounds_what_a_series_of_days_holds_unless_all_is_kept(key: Key) -> None:
    table = table_of([(key, TODAY - days, 1) for days in range(900)])
    table.compact(NEWEST, TODAY, None)
    assert len(table.cells_of(key).cells()[0]) == 900
    table.compact(NEWEST, TODAY, 400)
    assert len(table.cells_of(key).cells()[0]) == 401


MINUTE_SERIES = (CENSUS, FLOW, Series("stock", Kind.STOCK, "minute"))


@laws
@given(
    st.sampled_from([*MINUTE_SERIES, DAY_FLOW, DAY_STOCK]),
    st.lists(st.tuples(st.integers(0, 40 * DAY), st.integers(-3, 3)), max_size=30),
    st.integers(0, 40 * DAY),
    st.integers(0, 40 * DAY),
    st.booleans(),
)
def test_sums_between_times_that_are_kept_and_told_apart_are_those_of_before_a_compaction(
    series: Series, increments: list[tuple[int, int]], after: int, until: int, on_the_hour: bool
) -> None:
    newest, today, keep_days = 38 * DAY + 17, 30_000, 20_000
    if on_the_hour:
        after, until = floor_hour(after), floor_hour(until)
    key = series.key("app", *("web" for _ in series.labels))
    tables = [Table([series]) for _ in range(2)]
    for table in tables:
        table.merge(packed((key, time, count) for time, count in increments))
    tables[1].compact(newest, today, keep_days)
    kept, begin = Kept(newest, today, keep_days), None if series.kind is Kind.STOCK else after
    bounds = [until] if begin is None else [begin, until]
    if all(kept.reaches(series, bound) and kept.separates(series, bound) for bound in bounds):
        before, now = (table.cells_of(key).total(begin, until) for table in tables)
        assert now == before
