"""The script of a visit: what a customer does from coming to leaving, and the survey afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from stream.simulate.affairs import plan_of, subscription, ticket
from stream.simulate.agenda import Step
from stream.simulate.questionnaires import drawn_questionnaire, drawn_sentiment, drawn_themes
from stream.simulate.sitting import SUMMARISED, Person, Sitting

SHOWN = (("spring", "banner"), ("referral", "banner"), ("newsletter", "teaser"), (None, "film"), (None, None))
"""Campaign and content of what may be shown; not everything belongs to a campaign."""

FILM = "film"
ACTIONS = ("play", "like", "share")
PAGES = ("/", "/offers", "/search", "/basket", "/account")

# Seven pages of four minutes stay below the half hour that ends a visit, also where single pages are not told.
MOST_PAGES = 7
LONGEST_STAY_SECONDS = 240.0

REVISED_WITHIN_SECONDS = 2 * 86_400.0


def visit(person: Person, chance: Random, signs_up: bool) -> Iterator[Step]:
    """A visit from its beginning to the summary of its session, and a survey or a ticket now and then."""
    if not signs_up and chance.random() < 0.05:
        letter = person.sit_down("email")
        yield Step(0, partial(letter.click, campaign="newsletter", content="teaser", element="read-more"))
    sitting = person.sit_down()
    yield from _begun(sitting, chance, signs_up)
    yield from _pages(sitting, chance)
    if chance.random() < 0.05:
        yield from _survey(sitting if chance.random() < 0.7 else person.sit_down("email"), chance)
    if chance.random() < 0.03:
        yield from ticket(sitting if chance.random() < 0.7 else person.sit_down("email"), chance)


def _begun(sitting: Sitting, chance: Random, signs_up: bool) -> Iterator[Step]:
    """Some log in, some are told who they are; now and then somebody subscribes."""
    if signs_up:
        yield Step(1, sitting.sign_up)
    elif sitting.channel in SUMMARISED or chance.random() < 0.4:
        yield Step(1, sitting.log_in)
    diary, segment = sitting.person.diary, sitting.person.segment
    if segment and chance.random() < (0.05 if diary.traits else 0.6):
        yield Step(1, partial(sitting.be_identified, segment=segment, plan=plan_of(sitting.person)))
    if not diary.subscribed and chance.random() < (0.25 if signs_up else 0.03):
        yield from subscription(sitting, chance)


def _pages(sitting: Sitting, chance: Random) -> Iterator[Step]:
    pages, waited = 0, 1.0
    while pages == 0 or (pages < MOST_PAGES and chance.random() < 0.4):
        stay_seconds = min(3 + chance.expovariate(1 / 40), LONGEST_STAY_SECONDS)
        if sitting.channel not in SUMMARISED:
            yield Step(waited, partial(sitting.look, page=chance.choice(PAGES), stay_ms=int(stay_seconds * 1000)))
            waited = 0.0
        yield from _shown(sitting, chance)
        waited, pages = waited + stay_seconds, pages + 1
    if chance.random() < 0.06:
        yield Step(
            waited, partial(sitting.buy, amount_minor=chance.randrange(500, 20_000), units=chance.randint(1, 3))
        )
        waited = 5.0
    if chance.random() < 0.9:  # the others lose their connection
        yield Step(waited, partial(sitting.leave, pages=pages, reached_goal=chance.random() < 0.02))


def _shown(sitting: Sitting, chance: Random) -> Iterator[Step]:
    """Something beside the page, which some click and some act upon."""
    if chance.random() >= 0.45:
        return
    campaign, content = chance.choice(SHOWN)
    yield Step(1, partial(sitting.see, campaign=campaign, content=content))
    if chance.random() < 0.1:
        yield Step(1, partial(sitting.click, campaign=campaign, content=content, element="picture"))
    if content == FILM and chance.random() < 0.5:
        yield Step(1, partial(sitting.interact, content=FILM, action=chance.choice(ACTIONS)))


def _survey(sitting: Sitting, chance: Random) -> Iterator[Step]:
    """Some are asked at the end, some of those answer, and some of those think again."""
    asked = drawn_questionnaire(chance)
    yield Step(5, partial(sitting.be_asked, asked=asked))
    pause_seconds, likely = 15.0, 0.6
    while chance.random() < likely:
        score, themes, sentiment = asked.meant(chance), drawn_themes(chance), drawn_sentiment(chance)
        answer = partial(sitting.answer, asked=asked, score=score, themes=themes, sentiment=sentiment)
        yield Step(pause_seconds, answer)
        pause_seconds, likely = chance.uniform(30, REVISED_WITHIN_SECONDS), 0.2
