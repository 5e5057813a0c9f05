"""`assidu emit` from end to end: what is sent, what is named, and the exit code."""

from __future__ import annotations

import gzip
import json
import os
import signal

import pytest

from stream.demo.embedded import KafkaServer
from stream.settings import Settings
from tests.cdnow import MASTER
from tests.stack.command import Assidu
from tests.stack.reading import records
from tests.stack.waiting import eventually

AS_PURCHASES = "--csv --delimiter space --type purchase --date-format %Y%m%d --at 12:00 --set currency=USD".split()


def login(number: int) -> str:
    event = {"type": "login", "event_id": str(number), "user_id": "ann", "timestamp": "2026-03-01T00:00:00Z"}
    return json.dumps(event) + "\n"


@pytest.fixture
def ready(assidu: Assidu) -> Assidu:
    assert assidu.run("topics").returncode == 0
    return assidu


async def test_sends_the_good_lines_names_the_bad_ones_and_exits_with_1(ready: Assidu, settings: Settings) -> None:
    done = ready.run("emit", "-", stdin=login(1) + "nope\n" + login(2) + '{"type": "clik"}\n')

    assert done.returncode == 1
    assert done.stdout == "sent 2 events to 1 topic, 2 bad lines\n"
    assert "line 2: not_json: " in done.stderr
    assert "line 4: unknown_type: " in done.stderr
    await records(settings, f"{settings.topic_prefix}logins", 2)


def test_names_the_first_twenty_bad_lines_and_counts_the_others(ready: Assidu) -> None:
    done = ready.run("emit", "-", stdin="nope\n" * 30 + "{}\n")

    assert done.returncode == 1
    assert "line 20: " in done.stderr
    assert "line 21: " not in done.stderr
    assert "and 11 more bad lines (in all: not_json 30, missing_field 1)" in done.stderr


async def test_raw_lines_reach_the_topic_unchecked(ready: Assidu, settings: Settings) -> None:
    done = ready.run("emit", "--raw", "surveys", "-", stdin="nope\n")

    assert (done.returncode, done.stdout) == (0, "sent 1 event to 1 topic, 0 bad lines\n")
    [record] = await records(settings, f"{settings.topic_prefix}surveys", 1)
    assert (record.key, record.value) == (None, b"nope")


def test_names_a_bad_row_without_handing_its_control_characters_to_the_terminal(ready: Assidu) -> None:
    row = "a,3\x1b]0;owned\x07[/red]\u202e"

    done = ready.run(
        *"emit - --csv --type purchase --map user_id=who --map amount_minor=n --set timestamp=2026-03-01".split(),
        *"--set order_id=1 --set currency=EUR --set units=1".split(),
        stdin=f"who,n\n{row}\n",
    )

    assert done.returncode == 1
    assert r"line 2: wrong_type: amount_minor: '3\x1b]0;owned\x07[/red]\u202e' is not a number" in done.stderr
    assert not set(done.stderr) & set("\x1b\x07\u202e")


async def test_a_file_that_was_cut_off_is_named_after_its_good_lines_were_sent(
    ready: Assidu, settings: Settings
) -> None:
    packed = gzip.compress("".join(map(login, range(100))).encode())
    cut = ready.folder / "cut.jsonl.gz"
    cut.write_bytes(packed[:-8])

    done = ready.run("emit", str(cut))

    assert done.returncode == 2
    assert "stopped: 100 of 100 events sent were acknowledged" in done.stderr
    assert f"{cut} cannot be read to its end: it was cut off" in done.stderr
    await records(settings, f"{settings.topic_prefix}logins", 100)


def test_says_to_create_the_topics_when_they_are_missing(assidu: Assidu) -> None:
    done = assidu.run("emit", "-", stdin=login(1))

    assert done.returncode == 2
    assert "run `assidu topics`" in done.stderr
    assert "Traceback" not in done.stderr


async def test_loads_the_cdnow_purchases_each_at_noon(ready: Assidu, settings: Settings) -> None:
    done = ready.run(
        "emit", str(MASTER), *AS_PURCHASES, "--map", "user_id=customer_id", "--map", "timestamp=date",
        "--map", "order_id=@line", "--map", "units=number_of_cds", "--map", "amount_minor=dollar_value*100",
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "sent 69659 events to 1 topic, 0 bad lines\n")
    arrived = await records(settings, f"{settings.topic_prefix}commerce", 69_659)
    purchases = [json.loads(record.value) for record in arrived]
    assert len({purchase["event_id"] for purchase in purchases}) == 69_659
    assert len({purchase["user_id"] for purchase in purchases}) == 23_570
    assert {purchase["timestamp"][10:] for purchase in purchases} == {"T12:00:00Z"}
    assert sum(purchase["amount_minor"] for purchase in purchases) == 250_031_563
    assert sum(purchase["units"] for purchase in purchases) == 167_881


async def test_loads_a_file_without_header_whose_columns_are_named(ready: Assidu, settings: Settings) -> None:
    original = ready.folder / "CDNOW.txt"
    original.write_text("".join(MASTER.read_text().splitlines(keepends=True)[1:11]))

    done = ready.run(
        "emit", str(original), *AS_PURCHASES, "--columns", "customer,date,number,amount",
        "--map", "user_id=customer", "--map", "timestamp=date", "--map", "order_id=@line",
        "--map", "units=number", "--map", "amount_minor=amount*100", "--product", "cds",
    )  # fmt: skip

    assert done.stdout == "sent 10 events to 1 topic, 0 bad lines\n"
    arrived = await records(settings, f"{settings.topic_prefix}commerce", 10)
    first = min((json.loads(record.value) for record in arrived), key=lambda purchase: int(purchase["order_id"]))
    assert (first["user_id"], first["amount_minor"], first["product"]) == ("00001", 1177, "cds")


async def test_sends_what_a_pipe_holds_and_when_interrupted_says_what_is_safe(
    ready: Assidu, settings: Settings
) -> None:
    pipe = ready.folder / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    emit = ready.start("emit", str(pipe))
    os.write(writer, (login(1) + login(2)).encode())
    await records(settings, f"{settings.topic_prefix}logins", 2)  # before the pipe has ended

    os.kill(emit.pid, signal.SIGINT)

    assert emit.process.wait(30) == 130
    os.close(writer)
    assert "stopped: 2 of 2 events sent were acknowledged" in emit.log.read_text()
    assert "Traceback" not in emit.log.read_text()


async def test_goes_on_when_kafka_comes_back(ready: Assidu, settings: Settings, kafka: KafkaServer) -> None:
    pipe = ready.folder / "pipe"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    emit = ready.start("emit", str(pipe))
    os.write(writer, login(1).encode())
    await records(settings, f"{settings.topic_prefix}logins", 1)
    with kafka.paused():
        os.write(writer, "".join(login(number) for number in range(2, 100)).encode())
        os.close(writer)
    assert eventually(lambda: emit.process.poll() is not None, 60, "emit to end")

    assert emit.process.returncode == 0
    await records(settings, f"{settings.topic_prefix}logins", 99)
