"""The mood: who has had enough, and how likely they are not to come again."""

from __future__ import annotations

from stream.simulate.diary import Diary

CANCELLED, DETRACTOR, WAITING = 0.6, 0.3, 0.1


def likely_to_leave(diary: Diary) -> float:
    """How likely it is that the customer's next visit never comes; 0 for most."""
    if diary.cancelled_ms is not None:
        return CANCELLED
    if any(answer.survey == "nps" and answer.score <= 6 for answer in diary.opinions.values()):
        return DETRACTOR
    return WAITING if diary.waiting_since_ms is not None else 0.0
