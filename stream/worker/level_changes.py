"""Level changes: who is at another level of churn risk than was notified, and whom to evaluate again, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.churn_risk import ChurnRisk
from stream.core.event_columns import Customers
from stream.core.ragged import Ints, Words, stretches
from stream.core.time import HOUR_MS, moment
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.levels import LEVELS
from stream.indicators.churn.model import probability
from stream.indicators.churn.notification import Evaluation, NotificationState, evaluate, scheduled
from stream.indicators.churn.reasons import reasons
from stream.indicators.churn.trajectory import adding
from stream.indicators.families.churn_risk import Profiles
from stream.store import at_risk
from stream.store.keys import customer_of


class Schedule(NamedTuple):
    """Whom to evaluate again, and when.

    states  notification states of all customers, to be stored with their records
    keys    of all customers
    row     the rows of those that have a risk; then of each of these:
    hour    under which it stands from now on (since the epoch; 0: under none)
    moved   whether it is to be put there
    due     when its level changes (milliseconds since the epoch)
    """

    states: Words
    keys: Sequence[bytes]
    row: Ints
    hour: Ints
    moved: NDArray[np.bool_]
    due: Ints

    @property
    def hours(self) -> list[int]:
        """Under which somebody is to be put, each once."""
        return list(set(self.hour[self.moved].tolist()))

    @property
    def timers(self) -> dict[int, list[bytes]]:
        """Hour -> keys of the customers to be put under it."""
        found: dict[int, list[bytes]] = {}
        for hour, row in zip(self.hour[self.moved].tolist(), self.row[self.moved].tolist(), strict=True):
            found.setdefault(hour, []).append(self.keys[row])
        return found

    def before(self, hour: int) -> list[tuple[int, bytes]]:
        """(when to evaluate, key) of whoever stands under an earlier hour than this one."""
        at = np.flatnonzero((self.hour > 0) & (self.hour < hour))
        stands, due = self.hour[at], self.due[at]
        moments = np.where(due // HOUR_MS == stands, due, stands * HOUR_MS)
        return [(moment, self.keys[row]) for moment, row in zip(moments.tolist(), self.row[at].tolist(), strict=True)]

    def by_slice(self, slice_of_row: Ints) -> dict[int, Schedule]:
        """Of each slice, where it has anything; without states, which stand in the records by then."""
        slice_ = slice_of_row[self.row]
        order = np.argsort(slice_, kind="stable")
        return {number: self._those(order[start:end]) for number, start, end in stretches(slice_[order])}

    def _those(self, at: Ints) -> Schedule:
        return Schedule(self.states[:0], self.keys, self.row[at], self.hour[at], self.moved[at], self.due[at])


_NONE = np.zeros(0, np.int64)
UNSCHEDULED = Schedule(_NONE.astype(np.uint32), (), _NONE, _NONE, _NONE.astype(np.bool_), _NONE)


class LevelChanges(NamedTuple):
    """What an evaluation of customers leads to.

    messages  for the topic churn-risk: (row, JSON)
    at_risk   row -> what is kept of those at risk (see store/at_risk.py); "": of those that are so no more
    """

    schedule: Schedule
    messages: list[tuple[int, bytes]]
    at_risk: dict[int, str]


class Present(NamedTuple):
    """As of when customers are evaluated, each by the clock of its shard.

    now_ms     milliseconds since the epoch
    due        whose time has come: if they are at another level, that is notified
    set_backs  how often the clock was set back: the same may come to be once more then, and is to be notified again
    """

    now_ms: Ints
    due: NDArray[np.bool_]
    set_backs: Ints

    def those(self, which: Ints) -> Present:
        return Present(self.now_ms[which], self.due[which], self.set_backs[which])


def level_changes(
    profiles: Profiles,
    states: Words,
    keys: Sequence[bytes],
    customers: Customers,
    scoring: Scoring,
    present: Present,
) -> LevelChanges:
    """Of customers whose time has come, or that something was heard of.

    Of the latter nothing is notified yet, for more may be about to come; who is at another level than was notified,
    or was at risk, is to be evaluated at once.
    """
    of = present.those(profiles.row)
    before = NotificationState.unpack(states).those(profiles.row)
    current = evaluate(profiles.inputs, profiles.trajectory, profiles.heard, before.level, of.now_ms)
    notified = np.where(of.due, current.level, before.level)
    stirred = ~of.due & ((current.level != before.level) | (before.level > 0))
    due = np.where(stirred, of.now_ms, current.due)
    after, moved = scheduled(before._replace(level=notified), due, of.now_ms)
    new_states = states.copy()
    new_states[profiles.row] = after.pack()
    schedule = Schedule(new_states, keys, profiles.row, after.hour, moved, due)
    changed = np.flatnonzero(notified != before.level)
    messages = list(_messages(profiles, current, before.level, changed, keys, customers, scoring, of))
    return LevelChanges(schedule, messages, _at_risk(current, before.level, np.flatnonzero(of.due), profiles.row))


def _at_risk(current: Evaluation, notified: Ints, due: Ints, rows: Ints) -> dict[int, str]:
    found: dict[int, str] = {}
    for place in due[(notified[due] > 0) | (current.level[due] > 0)].tolist():
        if current.level[place] == 0 or not current.counts[place]:
            found[int(rows[place])] = ""
        else:
            known = bool(current.level[place] == notified[place])
            found[int(rows[place])] = at_risk.entry(int(current.since[place]), known=known)
    return found


def _messages(
    profiles: Profiles,
    current: Evaluation,
    notified: Ints,
    changed: Ints,
    keys: Sequence[bytes],
    customers: Customers,
    scoring: Scoring,
    present: Present,
) -> Iterator[tuple[int, bytes]]:
    of = profiles.inputs.those(changed)
    parts = adding(of, scoring.coefficients.evidence, np.maximum(of.last, present.now_ms[changed]))
    scores = probability(current.log_odds[changed])
    for place, row, added, score, last in zip(
        changed.tolist(), profiles.row[changed].tolist(), parts, scores.tolist(), of.last.tolist(), strict=True
    ):
        product = customers.products[customers.product[row]]
        customer = customer_of(keys[row], product)
        kind, _, id_ = customer.partition(":")
        level, previous, since_ms = LEVELS[current.level[place]], LEVELS[notified[place]], int(current.since[place])
        notified_by = f"{scoring.packed()}{present.set_backs[place] or ''}"
        identity = "\0".join((product, customer, previous, level, str(since_ms), notified_by))
        message = ChurnRisk(
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
        yield row, msgspec.json.encode(message)
