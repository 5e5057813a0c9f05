"""Ragged columns against lists of lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.ragged import (
    Ints,
    Ragged,
    distinct,
    from_bytes,
    from_words64,
    gathered,
    places,
    replaced,
    row_numbers,
    side_by_side,
    spans,
    stretches,
    to_bytes,
    to_words64,
)

laws = settings(derandomize=True, database=None, deadline=None, max_examples=100)

A_WORD = st.integers(0, 2**32 - 1)
ROWS = st.lists(st.lists(A_WORD, max_size=4), max_size=6)
Rows = list[list[int]]


def ragged(rows: Rows) -> Ragged:
    words = np.array([word for row in rows for word in row], np.uint32)
    return Ragged(words, np.array(list(map(len, rows)), np.int64))


def rows_of(some: Ragged) -> Rows:
    edges = np.cumsum(some.lengths).tolist()
    return [some.words[end - length : end].tolist() for end, length in zip(edges, some.lengths.tolist(), strict=True)]


def numbers(*some: int) -> Ints:
    return np.array(some, np.int64)


@laws
@given(ROWS)
def test_rows_survive_being_bytes(rows: Rows) -> None:
    assert rows_of(from_bytes(to_bytes(ragged(rows)))) == rows
    assert list(map(len, to_bytes(ragged(rows)))) == [4 * len(row) for row in rows]


@laws
@given(st.lists(st.tuples(st.lists(A_WORD, max_size=3), st.lists(A_WORD, max_size=3), st.lists(A_WORD, max_size=3))))
def test_rows_side_by_side_are_one_after_the_other(triples: list[tuple[list[int], list[int], list[int]]]) -> None:
    parts = [ragged([triple[part] for triple in triples]) for part in range(3)]
    assert rows_of(side_by_side(parts)) == [one + two + three for one, two, three in triples]


@laws
@given(ROWS, ROWS)
def test_replaced_rows_are_others_and_the_rest_stays(rows: Rows, others: Rows) -> None:
    others = others[: len(rows)]
    at = list(range(len(rows)))[::-1][: len(others)]
    expected = rows.copy()
    for place, other in zip(at, others, strict=True):
        expected[place] = other
    assert rows_of(replaced(ragged(rows), numbers(*at), ragged(others))) == expected


@laws
@given(ROWS)
def test_every_word_knows_its_row_and_stretches_are_gathered(rows: Rows) -> None:
    some = ragged(rows)
    assert row_numbers(some.lengths).tolist() == [number for number, row in enumerate(rows) for _ in row]
    short = np.minimum(some.lengths, 2)
    assert rows_of(gathered(some.words, some.starts, short)) == [row[:2] for row in rows]
    assert spans(numbers(5, 1), numbers(2, 3)).tolist() == [5, 6, 1, 2, 3]


@laws
@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_of_64_bits_survive_being_words(some: list[int]) -> None:
    assert from_words64(to_words64(numbers(*some))).ravel().tolist() == some


@laws
@given(st.lists(st.integers(-5, 5)))
def test_distinct_numbers_are_those_of_the_set(some: list[int]) -> None:
    assert distinct(numbers(*some)).tolist() == sorted(set(some))


@laws
@given(st.lists(st.integers(-5, 5)) | st.lists(st.integers(-(2**60), 2**60)))
def test_numbers_are_found_at_their_places(some: list[int]) -> None:
    found, where = places(numbers(*some))
    assert found.tolist() == sorted(set(some))
    assert found[where].tolist() == some


def test_stretches_of_equal_numbers() -> None:
    assert list(stretches(np.array([0, 0, 3, 7, 7, 7]))) == [(0, 0, 2), (3, 2, 3), (7, 3, 6)]
    assert list(stretches(np.empty(0, np.int64))) == []
