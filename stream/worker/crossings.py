"""Crossings: who is at another level of churn risk than was told, and whom to look at again, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np

from schemas.churn_risk import ChurnRisk
from stream.core.course import HOUR_MS, adding
from stream.core.facts import Customers
from stream.core.levels import LEVELS
from stream.core.ragged import Ints, Words
from stream.core.risk import probability
from stream.core.time import moment
from stream.core.watch import Seen, Watch, look, scheduled
from stream.metrics.churn_risk import Profiles
from stream.metrics.evidence import Scoring
from stream.metrics.reasons import reasons
from stream.store import at_risk
from stream.store.keys import customer_of


class Schedule(NamedTuple):
    """Whom to look at again, and when.

    marks   of all customers, to be stored with their records
    timers  hour -> keys of the customers to be put under it
    soon    (moment in ms, key) of those that must be looked at within this very hour
    """

    marks: Words
    timers: dict[int, list[bytes]]
    soon: list[tuple[int, bytes]]

    def by_shard(self, shard_of: Mapping[bytes, int]) -> dict[int, Schedule]:
        """Of each shard, where it has anything; without marks, which stand in the records by then."""
        found: dict[int, Schedule] = defaultdict(lambda: Schedule(self.marks[:0], {}, []))
        for hour, keys in self.timers.items():
            for key in keys:
                found[shard_of[key]].timers.setdefault(hour, []).append(key)
        for due, key in self.soon:
            found[shard_of[key]].soon.append((due, key))
        return found


class Crossings(NamedTuple):
    """What a look at customers whose time has come leads to.

    messages  for the topic churn-risk, JSON
    at_risk   key -> what is kept of those at risk (see store/at_risk.py); "": of those that are so no more
    """

    schedule: Schedule
    messages: list[bytes]
    at_risk: dict[bytes, str]


def noticed(profiles: Profiles, marks: Words, keys: Sequence[bytes], now_ms: int) -> Schedule:
    """Of customers that something was heard of: nobody is told of yet, for more may be about to come; who is at
    another level than was told, or was at risk, is to be looked at at once."""
    before = Watch.unpack(marks).those(profiles.row)
    seen = look(profiles.outlook, profiles.pieces, profiles.heard, before.level, now_ms)
    changed = (seen.level != before.level) | (before.level > 0)
    return _scheduled(profiles, marks, before, np.where(changed, now_ms, seen.due), keys, now_ms)


def crossings(
    profiles: Profiles,
    marks: Words,
    keys: Sequence[bytes],
    customers: Customers,
    scoring: Scoring,
    now_ms: int,
) -> Crossings:
    """Of customers whose time has come: who is at another level is told of."""
    before = Watch.unpack(marks).those(profiles.row)
    seen = look(profiles.outlook, profiles.pieces, profiles.heard, before.level, now_ms)
    schedule = _scheduled(profiles, marks, before._replace(level=seen.level), seen.due, keys, now_ms)
    changed = np.flatnonzero(seen.level != before.level)
    messages = list(_messages(profiles, seen, before.level, changed, keys, customers, scoring, now_ms))
    return Crossings(schedule, messages, _at_risk(seen, before.level, profiles.row, keys))


def _scheduled(
    profiles: Profiles, marks: Words, watch: Watch, due: Ints, keys: Sequence[bytes], now_ms: int
) -> Schedule:
    rows = profiles.row
    after, moved = scheduled(watch, due, now_ms)
    marks = marks.copy()
    marks[rows] = after.pack()
    timers: dict[int, list[bytes]] = {}
    for place in np.flatnonzero(moved).tolist():
        timers.setdefault(int(after.hour[place]), []).append(keys[rows[place]])
    soon = np.flatnonzero(due < (now_ms // HOUR_MS + 1) * HOUR_MS).tolist()
    return Schedule(marks, timers, [(int(due[place]), keys[rows[place]]) for place in soon])


def _at_risk(seen: Seen, told: Ints, rows: Ints, keys: Sequence[bytes]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for place in np.flatnonzero((told > 0) | (seen.level > 0)).tolist():
        if seen.level[place] == 0 or not seen.counts[place]:
            found[keys[rows[place]]] = ""
        else:
            known = bool(seen.level[place] == told[place])
            found[keys[rows[place]]] = at_risk.entry(int(seen.since[place]), known=known)
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
    scores, told_by = probability(seen.log_odds[changed]), scoring.packed()
    for place, row, added, score, last in zip(
        changed.tolist(), profiles.row[changed].tolist(), parts, scores.tolist(), of.last.tolist(), strict=True
    ):
        product = customers.products[customers.product[row]]
        customer = customer_of(keys[row], product)
        kind, _, id_ = customer.partition(":")
        level, previous, since_ms = LEVELS[seen.level[place]], LEVELS[told[place]], int(seen.since[place])
        identity = "\0".join((product, customer, previous, level, str(since_ms), told_by))
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
                since=moment(since_ms),
                last_activity=moment(last),
            )
        )
