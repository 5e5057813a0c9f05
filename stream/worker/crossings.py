"""Crossings: who is at another level of churn risk than was told, and whom to look at again, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np

from schemas.churn_risk import ChurnRisk
from stream.core.course import HOUR_MS, adding
from stream.core.facts import Customers
from stream.core.ragged import Ints, Words
from stream.core.risk import LEVELS, probability
from stream.core.watch import Seen, Watch, look, scheduled
from stream.metrics.churn_risk import Profiles
from stream.metrics.evidence import Scoring
from stream.metrics.reasons import reasons
from stream.store import at_risk
from stream.store.keys import customer_of
from stream.store.shard import Work

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Crossings(NamedTuple):
    """What a look at some customers leads to.

    marks     of all of them, to be stored with their records
    messages  for the topic churn-risk, JSON
    timers    hour -> keys of the customers to be put under it
    soon      (moment in ms, key) of those that must be looked at within this very hour
    at_risk   key -> what is kept of those at risk (see store/at_risk.py); "": of those that are so no more
    """

    marks: Words
    messages: list[bytes]
    timers: dict[int, list[bytes]]
    soon: list[tuple[int, bytes]]
    at_risk: dict[bytes, str]

    def work(self) -> Work:
        """To be committed together with the marks."""
        told = {"risk_messages": len(self.messages)} if self.messages else {}
        return Work(timers=self.timers, messages=self.messages, at_risk=self.at_risk, counters=told)


def crossings(
    profiles: Profiles,
    marks: Words,
    keys: Sequence[bytes],
    customers: Customers,
    scoring: Scoring,
    now_ms: int,
    heard_ms: Ints | None = None,
    *,
    in_turn: bool = False,
) -> Crossings:
    """Look at the customers as of `now_ms`. `heard_ms`: when the last that is new of each happened, if anything is;
    `in_turn`: their time in the index has come."""
    rows = profiles.row
    before = Watch.unpack(marks)
    seen = look(profiles.outlook, profiles.pieces, before.level[rows], now_ms)
    if heard_ms is not None:
        fallen = seen.level < before.level[rows]
        seen = seen._replace(since=np.where(fallen, np.maximum(seen.since, heard_ms[rows]), seen.since))
    after, moved = scheduled(before.those(rows), seen, in_turn=in_turn)
    marks = marks.copy()
    marks[rows] = after.pack()
    timers: dict[int, list[bytes]] = {}
    for place in np.flatnonzero(moved).tolist():
        timers.setdefault(int(after.hour[place]), []).append(keys[rows[place]])
    soon = np.flatnonzero(seen.due < (now_ms // HOUR_MS + 1) * HOUR_MS)
    changed = np.flatnonzero(seen.level != before.level[rows])
    return Crossings(
        marks,
        list(_messages(profiles, seen, before.level[rows], changed, keys, customers, scoring, now_ms)),
        timers,
        [(int(seen.due[place]), keys[rows[place]]) for place in soon.tolist()],
        _at_risk(seen, before.level[rows], rows, keys),
    )


def _at_risk(seen: Seen, told: Ints, rows: Ints, keys: Sequence[bytes]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for place in np.flatnonzero((told > 0) | (seen.level > 0)).tolist():
        if seen.level[place] == 0 or not seen.counts[place]:
            found[keys[rows[place]]] = ""
        else:
            found[keys[rows[place]]] = at_risk.entry(
                int(seen.level[place]), int(seen.since[place]), known=bool(seen.level[place] == told[place])
            )
    return found


def _messages(
    profiles: Profiles,
    seen: Seen,
    told: Ints,
    changed: Ints,
    keys: Sequence[bytes],
    customers: Customers,
    scoring: Scoring,
    now_ms: int,
) -> Iterator[bytes]:
    of = profiles.outlook.those(changed)
    parts = adding(of, scoring.coefficients.evidence, np.maximum(of.last, now_ms))
    scores = probability(seen.log_odds[changed])
    for place, row, added, score, last in zip(
        changed.tolist(), profiles.row[changed].tolist(), parts, scores.tolist(), of.last.tolist(), strict=True
    ):
        product = customers.products[customers.product[row]]
        customer = customer_of(keys[row], product)
        kind, _, id_ = customer.partition(":")
        level, previous, since_ms = LEVELS[seen.level[place]], LEVELS[told[place]], int(seen.since[place])
        identity = "\0".join((product, customer, previous, level, str(since_ms)))
        yield msgspec.json.encode(
            ChurnRisk(
                event_id=blake2b(identity.encode(), digest_size=16).hexdigest(),
                product=product,
                user_id=id_ if kind == "u" else None,
                anonymous_id=id_ if kind == "a" else None,
                level=level,
                previous_level=previous,
                score=score,
                reasons=reasons(added),
                since=moment_of(since_ms),
                last_activity=moment_of(last),
            )
        )


def moment_of(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)
