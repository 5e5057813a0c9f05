"""Rows of CSV: any layout, every row accounted for, and a file loaded twice counts once, also when it has grown."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Rejected
from stream.ingest.cells import WHITESPACE
from stream.ingest.checking import Accepted
from stream.ingest.input import Input
from stream.ingest.mapping import Column, EventMapping
from stream.ingest.moments import Moments
from stream.ingest.row_ids import Occurrences
from stream.ingest.rows import CsvReader, Layout, csv_events
from stream.runtime.errors import UserError


def logins(**columns: str) -> EventMapping:
    names = {"user_id": "who", "timestamp": "day", **columns}
    sources = {field: Column.parse(name) for field, name in names.items()}
    return EventMapping("login", sources, {}, Moments(ZoneInfo("UTC")))


async def load(
    folder: Path,
    content: str | bytes,
    layout: Layout | None = None,
    mapping: EventMapping | None = None,
    name: str = "logins.csv",
) -> list[tuple[int, dict[str, Any] | Rejected]]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    chunks = csv_events(Input(str(path)), layout or Layout(), mapping or logins())
    return [
        (line, json.loads(outcome.value) if isinstance(outcome, Accepted) else outcome)
        async for chunk in chunks
        for line, outcome in chunk
    ]


async def customers(folder: Path, content: str | bytes, layout: Layout, **columns: str) -> list[object]:
    rows = await load(folder, content, layout, logins(**columns))
    return [event["user_id"] if isinstance(event, dict) else event for _, event in rows]


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        ("who,day\nann,2026-03-01\nbob,2026-03-02\n", Layout()),
        ("\ufeff who , day\r\nann, 2026-03-01\r\n\r\nbob,2026-03-02", Layout()),
        ('"day";"who"\n"2026-03-01";"ann"\n2026-03-02;bob\n', Layout(";")),
        ("who\tday\nann\t2026-03-01\nbob\t2026-03-02\n", Layout("\t")),
        ("  who   day\n ann  2026-03-01  \n\n bob\t2026-03-02\r\n", Layout(WHITESPACE)),
        ("ann  2026-03-01\nbob  2026-03-02\n", Layout(WHITESPACE, ("who", "day"))),
        ("who,day\rann,2026-03-01\rbob,2026-03-02\r", Layout()),
        ("sep=;\r\nwho;day\r\nann;2026-03-01\r\nbob;2026-03-02\r\n", Layout()),
        ('"SEP=\t"\nwho\tday\nann\t2026-03-01\nbob\t2026-03-02\n', Layout("\t")),
        ("sep=;\nann;2026-03-01\nbob;2026-03-02\n", Layout(columns=("who", "day"))),
        ("sep=;\nwho,day\nann,2026-03-01\nbob,2026-03-02\n", Layout(",")),
        ("day;note;note;who\n2026-03-01;a;b;ann\n2026-03-02;;;bob\n", Layout(";")),
    ],
)
async def test_reads_the_layouts_that_files_come_in(tmp_path: Path, content: str, layout: Layout) -> None:
    assert await customers(tmp_path, content, layout) == ["ann", "bob"]


async def test_numbers_the_columns_of_a_file_without_header(tmp_path: Path) -> None:
    content = "2026-03-01,ann\n2026-03-02,bob\n"

    assert await customers(tmp_path, content, Layout(header=False), user_id="2", timestamp="1") == ["ann", "bob"]


async def test_names_bad_rows_by_line_and_reads_on(tmp_path: Path) -> None:
    content = (
        b"who,day\nann,2026-03-01\nbob\ncy,2026-03-01,x\n"
        b'"d"x,2026-03-01\n\xff,2026-03-01\n,2026-03-01\neve,soon\n"\xff",2026-03-01\n\x00,2026-03-01\n,\n'
        b"fay,2026-03-02\n" + b"g" * 131_073 + b",2026-03-02\nhal,2026-03-02"
    )

    rows = await load(tmp_path, content)

    reasons = [(line, event.reason) for line, event in rows if isinstance(event, Rejected)]
    assert reasons == [
        (3, "wrong_type"),
        (4, "wrong_type"),
        (5, "wrong_type"),
        (6, "not_utf8"),
        (7, "no_customer"),
        (8, "bad_timestamp"),
        (9, "not_utf8"),
        (10, "wrong_type"),
        (11, "missing_field"),
        (13, "too_large"),
    ]
    assert [event["user_id"] for _, event in rows if isinstance(event, dict)] == ["ann", "fay", "hal"]


async def test_a_quoted_cell_may_hold_delimiters_and_a_few_line_ends(tmp_path: Path) -> None:
    rows = await load(
        tmp_path, 'who,day\n"a, ""b""\r\nc",2026-03-01\nbob,2026-03-01\n"d' + 7 * "\n" + 'e",2026-03-01'
    )

    assert [(line, event["user_id"]) for line, event in rows if isinstance(event, dict)] == [
        (2, 'a, "b"\nc'),
        (4, "bob"),
        (5, "d" + 7 * "\n" + "e"),
    ]


# Each is a row, or what is left of one, that begins with a quote which the next rows would go into.
STRAY_QUOTES = {
    "closed rows later": 'a,"open,2026-03-31T11:00\n{rows}c,closed",2026-03-31T11:02\n',
    "closed in the next row": 'a,"open,2026-03-31T11:00\nc,closed",2026-03-31T11:02\n{rows}',
    "closed before a moment": 'a,"open\n{rows}c,2026-03-31T11:02,closed",x\n',
    "never closed": 'a,"open,2026-03-31T11:00\n{rows}',
    "never closed in the last column": 'a,open,"2026-03-31T11:00\n{rows}',
    "within a cell": 'a,"he said 12" monitor,2026-03-31T11:00\n{rows}',
    "closed to a row of another width": 'a,"open,2026-03-31T11:00\n{rows}c,"closed,2026-03-31T11:02\n',
    "open over more than a few lines": 'a,"open' + 8 * "\nx" + '",2026-03-31T11:00\n{rows}',
}


@pytest.mark.parametrize("case", STRAY_QUOTES)
@pytest.mark.parametrize("count", [1, 2, 7, 8, 40])
async def test_a_stray_quote_is_named_by_its_line_and_takes_no_row_with_it(
    tmp_path: Path, case: str, count: int
) -> None:
    between = [f"b{number}" for number in range(count)]
    swallowed = "".join(f"{who},x,2026-03-31T11:01\n" for who in between)
    content = f"who,comment,day\n{STRAY_QUOTES[case].format(rows=swallowed)}z,x,2026-03-31T11:03\n"

    rows = await load(tmp_path, content)

    line, first = rows[0]
    assert line == 2
    assert isinstance(first, Rejected)
    assert first.reason == "wrong_type"
    sent = [event["user_id"] for _, event in rows if isinstance(event, dict)]
    assert [who for who in sent if who != "c"] == [*between, "z"]


@pytest.mark.parametrize(
    "comment",
    [
        "Dear all,\nthank you, all, of you\nBob",
        "Thanks, Bob, 5\nfor all, really, now",
        ",,\n,,\n",
        "one\n\n\nfive, and, six",
        "2026-03-31T11:00\nx",
    ],
)
@pytest.mark.parametrize("layout", ["who,day,comment", "comment,who,day", "who,comment,day", "comment,day,who"])
async def test_a_comment_over_a_few_lines_is_no_stray_quote(tmp_path: Path, comment: str, layout: str) -> None:
    cells = {"who": "ann", "day": "2026-03-31", "comment": f'"{comment}"'}
    content = f"{layout}\n" + ",".join(cells[name] for name in layout.split(",")) + "\n"

    assert await customers(tmp_path, content, Layout()) == ["ann"]


async def test_a_quote_that_is_open_when_a_pipe_pauses_waits_for_what_follows() -> None:
    reader = CsvReader("a pipe", Layout(), logins())
    content = b'who,day\r\nann,2026-03-01\r\n"b\r\nc",2026-03-02\r\n"d'

    found = [reader.feed(content[at : at + 1]) for at in range(len(content))] + [reader.end()]

    assert [len(rows) for rows in found if rows] == [1, 1, 1]
    assert [(line, isinstance(outcome, Accepted)) for rows in found for line, outcome in rows] == [
        (2, True),
        (3, True),
        (5, False),
    ]


def ids(rows: list[tuple[int, dict[str, Any] | Rejected]]) -> list[str]:
    return [event["event_id"] for _, event in rows if isinstance(event, dict)]


async def test_the_same_file_gives_the_same_ids_and_equal_rows_different_ones(tmp_path: Path) -> None:
    content = "who,day\nann,2026-03-01\nann,2026-03-01\n"

    first = await load(tmp_path, content)
    again = await load(tmp_path, gzip.compress(content.encode()), name="other.csv.gz")

    assert len(set(ids(first))) == 2
    assert first == again


async def test_a_history_exported_again_keeps_the_ids_of_its_rows_wherever_they_stand(tmp_path: Path) -> None:
    monday = ids(await load(tmp_path, "order,who,day\n1,ann,2026-03-30\n1,ann,2026-03-30\n2,bob,2026-03-30\n"))
    tuesday = ids(
        await load(
            tmp_path,
            "day;order;who\n2026-03-31;3;cy\n2026-03-30;2;bob\n2026-03-30;1;ann\n2026-03-30;1;ann\n2026-03-30;1;ann",
            Layout(";"),
        )
    )

    assert set(monday) < set(tuesday)
    assert (len(set(monday)), len(set(tuesday))) == (3, 5)


async def test_rows_that_differ_in_any_cell_type_or_product_have_different_ids(tmp_path: Path) -> None:
    sources = {"user_id": Column("who"), "timestamp": Column("day")}
    moments = Moments(ZoneInfo("UTC"))
    found = [
        ids(await load(tmp_path, content, mapping=EventMapping(type_, sources, constants, moments)))
        for type_ in ("login", "click")
        for constants in ({}, {"product": "app"})
        for content in (
            "who,day,note\nann,2026-03-01,a\nann,2026-03-01,b\n",
            "who,day,other\nann,2026-03-01,a\n",
            "who,day\nann,2026-03-01\n",
            "who,day,note,other\nann,2026-03-01,a,\nann,2026-03-01,,a\n",
        )
    ]

    assert len({id_ for each in found for id_ in each}) == 2 * 2 * 6
    default = EventMapping("login", sources, {"product": "default"}, moments)
    assert ids(await load(tmp_path, "who,day\nann,2026-03-01\n", mapping=default)) == found[2]


async def test_the_line_is_part_of_what_a_row_says_where_it_is_mapped(tmp_path: Path) -> None:
    by_line = logins(method="@line")

    first = ids(await load(tmp_path, "who,day\nann,2026-03-01\n", mapping=by_line))
    below = ids(await load(tmp_path, "who,day\n\nann,2026-03-01\n", mapping=by_line))

    assert first != below


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=20))
def test_occurrences_are_counted_over_all_that_came_before(chunks: list[list[int]]) -> None:
    occurrences = Occurrences()
    counted: Counter[int] = Counter()
    for chunk in chunks:
        expected = []
        for each in chunk:
            counted[each] += 1
            expected.append(counted[each])
        assert occurrences.of(np.array(chunk, np.uint64)) == expected


async def test_takes_the_event_id_and_the_line_number_from_where_they_are_mapped(tmp_path: Path) -> None:
    rows = await load(tmp_path, "who,day,id\nann,2026-03-01,x1\n", mapping=logins(event_id="id", method="@line"))

    event = rows[0][1]
    assert isinstance(event, dict)
    assert (event["event_id"], event["method"]) == ("x1", "2")


SURVEY = {"survey": "nps", "survey_id": "q1", "scale": "0-10"}


@pytest.mark.parametrize(
    ("row", "reason", "words"),
    [
        ("3,ann,2026-03-31,yes", "wrong_type", "reversed: 'yes' is not true or false (column turned)"),
        ("3.5,ann,2026-03-31,", "wrong_type", "score: '3.5' is not a whole number (column How likely is it?)"),
        ("11,ann,2026-03-31,", "score_out_of_scale", "score: expected 0 to 10 (column How likely is it?: '11')"),
        (",ann,2026-03-31,", "missing_field", "(column How likely is it? is empty)"),
        ("3,,2026-03-31,", "no_customer", "expected user_id or anonymous_id (column user is empty)"),
        ("3,ann,31.3.,", "bad_timestamp", "timestamp: '31.3.': expected ISO 8601"),
        ("3,ann,,", "missing_field", "(column at is empty)"),
        (
            f"3,{'a' * 300},2026-03-31,",
            "wrong_type",
            f"user_id: Expected `str` of length <= 256 (column user: '{'a' * 40}')",
        ),
    ],
)
async def test_an_error_blames_the_field_that_is_wrong_and_names_its_column(
    tmp_path: Path, row: str, reason: str, words: str
) -> None:
    names = {"score": "How likely\nis it?", "user_id": "user", "timestamp": "at", "reversed": "turned"}
    columns = {field: Column.parse(name) for field, name in names.items()}
    mapping = EventMapping("survey_response", columns, SURVEY, Moments(ZoneInfo("UTC")))

    [(line, rejected)] = await load(tmp_path, f'"How likely\r\nis it?", user ,at,turned\n{row}\n', mapping=mapping)

    assert line == 3
    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason
    assert words in rejected.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("name,day\n", "has no column who; it has name, day"),
        ("who,who,day\n", "more than one column who"),
        ("\n \n\r\n", "is empty"),
        ("sep=;\n", "is empty"),
        ("sep=;\nwho,day\n", "has no column day, who; it has who,day: .* Add --delimiter ','"),
        ("who;day\n", "Add --delimiter ';'"),
        ("who\tday\n", "Add --delimiter tab"),
        ("who ,day,who\n", "more than one column who"),
        ('"who"x,day\n', "line 1: .*cannot tell the columns"),
        ('"who,day\n' + "ann,2026-03-01\n" * 50, "line 1: a quote opens here.*cannot tell the columns"),
        (b"\xff,day\n", "line 1: .*name it by --encoding: cannot tell the columns"),
        ("w" * 200_000, "line 1: expected at most 131072 bytes on a line: cannot tell the columns"),
        (",".join(map(str, range(20_000))), r"has no column day, who; it has 0, 1, .{,420}correct --map"),
    ],
)
async def test_refuses_a_file_whose_columns_do_not_fit(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(UserError, match=words):
        await load(tmp_path, content)


async def test_a_file_without_rows_has_none(tmp_path: Path) -> None:
    assert await load(tmp_path, "who,day\n") == []
    assert await load(tmp_path, "", Layout(columns=("who", "day"))) == []


# Rows as they are meant, each with the moment by which it is found again, and what may go wrong with them.
CELLS = st.one_of(st.sampled_from(["", "x", "a b", "5"]), st.text('ab," \r\n\x00é;', max_size=8))
DAMAGE = st.sampled_from([b"", b"", b"", b'"', b',"', b'",', b"\n", b"\r", b'x"', b"\xff", b"\x00", b'"\n', b","])


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Rows as a program writes them, with bytes in between that it did not write."""
    ends = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    content = f"who,comment,day{ends}".encode()
    for number in range(draw(st.integers(0, 12))):
        row = io.StringIO()
        csv.writer(row, lineterminator=ends).writerow([f"u{number}", draw(CELLS), f"2026-03-01T00:00:{number + 10}"])
        written = row.getvalue().encode()
        at = draw(st.integers(0, len(written)))
        content += written[:at] + draw(DAMAGE) + written[at:]
    return content


