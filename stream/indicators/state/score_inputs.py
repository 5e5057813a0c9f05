"""Score inputs: on which days each customer used each feature, said something, and bought."""

from __future__ import annotations

from stream.core.latest_days import LatestDays
from stream.core.series import Kind, Series

USED = Series("score_used", Kind.FLOW, "day", ("feature",))
VOICED = Series("score_voiced", Kind.FLOW, "day")
BOUGHT = Series("score_bought", Kind.FLOW, "day")


class ScoreInputs(LatestDays):
    """Of the last 31 days. The two last days of each are enough: on a day that is not complete yet the one before it
    counts."""

    things = (
        (USED, frozenset({"feature_use"})),
        (VOICED, frozenset({"survey_response", "contribution", "referral"})),
        (BOUGHT, frozenset({"purchase"})),
    )
