"""Tickets: what is remembered of them is bounded, whatever comes and in whatever order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Event
from stream.core.event_columns import customers_of
from stream.core.time import Calendar
from stream.indicators.catalogue import RECORD
from stream.indicators.state.tickets import MOST, Tickets
from tests.histories import State, decoded, report

ZONE = ZoneInfo("UTC")
NOON = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def ticket_event(kind: str, ticket: int | str, hours_ago: float, **fields: Any) -> Event:
    moment = NOON - timedelta(hours=hours_ago)
    return decoded(
        {
            "event_id": f"{kind} {ticket} {hours_ago}",
            "type": f"ticket_{kind}",
            "user_id": "desk",
            "timestamp": moment.isoformat(),
            "ticket_id": str(ticket),
            **fields,
        }
    )


def agent_replied(ticket: int, hours_ago: float) -> Event:
    return ticket_event("replied", ticket, hours_ago, by="agent")


def many(tickets: int) -> list[Event]:
    """Opened two hours ago, resolved one hour ago; one in four was reopened since."""
    events = []
    for ticket in range(tickets):
        events += [ticket_event("opened", ticket, 2), ticket_event("resolved", ticket, 1)]
        if ticket % 4 == 0:
            events.append(ticket_event("reopened", ticket, 0.5))
    return events


def folded(*batches: Sequence[Event], keep_days: int | None = None) -> State:
    return State(Calendar(ZONE), keep_days).take(batches)


def read(state: State, name: str, at: datetime = NOON, **labels: str) -> Any:
    found = {
        frozenset(each["labels"].items()): each["value"]
        for each in report(state.table, at, ZONE, {f"engagement_{name}"})["metrics"]
    }
    return found[frozenset({"product": "default", **labels}.items())]


def tickets_of(state: State) -> Tickets:
    customers = customers_of(list(state.records), ["default"] * len(state.records), state.key_ids)
    _, memories = RECORD.unpacked(state.records.values(), customers)
    found: Tickets = memories.tickets
    return found


def test_as_many_as_are_remembered_are_counted_one_by_one() -> None:
    state = folded(many(MOST))
    assert read(state, "resolved_tickets", window="24h") == MOST
    assert read(state, "open_tickets") == MOST // 4


@pytest.mark.parametrize("tickets", [MOST + 1, 5 * MOST, 40 * MOST])
def test_of_more_a_sample_stands_for_all_whatever_the_order(tickets: int) -> None:
    events = many(tickets)
    shuffled = random.Random(tickets).sample(events, len(events))
    size = len(events) // 5
    once, several = folded(events), folded(*(shuffled[at : at + size] for at in range(0, len(events), size)))
    assert once.remembered() == several.remembered()
    assert len(tickets_of(once).row) <= MOST
    assert all(len(record) < 4096 for record in once.records.values())
    for state in (once, several):
        assert read(state, "resolved_tickets", window="24h") == pytest.approx(tickets, rel=0.4)
        assert read(state, "reopened_ratio", window="24h") == pytest.approx(0.25, abs=0.15)
        assert read(state, "resolution_mean_seconds", window="24h") == 3600


def test_a_late_opening_reply_or_resolution_moves_what_was_counted() -> None:
    state = folded([ticket_event("opened", 7, 30), ticket_event("resolved", 7, 2), agent_replied(7, 20)])
    assert read(state, "resolution_mean_seconds", window="24h") == 28 * 3600
    assert read(state, "first_reply_mean_seconds", window="7d") == 10 * 3600
    state.take([[ticket_event("resolved", 7, 26), ticket_event("opened", 7, 40), agent_replied(7, 35)]])
    assert read(state, "resolved_tickets", window="24h") == 0
    assert read(state, "resolution_mean_seconds", window="7d") == 14 * 3600
    assert read(state, "first_reply_mean_seconds", window="7d") == 5 * 3600


def test_where_clocks_disagree_on_which_came_first_it_took_no_time() -> None:
    state = folded([ticket_event("resolved", 7, 3), ticket_event("opened", 7, 2)])
    assert read(state, "resolution_mean_seconds", window="24h") == 0
    assert read(state, "resolution_quantile_seconds", quantile="0.5", window="24h") == 0


def test_a_resolved_ticket_is_forgotten_when_all_that_could_come_of_it_is_too_late() -> None:
    days = 460
    old = [ticket_event("opened", 1, (days + 2) * 24), ticket_event("resolved", 1, (days + 1) * 24)]
    open_still = [ticket_event("opened", 2, (days + 2) * 24), agent_replied(3, (days + 2) * 24)]
    state = folded([*old, *open_still], [ticket_event("opened", 4, 1)], keep_days=days)
    assert len(tickets_of(state).row) == 2
    assert read(state, "open_tickets") == 2