def read_in_pieces(content: bytes, sizes: int) -> list[tuple[int, Accepted | Rejected]]:
    reader = CsvReader("a file", Layout(), logins())
    rows = [row for at in range(0, len(content), sizes) for row in reader.feed(content[at : at + sizes])]
    return rows + reader.end()


@given(damaged_files(), st.integers(1, 50))
def test_every_line_is_sent_or_named_whatever_the_bytes(content: bytes, sizes: int) -> None:
    rows = read_in_pieces(content, 1 << 20)

    assert read_in_pieces(content, sizes) == rows  # however it arrives
    lines = re.split(rb"\r\n|\r|\n", content)
    numbers = [line for line, _ in rows]
    assert numbers == sorted(set(numbers))  # none twice
    for (line, outcome), following in zip(rows, [*numbers, len(lines) + 1][1:], strict=True):
        held = lines[line - 1 : following - 1]
        assert held[0].strip(b" \t")
        # A row is one line, or some where it has its three cells; what lies between is blank.
        own = lines_of_row(held)
        assert isinstance(outcome, Rejected) or own
        assert not b"".join(held[own or 1 :]).strip(b" \t"), (line, held)
    before = lines[1 : numbers[0] - 1] if numbers else lines[1:]
    assert not b"".join(before).strip(b" \t")


def lines_of_row(lines: list[bytes]) -> int:
    """Of how many lines the row is with which they begin, by the csv module; 0 where that says it is none."""
    reader = csv.reader((line.decode() + "\n" for line in lines), skipinitialspace=True, strict=True)
    try:
        return reader.line_num if len(next(reader)) == 3 else 0
    except (csv.Error, UnicodeDecodeError):
        return 0


@given(damaged_files())
def test_no_whole_line_is_lost_to_its_neighbours(content: bytes) -> None:
    rows = read_in_pieces(content, 1 << 20)

    sent = [json.loads(outcome.value) for _, outcome in rows if isinstance(outcome, Accepted)]
    whole = Counter(
        f"2026-03-01T00:00:{line[-2:].decode()}Z"
        for line in re.split(rb"\r\n|\r|\n", content)[1:]
        if re.fullmatch(rb"u[0-9]+,[^,\"\x00\xff]*,2026-03-01T00:00:[0-9]{2}", line)
    )
    assert whole <= Counter(event["timestamp"] for event in sent)
    assert len({event["event_id"] for event in sent}) == len(sent)
