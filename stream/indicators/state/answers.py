"""Answers: the last answer of each customer to each survey, and the series that count it.

Per customer, survey, survey_id and scale the last answer counts: later timestamp, then greater event_id; earlier
ones are taken back. Of what found no place among the labels (the survey_id or the product `other`) answers are only
counted: they are to several surveys, and one would take another's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.definitions import Definitions
from stream.core.event_columns import OTHER, Customers, EventColumns
from stream.core.increments import Increments
from stream.core.ragged import (
    Ints,
    Ragged,
    chained,
    distinct,
    from_bytes,
    from_words64,
    gathered,
    places,
    replaced,
    side_by_side,
    stretch_starts,
    to_bytes,
    to_words64,
)
from stream.core.series import Key, Kind, Series
from stream.core.time import DAY, MINUTE_MS
from stream.indicators import measures
from stream.indicators.state.segments import with_segments

ANSWERS = with_segments(Series("answers", Kind.CENSUS, "minute", ("survey", "survey_id", "scale", "score")))
ASKED = measures.distinct("asked", of="survey_sent survey_response", by="survey survey_id")
ANSWERED = measures.distinct("answered", of="survey_response", by="survey survey_id")
REQUESTS = measures.total("survey_requests", of="survey_sent", by="survey survey_id")
RESPONSES = measures.total("responses", of="survey_response", by="survey survey_id scale")

_ANSWER = frozenset({"survey_response"})
_OPINION = ("theme", "sentiment")


def _speaks(event: Any) -> bool:
    return bool(event.themes or event.sentiment)


FEEDBACK = Series("feedback", Kind.FLOW, "minute", _OPINION, _ANSWER, (("survey_response", _speaks),))
GIVEN, DERIVED = (
    Series(name, Kind.CENSUS, "minute", _OPINION, _ANSWER, (("survey_response", counts),))
    for name, counts in (
        ("feedback_given", lambda event: _speaks(event) and not event.derived),
        ("feedback_derived", lambda event: _speaks(event) and event.derived),
    )
)
"""Which of it customers gave last, and what of it was read out of their comments by a rule."""

_KEEP_MS = 100 * DAY * MINUTE_MS
"""As long as an answer can be evidence of anything."""

_HEAD = 4
_SCORES = 1 << 8


class Given(NamedTuple):
    """Answers, one each: its row, the number of its key of RESPONSES (survey, survey_id, scale), milliseconds since
    the epoch, the score (mirrored where the scale was reversed), the event_id (bytes, and zeros to whole words)."""

    row: Ints
    number: Ints
    ms: Ints
    score: Ints
    id_bytes: Ints
    ids: Ragged

    def those(self, at: Ints) -> Given:
        row, number, ms, score, id_bytes = (column[at] for column in self[:-1])
        ids = gathered(self.ids.words, self.ids.starts[at], self.ids.lengths[at])
        return Given(row, number, ms, score, id_bytes, ids)

    @property
    def key(self) -> Ints:
        """Row and number in one."""
        return self.row << 32 | self.number

    def event_ids(self) -> list[bytes]:
        return [id_[:size] for id_, size in zip(to_bytes(self.ids), self.id_bytes.tolist(), strict=True)]


@dataclass(frozen=True)
class Answers:
    """`given`: the last answers of those customers that have answered now, by row and number; all others' stay as
    they are `stored`, for answers are rare beside other events."""

    customers: Customers
    stored: Ragged
    given: Given

    @classmethod
    def unpack(cls, stored: Ragged, customers: Customers) -> Answers:
        return cls(customers, stored, _read(stored, np.empty(0, np.int64)))

    def pack(self, customers: Customers) -> list[Ragged]:
        given, rows = self.given, distinct(self.given.row)
        heads = np.empty((len(given.row), _HEAD), np.uint32)
        heads[:, 0], heads[:, 1:3] = customers.key_ids.ids(given.number), to_words64(given.ms)
        heads[:, 3] = given.id_bytes * _SCORES + given.score
        answers = side_by_side([Ragged(heads.ravel(), np.full(len(heads), _HEAD)), given.ids])
        lengths = np.bincount(np.searchsorted(rows, given.row), answers.lengths, len(rows)).astype(np.int64)
        return [replaced(self.stored, rows, Ragged(answers.words, lengths))]

    def merge(self, columns: EventColumns, keep_days: int | None) -> Answers:
        at, numbers = _to_one_survey(columns)
        if not len(at):
            return self
        answers = [columns.events[event] for event in at.tolist()]
        ids = [answer.event_id.encode() for answer in answers]
        new = Given(
            columns.row[at],
            numbers,
            columns.ms[at],
            np.array([score_of(answer) for answer in answers], np.int64),
            np.array([len(id_) for id_ in ids], np.int64),
            from_bytes(id_ + bytes(-len(id_) % 4) for id_ in ids),
        )
        given = _recent(_last(_chained(self.stored_of(distinct(new.row)), new)))
        return Answers(self.customers, self.stored, given)

    def stored_of(self, rows: Ints) -> Given:
        """The answers that were stored of these rows."""
        found = _read(self.stored, rows)
        return found._replace(number=self.customers.read(found.row, found.number))


def of_one_survey(product: str, survey_id: str) -> bool:
    """Whether all answers under these labels are to the same survey."""
    return OTHER not in (product, survey_id)


def _to_one_survey(columns: EventColumns) -> tuple[Ints, Ints]:
    """(answers that can stand beside each other, the numbers of their keys of RESPONSES)."""
    at, numbers = columns.under(RESPONSES)
    keys, where = places(numbers)
    key_ids = columns.customers.key_ids
    known = np.array([_is_of_one_survey(key_ids[number]) for number in keys.tolist()], np.bool_)[where]
    return at[known], numbers[known]


def _is_of_one_survey(key: Key) -> bool:
    _, product, _, survey_id, _ = key
    return of_one_survey(product, survey_id)


def _read(stored: Ragged, rows: Ints) -> Given:
    """The answers of these rows, as they are stored: the first of each, then the second of each that has one, …"""
    rows = rows[stored.lengths[rows] > 0]
    words, at, ends = stored.words, stored.starts[rows], stored.starts[rows] + stored.lengths[rows]
    found: list[Given] = []
    while not found or len(rows):
        heads = words[at[:, None] + np.arange(_HEAD)]
        number, rest = heads[:, 0].astype(np.int64), heads[:, 3].astype(np.int64)
        id_bytes, score = np.divmod(rest, _SCORES)
        ids = gathered(words, at + _HEAD, (id_bytes + 3) // 4)
        found.append(Given(rows, number, from_words64(heads[:, 1:3]).ravel(), score, id_bytes, ids))
        at = at + _HEAD + ids.lengths
        rows, at, ends = rows[at < ends], at[at < ends], ends[at < ends]
    return _chained(*found)


def _chained(*parts: Given) -> Given:
    *columns, ids = zip(*parts, strict=True)
    row, number, ms, score, id_bytes = map(np.concatenate, columns)
    return Given(row, number, ms, score, id_bytes, chained(*ids))


def _last(given: Given) -> Given:
    """Of the answers under the same key the last, in order of key."""
    key, ms = given.key, given.ms
    order = np.lexsort((ms, key))
    tied = (np.diff(key[order]) == 0) & (np.diff(ms[order]) == 0)
    if tied.any():
        order = np.lexsort((_rank_of_ids(given, order, tied), ms, key))
    return given.those(order[np.diff(key[order], append=-1) != 0])


def _rank_of_ids(given: Given, order: Ints, tied: NDArray[np.bool_]) -> Ints:
    """For each answer the rank of its event_id among those that are `tied` (with the next of the order)."""
    at = distinct(np.concatenate([order[:-1][tied], order[1:][tied]]))
    ids = given.those(at).event_ids()
    ranks = {id_: rank for rank, id_ in enumerate(sorted(set(ids)))}
    rank = np.zeros(len(order), np.int64)
    rank[at] = [ranks[id_] for id_ in ids]
    return rank


def _recent(given: Given) -> Given:
    """Without what is too old beside the customer's newest answer."""
    first = stretch_starts(given.row)
    newest = np.maximum.reduceat(given.ms, first)
    kept = given.ms > np.repeat(newest, np.diff(first, append=len(given.row))) - _KEEP_MS
    return given if kept.all() else given.those(np.flatnonzero(kept))


def score_of(event: Any) -> int:
    """The score; of a reversed effort scale its mirror image."""
    score: int = event.score
    if event.survey == "ces" and event.reversed:
        first, _, last = event.scale.partition("-")
        return int(first) + int(last) - score
    return score


def all_answers(answers: Answers, size: int) -> Given:
    """Of all `size` customers, in any order."""
    fresh = distinct(answers.given.row)
    rest = np.ones(size, np.bool_)
    rest[fresh] = False
    return _chained(answers.stored_of(np.flatnonzero(rest)), answers.given)


def change(increments: Increments, customers: Customers, old: Answers, new: Answers, _: Definitions) -> None:
    """contribution(new) − contribution(old), of those that have answered; of all, where they are stored apart."""
    now = new.given if new.stored is old.stored else new.stored_of(np.arange(len(customers)))
    for given, count in ((old.stored_of(distinct(now.row)), -1), (now, 1)):
        numbers = customers.key_ids.like(given.number, _key, given.score)
        increments.add(numbers, given.ms // MINUTE_MS, count, given.row)


def _key(response: Key, score: int) -> Key:
    return ANSWERS.key(*response[1:], str(score))
