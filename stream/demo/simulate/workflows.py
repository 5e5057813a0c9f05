"""Workflows that outlast a visit: a support ticket until it is resolved, a subscription until it is cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from stream.demo.simulate.churn_propensity import churn_propensity
from stream.demo.simulate.profiles import BUSINESS, FREE, PRO, SubscriptionPlan
from stream.demo.simulate.scheduler import Step
from stream.demo.simulate.session import Customer, Session

HOUR_SECONDS, DAY_SECONDS = 3_600.0, 86_400.0

TOPICS = ("account", "billing", "bug", "how-to")
SUPPORT_CHANNEL, BILLING_CHANNEL = "support", "billing"


def ticket(session: Session, rng: Random) -> Iterator[Step]:
    """The customer opens a ticket, and support takes over."""
    ticket_id = f"{rng.randrange(10**8):08}"
    opened = partial(session.open_ticket, ticket_id=ticket_id, topic=rng.choice(TOPICS))
    yield Step(10, opened, _support(session, ticket_id, rng))


def _support(session: Session, ticket_id: str, rng: Random) -> Iterator[Step]:
    """Most tickets are resolved in a day or two; some of these are reopened, and some tickets are forgotten."""
    agent = session.customer.session(SUPPORT_CHANNEL)
    while rng.random() < 0.85:
        replied = partial(agent.reply_to_ticket, ticket_id=ticket_id, by="agent")
        yield Step(rng.expovariate(1 / (4 * HOUR_SECONDS)), replied)
        if rng.random() < 0.5:
            answered = partial(session.reply_to_ticket, ticket_id=ticket_id, by="customer")
            yield Step(rng.expovariate(1 / (6 * HOUR_SECONDS)), answered)
        if rng.random() < 0.15:
            return
        yield Step(rng.expovariate(1 / (18 * HOUR_SECONDS)), partial(agent.resolve_ticket, ticket_id=ticket_id))
        if rng.random() < 0.8:
            return
        reopened = partial(session.reopen_ticket, ticket_id=ticket_id)
        yield Step(rng.uniform(HOUR_SECONDS, 3 * DAY_SECONDS), reopened)


def subscription(session: Session, rng: Random) -> Iterator[Step]:
    """The customer subscribes, which ends a trial, and billing takes over."""
    plan = _plan_for(session.customer)
    yield Step(15, partial(session.subscribe, plan=plan), _billing(session, plan, rng))
    if session.customer.segment == "trial":
        yield Step(1, partial(session.identify, segment="team", plan=plan))


def current_plan(customer: Customer) -> SubscriptionPlan:
    return _plan_for(customer) if customer.state.subscription == "live" else FREE


def _plan_for(customer: Customer) -> SubscriptionPlan:
    return BUSINESS if customer.segment == "enterprise" else PRO


def _billing(session: Session, plan: SubscriptionPlan, rng: Random) -> Iterator[Step]:
    """Renewed period by period, until the customer cancels."""
    billing = session.customer.session(BILLING_CHANNEL)
    while rng.random() < (0.3 if churn_propensity(session.customer.state) else 0.75):
        yield Step(plan.period_days * DAY_SECONDS, partial(billing.renew_subscription, plan=plan))
    yield Step(rng.uniform(2, 28) * DAY_SECONDS, partial(session.cancel_subscription, plan=plan))
