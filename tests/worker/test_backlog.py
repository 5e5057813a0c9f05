"""Backlog: since when records wait, whatever they say of themselves."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from stream.worker.backlog import MOST_SAMPLES, Backlog

LOG = "clicks"


def test_nothing_waits_where_everything_is_committed() -> None:
    backlog = Backlog[str](before=0)
    backlog.note(10, {LOG: 5})
    assert backlog.since({LOG: 5}) is None
    assert backlog.has_caught_up({LOG: 5})


def test_what_came_between_two_looks_waits_since_the_first_of_them() -> None:
    backlog = Backlog[str](before=0)
    for second in range(10, 20):
        backlog.note(second, {LOG: 5})
    backlog.note(20, {LOG: 6})
    assert backlog.since({LOG: 5}) == 19


def test_what_waited_before_the_first_look_waits_since_the_last_sign_of_whoever_read_before() -> None:
    backlog = Backlog[str](before=3)
    backlog.note(10, {LOG: 5})
    assert backlog.since({LOG: 4}) == 3
    assert not backlog.has_caught_up({LOG: 4})
    backlog.note(11, {LOG: 6})
    assert backlog.since({LOG: 5}) == 10
    assert backlog.has_caught_up({LOG: 5})


def test_the_worst_log_is_what_counts() -> None:
    backlog = Backlog[str](before=0)
    backlog.note(1, {"a": 1, "b": 1})
    backlog.note(2, {"a": 2, "b": 1})
    backlog.note(3, {"a": 2, "b": 2})
    assert backlog.since({"a": 1, "b": 1}) == 1
    assert backlog.since({"a": 2, "b": 1}) == 2


@given(
    arrivals=st.lists(st.integers(0, 400), max_size=60).map(sorted),
    looks=st.sets(st.integers(0, 400), min_size=1, max_size=MOST_SAMPLES).map(sorted),
    committed=st.data(),
)
def test_it_is_never_later_than_the_oldest_waiting_record_and_earlier_by_one_sample_at_most(
    arrivals: list[int], looks: list[int], committed: st.DataObject
) -> None:
    backlog, position = Backlog[str](before=-1), 0
    moments = [-1]
    for now in looks:
        end = bisect_left(arrivals, now)  # what came before this moment
        backlog.note(now, {LOG: end})
        moments.append(now)
        position = committed.draw(st.integers(position, end))
        since = backlog.since({LOG: position})
        if position == end:
            assert since is None
        else:
            came = arrivals[position]
            assert since == max(moment for moment in moments if moment <= came)


@given(st.lists(st.integers(0, 3), max_size=500))
def test_a_long_backlog_takes_little_memory_and_is_never_told_too_young(added: list[int]) -> None:
    backlog, end = Backlog[str](before=0), 0
    came: dict[int, int] = {}
    for now, more in enumerate(added, start=1):
        came.update(dict.fromkeys(range(end, end + more), now - 1))
        end += more
        backlog.note(now, {LOG: end})
        assert len(backlog._samples[LOG]) <= MOST_SAMPLES
    for position in range(end):
        since = backlog.since({LOG: position})
        assert since is not None
        assert since <= came[position]
