"""Churn propensity: how likely a customer is to leave for good after a visit."""

from __future__ import annotations

from stream.demo.simulate.state import CustomerState

CANCELLED, NPS_DETRACTOR, OPEN_TICKET = 0.6, 0.3, 0.1


def churn_propensity(state: CustomerState) -> float:
    """The probability that the next visit never comes; 0 for most."""
    if state.subscription == "cancelled":
        return CANCELLED
    if any(survey.survey == "nps" and score <= 6 for survey, score in state.scores.items()):
        return NPS_DETRACTOR
    return OPEN_TICKET if state.open_tickets else 0.0
