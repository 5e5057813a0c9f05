"""Rows of CSV: any layout, every row accounted for, and a file loaded twice counts once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas import Rejected
from stream.emit.input import Input
from stream.emit.lines import Record
from stream.emit.mapping import Column, EventMapping, Moments
from stream.emit.rows import WHITESPACE, Layout, csv_records
from stream.errors import UserError


def logins(**columns: str) -> EventMapping:
    names = {"user_id": "who", "timestamp": "day", **columns}
    sources = {field: Column(name) for field, name in names.items()}
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
    chunks = csv_records(Input(str(path)), layout or Layout(), mapping or logins())
    return [
        (line, json.loads(record.value) if isinstance(record, Record) else record)
        async for chunk in chunks
        for line, record in chunk
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
        ("ann  20260301\nbob  20260302\n", Layout(WHITESPACE, ("who", "day"))),
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
        b'"d"x,2026-03-01\n\xff,2026-03-01\n,2026-03-01\neve,soon\nfay,2026-03-02\n'
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
    ]
    assert [event["user_id"] for _, event in rows if isinstance(event, dict)] == ["ann", "fay"]


async def test_a_quoted_cell_may_hold_delimiters_and_line_ends(tmp_path: Path) -> None:
    rows = await load(tmp_path, 'who,day\n"a, ""b""\nc",2026-03-01\nbob,2026-03-01\n')

    assert [(line, event["user_id"]) for line, event in rows if isinstance(event, dict)] == [
        (3, 'a, "b"\nc'),
        (4, "bob"),
    ]


async def test_a_quote_that_never_ends_is_named_and_not_swallowed(tmp_path: Path) -> None:
    rows = await load(tmp_path, 'who,day\nann,2026-03-01\n"bob,2026-03-01\ncy,2026-03-01\n')

    line, rejected = rows[-1]
    assert (len(rows), line) == (2, 4)
    assert isinstance(rejected, Rejected)


async def test_the_same_file_gives_the_same_ids_and_equal_rows_different_ones(tmp_path: Path) -> None:
    content = "who,day\nann,2026-03-01\nann,2026-03-01\n"

    first = await load(tmp_path, content)
    again = await load(tmp_path, gzip.compress(content.encode()), name="logins.csv.gz")
    other = await load(tmp_path, content, name="other.csv")

    ids = [event["event_id"] for _, event in first if isinstance(event, dict)]
    assert len(set(ids)) == 2
    assert first == again
    assert not set(ids) & {event["event_id"] for _, event in other if isinstance(event, dict)}


async def test_takes_the_event_id_and_the_line_number_from_where_they_are_mapped(tmp_path: Path) -> None:
    rows = await load(tmp_path, "who,day,id\nann,2026-03-01,x1\n", mapping=logins(event_id="id", method="@line"))

    event = rows[0][1]
    assert isinstance(event, dict)
    assert (event["event_id"], event["method"]) == ("x1", "2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("name,day\n", "has no column who; it has name, day"),
        ("who,who,day\n", "more than one column who"),
        ('"who"x,day\n', "line 1: .*cannot tell the columns"),
    ],
)
async def test_refuses_a_file_whose_columns_do_not_fit(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        await load(tmp_path, content)
