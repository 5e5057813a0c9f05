"""What random events carry of their own: every type's fields, few values of each, so that events meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.surveys import SCALES

Fields = st.SearchStrategy[dict[str, Any]]

SECOND_MS = 1000
HALF_HOUR_MS, DAY_MS = 1800 * SECOND_MS, 86_400 * SECOND_MS
DURATIONS_MS = st.sampled_from(
    [0, 1, 10 * SECOND_MS, 10 * SECOND_MS + 1, HALF_HOUR_MS, HALF_HOUR_MS + 1, 4 * HALF_HOUR_MS, DAY_MS]
)
CAMPAIGNS = st.sampled_from(["spring", "autumn", "none"])
CONTENTS = st.sampled_from(["article", "film"])
TICKETS = st.sampled_from(["7", "8"])
ORDERS = st.sampled_from(["1", "2", "3"])
AMOUNTS = st.sampled_from([0, 1, 999, 10_000])
CURRENCIES = st.sampled_from(["EUR", "EUR", "JPY", "KWD"])
NETWORKS = st.sampled_from(["mastodon", "instagram"])
COMMENTED = ["Cher!", "très", "LENT,", "lente", "Génial", "expensive", "bug", "merci"]
SURVEY_IDS = st.sampled_from(["after sale", "yearly", "other"])


def optional(**fields: st.SearchStrategy[Any]) -> Fields:
    """Each of the fields or not, or left empty."""
    empty = st.sampled_from([None, ""])
    return st.fixed_dictionaries({}, optional={name: values | empty for name, values in fields.items()})


def required(**fields: st.SearchStrategy[Any]) -> Fields:
    return st.fixed_dictionaries(fields)


def both(one: Fields, other: Fields) -> Fields:
    return st.tuples(one, other).map(lambda fields: fields[0] | fields[1])


@st.composite
def _answer(draw: st.DrawFn) -> dict[str, Any]:
    survey, scale = draw(st.sampled_from([(survey, scale) for survey, scales in SCALES.items() for scale in scales]))
    return {"survey": survey, "scale": scale, "score": draw(st.sampled_from(SCALES[survey][scale]))}


_OPINION = optional(
    reversed=st.booleans(),
    themes=st.lists(st.sampled_from(["price", "speed"]), max_size=3),
    sentiment=st.sampled_from(["positive", "neutral", "negative"]),
    comment=st.lists(st.sampled_from(COMMENTED), min_size=1, max_size=5).map(" ".join),
)

_PRICE = optional(
    amount_minor=st.sampled_from([0, 700, 1_000]),
    currency=st.sampled_from(["EUR", "JPY"]),
    period_days=st.sampled_from([7, 30, 365]),
)

MESSAGE = both(
    required(medium=st.sampled_from(["email", "push"])), optional(campaign=CAMPAIGNS, machine=st.booleans())
)

FIELDS: dict[str, Fields] = {
    "impression": optional(campaign=CAMPAIGNS, content=CONTENTS),
    "click": optional(campaign=CAMPAIGNS, content=CONTENTS),
    "interaction": required(content=CONTENTS, action=st.sampled_from(["like", "play"])),
    "login": st.just({}),
    "signup": st.just({}),
    "page_view": both(required(page=st.just("/")), optional(duration_ms=DURATIONS_MS)),
    "session": both(
        required(session_id=st.just("1"), duration_ms=DURATIONS_MS, page_views=st.integers(0, 3)),
        optional(converted=st.booleans()),
    ),
    "survey_sent": required(survey=st.sampled_from(list(SCALES)), survey_id=SURVEY_IDS),
    "survey_response": both(both(required(survey_id=SURVEY_IDS), _answer()), _OPINION),
    "feature_use": both(
        required(feature=st.sampled_from(["search", "export", "other"])), optional(duration_ms=DURATIONS_MS)
    ),
    "contribution": both(
        required(kind=st.sampled_from(["post", "comment", "review", "review", "media"])),
        optional(rating=st.integers(1, 5), sentiment=st.sampled_from(["positive", "neutral", "negative"])),
    ),
    "ticket_opened": both(required(ticket_id=TICKETS), optional(topic=st.sampled_from(["billing", "login"]))),
    "message_delivered": MESSAGE,
    "message_opened": MESSAGE,
    "message_clicked": MESSAGE,
    "social_action": both(
        required(
            network=NETWORKS,
            action=st.sampled_from("like like comment share mention story follow follow unlike unfollow".split()),
        ),
        optional(sentiment=st.sampled_from(["positive", "negative"]), post=st.just("1")),
    ),
    "social_reach": required(network=NETWORKS, reach=st.integers(0, 100)),
    "loyalty_action": both(
        required(action=st.sampled_from(["join", "earn", "earn", "redeem", "leave"])),
        optional(points=st.integers(0, 500), tier=st.sampled_from(["silver", "gold", "none", "other"])),
    ),
    "referral": optional(referred=st.just("eve")),
    "attendance": required(
        event=st.sampled_from(["fair", "webinar"]), status=st.sampled_from(["invited", "attended"])
    ),
    "ticket_replied": required(ticket_id=TICKETS, by=st.sampled_from(["agent", "customer"])),
    "ticket_resolved": required(ticket_id=TICKETS),
    "ticket_reopened": required(ticket_id=TICKETS),
    "subscription_started": _PRICE,
    "subscription_renewed": _PRICE,
    "subscription_cancelled": _PRICE,
    "identify": required(
        traits=optional(
            segment=st.sampled_from(["trial", "premium", "unknown"]),
            plan=st.sampled_from(["free", "pro"]),
            country=st.sampled_from(["FR", "NZ"]),
        )
    ),
    "purchase": required(order_id=ORDERS, amount_minor=AMOUNTS, currency=CURRENCIES, units=st.integers(0, 3)),
    "product_return": st.one_of(
        required(order_id=ORDERS, amount_minor=AMOUNTS, currency=CURRENCIES, units=st.integers(0, 3)),
        both(required(order_id=ORDERS, units=st.just(1)), optional(currency=CURRENCIES)),
    ),
    "spend": required(kind=st.sampled_from(["marketing", "sales"]), amount_minor=AMOUNTS, currency=CURRENCIES),
}
"""Event type -> its own fields."""
