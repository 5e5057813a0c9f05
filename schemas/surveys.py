"""Topic surveys: what customers were asked, and what they answered."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.envelope import Event, Name, Text
from schemas.rejected import Rejected

Survey = Literal["nps", "csat", "ces"]
Sentiment = Literal["positive", "neutral", "negative"]
Score = Annotated[int, Meta(description='A point of the scale, as an integer: 7.5, 7.0 and "7" are refused.')]
Scale = Annotated[str, Meta(description='First and last point, such as "0-10".')]
Themes = Annotated[tuple[Name, ...], Meta(max_length=32, description="What the comment is about.")]

# The scales that each survey knows, and their points.
SCALES: dict[Survey, dict[str, range]] = {
    "nps": {"0-10": range(0, 11), "1-10": range(1, 11)},
    "csat": {"1-5": range(1, 6), "1-7": range(1, 8)},
    "ces": {"1-3": range(1, 4), "1-5": range(1, 6), "1-7": range(1, 8), "1-10": range(1, 11)},
}


class SurveySent(Event, frozen=True, gc=False, kw_only=True, tag="survey_sent"):
    """The customer was asked."""

    survey: Survey
    survey_id: Name


class SurveyResponse(Event, frozen=True, gc=False, kw_only=True, tag="survey_response"):
    """The customer answered with a score on a scale; `reversed` when its low end is the good one.

    `derived` says that themes and sentiment were read out of the comment by a rule. The worker does so with a comment
    that comes without both; it keeps no comments.
    """

    survey: Survey
    survey_id: Name
    score: Score
    scale: Scale
    reversed: bool | None = None
    comment: Text | None = None
    themes: Themes | None = None
    sentiment: Sentiment | None = None
    derived: bool = False

    def flaw(self) -> Rejected | None:
        return super().flaw() or self._off_scale()

    def _off_scale(self) -> Rejected | None:
        scales = SCALES[self.survey]
        points = scales.get(self.scale)
        if points is None:
            return Rejected("scale_unsupported", f"scale: expected one of {', '.join(scales)} for {self.survey}")
        if self.score not in points:
            return Rejected("score_out_of_scale", f"score: expected {points[0]} to {points[-1]}")
        return None


TYPES: tuple[type[Event], ...] = (SurveySent, SurveyResponse)
