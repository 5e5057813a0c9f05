"""Labels: what events bring with them that becomes a label of a gauge."""

from __future__ import annotations

from operator import attrgetter

from schemas import TYPES
from stream.core.catalogue import Label, field
from stream.core.definitions import Definitions
from stream.core.facts import NONE

_LABELS = (
    field("channel", TYPES),
    field("campaign", ("impression", "click"), absent=NONE),
    field("content", ("impression", "click", "interaction")),
    field("action", ("interaction",)),
    field("survey", ("survey_sent", "survey_response"), bounded=False),
    field("survey_id", ("survey_sent", "survey_response")),
    field("scale", ("survey_response",), bounded=False),
    Label("theme", frozenset({"survey_response"}), attrgetter("themes"), several=True),
)


def labels(definitions: Definitions) -> tuple[Label, ...]:
    """All of them; the segment is the trait that is defined to be it."""
    return *_LABELS, Label("segment", frozenset({"identify"}), attrgetter(f"traits.{definitions.segment}"))
