"""The text of /metrics: what Prometheus's own client writes of the same families, and reads back."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isnan, nan

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, SummaryMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from stream.core.definitions import Definitions
from stream.core.time import Calendar
from stream.exporter.exposition import exposition, number
from stream.exporter.indicators import Indicators
from stream.indicators.reads import View
from stream.query.samples import samples
from tests.histories import History, State, histories, laws, minute_at

NAMES = st.from_regex(r"[a-z]{1,4}(_[a-z]{1,4})?", fullmatch=True)
TEXTS = st.text(max_size=12) | st.text('\\"\n{}=, n', max_size=12)
VALUES = st.floats() | st.integers(-(10**20), 10**20) | st.sampled_from([999_999.0, 1e6, 1e15, 1e16, 1.5e16, 1e-5])
Family = CounterMetricFamily | GaugeMetricFamily | SummaryMetricFamily
FAMILIES: list[type[Family]] = [CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily]


class Given(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def as_the_client_writes(families: list[Metric]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given(families))
    return generate_latest(registry).decode()


@st.composite
def family(draw: st.DrawFn) -> Metric:
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    made = draw(st.sampled_from(FAMILIES))(draw(NAMES), draw(TEXTS), labels=names)
    for _ in range(draw(st.integers(0, 4))):
        values = [draw(TEXTS) for _ in names]
        if isinstance(made, SummaryMetricFamily):
            made.add_metric(values, count_value=draw(st.integers(0, 9)), sum_value=draw(VALUES))
        elif isinstance(made, CounterMetricFamily):
            made.add_metric(values, draw(VALUES), created=draw(st.none() | st.floats(0, 2e9)))
        else:
            made.add_metric(values, draw(VALUES))
    return made


@laws
@given(st.lists(family(), max_size=4))
def test_families_are_written_as_the_client_writes_them(families: list[Metric]) -> None:
    assert exposition(families) == as_the_client_writes(families)


@laws
@given(st.lists(TEXTS, min_size=1, max_size=3), VALUES)
def test_what_is_written_is_read_back(values: list[str], value: float) -> None:
    gauge = GaugeMetricFamily("some_gauge", "Help.", labels=[f"label_{n}" for n in range(len(values))])
    gauge.add_metric(values, value)
    ((sample,),) = [read.samples for read in text_string_to_metric_families(exposition([gauge]))]
    assert list(sample.labels.values()) == values
    assert sample.value == float(value) or (isnan(sample.value) and isnan(value))


@settings(max_examples=500, derandomize=True, database=None)
@given(VALUES)
@example(nan)
@example(inf)
@example(-inf)
@example(-0.0)
def test_a_number_keeps_its_value(value: float) -> None:
    assert float(number(value)) == float(value) or isnan(value)


def test_histograms_and_infos_are_written_as_the_client_writes_them() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("some_seconds", "How long.", registry=registry, buckets=(0.1, 1, 60))
    for seconds in (0.05, 0.5, 100):
        histogram.observe(seconds)
    families = [*registry.collect(), InfoMetricFamily("some_build", 'A "program".', value={"version": "1"})]
    assert exposition(families) == as_the_client_writes(families)


# The indicators


def views(state: State, minute: int) -> list[View]:
    today = state.calendar.day(minute)
    return [View(state.table, product, minute, today) for product in state.table.products]


def written(state: State, minute: int) -> str:
    """Every sample, through the client."""
    families: dict[str, GaugeMetricFamily] = {}
    for sample in samples(state.table, minute, state.calendar, Definitions()):
        gauge = GaugeMetricFamily(sample.metric.name, sample.metric.help, labels=list(sample.labels))
        gauge = families.setdefault(sample.metric.name, gauge)
        if sample.value is not None:
            gauge.add_metric(list(sample.labels.values()), sample.value)
    return as_the_client_writes(list(families.values()))


@laws
@given(histories(), st.lists(st.sampled_from([0, 0, 1, 60, 1440]), min_size=1, max_size=3))
def test_what_was_kept_of_the_refresh_before_is_what_would_be_read_now(history: History, later: list[int]) -> None:
    state, indicators = State(Calendar(history.zone)), Indicators()
    minute = minute_at(history.newest)
    for batch in history.batches():
        state.take([batch])
        for minutes in later:
            at = minute + minutes
            assert "".join(indicators.lines(views(state, at))) == written(state, at)
    state.table.compact(minute, state.calendar.day(minute), 400)
    state.table.release(lambda _: False, lambda *_: False)
    assert "".join(indicators.lines(views(state, minute))) == written(state, minute)
