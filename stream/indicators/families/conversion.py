"""Conversion: whether those who were exposed to a campaign bought soon after."""

from __future__ import annotations

from stream.indicators.declare import Card, Example, Family, Figure, Metric, Panel, count, ratio
from stream.indicators.families import clicks, messages
from stream.indicators.reads import found_together, standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.exposures import COHORT, CONVERTED

_CAMPAIGNS = found_together((clicks.IMPRESSIONS, clicks.CLICKS, *messages.FOUND_IN), "campaign")

SCENARIO = Scenario(
    "2026-04-30 12:30",
    "The cohort of 30 days begins at noon 37 days ago, just too early for hal, and ends at noon 7 days ago, just in "
    "time for ann, who subscribed, and not for bob a minute later. cyd bought exactly 7 days after the first "
    "exposure, dan a second too late for the first, though soon after another, eve just before it. fay saw the "
    "campaign 59 days before, and so was first exposed then; that gus saw it 90 days ago counts no more.",
    (
        event("message_delivered", "ann", "04-23 12:00", medium="email", campaign="spring"),
        event("subscription_started", "ann", "04-30 11:00"),
        event("impression", "bob", "04-23 12:01", campaign="spring"),
        event("purchase", "bob", "04-23 13:00", order_id="1", amount_minor=1999, currency="EUR", units=1),
        event("click", "cyd", "04-10 09:00", campaign="spring"),
        event("purchase", "cyd", "04-17 09:00", order_id="2", amount_minor=1999, currency="EUR", units=1),
        event("impression", "dan", "04-10 09:00", "04-17 08:00", campaign="spring"),
        event("purchase", "dan", "04-17 09:00:01", order_id="3", amount_minor=1999, currency="EUR", units=1),
        event("impression", "eve", "04-10 09:00", campaign="spring"),
        event("purchase", "eve", "04-10 08:59", order_id="4", amount_minor=1999, currency="EUR", units=1),
        event("impression", "fay", "02-19 09:00", "04-19 09:00", campaign="spring"),
        event("message_opened", "gus", "04-19 09:00", medium="email", campaign="spring"),
        event("impression", "gus", "01-30 12:00", campaign="spring"),
        event("impression", "hal", "03-24 12:00", campaign="spring"),
    ),
)

_SPRING = {"campaign": "spring"}

FAMILY = Family(
    "Conversion",
    "Of those who were first exposed to a campaign, how many bought within a week?",
    SCENARIO,
    (
        Metric(
            name="engagement_conversion_ratio",
            help="Of the customers first exposed to the campaign (shown, clicked, or a message received) in the 30 "
            "days that ended a week ago, the share that bought or subscribed within 7 days after. First: no exposure "
            "before it in the last 90 days. `none` is what belongs to no campaign.",
            unit="ratio",
            rows=_CAMPAIGNS,
            row_labels=("campaign",),
            reads={"converted": standing(CONVERTED), "customers": standing(COHORT)},
            formula=lambda converted, customers: ratio(converted, customers),
            example=Example({"converted": 2, "customers": 5}, 0.4, _SPRING),
            sample_size="customers",
            panel=Panel("Conversion by campaign"),
            card=Card(
                "What they do",
                "Conversion",
                "first exposed in the 30 days to a week ago",
                (Figure(counted="customers exposed"),),
                always=False,
                order=7,
            ),
        ),
        Metric(
            name="engagement_conversion_customers",
            help="Customers first exposed to the campaign in the 30 days that ended a week ago: what conversion "
            "rests on.",
            unit="customers",
            rows=_CAMPAIGNS,
            row_labels=("campaign",),
            reads={"number": standing(COHORT)},
            formula=count,
            example=Example({"number": 5}, 5, _SPRING),
            panel=Panel("Customers behind conversion"),
        ),
    ),
    series=(COHORT, CONVERTED),
)
