"""Dead letters for people and programs: counted, listed, or one with its value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from stream.ingest.dead_letters.letter import Letter, State
from stream.ingest.dead_letters.selection import Selection
from stream.ingest.dead_letters.topic import Found, find
from stream.runtime.json_text import json_text
from stream.runtime.printable import printable_lines
from stream.runtime.terminal import Terminal
from stream.settings import Settings

_UNTOLD = "–"

_Key = tuple[str, str, str | None]
"""Reason, topic, product."""


class Count(msgspec.Struct):
    """Letters of one reason, topic and product (null where it cannot be told). Times are RFC 3339 in UTC: of the
    oldest and the newest of them."""

    reason: str
    topic: str
    product: str | None
    open: int
    retried: int
    dropped: int
    oldest: str
    newest: str


class Line(msgspec.Struct):
    """One letter without its value; `letter` is its place, by which commands take it."""

    letter: str
    state: State
    refused: str
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    product: str | None
    truncated: bool


class Whole(msgspec.Struct):
    """One letter; `text` is its value, bytes that are no UTF-8 escaped. Null where the record had none."""

    letter: Line
    value_bytes: int | None
    value: bytes | None
    text: str | None


async def count(settings: Settings, selection: Selection) -> list[Count]:
    """The most frequent first."""
    groups: defaultdict[_Key, _Group] = defaultdict(_Group)
    async for found in find(settings, selection):
        for letter, state in found:
            groups[letter.said.reason, letter.said.topic, letter.product].add(letter, state)
    order = sorted(groups, key=lambda key: (-groups[key].states.total(), key[0], key[1], key[2] or ""))
    return [groups[key].count(key) for key in order]


class _Group:
    def __init__(self) -> None:
        self.states: Counter[State] = Counter()
        self._oldest_ms = self._newest_ms = 0

    def add(self, letter: Letter, state: State) -> None:
        ms = letter.refused_ms
        self._oldest_ms = min(self._oldest_ms, ms) if self.states else ms
        self._newest_ms = max(self._newest_ms, ms)
        self.states[state] += 1

    def count(self, key: _Key) -> Count:
        states = self.states
        times = _moment(self._oldest_ms), _moment(self._newest_ms)
        return Count(*key, states["open"], states["retried"], states["dropped"], *times)


async def lines(settings: Settings, selection: Selection, most: int) -> tuple[list[Line], int]:
    """The first so many open letters of each partition's order, and how many there are in all."""
    shown: list[Line] = []
    number = 0
    async for found in find(settings, selection):
        for each in found:
            if each.state == "open":
                number += 1
                if len(shown) < most:
                    shown.append(line(each))
    return shown, number


def line(found: Found) -> Line:
    letter, state = found
    said = letter.said
    return Line(
        str(letter.place),
        state,
        _moment(letter.refused_ms),
        said.reason,
        said.detail,
        said.topic,
        said.partition,
        said.offset,
        letter.product,
        not letter.is_whole,
    )


def whole(found: Found) -> Whole:
    said = found.letter.said
    text = None if said.value is None else said.value.decode(errors="backslashreplace")
    return Whole(line(found), said.value_bytes, said.value, text)


def show_counts(counts: Iterable[Count], terminal: Terminal) -> None:
    rows = [
        (
            each.reason,
            each.topic,
            each.product or _UNTOLD,
            each.open,
            each.retried,
            each.dropped,
            each.oldest,
            each.newest,
        )
        for each in counts
    ]
    if not rows:
        terminal.say("no dead letters")
        return
    terminal.table(("reason", "topic", "product", "open", "retried", "dropped", "oldest", "newest"), rows)


def show_lines(shown: list[Line], number: int, terminal: Terminal) -> None:
    if not shown:
        terminal.say("no open dead letters")
        return
    rows = [
        (each.letter, each.refused, each.reason, each.topic, each.product or _UNTOLD, each.detail) for each in shown
    ]
    terminal.table(("letter", "refused", "reason", "topic", "product", "detail"), rows)
    if number > len(shown):
        terminal.say(f"and {number - len(shown):,} more: --limit says how many are shown")


def show_whole(found: Whole, terminal: Terminal) -> None:
    """Its value as it was, or indented where it is JSON, one line of it on one line here; all of it printable."""
    letter = found.letter
    terminal.say(f"letter {letter.letter}: {letter.reason}: {letter.detail}")
    terminal.say(f"from {letter.topic}, partition {letter.partition}, offset {letter.offset}")
    terminal.say(f"refused {letter.refused}, {letter.state}, product {letter.product or _UNTOLD}")
    if found.text is None or found.value is None:
        terminal.say("the record had no value")
        return
    if letter.truncated:
        terminal.say(f"the first {len(found.value)} of {found.value_bytes} bytes; the letter cannot be retried:")
    else:
        terminal.say(f"{found.value_bytes} bytes:")
    for text in printable_lines(_indented(found.value) or found.text).split("\n"):
        terminal.say(text)


def _moment(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def _indented(value: bytes) -> str | None:
    """None for what is no JSON."""
    try:
        msgspec.json.decode(value)
        return msgspec.json.format(value).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def to_json(letters: list[Count] | list[Line] | Whole) -> str:
    return json_text(letters if isinstance(letters, Whole) else {"letters": letters})
