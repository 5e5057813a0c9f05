"""What simulated customers did, delivered unreliably and folded, reads as a recount of what they did."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from schemas import Event, decode
from stream.core.definitions import Definitions
from stream.core.time import Calendar
from stream.demo.simulate import UnreliableDelivery, World
from stream.indicators.catalogue import METRICS
from stream.worker.fold import counted
from tests.histories import State, arrived, report
from tests.recount import compare, recount
from tests.simulated import NOW, ticking

UTC_ZONE, PARIS = ZoneInfo("UTC"), ZoneInfo("Europe/Paris")
LATER = (timedelta(0), timedelta(minutes=45), timedelta(days=3, hours=5, minutes=7), timedelta(days=29))


class Course:
    """A past and live traffic: `happened` in the order of time, `delivered` what of it was valid, as it arrived."""

    def __init__(self, seed: int, live_events: int, tick_ms: int) -> None:
        world, delivery = World(seed, 120, NOW), UnreliableDelivery(seed)
        timed = [*world.past(), *islice(world.live(ticking(tick_ms)), live_events)]
        messages = [*(message for each in timed for message in delivery.send(each)), *delivery.arrived()]
        outcomes = [(message, decode(message.value, message.family)) for message in messages]
        self.happened = [each.event for each in timed]
        self.delivered = [(message, event) for message, event in outcomes if isinstance(event, Event)]
        self.newest = datetime.fromtimestamp(timed[-1].at_ms / 1000, UTC)

    def folded(self, zone: ZoneInfo, definitions: Definitions = Definitions()) -> State:  # noqa: B008 — frozen
        """Everything delivered, without repeats."""
        first_of_each = {(event.customer, event.event_id): event for _, event in reversed(self.delivered)}
        kept, _ = counted(arrived(list(first_of_each.values())), {0: Counter()})
        return State(Calendar(zone), definitions=definitions).take([kept.events])


COURSE = Course(seed=1, live_events=3000, tick_ms=137)


@pytest.mark.parametrize("zone", [UTC_ZONE, PARIS], ids=str)
def test_what_is_delivered_and_folded_reads_as_what_happened(zone: ZoneInfo) -> None:
    table = COURSE.folded(zone).table

    for later in LATER:
        at = COURSE.newest + later
        assert compare(report(table, at, zone), recount(COURSE.happened, at, zone)) == [], later


@pytest.mark.parametrize(("seed", "tick_ms"), [(2, 1), (3, 11_000), (4, 240_000)])
def test_however_fast_live_traffic_is_it_reads_as_what_happened(seed: int, tick_ms: int) -> None:
    """From a thousand events a second to one in four minutes, when visitors wait until they have left."""
    course = Course(seed, live_events=2000, tick_ms=tick_ms)
    at = course.newest + timedelta(hours=1)

    assert compare(report(course.folded(PARIS).table, at, PARIS), recount(course.happened, at, PARIS)) == []


def test_settings_that_shape_definitions_shape_what_is_read() -> None:
    definitions = Definitions(2, 6, retention_days=(2, 20), visit_gap_minutes=5, segment="country")
    at, table = COURSE.newest, COURSE.folded(PARIS, definitions).table
    recounted = recount(COURSE.happened, at, PARIS, **asdict(definitions))

    assert recounted != recount(COURSE.happened, at, PARIS)
    assert compare(report(table, at, PARIS, None, definitions), recounted) == []


def test_the_recount_of_all_that_was_delivered_is_that_of_what_happened() -> None:
    """Repeats, bots, tests and whatever order change no number there, either."""
    delivered = [json.loads(message.value) for message, _ in COURSE.delivered]

    assert len(delivered) > len(COURSE.happened)
    assert recount(delivered, COURSE.newest, PARIS) == recount(COURSE.happened, COURSE.newest, PARIS)


def test_no_indicator_is_without_a_value() -> None:
    with_value = {name for (name, _), value in recount(COURSE.happened, COURSE.newest, PARIS).items() if value}

    assert with_value == {metric.name for metric in METRICS}
