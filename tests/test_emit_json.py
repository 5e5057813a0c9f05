"""Lines of JSON: read as they arrive, each checked, none lost."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas import Rejected
from stream.emit.input import Input
from stream.emit.lines import Checked, Record, check, json_lines, raw_lines
from stream.errors import UserError

CLICK = b'{"type":"click","event_id":"1","user_id":"ann","timestamp":"2026-03-01T00:00:00Z"}'
LOGIN = b'{"type":"login","event_id":"2","anonymous_id":"a1","timestamp":"2026-03-01T00:00:00Z"}'


async def collect(chunks: AsyncIterator[list[Checked]]) -> list[Checked]:
    return [checked async for chunk in chunks for checked in chunk]


def written(folder: Path, content: bytes, name: str = "events.jsonl") -> Input:
    path = folder / name
    path.write_bytes(content)
    return Input(str(path))


def test_finds_the_family_and_the_customer_in_the_event_itself() -> None:
    assert check(CLICK) == Record("clicks", "ann", CLICK)
    assert check(LOGIN) == Record("logins", "a1", LOGIN)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nope", "not_json"),
        (b"[]", "wrong_type"),
        (b"{}", "missing_field"),
        (b'{"type": 7}', "wrong_type"),
        (b'{"type": "clik"}', "unknown_type"),
        (b'{"type": "click"}', "missing_field"),
        (b'{"type": "click", "x": "\xff"}', "not_utf8"),
        (CLICK.replace(b"ann", b"a" * 70_000), "too_large"),
        (CLICK.replace(b'"user_id":"ann",', b""), "no_customer"),
    ],
)
def test_says_why_a_line_is_no_event(line: bytes, reason: str) -> None:
    rejected = check(line)

    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason


def test_names_every_known_type_when_one_is_unknown() -> None:
    rejected = check(b'{"type": "clik"}')

    assert isinstance(rejected, Rejected)
    assert "'clik'" in rejected.detail
    assert "purchase" in rejected.detail


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
async def test_numbers_lines_from_one_and_passes_over_blank_ones(tmp_path: Path, end: bytes) -> None:
    source = written(tmp_path, b"\n" + CLICK + b"\r\n  \nnope\n" + LOGIN + end)

    checked = await collect(json_lines(source))

    assert [number for number, _ in checked] == [2, 4, 5]
    assert [record for _, record in checked if isinstance(record, Record)] == [check(CLICK), check(LOGIN)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda content: gzip.compress(content) * 2])
async def test_unpacks_gzip_and_drops_a_byte_order_mark(tmp_path: Path, pack: type[bytes]) -> None:
    checked = await collect(json_lines(written(tmp_path, pack(b"\xef\xbb\xbf" + CLICK + b"\n"))))

    assert checked[0] == (1, check(CLICK))


async def test_reads_lines_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    lines = [b"a" * 300_000, b"b" * 600_000, b"c"]

    checked = await collect(raw_lines(written(tmp_path, b"\n".join(lines)), "clicks"))

    assert [record for _, record in checked] == [Record("clicks", None, line) for line in lines]


async def test_raw_lines_go_as_they_are_keyed_where_they_are_events(tmp_path: Path) -> None:
    source = written(tmp_path, b"nope\n\n" + CLICK + b"\r\n" + b"x" * 1_000_001)

    checked = await collect(raw_lines(source, "clicks"))

    assert checked[:3] == [
        (1, Record("clicks", None, b"nope")),
        (2, Record("clicks", None, b"")),
        (3, Record("clicks", "ann", CLICK + b"\r")),
    ]
    assert isinstance(checked[3][1], Rejected)
    assert checked[3][1].reason == "too_large"


async def test_hands_on_what_a_pipe_holds_before_more_arrives(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, CLICK + b"\n")
    chunks = json_lines(Input(str(pipe)))

    async with asyncio.timeout(10):
        assert await anext(chunks) == [(1, check(CLICK))]
        os.write(writer, LOGIN + b"\n")
        assert await anext(chunks) == [(2, check(LOGIN))]
    os.close(writer)


async def test_names_a_file_that_is_damaged_or_utf16(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(list(range(1000))).encode())
    with pytest.raises(UserError, match=r"half\.gz cannot be read to its end"):
        await collect(json_lines(written(tmp_path, packed[:-20], "half.gz")))
    with pytest.raises(UserError, match=r"excel\.txt is UTF-16: save it as UTF-8"):
        written(tmp_path, "abc".encode("utf-16"), "excel.txt")
