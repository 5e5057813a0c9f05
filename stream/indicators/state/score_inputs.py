"""Score inputs: on which days each customer used each feature, said something, and bought."""

from __future__ import annotations

from stream.core.latest_days import LatestDays
from stream.core.series import Kind, Series

USED = Series("score_used", Kind.FLOW, "day", ("feature",))
VOICED = Series("score_voiced", Kind.FLOW, "day")
BOUGHT = Series("score_bought", Kind.FLOW, "day")


_SAID = frozenset({"survey_response", "contribution", "referral"})
_THINGS = ((USED, frozenset({"feature_use"})), (VOICED, _SAID), (BOUGHT, frozenset({"purchase"})))
TYPES = frozenset[str]().union(*(types for _, types in _THINGS))


class ScoreInputs(LatestDays):
    """Of the last 31 days. The two last days of each are enough: on a day that is not complete yet the one before it
    counts."""

    things = _THINGS
