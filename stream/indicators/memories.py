"""The memories of some customers, by name: what is remembered of each of them."""

from __future__ import annotations

from typing import NamedTuple

from stream.core.latest import Latest
from stream.indicators.families.activity import Activity
from stream.indicators.state.answers import Answers
from stream.indicators.state.journey import Journey
from stream.indicators.state.score_inputs import ScoreInputs
from stream.indicators.state.segments import Segment
from stream.indicators.state.tickets import TicketsAndSubscription
from stream.indicators.state.visits import Visits


class Memories(NamedTuple):
    """A field a slot of the record."""

    activity: Activity
    latest: Latest
    answers: Answers
    visits: Visits
    tickets: TicketsAndSubscription
    segment: Segment
    journey: Journey
    score_inputs: ScoreInputs
