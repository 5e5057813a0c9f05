"""By segment: a customer's segment holds of all that it ever did, and who was never identified is in no split."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given

from stream.core.time import Calendar
from stream.indicators.catalogue import SERIES
from stream.indicators.families.score import OF_SEGMENTS
from stream.indicators.state.segments import SEGMENT
from tests.histories import History, State, decoded, histories, laws
from tests.indicators.test_metrics_laws import SHORT_OR_LONG, contents

SPLITS = {split.name for series in SERIES for split in series.splits if SEGMENT in split.labels} | {OF_SEGMENTS.name}


def segments(state: State) -> set[str]:
    """Under which anything stands."""
    return {key[-1] for key in contents(state.table) if key[0] in SPLITS}


@laws
@given(histories())
def test_who_was_never_identified_is_in_no_segment(history: History) -> None:
    events = [event for event in history.events if event.type != "identify"]
    assert segments(State(Calendar(history.zone)).take([events])) == set()


@laws
@given(SHORT_OR_LONG)
def test_who_is_in_another_segment_leaves_nothing_under_the_old(history: History) -> None:
    state = State(Calendar(history.zone)).take(history.batches())
    at = (history.newest + timedelta(minutes=1)).isoformat()
    who = {(event.product, event.user_id, event.anonymous_id) for event in history.events}
    for number, (product, user, anonymous) in enumerate(sorted(who, key=str)):
        if customer := {"user_id": user} if user else {"anonymous_id": anonymous} if anonymous else {}:
            named = {"event_id": f"named {number}", "type": "identify", "traits": {"segment": "moved"}}
            state.take([[decoded({"product": product, "timestamp": at, **named, **customer})]])
    assert segments(state) <= {"moved"}
