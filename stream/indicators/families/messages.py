"""Messages: what was delivered by email, push, SMS and chat, and who opened it and clicked.

What a machine does on a customer's behalf (a mail proxy that fetches, a scanner that follows links) tells that the
message was received. It is no open and no click.
"""

from __future__ import annotations

from stream.indicators.declare import SPOKEN, Card, Example, Family, Figure, Panel
from stream.indicators.forms import ALL, Count, Ratio
from stream.indicators.measures import distinct, total
from stream.indicators.scenario import Scenario, event

_BY = "medium campaign"
_BY_CUSTOMER = {"machine": False}

MESSAGES = total("messages", of="message_delivered", by=_BY)
REACTIONS = total("message_reactions", of="message_opened message_clicked", by=_BY)
MACHINE_OPENS = total("machine_opens", of="message_opened", by=_BY, where={"machine": True})
RECIPIENTS = distinct("message_recipients", of="message_delivered message_opened message_clicked", by=_BY)
OPENERS = distinct("message_openers", of="message_opened", by=_BY, where=_BY_CUSTOMER)
CLICKERS = distinct("message_clickers", of="message_clicked", by=_BY, where=_BY_CUSTOMER)

FOUND_IN = (MESSAGES, REACTIONS)
"""Whatever medium and campaign there ever was."""

SCENARIO = Scenario(
    "2026-03-31 12:00",
    "The newsletter was delivered to ann, bob, cyd and, exactly 24 hours ago, to dan: just too long for 24h. ann "
    "opened it twice and clicked. A mail proxy fetched bob's, which is no open; cyd's reaction is a scanner's, who "
    "follows every link. That eve received it, only her click tells; fay got a push of no campaign.",
    (
        event("message_delivered", "ann bob cyd", "03-31 08:00", medium="email", campaign="spring"),
        event("message_delivered", "dan", "03-30 12:00", medium="email", campaign="spring"),
        event("message_opened", "ann", "03-31 08:30", "03-31 09:00", medium="email", campaign="spring"),
        event("message_clicked", "ann", "03-31 09:01", medium="email", campaign="spring"),
        event("message_opened", "bob", "03-31 08:00", medium="email", campaign="spring", machine=True),
        event("message_clicked", "cyd", "03-31 08:00", medium="email", campaign="spring", machine=True),
        event("message_clicked", "eve", "03-31 10:00", medium="email", campaign="spring"),
        event("message_delivered", "fay", "03-31 11:00", medium="push"),
    ),
)

_SPRING = {"medium": "email", "campaign": "spring", "window": "24h"}

FAMILY = Family(
    "Messages",
    "Of those who got a message, how many opened it, and how many clicked?",
    SCENARIO,
    (
        Ratio(
            "engagement_message_open_ratio",
            OPENERS,
            over=RECIPIENTS,
            found_in=FOUND_IN,
            windows=ALL,
            help="Distinct customers who opened a message of the campaign in the window, as a share of those who "
            "received, opened or clicked one. What machines open does not count.",
            example=Example({"opened": 1, "received": 4}, 0.25, _SPRING),
            panel=Panel("Messages opened"),
        ),
        Ratio(
            "engagement_message_click_ratio",
            CLICKERS,
            over=RECIPIENTS,
            found_in=FOUND_IN,
            windows=ALL,
            help="Distinct customers who clicked in a message of the campaign in the window, as a share of those who "
            "received, opened or clicked one. What machines click does not count.",
            example=Example({"clicked": 2, "received": 4}, 0.5, _SPRING),
            panel=Panel("Messages clicked"),
            card=Card(
                "What they do",
                "Messages clicked",
                SPOKEN["7d"],
                (Figure(labels={"window": "7d"}, counted="customers who received one"),),
                always=False,
                order=6,
            ),
        ),
        Count(
            "engagement_messages",
            MESSAGES,
            found_in=FOUND_IN,
            windows=ALL,
            help="Messages of the campaign delivered in the window.",
            example=Example({"number": 3}, 3, _SPRING),
            panel=Panel("Messages delivered"),
        ),
        Count(
            "engagement_machine_opens",
            MACHINE_OPENS,
            found_in=FOUND_IN,
            windows=ALL,
            help="Opens of messages of the campaign in the window by machines, such as proxies that fetch all mail.",
            example=Example({"number": 1}, 1, _SPRING),
            panel=Panel("Opens by machines"),
        ),
    ),
    series=(REACTIONS,),
)
