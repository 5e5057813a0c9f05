"""Small histories of one afternoon: what happened before noon, and what the fold and the recount make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stream.core.definitions import Definitions
from stream.core.time import Calendar
from tests.histories import State, decoded, report
from tests.recount import Value, compare, recount, sample

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
NOW = timedelta(0)
ZONE = ZoneInfo("UTC")

Fields = dict[str, Any]

_numbers: Iterator[int] = count()


def event(type_: str, ago: timedelta = NOW, user: str = "ann", **fields: Any) -> Fields:
    """Something that happened so long before noon."""
    timestamp = (NOON - ago).isoformat(timespec="milliseconds")
    return {"event_id": str(next(_numbers)), "type": type_, "user_id": user, "timestamp": timestamp, **fields}


def assert_reads(
    events: list[Fields],
    name: str,
    value: Value,
    *,
    later: timedelta = NOW,
    definitions: Definitions = Definitions(),  # noqa: B008 — frozen
    **labels: str,
) -> None:
    """The value, so long after noon, in whatever order the events came, one by one or all at once."""
    at = NOON + later
    recounted = recount(events, at, ZONE, **asdict(definitions))
    key = sample(name, product="default", **labels)
    assert recounted.get(key, "absent") == pytest.approx(value), f"the recount of {key}"
    for order in permutations(map(decoded, events)):
        for batches in ([[each] for each in order], [list(order)]):
            table = State(Calendar(ZONE), definitions=definitions).take(batches).table
            differences = compare(report(table, at, ZONE, None, definitions), recounted)
            assert not differences, "\n".join(differences)


def assert_never_shown(events: list[Fields], name: str) -> None:
    """No sample of that name, not even an undefined one."""
    recounted = {found for found, _ in recount(events, NOON, ZONE)}
    table = State(Calendar(ZONE)).take([list(map(decoded, events))]).table
    shown = {line["name"] for line in report(table, NOON, ZONE)["metrics"]}
    assert sample(name)[0] not in recounted | shown
