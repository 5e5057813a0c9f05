"""Answers: the last answer of each customer to each survey, and the series that count it.

Per customer, survey, survey_id and scale the last answer counts: later timestamp, then greater event_id; earlier
ones are taken back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np

from stream.core.facts import NONE, Customers, Facts
from stream.core.increments import Increments
from stream.core.ragged import Ragged, from_bytes, gathered, replaced, to_bytes
from stream.core.series import Kind, Series
from stream.core.time import DAY, MINUTE_MS, minute_of

SENT = frozenset({"survey_sent"})
ANSWERED_TYPES = frozenset({"survey_response"})

ANSWERS = Series("answers", Kind.CENSUS, "minute", ("survey", "survey_id", "scale", "score"))
ASKED = Series("asked", Kind.CENSUS, "minute", ("survey", "survey_id"), SENT)
ANSWERED = Series("answered", Kind.CENSUS, "minute", ("survey", "survey_id"), ANSWERED_TYPES)
REQUESTS = Series("survey_requests", Kind.FLOW, "minute", ("survey", "survey_id"), SENT)
RESPONSES = Series("responses", Kind.FLOW, "minute", ("survey", "survey_id", "scale"), ANSWERED_TYPES)
FEEDBACK = Series("feedback", Kind.FLOW, "minute", ("theme", "sentiment"))
SERIES = (ANSWERS, ASKED, ANSWERED, REQUESTS, RESPONSES, FEEDBACK)

Answer = tuple[int, bytes, int]
"""Milliseconds since the epoch, event_id, score (mirrored where the scale was reversed)."""

Given = dict[int, Answer]
"""Number of a key of RESPONSES (survey, survey_id, scale) -> the last answer."""

_KEEP_MS = 100 * DAY * MINUTE_MS
"""As long as an answer can be evidence of anything."""

_HEAD = Struct("<IqBxH")
"""Key number, milliseconds, score, length of the event_id that follows (in bytes, padded to whole words)."""


@dataclass(frozen=True)
class Answers:
    """`given[row]`: the answers of those customers that have answered now; all others' stay as they are `stored`.

    Answers are rare beside other events, and told apart by a text: so they are read one by one, and only where one
    more has come.
    """

    stored: Ragged
    given: dict[int, Given]

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Answers:
        return cls(stored, {})

    def pack(self) -> list[Ragged]:
        rows = np.array(list(self.given), np.int64)
        return [replaced(self.stored, rows, from_bytes(map(_packed, self.given.values())))]

    def joined(self, facts: Facts, keep_days: int | None) -> Answers:
        at, numbers = facts.under(RESPONSES)
        rows, moments = facts.row[at].tolist(), facts.ms[at].tolist()
        given = {row: before.copy() for row, before in self.of(rows).items()}
        for event, row, ms, number in zip(at.tolist(), rows, moments, numbers.tolist(), strict=True):
            answer = (ms, facts.events[event].event_id.encode(), score_of(facts.events[event]))
            if number not in given[row] or answer[:2] > given[row][number][:2]:
                given[row][number] = answer
        return Answers(self.stored, {row: _recent(answers) for row, answers in given.items()})

    def of(self, rows: Iterable[int]) -> dict[int, Given]:
        """The last answers of the customers in these rows."""
        stored = np.array([row for row in dict.fromkeys(rows) if row not in self.given], np.int64)
        found = to_bytes(gathered(self.stored.words, self.stored.starts[stored], self.stored.lengths[stored]))
        return self.given | dict(zip(stored.tolist(), map(_unpacked, found), strict=True))


def score_of(event: Any) -> int:
    """The score; of a reversed effort scale its mirror image."""
    score: int = event.score
    if event.survey == "ces" and event.reversed:
        first, _, last = event.scale.partition("-")
        return int(first) + int(last) - score
    return score


def change(increments: Increments, customers: Customers, old: Answers, new: Answers) -> None:
    """contribution(new) − contribution(old)."""
    names = customers.names
    rows = list(new.given) or np.flatnonzero(new.stored.lengths).tolist()
    before_of, now_of = old.of(rows), new.of(rows)
    cells: list[tuple[int, int, int]] = []
    for row in rows:
        before, now = before_of[row], now_of[row]
        for number in before.keys() | now.keys():
            was, is_ = before.get(number), now.get(number)
            if was != is_:
                _, *labels = names[number]
                for answer, count in ((was, -1), (is_, 1)):
                    if answer:
                        key = names.number((ANSWERS.name, *labels, str(answer[2])))
                        cells.append((key, minute_of(answer[0]), count))
    if cells:
        keys, minutes, counts = np.array(cells, np.int64).T
        increments.add(keys, minutes, counts)


def count_feedback(increments: Increments, facts: Facts) -> None:
    """The plain counts by theme and sentiment: +1 at the answer's minute for each of its themes."""
    for event in facts.of(ANSWERED_TYPES).tolist():
        answer, product = facts.events[event], facts.customers.products[facts.product[event]]
        if answer.sentiment or answer.themes:
            themes = dict.fromkeys(facts.place(product, "theme", theme) for theme in answer.themes or ())
            for theme in themes or (NONE,):
                number = facts.customers.names.number(FEEDBACK.key(product, theme, answer.sentiment or NONE))
                increments.add(number, facts.minute[event : event + 1], 1)


def _recent(given: Given) -> Given:
    edge = max(answer[0] for answer in given.values()) - _KEEP_MS
    return {number: answer for number, answer in given.items() if answer[0] > edge}


def _packed(given: Given) -> bytes:
    parts = []
    for number, (ms, event_id, score) in sorted(given.items()):
        parts.append(_HEAD.pack(number, ms, score, len(event_id)))
        parts.append(event_id + bytes(-len(event_id) % 4))
    return b"".join(parts)


def _unpacked(stored: bytes) -> Given:
    given: Given = {}
    at = 0
    while at < len(stored):
        number, ms, score, length = _HEAD.unpack_from(stored, at)
        at += _HEAD.size
        given[number] = (ms, stored[at : at + length], score)
        at += length + -length % 4
    return given
