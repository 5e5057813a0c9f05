"""Dead letters: which are meant, how they are mended, and how they are shown; in the topic of a real broker."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from schemas import Rejected
from schemas.dead_letter import DeadLetter
from stream.cli import commands
from stream.ingest.checking import Accepted
from stream.ingest.dead_letters import showing
from stream.ingest.dead_letters.fix import read_fix
from stream.ingest.dead_letters.handling import drop, retry
from stream.ingest.dead_letters.letter import Letter, Place
from stream.ingest.dead_letters.selection import Selection
from stream.ingest.dead_letters.topic import find, find_one
from stream.ingest.moments import Moments
from stream.kafka.batch import Batch
from stream.runtime.errors import UserError
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.worker.intake import Intake, Refused
from stream.worker.side_outputs import SideOutputs
from tests.fetched import KafkaRecord
from tests.stack.reading import records

LOGIN: dict[str, Any] = {
    "type": "login",
    "event_id": "1",
    "user_id": "ann",
    "timestamp": "2026-03-31T12:00:00Z",
    "product": "app",
}
PURCHASE: dict[str, Any] = {
    **LOGIN,
    "type": "purchase",
    "order_id": "7",
    "amount_minor": 100,
    "currency": "EUR",
    "units": 1,
}


def letter(
    value: bytes | None, *, topic: str = "engagement.logins", cut: bool = False, refused_ms: int = 0, **said: Any
) -> Letter:
    fields: dict[str, Any] = {
        "reason": "wrong_type",
        "detail": "…",
        "topic": topic,
        "partition": 1,
        "offset": 7,
        "timestamp_ms": 0,
        "value": value,
        "value_bytes": None if value is None else len(value) + cut,
        "key_bytes": None,
        "truncated": cut,
    }
    return Letter(Place(1, 0), refused_ms, DeadLetter(**{**fields, **said}))


def of(event: dict[str, Any]) -> Letter:
    return letter(json.dumps(event).encode())


def mended(broken: Letter, *, date_format: str | None = None, **fix: str) -> Accepted | Rejected:
    """`fix`: a field and its value, or its path if that begins with a dot."""
    sets = {name.replace("__", "."): text for name, text in fix.items() if not text.startswith(".")}
    maps = {name.replace("__", "."): text[1:] for name, text in fix.items() if text.startswith(".")}
    moments = Moments(ZoneInfo("UTC"), date_format=date_format)
    return read_fix(sets.items(), maps.items(), moments).mended(broken)


def event_of(outcome: Accepted | Rejected) -> dict[str, Any]:
    assert isinstance(outcome, Accepted), outcome
    event: dict[str, Any] = json.loads(outcome.value)
    return event


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


@pytest.mark.parametrize(
    ("broken", "fix", "changed"),
    [
        (without(LOGIN, "user_id") | {"customer": {"id": 42}}, {"user_id": ".customer.id"}, {"user_id": "42"}),
        (LOGIN | {"user_id": 42}, {"user_id": ".user_id"}, {"user_id": "42"}),
        (LOGIN | {"type": "log_in"}, {"type": "login"}, {"type": "login"}),
        (LOGIN | {"type": None, "kind": "login"}, {"type": ".kind"}, {"type": "login"}),
        (LOGIN | {"bot": "no"}, {"bot": "false"}, {"bot": False}),
        (PURCHASE | {"amount_minor": 12.5}, {"amount_minor": ".amount_minor*100"}, {"amount_minor": 1250}),
        (PURCHASE | {"units": "3"}, {"units": ".units"}, {"units": 3}),
        (without(PURCHASE, "currency"), {"currency": "EUR"}, {"currency": "EUR"}),
        (
            {**without(LOGIN, "type"), "type": "identify", "traits": {"plan": 7, "size": 3}},
            {"traits__plan": "pro"},
            {"traits": {"plan": "pro", "size": 3}},
        ),
        (
            {**without(LOGIN, "type"), "type": "identify", "plan": "pro"},
            {"traits__plan": ".plan"},
            {"traits": {"plan": "pro"}},
        ),
    ],
)
def test_a_fix_changes_its_fields_and_keeps_the_rest(
    broken: dict[str, Any], fix: dict[str, str], changed: dict[str, Any]
) -> None:
    outcome = mended(of(broken), **fix)
    assert event_of(outcome) == broken | changed
    assert isinstance(outcome, Accepted)
    assert outcome.key == (changed.get("user_id") or broken["user_id"])


def test_timestamps_are_read_as_the_options_of_csv_say() -> None:
    broken = of(LOGIN | {"timestamp": 1774958400000})
    assert event_of(mended(broken, date_format="epoch-ms", timestamp=".timestamp")) == LOGIN


def test_what_a_fix_does_not_touch_stays_as_it_was_written() -> None:
    text = b'{"type": "login", "event_id": "1", "user_id": 1, "timestamp": "2026-03-31T12:00:00Z", "x": 1.50e400}'
    outcome = mended(letter(text), user_id="ann")
    assert isinstance(outcome, Accepted)
    assert b"1.50e400" in outcome.value


def test_a_letter_that_needs_no_fix_is_sent_as_it_came() -> None:
    text = json.dumps(LOGIN, indent=1).encode()
    assert mended(letter(text)) == Accepted("logins", "ann", text)


def test_an_event_without_an_id_gets_one_that_follows_from_its_source() -> None:
    broken = json.dumps(without(LOGIN, "event_id")).encode()
    ids = {event_of(mended(letter(broken, offset=offset)))["event_id"] for offset in (7, 7, 8)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("broken", "fix", "words"),
    [
        (letter(b'{"type": "lo', cut=True), {}, "only 12 of its 13 bytes were kept"),
        (letter(None), {}, "it has no value"),
        (letter(b"<login/>"), {"user_id": "ann"}, "malformed"),
        (of(LOGIN | {"type": "log_in"}), {"user_id": "ann"}, "--set type=TYPE"),
        (of(LOGIN), {"currency": "EUR"}, "login has no field currency"),
        (of(LOGIN), {"user_id": ".customer.id"}, "user_id: it has no customer.id"),
        (of(LOGIN | {"customer": [1]}), {"user_id": ".customer"}, "user_id: [1] is no single value"),
        (of(PURCHASE), {"units": "many"}, "units: 'many' is not a number"),
        (of(LOGIN | {"timestamp": "noon"}), {}, "timestamp: expected RFC 3339"),
    ],
)
def test_what_cannot_be_mended_is_said(broken: Letter, fix: dict[str, str], words: str) -> None:
    outcome = mended(broken, **fix)
    assert isinstance(outcome, Rejected)
    assert words in outcome.detail


@pytest.mark.parametrize(
    ("fix", "words"),
    [
        ({"event_id": "1"}, "--set event_id"),
        ({"colour": "red"}, "no event has a field colour"),
        ({"type": "log_in"}, "--set type=log_in: choose one of"),
    ],
)
def test_a_fix_that_makes_no_sense_is_refused(fix: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        mended(of(LOGIN), **fix)


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        (Selection(), True),
        (Selection(reasons=["wrong_type"], topics=["logins"], products=["app"]), True),
        (Selection(topics=["engagement.logins"]), True),
        (Selection(reasons=["not_json"]), False),
        (Selection(topics=["clicks"]), False),
        (Selection(products=["shop"]), False),
        (Selection(since_ms=100, until_ms=101), True),
        (Selection(since_ms=101), False),
        (Selection(until_ms=100), False),
        (Selection(places=[Place(1, 0)]), True),
        (Selection(places=[Place(0, 0)]), False),
    ],
)
def test_all_that_a_selection_says_must_hold(selection: Selection, selected: bool) -> None:
    assert selection.has(letter(json.dumps(LOGIN).encode(), refused_ms=100), "engagement.") is selected


@pytest.mark.parametrize(
    ("value", "product"),
    [(b"{}", "default"), (b'{"product": ""}', "default"), (b'{"product": 7}', None), (b"[", None), (None, None)],
)
def test_the_product_is_told_where_it_can_be(value: bytes | None, product: str | None) -> None:
    assert letter(value).product == product


# In the topic


async def write(side_outputs: SideOutputs, settings: Settings, values: list[bytes]) -> None:
    """As a worker that refuses them, in partition 1."""
    batch = Batch(f"{settings.topic_prefix}logins", 1, 0, len(values), 0, [])
    why = Rejected("wrong_type", "user_id: …")
    refused = [Refused(batch, KafkaRecord(value, offset), why) for offset, value in enumerate(values)]
    await side_outputs.of_intake(Intake(refused=refused)).attempt()


async def states(settings: Settings) -> list[str]:
    return [each.state async for found in find(settings, Selection()) for each in found]


NO_FIX = read_fix([], [], Moments(ZoneInfo("UTC")))


def ignore(_: str) -> None:
    pass


async def test_a_letter_is_retried_once_also_if_it_came_twice(settings: Settings, side_outputs: SideOutputs) -> None:
    logins = [json.dumps(LOGIN | {"event_id": f"{number}"}).encode() for number in range(3)]
    await write(side_outputs, settings, [*logins, b"{"])
    await write(side_outputs, settings, logins)  # of the same sources: as after a crash
    complaints: list[str] = []
    for handled in (3, 0):
        outcome = await retry(settings, Selection(), NO_FIX, ignore, complaints.append, dry_run=False)
        assert (outcome.handled, outcome.refused.total()) == (handled, 1)

    assert sorted(record.value for record in await records(settings, f"{settings.topic_prefix}logins", 3)) == logins
    assert sorted(await states(settings)) == ["open", "retried", "retried", "retried"]
    assert [complaint.split(":")[:3] for complaint in complaints] == 2 * [["letter 1", "3", " not_json"]]


async def test_a_dropped_letter_is_not_retried_and_a_dry_run_does_nothing(
    settings: Settings, side_outputs: SideOutputs
) -> None:
    await write(side_outputs, settings, [json.dumps(LOGIN | {"event_id": f"{n}"}).encode() for n in range(2)])
    said: list[str] = []
    dry = await retry(settings, Selection(), NO_FIX, said.append, ignore, dry_run=True)
    assert dry.handled == 2
    assert said[0].startswith(f"letter 1:0 to {settings.topic_prefix}logins: {{")
    await drop(settings, Selection(places=[Place(1, 0)]), ignore, ignore, dry_run=True)
    assert await states(settings) == ["open", "open"]

    dropped = await drop(settings, Selection(places=[Place(1, 0), Place(1, 9)]), ignore, ignore, dry_run=False)
    assert (dropped.handled, dropped.missing) == (1, [Place(1, 9)])
    outcome = await retry(settings, Selection(), NO_FIX, ignore, ignore, dry_run=False)
    assert outcome.handled == 1
    assert await states(settings) == ["dropped", "retried"]
    await records(settings, f"{settings.topic_prefix}logins", 1)


async def test_letters_are_counted_listed_and_shown_without_obeying_what_a_producer_wrote(
    settings: Settings, side_outputs: SideOutputs, capsys: pytest.CaptureFixture[str]
) -> None:
    escape = b'{"user_id": 1, "page": "\\u001b[2J \xe2\x80\xae"}'
    await write(side_outputs, settings, [escape, b"\x1b]0;x\x07\xff\n\xe2\x80\xae", escape])

    counted = await showing.count(settings, Selection())
    assert [(each.reason, each.product, each.open) for each in counted] == [
        ("wrong_type", "default", 2),
        ("wrong_type", None, 1),
    ]
    listed, number = await showing.lines(settings, Selection(products=["default"]), 1)
    assert ([each.letter for each in listed], number) == (["1:0"], 2)
    showing.show_counts(counted, Terminal())
    showing.show_lines(listed, number, Terminal())
    for offset, words in ((0, '"user_id": 1'), (1, "\\x1b]0;x\\x07\\xff")):
        found = showing.whole(await find_one(settings, Place(1, offset)))
        showing.show_whole(found, Terminal())
        shown = capsys.readouterr().out
        assert words in shown
        assert all(line.isprintable() for line in shown.split("\n"))
    assert (
        json.loads(showing.to_json(showing.whole(await find_one(settings, Place(1, 0)))))["text"] == escape.decode()
    )
    with pytest.raises(UserError, match="no dead letter 1:9"):
        await find_one(settings, Place(1, 9))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retry"], "which letters?"),
        (["drop", "--reason", "ugly"], "--reason ugly: choose one of not_utf8"),
        (["show", "7"], "'7' names no dead letter: write PARTITION:OFFSET"),
        (["retry", "--all", "--set", "bot"], "--set bot: write --set FIELD="),
        (["retry", "--all", "--at", "noon"], "--at noon"),
    ],
)
def test_says_what_the_user_got_wrong(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(commands, ["dead-letters", *arguments])
    assert result.exit_code == 2
    assert words in result.stderr
