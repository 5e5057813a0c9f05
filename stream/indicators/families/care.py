"""Care: how many ask for help, how soon they are answered and helped, and whether that lasts."""

from __future__ import annotations

from stream.indicators.declare import (
    SPOKEN,
    Alert,
    Card,
    Example,
    Family,
    Figure,
    MinSample,
    Panel,
    Reasons,
)
from stream.indicators.families.activity import ACTIVE
from stream.indicators.forms import ALL, Count, Mean, Quantile, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.reads import standing
from stream.indicators.scenario import Scenario, event
from stream.indicators.state.tickets import (
    FIRST_REPLIES,
    FIRST_REPLY_MS,
    OPEN,
    REOPENED,
    RESOLUTION_MS,
    RESOLUTIONS,
    RESOLVED_OR_REOPENED,
)

OPENED = total("tickets_opened", of="ticket_opened", by="topic")
CONTACTED = distinct("contacted", of="ticket_opened")

_SECOND = 1000
_WEEK = {"window": "7d"}
_ABOUT = Reasons("Most tickets are about", "engagement_tickets", by="topic", labels=_WEEK)

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "ann's ticket was answered after an hour and resolved after four; word of its opening came last. How long its "
    "second resolution took does not count. bob's ticket was resolved unanswered after ten hours, cyd's was answered "
    "by cyd alone and is open. dan's was resolved more than 24 hours ago and reopened since. eve opened none.",
    (
        event("ticket_replied", "ann", "03-31 01:00", ticket_id="1", by="agent"),
        event("ticket_replied", "ann", "03-31 02:00", ticket_id="1", by="agent"),
        event("ticket_resolved", "ann", "03-31 04:00", "03-31 11:00", ticket_id="1"),
        event("ticket_reopened", "ann", "03-31 09:00", ticket_id="1"),
        event("ticket_opened", "ann", "03-31 00:00", ticket_id="1", topic="billing"),
        event("ticket_opened", "bob", "03-30 22:00", ticket_id="2", topic="billing"),
        event("ticket_resolved", "bob", "03-31 08:00", ticket_id="2"),
        event("ticket_opened", "cyd", "03-31 10:00", ticket_id="3"),
        event("ticket_replied", "cyd", "03-31 11:00", ticket_id="3", by="customer"),
        event("ticket_opened", "dan", "03-29", ticket_id="4", topic="login"),
        event("ticket_resolved", "dan", "03-29 15:00", ticket_id="4"),
        event("ticket_reopened", "dan", "03-31 12:00", ticket_id="4"),
        event("login", "eve", "03-31"),
    ),
)

_TODAY = {"window": "24h"}

