"""Events in JSON, one a line or in an array: read as they arrive, each checked, none lost, in bounded memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Rejected
from stream.ingest.checking import Accepted, check
from stream.ingest.input import Input
from stream.ingest.lines import Checked, JsonReader, json_lines, raw_lines
from stream.runtime.errors import UserError

CLICK = b'{"type":"click","event_id":"1","user_id":"ann","timestamp":"2026-03-01T00:00:00Z"}'
LOGIN = b'{"type":"login","event_id":"2","anonymous_id":"a1","timestamp":"2026-03-01T00:00:00Z"}'


async def collect(chunks: AsyncIterator[list[Checked]]) -> list[Checked]:
    return [checked async for chunk in chunks for checked in chunk]


def written(folder: Path, content: bytes, name: str = "events.jsonl") -> Input:
    path = folder / name
    path.write_bytes(content)
    return Input(str(path))


def test_finds_the_family_and_the_customer_in_the_event_itself() -> None:
    assert check(CLICK) == Accepted("clicks", "ann", CLICK)
    assert check(LOGIN) == Accepted("logins", "a1", LOGIN)


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
    assert [outcome for _, outcome in checked if isinstance(outcome, Accepted)] == [check(CLICK), check(LOGIN)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda content: gzip.compress(content) * 2])
async def test_unpacks_gzip_and_drops_a_byte_order_mark(tmp_path: Path, pack: type[bytes]) -> None:
    checked = await collect(json_lines(written(tmp_path, pack(b"\xef\xbb\xbf" + CLICK + b"\n"))))

    assert checked[0] == (1, check(CLICK))


async def test_reads_lines_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    lines = [b"a" * 300_000, b"b" * 600_000, b"c"]

    checked = await collect(raw_lines(written(tmp_path, b"\n".join(lines)), "clicks"))

    assert [outcome for _, outcome in checked] == [Accepted("clicks", None, line) for line in lines]


async def test_raw_lines_go_as_they_are_keyed_where_they_are_events(tmp_path: Path) -> None:
    source = written(tmp_path, b"nope\n\n" + CLICK + b"\r\n" + b"x" * 1_000_001)

    checked = await collect(raw_lines(source, "clicks"))

    assert checked[:3] == [
        (1, Accepted("clicks", None, b"nope")),
        (2, Accepted("clicks", None, b"")),
        (3, Accepted("clicks", "ann", CLICK + b"\r")),
    ]
    number, rejected = checked[3]
    assert isinstance(rejected, Rejected)
    assert (number, rejected.reason) == (4, "too_large")


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


async def test_hands_on_the_lines_before_an_archive_was_cut_off(tmp_path: Path) -> None:
    lines = b"".join(CLICK.replace(b"ann", os.urandom(20).hex().encode()) + b"\n" for _ in range(20_000))
    checked: list[Checked] = []
    with pytest.raises(UserError, match=r"half\.gz cannot be read to its end: it was cut off"):
        async for chunk in json_lines(written(tmp_path, gzip.compress(lines)[:-300_000], "half.gz")):
            checked += chunk

    assert len(checked) > 1000
    assert all(isinstance(outcome, Accepted) for _, outcome in checked)


async def test_reads_utf16_and_says_how_to_name_another_encoding(tmp_path: Path) -> None:
    event = CLICK.decode().replace("ann", "Zoë")

    [(_, outcome)] = await collect(json_lines(written(tmp_path, event.encode("utf-16"))))
    [(_, rejected)] = await collect(json_lines(written(tmp_path, event.encode("latin-1"))))

    assert outcome == check(event.encode())
    assert isinstance(rejected, Rejected)
    assert "if the file is in another encoding, name it by --encoding" in rejected.detail


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_any_line_end_ends_a_line(tmp_path: Path, end: str) -> None:
    content = end.encode().join([CLICK, b"nope", b"", LOGIN, b""])

    checked = await collect(json_lines(written(tmp_path, content)))

    assert [(number, isinstance(outcome, Accepted)) for number, outcome in checked] == [
        (1, True),
        (2, False),
        (4, True),
    ]


def numbered(number: int, **fields: object) -> dict[str, object]:
    return {
        "type": "click",
        "event_id": str(number),
        "user_id": 'a "quoted" [user] {\\',
        "timestamp": "2026-03-01T00:00:00Z",
        "own": {"nested": [{}, [], {"a": ["]", "}"]}]},
        **fields,
    }


THREE = [numbered(number) for number in range(3)]
LAYOUTS = {
    "on one line": json.dumps(THREE),
    "without a blank": json.dumps(THREE, separators=(",", ":")),
    "indented": json.dumps(THREE, indent=2),
    "indented by tabs": json.dumps(THREE, indent="\t"),
    "one a line": "[\n" + ",\n".join(map(json.dumps, THREE)) + "\n]\n",
    "as Postgres has it": "[" + ", \n ".join(map(json.dumps, THREE)) + "]",
    "commas first": "[\n  " + "\n, ".join(map(json.dumps, THREE)) + "\n]",
    "below blank lines": " \n\n [" + ",".join(map(json.dumps, THREE)) + "]\n\n",
    "objects one after the other": "\n".join(json.dumps(event, indent=2) for event in THREE),
    "objects without a break": "".join(json.dumps(event, indent=4) for event in THREE),
    "objects and a blank line": "\n\n".join(json.dumps(event, indent=1) for event in THREE) + "\n",
    "an array and a line": json.dumps(THREE[:2]) + "\n" + json.dumps(THREE[2]),
    "a line and an object": "\n".join([*map(json.dumps, THREE[:2]), json.dumps(THREE[2], indent=2)]),
}


def read_in_pieces(content: bytes, size: int) -> list[Checked]:
    reader = JsonReader()
    checked = [each for at in range(0, len(content), size) for each in reader.feed(content[at : at + size])]
    return checked + reader.end()


def sent_of(checked: list[Checked]) -> list[str]:
    return [json.loads(outcome.value)["event_id"] for _, outcome in checked if isinstance(outcome, Accepted)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_reads_an_array_or_objects_over_several_lines(layout: str, end: str, size: int) -> None:
    content = LAYOUTS[layout].replace("\n", end).encode()

    checked = read_in_pieces(content, size)

    assert sent_of(checked) == ["0", "1", "2"]
    assert [json.loads(outcome.value) for _, outcome in checked if isinstance(outcome, Accepted)] == THREE
    assert len(checked) == 3


def test_names_an_object_by_its_first_line_and_its_place() -> None:
    events = [numbered(0), {"type": "clik"}, 7, [numbered(1)], numbered(2, user_id="x" * 70_000), numbered(3)]

    content = json.dumps(events, indent=1).encode()

    checked = read_in_pieces(content, 1000)

    assert sent_of(checked) == ["0", "3"]
    rejected = [
        (line, bad.reason, bad.detail.rpartition(" (")[2]) for line, bad in checked if isinstance(bad, Rejected)
    ]
    assert [reason for _, reason, _ in rejected] == ["unknown_type", "wrong_type", "wrong_type", "too_large"]
    lines = content.decode().split("\n")
    assert [lines[line - 1].strip() for line, *_ in rejected] == ["{", "7,", "[", "{"]
    assert "clik" in lines[rejected[0][0]]
    assert "x" * 70_000 in "".join(lines[rejected[3][0] : rejected[3][0] + 4])
    assert [place for *_, place in rejected] == [f"element {number} of the array)" for number in (2, 3, 4, 5)]


# What is left of the second of three objects, each of which is written as the layout says.
FLAWS: dict[str, Callable[[str], str]] = {
    "a brace is missing": lambda text: text[:-1],
    "it breaks off": lambda text: text[: len(text) // 2],
    "a quote is missing": lambda text: text.replace('"own"', '"own'),
    "a line end within a string": lambda text: text.replace('"own"', '"o\nwn"'),
    "a bracket too many": lambda text: text.replace("[]", "[[]"),
    "it is no JSON": lambda text: "nope",
    "a comma is missing": lambda text: text.replace(",", "", 1),
}


@pytest.mark.parametrize("flaw", FLAWS)
@pytest.mark.parametrize("begin", ["[\n", ""])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_damaged_object_is_named_and_takes_no_other_with_it(
    flaw: str, begin: str, indent: int | None, size: int
) -> None:
    first, second, third = (json.dumps(event, indent=indent) for event in THREE)
    separator, end = (",\n", "\n]") if begin else ("\n", "\n")
    content = begin + separator.join([first, FLAWS[flaw](second), third]) + end

    checked = read_in_pieces(content.encode(), size)

    assert sent_of(checked) == ["0", "2"]
    [line, *_] = [line for line, bad in checked if isinstance(bad, Rejected)]
    assert line == (begin + first + separator).count("\n") + 1


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("[", 1, "the array does not end: was the file cut off?"),
        ("[\n{},\n", 3, "the array does not end: was the file cut off?"),
        ('[\n{"a": [', 2, "the object that begins here does not end"),
        ('\n{\n"a": 5', 2, "the object that begins here does not end"),
        ('[\n{"a": "b\n', 2, "a string does not end on its line"),
        ("[x]", 1, "expected a JSON object, got 'x'"),
    ],
)
def test_says_where_json_is_cut_off(content: str, line: int, words: str) -> None:
    number, rejected = read_in_pieces(content.encode(), 1000)[-1]

    assert number == line
    assert isinstance(rejected, Rejected)
    assert words in rejected.detail


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", b"[]", b"\xef\xbb\xbf[ ]\n"])
async def test_a_file_without_events_has_none(tmp_path: Path, content: bytes) -> None:
    assert await collect(json_lines(written(tmp_path, content))) == []


ENDLESS = {
    "a line": b"x" * 100_000,
    "an object": b'{"type":"click",' * 1000,
    "blanks": b" " * 100_000,
    "an array of an endless string": b'["' + b"x" * 100_000,
    "an array of an endless object": b'[{"a":"' + b"\\" * 99_999,
    "an array of endless brackets": b"[[{" * 1000,
    "an object over endless lines": b'{\n"a":' * 1000,
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_never_ends_is_named_and_fills_no_memory(kind: str) -> None:
    reader = JsonReader()
    checked = reader.feed(ENDLESS[kind])
    piece = ENDLESS[kind].removeprefix(b"[")
    tracemalloc.start()
    try:
        for _ in range(25):
            checked += reader.feed(piece)[:1]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    checked += reader.end()

    assert peak < 1_500_000
    assert checked
    assert all(isinstance(outcome, Rejected) for _, outcome in checked)


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 65_538, 300_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_a_line_has_at_most_64_kib(length: int, end: bytes, size: int) -> None:
    line = CLICK.replace(b"ann", b'ann","x":"' + b"x" * (length - len(CLICK) - 7))
    assert len(line) == length

    checked = read_in_pieces(CLICK + b"\n" + line + end, size)

    assert [number for number, _ in checked] == [1, 2]
    outcome = checked[1][1]
    assert isinstance(outcome, Accepted) if length <= 65_536 else outcome.reason == "too_large"  # type: ignore[union-attr]


@given(
    st.lists(
        st.one_of(
            st.integers(0, 99).map(lambda number: json.dumps(numbered(number)).encode()),
            st.sampled_from([b"nope", b"{", b"}", b"[", b"]", b"{}", b"[]", b'"', b" ", b"", b"\xff", b"\x00", b"7"]),
            st.binary(max_size=12),
        ),
        max_size=15,
    ),
    st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b",", b",\n", b""]), min_size=15, max_size=15),
    st.integers(1, 300),
)
def test_every_line_is_sent_or_named_whatever_the_bytes(parts: list[bytes], ends: list[bytes], size: int) -> None:
    content = b"".join(part + end for part, end in zip(parts, ends, strict=False))
    checked = read_in_pieces(content, 1 << 20)

    assert read_in_pieces(content, size) == checked  # however it arrives
    numbers = [number for number, _ in checked]
    assert numbers == sorted(numbers)
    lines = re.split(rb"\r\n|\r|\n", content)
    sent = Counter(outcome.value.strip() for _, outcome in checked if isinstance(outcome, Accepted))
    whole = Counter(line.strip() for line in lines if isinstance(check(line), Accepted))
    assert whole <= sent  # a whole event on a line of its own goes, whatever stands around it
    assert all(content.count(value) >= count for value, count in sent.items())  # and none goes twice
    if not content.strip().startswith(b"[") and b"{" not in [line.strip() for line in lines]:
        assert numbers == [number for number, line in enumerate(lines, 1) if line.strip()]
