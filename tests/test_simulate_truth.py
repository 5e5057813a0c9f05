"""The ledger: what customers truly did says the same as a recount of what arrived, and as the fold of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Event, decode
from stream.core.definitions import Definitions
from stream.core.time import Calendar
from stream.metrics import METRICS
from stream.simulate import Way, World
from stream.worker.fold import counted
from tests.histories import State, arrived, report
from tests.recount import Sample, Value, compare, recount
from tests.test_imports import imports_of, modules_of
from tests.test_simulate import NOW, ticking

PARIS = ZoneInfo("Europe/Paris")
DEFAULTS = Definitions()
LATER = (timedelta(0), timedelta(minutes=45), timedelta(days=3, hours=5, minutes=7), timedelta(days=29))


class Course:
    """A past and live traffic, and the valid messages that came of it, in the order of their arrival."""

    def __init__(self, seed: int, live_events: int, tick_ms: int) -> None:
        world, way = World(seed, 120, NOW), Way(seed)
        self.ledger = world.ledger
        told = [*world.past(), *islice(world.live(ticking(tick_ms)), live_events)]
        messages = [*(message for each in told for message in way.carry(each)), *way.arrived()]
        arrived = [(message, decode(message.value, message.family)) for message in messages]
        self.valid = [event for _, event in arrived if isinstance(event, Event)]
        self.emitted = [json.loads(message.value) for message, event in arrived if isinstance(event, Event)]
        self.newest = datetime.fromtimestamp(told[-1].at_ms / 1000, UTC)


COURSE = Course(seed=1, live_events=3000, tick_ms=137)


def as_report(truth: dict[Sample, Value]) -> dict[str, Any]:
    return {
        "metrics": [{"name": name, "labels": dict(labels), "value": value} for (name, labels), value in truth.items()]
    }


@pytest.mark.parametrize("later", LATER, ids=str)
@pytest.mark.parametrize("zone", [ZoneInfo("UTC"), PARIS], ids=str)
def test_the_truth_equals_the_recount_of_what_arrived(zone: ZoneInfo, later: timedelta) -> None:
    at = COURSE.newest + later

    assert compare(as_report(COURSE.ledger.truth(at, zone, DEFAULTS)), recount(COURSE.emitted, at, zone)) == []


@pytest.mark.parametrize(("seed", "tick_ms"), [(2, 1), (3, 11_000), (4, 240_000)])
def test_however_fast_live_traffic_is_the_truth_equals_the_recount(seed: int, tick_ms: int) -> None:
    """From a thousand events a second to one in four minutes, when visitors wait until they have left."""
    course = Course(seed, live_events=2000, tick_ms=tick_ms)
    at = course.newest + timedelta(hours=1)

    assert compare(as_report(course.ledger.truth(at, PARIS, DEFAULTS)), recount(course.emitted, at, PARIS)) == []


def test_settings_that_shape_definitions_shape_the_truth_too() -> None:
    others = Definitions(2, 6, retention_days=(2, 20), visit_gap_minutes=5, segment="country")
    truth = COURSE.ledger.truth(COURSE.newest, PARIS, others)

    assert compare(as_report(truth), recount(COURSE.emitted, COURSE.newest, PARIS, **asdict(others))) == []
    assert truth != COURSE.ledger.truth(COURSE.newest, PARIS, DEFAULTS)


def test_what_arrived_folded_says_the_truth() -> None:
    first_of_each = {(event.customer, event.event_id): event for event in reversed(COURSE.valid)}.values()
    state = State(Calendar(PARIS)).take([counted(arrived(list(first_of_each)), {0: Counter()}).events])

    for later in LATER:
        at = COURSE.newest + later
        assert compare(report(state.table, at, PARIS), COURSE.ledger.truth(at, PARIS, DEFAULTS)) == []


def test_no_indicator_is_without_a_value() -> None:
    with_value = {name for (name, _), value in COURSE.ledger.truth(COURSE.newest, PARIS, DEFAULTS).items() if value}

    assert with_value == {metric.name for metric in METRICS}


def test_the_ledger_knows_what_has_happened_so_far_and_no_more() -> None:
    world = World(1, 120, NOW)
    events = [told.event for told in islice(world.past(), 1000)]
    at = datetime.fromisoformat(events[-1]["timestamp"])

    assert compare(as_report(world.ledger.truth(at, PARIS, DEFAULTS)), recount(events, at, PARIS)) == []


@pytest.mark.parametrize("module", modules_of("stream.simulate"))
def test_the_simulator_imports_nothing_of_what_it_checks(module: str) -> None:
    checked = ("stream.core", "stream.metrics", "stream.worker", "stream.store", "stream.exporter")

    assert [name for name in imports_of(module) if name.startswith(checked)] == []