FAMILY = Family(
    "Care",
    "How many ask for help, how soon do they get it, and does it last?",
    SCENARIO,
    (
        Count(
            "engagement_tickets",
            OPENED,
            unit="tickets",
            windows=ALL,
            help="Tickets opened in the window, by topic; none where no topic is given.",
            example=Example({"number": 2}, 2, {"topic": "billing", **_TODAY}),
            panel=Panel("Tickets opened"),
        ),
        Ratio(
            "engagement_contact_ratio",
            CONTACTED,
            over=ACTIVE,
            windows=ALL,
            help="Customers who opened a ticket in the window, as a share of those active in it.",
            example=Example({"contacted": 3, "active": 4}, 0.75, _TODAY),
            panel=Panel("Contact rate"),
            card=Card(
                "How they are helped",
                "Contact rate",
                SPOKEN["30d"],
                (Figure(labels={"window": "30d"}, counted="active customers"),),
            ),
        ),
        Count(
            "engagement_open_tickets",
            standing(OPEN),
            unit="tickets",
            help="Tickets that are open now: whose last word is not that they were resolved.",
            example=Example({"number": 2}, 2),
            panel=Panel("Open tickets", overview={}),
            card=Card("How they are helped", window="now"),
        ),
        Count(
            "engagement_resolved_tickets",
            RESOLUTIONS,
            unit="tickets",
            by="",
            windows=ALL,
            help="Tickets resolved in the window, for the first time: what times to resolution rest on.",
            example=Example({"number": 2}, 2, _TODAY),
            panel=Panel("Tickets resolved first"),
        ),
        Mean(
            "engagement_resolution_mean_seconds",
            RESOLUTION_MS,
            over=RESOLUTIONS,
            unit="seconds",
            per=_SECOND,
            windows=ALL,
            help="Mean time from a ticket's opening to its first resolution, of those resolved in the window.",
            example=Example({"milliseconds": 50_400_000, "tickets": 2}, 25_200.0, _TODAY),
            panel=Panel("Mean time to resolution"),
        ),
        Quantile(
            "engagement_resolution_quantile_seconds",
            RESOLUTIONS,
            unit="seconds",
            per=_SECOND,
            windows=ALL,
            help="Time from a ticket's opening to its first resolution that half (0.5), or nine in ten (0.9), of "
            "those resolved in the window did not exceed; at most 5 % off.",
            example=Example(
                {"milliseconds": 13967963.705, "tickets": 2}, 13967.963705, {"quantile": "0.5", **_TODAY}
            ),
            panel=Panel("Time to resolution", overview={"quantile": "0.5", "window": "7d"}),
            card=Card(
                "How they are helped",
                "Time to resolution",
                SPOKEN["7d"],
                (
                    Figure("half of the tickets", {"quantile": "0.5", "window": "7d"}, "tickets resolved"),
                    Figure("nine in ten", {"quantile": "0.9", "window": "7d"}, "tickets resolved"),
                ),
            ),
            alerts=(
                Alert(
                    name="EngagementResolutionSlow",
                    summary="Half of the tickets wait longer for help than they should",
                    condition="above",
                    threshold=172_800,
                    min_sample=MinSample("engagement_resolved_tickets", 30, _WEEK),
                    reasons=_ABOUT,
                    for_="2h",
                    labels={"quantile": "0.5", **_WEEK},
                ),
            ),
        ),
        Count(
            "engagement_first_replied_tickets",
            FIRST_REPLIES,
            unit="tickets",
            by="",
            windows=ALL,
            help="Tickets answered by an agent in the window, for the first time: what times to a reply rest on.",
            example=Example({"number": 1}, 1, _TODAY),
            panel=Panel("Tickets answered first"),
        ),
        Mean(
            "engagement_first_reply_mean_seconds",
            FIRST_REPLY_MS,
            over=FIRST_REPLIES,
            unit="seconds",
            per=_SECOND,
            windows=ALL,
            help="Mean time from a ticket's opening to an agent's first reply, of those that got it in the window.",
            example=Example({"milliseconds": 3_600_000, "tickets": 1}, 3_600.0, _TODAY),
            panel=Panel("Mean time to the first reply"),
        ),
        Quantile(
            "engagement_first_reply_quantile_seconds",
            FIRST_REPLIES,
            unit="seconds",
            per=_SECOND,
            windows=ALL,
            help="Time from a ticket's opening to an agent's first reply that half (0.5), or nine in ten (0.9), of "
            "those that got it in the window did not exceed; at most 5 % off.",
            example=Example({"milliseconds": 3678204.508, "tickets": 1}, 3678.204508, {"quantile": "0.9", **_TODAY}),
            panel=Panel("Time to the first reply"),
            card=Card(
                "How they are helped",
                "Time to the first reply",
                SPOKEN["7d"],
                (
                    Figure("half of the tickets", {"quantile": "0.5", "window": "7d"}, "tickets answered"),
                    Figure("nine in ten", {"quantile": "0.9", "window": "7d"}, "tickets answered"),
                ),
            ),
        ),
        Count(
            "engagement_resolved_or_reopened_tickets",
            RESOLVED_OR_REOPENED,
            unit="tickets",
            windows=ALL,
            help="Tickets resolved or reopened in the window: what the share of those reopened rests on.",
            example=Example({"number": 3}, 3, _TODAY),
            panel=Panel("Tickets resolved or reopened"),
        ),
        Ratio(
            "engagement_reopened_ratio",
            REOPENED,
            over=RESOLVED_OR_REOPENED,
            windows=ALL,
            help="Tickets reopened in the window, as a share of those resolved or reopened in it.",
            example=Example({"reopened": 2, "tickets": 3}, 2 / 3, _TODAY),
            panel=Panel("Reopened tickets", overview=_WEEK),
            card=Card(
                "How they are helped",
                "Reopened",
                SPOKEN["7d"],
                (Figure(labels=_WEEK, counted="tickets resolved or reopened"),),
            ),
            alerts=(
                Alert(
                    name="EngagementTicketsReopened",
                    summary="Many tickets are reopened: what was said to be resolved was not",
                    condition="above",
                    threshold=0.2,
                    min_sample=MinSample("engagement_resolved_or_reopened_tickets", 50, _WEEK),
                    reasons=_ABOUT,
                    for_="2h",
                    labels=_WEEK,
                ),
            ),
        ),
    ),
    series=(OPEN,),
)
