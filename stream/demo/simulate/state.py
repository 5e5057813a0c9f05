"""The state of one simulated customer: what its own past acts make it do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stream.demo.simulate.questionnaires import Questionnaire


@dataclass
class CustomerState:
    """As of its last event.

    segment       as it was last identified; None: never
    subscription  None: never had one
    follows       on which networks; `likes` likewise
    points        in the loyalty programme; None: no member
    scores        of its last answer to each survey, where more is better, however the scale is printed
    """

    segment: str | None = None
    subscription: Literal["live", "cancelled"] | None = None
    follows: set[str] = field(default_factory=set)
    likes: set[str] = field(default_factory=set)
    points: int | None = None
    open_tickets: set[str] = field(default_factory=set)
    scores: dict[Questionnaire, int] = field(default_factory=dict)
