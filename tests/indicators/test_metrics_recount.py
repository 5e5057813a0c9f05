"""Random histories through the real fold: every indicator reads what an independent recount reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from stream.core.definitions import DAYS_SEEN, Definitions, ScorePart, ScoreParts, Step, WordLists
from stream.indicators.catalogue import METRICS
from tests.histories import DAY, LATER, History, folded, histories, laws, report
from tests.recount import compare, recount

DEFINITIONS = st.builds(
    Definitions,
    first_week_days=st.integers(1, 7),
    csat_7_from=st.sampled_from([5, 6]),
    retention_days=st.just((1, 7, 14, 30))
    | st.sets(st.integers(1, DAYS_SEEN), min_size=1, max_size=5).map(sorted).map(tuple),
    visit_gap_minutes=st.sampled_from([1, 29, 30, 31, 240]),
    segment=st.sampled_from(["segment", "plan", "country"]),
    themes=st.sampled_from([{}, {"price": ["cher", "Expensive"], "speed": ["lent", "tres"]}]).map(WordLists.of),
    sentiments=st.sampled_from([{}, {"positive": ["génial", "merci"], "negative": ["BUG", "lent"]}]).map(
        WordLists.of
    ),
    score=st.sampled_from(
        [
            ScoreParts(),
            ScoreParts(ScorePart(33, 1), ScorePart(7, 3), ScorePart(19, 2), ScorePart(30), ScorePart(11)),
        ]
    ),
    journey=st.sampled_from(
        [
            Definitions().journey,
            (
                Step("impression"),
                Step("interaction", (("action", "play"),)),
                Step("survey_response", (("survey", "nps"),)),
            ),
        ]
    ),
)
COMPLETE_DAYS = {metric.name for metric in METRICS if not metric.rolling}


@laws
@given(
    histories(),
    st.lists(LATER, min_size=1, max_size=3),
    DEFINITIONS,
)
def test_every_indicator_equals_the_recount_at_and_after_the_newest_event(
    history: History, minutes_later: list[int], definitions: Definitions
) -> None:
    state = folded(history, definitions)
    for minutes in minutes_later:
        at = history.newest + timedelta(minutes=minutes)
        recounted = recount(history.emitted, at, history.zone, **asdict(definitions))
        assert compare(report(state.table, at, history.zone, None, definitions), recounted) == []


@laws
@given(histories(), st.lists(st.integers(1, 80 * DAY), min_size=1, max_size=3))
def test_complete_day_indicators_equal_the_recount_before_the_newest_event_too(
    history: History, minutes_earlier: list[int]
) -> None:
    state = folded(history)
    for minutes in minutes_earlier:
        at = history.newest - timedelta(minutes=minutes)
        recounted = recount(history.emitted, at, history.zone)
        expected = {key: value for key, value in recounted.items() if key[0] in COMPLETE_DAYS}
        assert compare(report(state.table, at, history.zone, COMPLETE_DAYS), expected) == []


@laws
@given(histories())
def test_the_recount_leaves_out_repeats_bots_and_tests(history: History) -> None:
    noise = [
        *history.emitted,
        *({**event, "event_id": f"{event['event_id']} by a bot", "bot": True} for event in history.emitted),
        *({**event, "event_id": f"{event['event_id']} in a test", "test": True} for event in history.emitted),
    ]
    assert recount(history.emitted + noise, history.newest, history.zone) == recount(
        history.emitted, history.newest, history.zone
    )
