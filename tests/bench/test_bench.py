"""The benchmark: its load is what it says, its results can be read, and timing a stage changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from bench.load import BYTES, DAY_MS, Load, around_midnight, in_turn, over_a_month, parcels
from bench.measuring import Measured
from bench.page import page
from bench.results import Machine, Outcome, Run
from bench.scenarios import MAIN, scenarios
from bench.stages import STAGES, Times, found, timed
from schemas import Rejected, decode
from stream.kafka.partition import shard_of

PARTITIONS = 8
NOW_MS = 1_772_323_500_000  # 2026-03-01T00:05:00Z, minutes after a midnight


def sent(load: Load, first_id: int = 0) -> Iterator[tuple[str, int, str, bytes]]:
    """(family, shard, key, value) of every event of the load."""
    for chunk in parcels(load, PARTITIONS, NOW_MS, first_id):
        for parcel in chunk:
            for key, value in zip(parcel.keys, parcel.values, strict=True):
                yield parcel.family, parcel.shard, key.decode(), value


def epoch_ms(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["timestamp"]).timestamp() * 1000


@pytest.mark.parametrize("id_bytes", [16, 36])
def test_every_event_is_accepted_and_goes_to_the_partition_of_its_customer(id_bytes: int) -> None:
    for family, shard, key, value in sent(Load(2_000, 500, id_bytes=id_bytes)):
        assert not isinstance(decode(value, family), Rejected)
        assert json.loads(value)["user_id"] == key
        assert len(key) == id_bytes
        assert shard == shard_of(key, PARTITIONS)
        assert len(value) - (id_bytes - 16) in BYTES


def test_no_two_events_have_the_same_id_not_even_those_of_two_loads() -> None:
    load = Load(1_000, 100)
    ids = [json.loads(value)["event_id"] for first in (0, 1_000) for *_, value in sent(load, first)]
    assert len(set(ids)) == len(ids) == 2_000


def test_however_many_are_made_at_once_every_event_is_made() -> None:
    chunks = list(parcels(Load(1_000, 100), PARTITIONS, NOW_MS, at_once=300))
    assert [sum(len(parcel.values) for parcel in chunk) for chunk in chunks] == [300, 300, 300, 100]


def test_around_midnight_everybody_comes_once_on_either_day() -> None:
    days = defaultdict(list)
    for _, _, customer, value in sent(Load(1_000, 500, in_turn, around_midnight)):
        days[customer].append(epoch_ms(json.loads(value)) // DAY_MS)
    assert len(days) == 500
    assert {tuple(sorted(some)) for some in days.values()} == {(days_of := NOW_MS // DAY_MS - 2, days_of + 1)}


def test_over_a_month_everybody_has_ten_events_one_of_them_in_the_last_day() -> None:
    events, recent = Counter[str](), Counter[str]()
    for _, _, customer, value in sent(Load(1_000, 100, in_turn, over_a_month)):
        age_ms = NOW_MS - epoch_ms(json.loads(value))
        assert 0 <= age_ms <= 30 * DAY_MS
        events[customer] += 1
        recent[customer] += age_ms <= DAY_MS
    assert set(events.values()) == {10}
    assert set(recent.values()) == {1}


def test_the_page_tells_of_every_scenario_and_of_what_is_missing() -> None:
    figures = Measured(events=1_000, seconds=0.5, cpu_seconds=0.4, start_seconds=3.0, peak_bytes=2**28)
    outcomes = {
        name: Outcome(scenario.title, figures, 1_000, 4, 1_000, 0.1, 100, 20_000, 5_000, 8_000, 0, 0.005)
        for name, scenario in scenarios(6_000_000, 1_000_000, large=True).items()
    }
    run = Run(
        date="2026-03-01",
        commit="abc",
        broker="embedded",
        machine=Machine("a processor", 2, 8.0, 0.1, True, {"python": "3.11"}),
        events=1_000,
        customers=100,
        bare=figures,
        scenarios=outcomes,
        peers={"ordinary": figures},
        stages={"decode": 1.5, "fold": 4.5},
        missing={"bytewax": "it ended:\nTraceback …\nKeyError: 'x'"},
    )
    text = page({run.broker: run})
    assert all(outcome.title in text for outcome in outcomes.values())
    assert "| fold | 4.50 | 75% |" in text
    assert "| 5.0 |" in text
    assert "| at least 60,000 events/s | 2,000 | **missed** |" in text
    assert "| at most 200 bytes of Redis a customer | 150 | reached |" in text
    assert "- Not measured: bytewax: it ended: KeyError: 'x'\n" in text


def test_the_main_run_comes_first() -> None:
    assert next(iter(scenarios(6_000_000, 1_000_000, large=False))) == MAIN


@pytest.mark.parametrize("place", [place for stage in STAGES for place in stage.callables])
def test_what_a_stage_times_is_there(place: str) -> None:
    assert callable(getattr(*found(place)))


def test_a_stage_within_another_counts_for_itself_only() -> None:
    times = Times()
    inner = timed(lambda: sum(range(300_000)), "inner", times)
    timed(lambda: (inner(), inner()), "outer", times)()
    assert 0 < times.seconds["outer"] < times.seconds["inner"] / 10


async def test_a_timed_coroutine_returns_raises_and_is_cancelled_as_before() -> None:
    async def answer(question: int) -> int:
        await asyncio.sleep(0)
        if question < 0:
            raise ValueError("no such question")
        if question == 0:
            await asyncio.Event().wait()
        return 42

    times = Times()
    ask = timed(answer, "asking", times)
    assert await ask(1) == 42
    with pytest.raises(ValueError, match="no such question"):
        await ask(-1)
    waiting = asyncio.create_task(ask(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert times.seconds["asking"] > 0
