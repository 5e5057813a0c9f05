"""The levels of churn risk, and what may speak for a customer's leaving: closed sets, as the contract has them."""

from __future__ import annotations

from typing import Literal, get_args

AtRisk = Literal["medium", "high"]
Level = Literal["low", AtRisk]
LEVELS: tuple[Level, ...] = get_args(Level)

Evidence = Literal["nps_detractor", "negative_answer", "open_ticket", "first_week", "subscription_cancelled"]
"""A promise broken lately: detractor by an NPS answer, an answer (CSAT, CES) below the middle of its scale, a ticket
not resolved, a first week without enough active days, a subscription cancelled."""
EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)

Why = Literal[Evidence, "silence"]
REASONS: tuple[Why, ...] = get_args(Why)
SILENCE = REASONS.index("silence")
