"""Affairs that go on between visits: a ticket until it is settled, a subscription until it is cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from stream.simulate.agenda import Step
from stream.simulate.customers import BUSINESS, FREE, PRO, Plan
from stream.simulate.mood import likely_to_leave
from stream.simulate.sitting import Person, Sitting

HOUR_SECONDS, DAY_SECONDS = 3_600.0, 86_400.0
MONTH_SECONDS = 30 * DAY_SECONDS

TOPICS = ("account", "billing", "bug", "how-to")
SUPPORT, BILLING = "support", "billing"
"""The channels of who acts for the customer."""


def ticket(sitting: Sitting, chance: Random) -> Iterator[Step]:
    """Opened by the customer; the rest goes on by itself."""
    number = f"{chance.randrange(10**8):08}"
    opened = partial(sitting.ask_for_help, ticket=number, topic=chance.choice(TOPICS))
    yield Step(10, opened, _help(sitting, number, chance))


def _help(sitting: Sitting, number: str, chance: Random) -> Iterator[Step]:
    """Most tickets are resolved in a day or two; some of them were not, some are forgotten."""
    agent = sitting.person.sit_down(SUPPORT)
    while chance.random() < 0.85:
        yield Step(chance.expovariate(1 / (4 * HOUR_SECONDS)), partial(agent.reply, ticket=number, by="agent"))
        if chance.random() < 0.5:
            answered = partial(sitting.reply, ticket=number, by="customer")
            yield Step(chance.expovariate(1 / (6 * HOUR_SECONDS)), answered)
        if chance.random() < 0.15:
            return
        yield Step(chance.expovariate(1 / (18 * HOUR_SECONDS)), partial(agent.resolve, ticket=number))
        if chance.random() < 0.8:
            return
        yield Step(chance.uniform(HOUR_SECONDS, 3 * DAY_SECONDS), partial(sitting.reopen, ticket=number))


def subscription(sitting: Sitting, chance: Random) -> Iterator[Step]:
    """Started by the customer, who then is on trial no more; renewed by a robot, month by month."""
    plan = _plan_for(sitting.person)
    yield Step(15, partial(sitting.subscribe, plan=plan), _months(sitting, plan, chance))
    if sitting.person.segment == "trial":
        yield Step(1, partial(sitting.be_identified, segment="team", plan=plan))


def plan_of(person: Person) -> Plan:
    """What the customer has now."""
    return _plan_for(person) if person.diary.subscribed else FREE


def _plan_for(person: Person) -> Plan:
    return BUSINESS if person.segment == "enterprise" else PRO


def _months(sitting: Sitting, plan: Plan, chance: Random) -> Iterator[Step]:
    robot = sitting.person.sit_down(BILLING)
    while chance.random() < (0.3 if likely_to_leave(sitting.person.diary) else 0.75):
        yield Step(MONTH_SECONDS, partial(robot.renew, plan=plan))
    yield Step(chance.uniform(2, 28) * DAY_SECONDS, partial(sitting.cancel, plan=plan))
