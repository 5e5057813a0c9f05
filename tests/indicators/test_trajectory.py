"""The course of the risk, in closed form, against direct evaluation at full hours."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stream.indicators.churn.levels import LEVELS, REASONS
from stream.indicators.churn.trajectory import BEFORE_ALL, Inputs, adding, intervals, trajectory
from tests.histories import laws
from tests.trajectories import HOUR_MS, NOON_MS, WEIGHTS, added, inputs, log_odds_at, odds, reason_at

HOURS = st.lists(st.integers(-3, 100 * 24), min_size=1, max_size=8)


def level_at(of: Inputs, row: int, moment: int) -> str:
    return LEVELS[sum(log_odds_at(of, row, moment) >= odds(risk) for risk in (0.4, 0.7))]


def near_an_edge(of: Inputs, row: int, moment: int) -> bool:
    """Within a second of a change, where rounding decides."""
    return (
        len({level_at(of, row, moment + shift) + reason_at(of, row, moment + shift) for shift in (-1000, 0, 1000)})
        > 1
    )


@laws
@given(inputs(), HOURS)
def test_spans_say_level_and_reason_as_of_the_last_full_hour(of: Inputs, hours: list[int]) -> None:
    found = intervals(of, trajectory(of, WEIGHTS))
    for row in range(len(of.last)):
        for hour in {NOON_MS // HOUR_MS + each for each in hours}:
            moment = max(hour * HOUR_MS, int(of.last[row]))
            here = (found.row == row) & (found.start <= hour) & (hour < found.end)
            if moment >= of.until[row]:
                assert not here.any()
            elif not near_an_edge(of, row, moment) or moment == of.last[row]:
                assert here.sum() == 1
                (place,) = here.nonzero()[0]
                assert LEVELS[found.level[place]] == level_at(of, row, moment)
                assert REASONS[found.reason[place]] == reason_at(of, row, moment)


@laws
@given(inputs())
def test_the_spans_of_a_customer_follow_one_another_from_the_beginning_until_it_counts_no_more(of: Inputs) -> None:
    found = intervals(of, trajectory(of, WEIGHTS))
    for row in range(len(of.last)):
        own = sorted(
            (start, end) for at, start, end in zip(found.row, found.start, found.end, strict=True) if at == row
        )
        assert own[0][0] == BEFORE_ALL
        assert all(before[1] == after[0] for before, after in pairwise(own))
        assert own[-1][1] == -(-int(of.until[row]) // HOUR_MS)


@laws
@given(inputs(), st.integers(0, 60 * 24))
def test_what_each_reason_adds_is_what_the_formula_says(of: Inputs, minutes: int) -> None:
    moment = of.last + minutes * 60_000
    for row, parts in enumerate(adding(of, WEIGHTS, moment)):
        expected = added(of, row, int(moment[row]))
        assert parts.tolist() == [expected.get(reason, 0.0) for reason in REASONS]
