"""Community: what customers do beside the product, on social networks, as members and at events, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from stream.demo.simulate.scheduler import Step
from stream.demo.simulate.session import Event, Session

NETWORKS, NETWORK_WEIGHTS = ("instagram", "mastodon"), (70, 30)
SOCIAL_ACTIONS, ACTION_WEIGHTS = ("like", "comment", "share", "mention", "story"), (60, 15, 12, 8, 5)
MOODS, MOOD_WEIGHTS = ("positive", "neutral", "negative", None), (35, 15, 10, 40)
WEBINARS = ("first-steps", "spring-fair")
POINTS_OF_A_TIER = ((2_000, "gold"), (600, "silver"), (0, "bronze"))
DAY_SECONDS = 86_400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def beside_the_product(session: Session, rng: Random) -> Iterator[Step]:
    """On most visits nothing."""
    if rng.random() < 0.08:
        yield _on_a_network(session, rng)
    yield from _as_a_member(session, rng)
    if rng.random() < 0.02:
        yield Step(30, partial(session.do, type_="referral"))
    if rng.random() < 0.02:
        yield _invitation(session, rng)


def _on_a_network(session: Session, rng: Random) -> Step:
    """Who follows may unfollow, and who likes may think better of it."""
    [network] = rng.choices(NETWORKS, NETWORK_WEIGHTS)
    follows, likes = session.customer.state.follows, session.customer.state.likes
    if network not in follows and rng.random() < 0.3:
        action = "follow"
        follows.add(network)
    elif network in follows and rng.random() < 0.1:
        action = "unfollow"
        follows.discard(network)
    elif network in likes and rng.random() < 0.1:
        action = "unlike"
        likes.discard(network)
    else:
        [action] = rng.choices(SOCIAL_ACTIONS, ACTION_WEIGHTS)
        if action == "like":
            likes.add(network)
    told = action in ("comment", "share", "mention", "story")
    mood = rng.choices(MOODS, MOOD_WEIGHTS)[0] if told else None
    return Step(40, partial(session.do, type_="social_action", network=network, action=action, sentiment=mood))


def _as_a_member(session: Session, rng: Random) -> Iterator[Step]:
    """Some join; members earn points by which they come to higher tiers, redeem them, and now and then leave."""
    state = session.customer.state
    if state.points is None:
        if rng.random() < 0.06:
            state.points = 0
            yield Step(10, partial(session.do, type_="loyalty_action", action="join", tier="bronze"))
    elif rng.random() < 0.01:
        state.points = None
        yield Step(10, partial(session.do, type_="loyalty_action", action="leave"))
    elif state.points >= 200 and rng.random() < 0.1:
        state.points -= 200
        yield Step(10, partial(session.do, type_="loyalty_action", action="redeem", points=200))
    elif rng.random() < 0.5:
        points = rng.randrange(10, 150)
        state.points += points
        tier = next(tier for least, tier in POINTS_OF_A_TIER if state.points >= least)
        yield Step(10, partial(session.do, type_="loyalty_action", action="earn", points=points, tier=tier))


def _invitation(session: Session, rng: Random) -> Step:
    """By email; somewhat more than a third of those invited come."""
    webinar, email = rng.choice(WEBINARS), session.customer.session("email")
    came = partial(session.customer.session().do, type_="attendance", event=webinar, status="attended")
    comes = iter([Step(rng.uniform(1, 6) * DAY_SECONDS, came)]) if rng.random() < 0.4 else None
    return Step(5, partial(email.do, type_="attendance", event=webinar, status="invited"), comes)


def reach(product: str, rng: Random, new_id: Callable[[], str]) -> Iterator[Step]:
    """Every day each network reports whom the product's posts reached."""
    while True:
        for network, weight in zip(NETWORKS, NETWORK_WEIGHTS, strict=True):
            reached = int(weight * rng.lognormvariate(2, 0.5))
            yield Step(DAY_SECONDS / len(NETWORKS), partial(_reported, product, new_id, network, reached))


def _reported(product: str, new_id: Callable[[], str], network: str, reached: int, at_ms: int) -> Event:
    """Of the product as a whole: it names no customer."""
    return {
        "event_id": new_id(),
        "type": "social_reach",
        "timestamp": (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds"),
        "product": product,
        "network": network,
        "reach": reached,
    }
