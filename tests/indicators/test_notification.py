"""Notification state: levels that are left later than entered, notified when they change and at no other moment."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.time import FAR_FUTURE, FAR_PAST, HOUR_MS
from stream.indicators.churn.notification import Evaluation, Heard, NotificationState, evaluate, scheduled
from stream.indicators.churn.trajectory import Inputs, trajectory
from tests.histories import laws
from tests.trajectories import ENTER, LEAVE, MINUTE_MS, WEIGHTS, after, inputs, log_odds_at

STEP_MS = 10 * MINUTE_MS
STEPS = 12 * 24 * 6
WATCHES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 600_000)), min_size=1, max_size=9)


def alone(of: Inputs, row: int) -> Inputs:
    return of.those(np.array([row]))


def evaluation(of: Inputs, notified: int, now_ms: int) -> Evaluation:
    """Of a single customer."""
    heard = Heard(of.begin, np.full(1, FAR_PAST))
    return evaluate(of, trajectory(of, WEIGHTS), heard, np.array([notified]), now_ms)


def changes(of: Inputs, until_ms: int) -> list[tuple[int, int]]:
    """(moment, level) of each change: by looking at the customer only when that is due."""
    now_ms, notified, found = int(of.last[0]), 0, []
    while now_ms < min(until_ms, int(of.until[0])):
        answer = evaluation(of, notified, now_ms)
        if answer.level[0] != notified:
            notified = int(answer.level[0])
            found.append((now_ms, notified))
        assert answer.due[0] > now_ms
        now_ms = int(answer.due[0])
    return found


@laws
@given(inputs())
def test_looking_when_due_finds_every_change_that_looking_all_the_time_finds(several: Inputs) -> None:
    for row in range(len(several.last)):
        of = alone(several, row)
        start = int(of.last[0])
        end = min(start + STEPS * STEP_MS, int(of.until[0]))
        found = changes(of, end)
        notified, place = 0, 0
        for now_ms in range(start, end, STEP_MS):
            notified = after(notified, log_odds_at(of, 0, now_ms))
            while place < len(found) and found[place][0] <= now_ms:
                place += 1
            said = found[place - 1][1] if place else 0
            if said != notified:  # a change within the step before, or one that came and went within it
                recent = [level for moment, level in found if now_ms - STEP_MS < moment <= now_ms]
                assert recent or near(of, now_ms), (now_ms, said, notified)
                notified = said


def near(of: Inputs, now_ms: int) -> bool:
    """Within a second of a threshold, where rounding decides."""
    around = [log_odds_at(of, 0, now_ms + shift) for shift in (-1000, 0, 1000)]
    return any(min(around) - 1e-9 <= edge <= max(around) + 1e-9 for edge in (*ENTER, *LEAVE))


@laws
@given(inputs(), st.integers(0, 60 * 24 * 60), st.integers(0, 2))
def test_the_moment_since_when_lies_between_the_last_activity_and_now(
    of: Inputs, minutes: int, notified: int
) -> None:
    for row in range(len(of.last)):
        now_ms = int(of.last[row]) + minutes * MINUTE_MS
        answer = evaluation(alone(of, row), notified, now_ms)
        if answer.counts[0]:
            assert of.last[row] <= answer.since[0] <= now_ms


@given(WATCHES)
def test_a_watch_survives_being_stored(watches: list[tuple[int, int]]) -> None:
    level, hour = np.array(watches, np.int64).T
    again = NotificationState.unpack(NotificationState(level, hour).pack())
    assert (again.level.tolist(), again.hour.tolist()) == (level.tolist(), hour.tolist())


def test_who_stands_under_an_earlier_hour_stays_there_until_it_is_that_hour() -> None:
    due = np.array([100 * HOUR_MS + 1, 100 * HOUR_MS, FAR_FUTURE, 7 * HOUR_MS])
    before = NotificationState(np.zeros(4, np.int64), np.array([40, 0, 40, 40]))
    rescheduled, moved = scheduled(before, due, now_ms=6 * HOUR_MS)
    assert (rescheduled.hour.tolist(), moved.tolist()) == ([40, 100, 40, 7], [False, True, False, True])
    rescheduled, moved = scheduled(before, due, now_ms=40 * HOUR_MS)
    assert (rescheduled.hour.tolist(), moved.tolist()) == ([100, 100, 0, 7], [True, True, False, True])
