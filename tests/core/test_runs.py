"""Runs against joining spans one by one, whatever their times."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core import runs
from stream.core.runs import MOST_PAGES, Runs, merged

laws = settings(derandomize=True, database=None, deadline=None, max_examples=200)

GAP_MS = 1_000
Span = tuple[int, int, int, int, int, int, int]
"""Row, channel, begin, end, views, summed pages, converted."""

CENTURIES_MS = 9_000 * 365 * 86_400_000


def spans(times: st.SearchStrategy[int]) -> st.SearchStrategy[list[Span]]:
    lengths = st.sampled_from([0, 0, 1, GAP_MS, 5 * GAP_MS])
    span = st.tuples(
        st.integers(0, 2), st.integers(0, 1), times, lengths, st.integers(0, 2), st.integers(0, 3), st.integers(0, 1)
    )
    return st.lists(span.map(lambda each: (*each[:3], each[2] + each[3], *each[4:])), max_size=30)


NEAR = st.integers(-20, 20).map(lambda step: step * GAP_MS // 2) | st.integers(-20_000, 20_000)
FAR = NEAR | NEAR.map(lambda ms: ms + CENTURIES_MS)


def runs_of(some: list[Span]) -> Runs:
    return Runs(*np.array(some, np.int64).reshape(-1, 7).T)


def listed(runs: Runs) -> list[Span]:
    return list(zip(*(column.tolist() for column in runs.columns), strict=True))


def joined_one_by_one(some: list[Span]) -> list[Span]:
    """The maximal runs, by definition: join any two that touch until none do."""
    left = list(some)
    while True:
        pair = next((pair for pair in combinations(left, 2) if touch(*pair)), None)
        if pair is None:
            return sorted(left)
        for each in pair:
            left.remove(each)
        row, channel, *_ = pair[0]
        _, _, starts, ends, views, summed, converted = zip(*pair, strict=True)
        left.append((row, channel, min(starts), max(ends), sum(views), sum(summed), max(converted)))


def touch(one: Span, other: Span) -> bool:
    return one[:2] == other[:2] and one[2] <= other[3] + GAP_MS and other[2] <= one[3] + GAP_MS


def nothing() -> Runs:
    return runs_of([])


@pytest.mark.parametrize("largest_key", [runs._LARGEST_KEY, 1], ids=["times as they are", "times moved together"])
@pytest.mark.parametrize("times", [NEAR, FAR], ids=["near", "centuries apart"])
def test_merged_runs_are_maximal_and_say_what_changed(
    times: st.SearchStrategy[int], largest_key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_LARGEST_KEY", largest_key)

    @laws
    @given(spans(times), spans(times))
    def holds(some: list[Span], more: list[Span]) -> None:
        known, _, _ = merged(nothing(), runs_of(some), GAP_MS)
        found, fresh, gone = merged(known, runs_of(more), GAP_MS)
        assert listed(known) == joined_one_by_one(some)
        assert listed(found) == joined_one_by_one(some + more)
        change = Counter(listed(found[fresh]))
        change.subtract(listed(gone))
        expected = Counter(listed(found))
        expected.subtract(listed(known))
        assert {run: count for run, count in change.items() if count} == {
            run: count for run, count in expected.items() if count
        }

    holds()


@laws
@given(spans(FAR))
def test_runs_are_read_back_as_they_were_stored(some: list[Span]) -> None:
    found, _, _ = merged(nothing(), runs_of(some), GAP_MS)
    assert listed(Runs.unpack(found.pack(3))) == listed(found)


def test_pages_beyond_all_reason_are_one_large_number() -> None:
    views = [(0, 0, ms, ms, MOST_PAGES, MOST_PAGES, 0) for ms in range(3)]
    found, _, _ = merged(nothing(), runs_of(views), GAP_MS)
    assert listed(found) == [(0, 0, 0, 2, MOST_PAGES, MOST_PAGES, 0)]
    assert listed(Runs.unpack(found.pack(1))) == listed(found)
