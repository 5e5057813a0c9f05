"""A visit, step by step: what a customer does from coming to leaving, and now and then a survey or a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from stream.demo.simulate.commerce import order
from stream.demo.simulate.community import beside_the_product
from stream.demo.simulate.mailings import mailing
from stream.demo.simulate.questionnaires import draw_comment, draw_questionnaire, draw_sentiment, draw_themes
from stream.demo.simulate.scheduler import Step
from stream.demo.simulate.session import SUMMARY_ONLY, Customer, Session
from stream.demo.simulate.workflows import current_plan, subscription, ticket

PLACEMENTS = (("spring", "banner"), ("referral", "banner"), ("newsletter", "teaser"), (None, "film"), (None, None))
"""Campaign and content of what may be shown; not everything belongs to a campaign."""

FILM = "film"
ACTIONS = ("play", "like", "share")
FEATURES = ("search", "wishlist", "compare")
KINDS = ("post", "comment", "review", "media")
PAGES = ("/", "/offers", "/search", "/basket", "/account")

# Seven pages of four minutes stay below the half hour that ends a visit, even where no page view is sent.
MOST_PAGES = 7
LONGEST_PAGE_SECONDS = 240.0

ANSWER_REVISED_WITHIN_SECONDS = 2 * 86_400.0


def visit(customer: Customer, rng: Random, signs_up: bool) -> Iterator[Step]:
    if not signs_up and rng.random() < 0.05:
        email = customer.session("email")
        yield Step(0, partial(email.click, campaign="newsletter", content="teaser", element="read-more"))
    session = customer.session()
    yield from _arrival(session, rng, signs_up)
    yield from _pages(session, rng)
    if rng.random() < 0.04:
        yield _contribution(session, rng)
    yield from beside_the_product(session, rng)
    if rng.random() < 0.05:
        yield from _survey(session if rng.random() < 0.7 else customer.session("email"), rng)
    if rng.random() < 0.03:
        yield from ticket(session if rng.random() < 0.7 else customer.session("email"), rng)


def _arrival(session: Session, rng: Random, signs_up: bool) -> Iterator[Step]:
    """Some log in, some are identified, a few subscribe."""
    if signs_up:
        yield Step(1, session.sign_up)
    elif session.channel in SUMMARY_ONLY or rng.random() < 0.4:
        yield Step(1, session.log_in)
    state, segment = session.customer.state, session.customer.segment
    if segment and rng.random() < (0.05 if state.segment else 0.6):
        yield Step(1, partial(session.identify, segment=segment, plan=current_plan(session.customer)))
    if state.subscription != "live" and rng.random() < (0.25 if signs_up else 0.03):
        yield from subscription(session, rng)


def _pages(session: Session, rng: Random) -> Iterator[Step]:
    """Page after page, maybe a purchase, and the summary of the session, after which a message may be sent."""
    pages, delay_seconds = 0, 1.0
    while pages == 0 or (pages < MOST_PAGES and rng.random() < 0.4):
        page_seconds = min(3 + rng.expovariate(1 / 40), LONGEST_PAGE_SECONDS)
        if session.channel not in SUMMARY_ONLY:
            viewed = partial(session.view_page, page=rng.choice(PAGES), duration_ms=int(page_seconds * 1000))
            yield Step(delay_seconds, viewed)
            delay_seconds = 0.0
        yield from _placement(session, rng)
        if rng.random() < 0.15:
            yield Step(1, partial(session.use, feature=rng.choice(FEATURES)))
        delay_seconds, pages = delay_seconds + page_seconds, pages + 1
    if rng.random() < 0.06:
        yield from order(session, rng, delay_seconds)
        delay_seconds = 5.0
    if rng.random() < 0.9:  # the others lose their connection
        ended = partial(session.end, pages=pages, converted=rng.random() < 0.02)
        yield Step(delay_seconds, ended, mailing(session.customer, rng) if rng.random() < 0.3 else None)


def _placement(session: Session, rng: Random) -> Iterator[Step]:
    """Something beside the page, which some click and some interact with."""
    if rng.random() >= 0.45:
        return
    campaign, content = rng.choice(PLACEMENTS)
    yield Step(1, partial(session.see, campaign=campaign, content=content))
    if rng.random() < 0.1:
        yield Step(1, partial(session.click, campaign=campaign, content=content, element="picture"))
    if content == FILM and rng.random() < 0.5:
        yield Step(1, partial(session.interact, content=FILM, action=rng.choice(ACTIONS)))


def _contribution(session: Session, rng: Random) -> Step:
    """Most reviews have a rating."""
    kind = rng.choice(KINDS)
    rated = kind == "review" and rng.random() < 0.8
    rating = 1 + int(rng.betavariate(4, 1.5) * 5) if rated else None
    return Step(20, partial(session.contribute, kind=kind, rating=rating))


def _survey(session: Session, rng: Random) -> Iterator[Step]:
    """Some of those asked answer, and some of these revise their answer."""
    asked = draw_questionnaire(rng)
    yield Step(5, partial(session.receive_survey, asked=asked))
    delay_seconds, probability = 15.0, 0.6
    while rng.random() < probability:
        score, themes, sentiment = asked.draw_score(rng), draw_themes(rng), draw_sentiment(rng)
        answered = partial(
            session.answer_survey,
            asked=asked,
            score=score,
            themes=themes,
            sentiment=sentiment,
            comment=draw_comment(rng),
        )
        yield Step(delay_seconds, answered)
        delay_seconds, probability = rng.uniform(30, ANSWER_REVISED_WITHIN_SECONDS), 0.2
