"""The emitter for products: never in the way, nothing lost that it said is safe, and light to import."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from schemas import FAMILY_OF_TYPE, TYPES, Event, decode
from stream.demo.embedded import EmbeddedBroker, KafkaServer
from stream.ingest import AsyncEmitter, Dropped, Emitter
from stream.ingest.checking import Accepted
from stream.ingest.emitting.spool import Spool
from stream.kafka.topics import create_topics
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.examples import ACCEPTED
from tests.stack import administering
from tests.stack.reading import records
from tests.stack.waiting import eventually, eventually_async

CHECKOUT = Path(__file__).parents[2]
NOWHERE = Settings(_env_file=None, kafka="127.0.0.1:1")


@pytest.fixture
async def topics(settings: Settings) -> Settings:
    await create_topics(settings, replication=1)
    return settings


def emitter_without_kafka(**options: Any) -> Emitter:
    return Emitter(NOWHERE, **options)


async def arrived(settings: Settings, family: str, count: int | None) -> list[dict[str, Any]]:
    found = await records(settings, settings.topic_prefix + family, count)
    return [json.loads(record.value) for record in found]


def numbers(events: list[dict[str, Any]]) -> list[int]:
    """The event ids as they came first, for whatever was sent twice is counted once."""
    return list(dict.fromkeys(int(event["event_id"]) for event in events))


# What is emitted


class Collecting(Emitter):
    """Keeps what is emitted."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def emit(self, event: Any) -> str | None:
        self.events.append(event)
        return None


@pytest.mark.parametrize("path", [path for path in ACCEPTED if path.suffix == ".json"], ids=lambda path: path.stem)
def test_every_type_has_a_method_that_takes_its_fields(path: Path) -> None:
    event = json.loads(path.read_bytes())
    emitter = Collecting()
    getattr(emitter, event["type"])(**{name: value for name, value in event.items() if name != "type"})
    assert emitter.events == [event]


def test_there_is_a_method_for_every_type_and_none_of_another_name() -> None:
    methods = {name for base in Emitter.__mro__ for name in vars(base)}
    assert methods >= TYPES.keys()


async def test_what_is_left_out_is_added_and_everything_arrives(topics: Settings) -> None:
    with Emitter(topics, product="shop", channel="web") as emitter:
        ids = [
            emitter.click(user_id="ann", element="buy"),
            emitter.click(user_id="bob", channel="ios", event_id="7", timestamp="2026-03-31T12:00:00Z"),
            emitter.emit({"type": "click", "anonymous_id": "x", "product": None}),
        ]
        assert emitter.flush(20)
        assert emitter.counts[:2] == (3, 0)
    events = {event["event_id"]: event for event in await arrived(topics, "clicks", 3)}
    assert events.keys() == {*ids}
    first, second, third = (events[str(event_id)] for event_id in ids)
    assert (first["product"], first["channel"], first["element"]) == ("shop", "web", "buy")
    assert abs(time.time() - _decoded(first).epoch_ms / 1000) < 60
    assert (second["channel"], second["timestamp"]) == ("ios", "2026-03-31T12:00:00Z")
    assert third["anonymous_id"] == "x"


def _decoded(event: dict[str, Any]) -> Event:
    decoded = decode(json.dumps(event).encode(), FAMILY_OF_TYPE[event["type"]])
    assert isinstance(decoded, Event)
    return decoded


async def test_asyncio_has_one_too(topics: Settings) -> None:
    async with AsyncEmitter(topics) as emitter:
        for number in range(100):
            emitter.login(user_id="ann", event_id=str(number))
        assert await emitter.flush(20)
    assert numbers(await arrived(topics, "logins", 100)) == list(range(100))


# What is not


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "login"}, "no_customer"),
        ({"type": "log_in", "user_id": "ann"}, "unknown_type"),
        ({"type": "purchase", "user_id": "ann"}, "missing_field"),
        ({"type": "login", "user_id": 42}, "wrong_type"),
        ({"type": "login", "user_id": object()}, "wrong_type"),
        ({"type": "login", "user_id": "\ud800"}, "wrong_type"),
        ({"type": "login", "user_id": "ann", "timestamp": "noon"}, "bad_timestamp"),
        ({"type": "login", "user_id": "ann", "page": "x" * 70_000}, "too_large"),
    ],
)
def test_what_breaks_the_contract_is_told_and_dropped(event: dict[str, object], reason: str) -> None:
    dropped: list[Dropped] = []
    emitter = emitter_without_kafka(on_drop=dropped.append)
    assert emitter.emit(event) is None
    assert [each.reason for each in dropped] == [reason]
    assert emitter.counts.dropped == {reason: 1}
    assert emitter.close(0)


def test_who_wants_an_exception_raises_one() -> None:
    def refuse(dropped: Dropped) -> None:
        raise ValueError(dropped.detail)

    with emitter_without_kafka(on_drop=refuse) as emitter, pytest.raises(ValueError, match="expected user_id"):
        emitter.login()


def test_while_kafka_is_away_nothing_waits_and_memory_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    emitter = emitter_without_kafka(queue_bytes=100_000)
    begun = time.monotonic()
    for _ in range(2_000):
        emitter.click(user_id="ann", element="x" * 200)
    assert time.monotonic() - begun < 2
    counts = emitter.counts
    assert counts.waiting * 200 < 100_000
    assert counts.waiting + counts.dropped["queue_full"] == 2_000
    assert not emitter.flush(0.1)
    assert not emitter.close(0.1)
    assert emitter.counts.dropped["closed"] == counts.waiting
    assert emitter.login(user_id="ann") is None
    said = [
        entry.message for entry in caplog.records if entry.name.endswith("drops") and "queue_full" in entry.message
    ]
    assert len(said) == 1


@pytest.mark.usefixtures("apache")
async def test_an_event_that_kafka_refuses_is_dropped_and_its_neighbours_arrive_in_order(settings: Settings) -> None:
    await create_topics(settings, replication=1)
    await administering.alter(settings, f"{settings.topic_prefix}clicks", max_message_bytes=10_000)
    dropped: list[Dropped] = []
    with Emitter(settings, on_drop=dropped.append) as emitter:
        for number in range(30):
            emitter.click(user_id="ann", event_id=str(number), url="x" * (4_000 if number % 10 == 7 else 1))
        emitter.emit({"type": "click", "user_id": "ann", "event_id": "30", "page": "x" * 20_000})
        emitter.click(user_id="ann", event_id="31")
        assert emitter.flush(60)
        assert emitter.counts[:2] == (31, 0)
    assert [each.reason for each in dropped] == ["refused"]
    assert numbers(await arrived(settings, "clicks", None)) == [*range(30), 31]


# The spool


def test_processes_share_a_spool_and_what_one_leaves_the_next_finds(tmp_path: Path) -> None:
    one, two = Spool(tmp_path, 1_000), Spool(tmp_path, 1_000)
    event = Accepted("logins", "ann", b"{}")
    for spool in (one, two):
        spool.append(spool.new_file(), [event])
    assert (one.leftovers, two.leftovers) == ([], [])
    one.close()
    three = Spool(tmp_path, 1_000)
    assert [three.read(file) for file in three.leftovers] == [[event]]
    assert three.bytes == one.bytes
    for spool in (two, three):
        spool.close()


def test_a_spool_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"the spool .*file cannot be used"):
        emitter_without_kafka(spool=tmp_path / "file")


def test_a_full_spool_leaves_the_rest_in_memory(tmp_path: Path) -> None:
    emitter = emitter_without_kafka(spool=tmp_path, spool_bytes=2_000, queue_bytes=20_000)
    for _ in range(10):
        emitter.login(user_id="ann")
        assert emitter.flush(20)
    while emitter.login(user_id="ann"):
        pass
    assert not emitter.flush(0.1)
    assert 0 < emitter.counts.spool_bytes <= 2_000
    emitter.close(0)


async def test_what_waits_while_kafka_is_away_is_on_disk_and_drained_in_order(
    topics: Settings, kafka: KafkaServer, tmp_path: Path
) -> None:
    with Emitter(topics, spool=tmp_path) as emitter:
        for number in range(100):
            emitter.login(user_id="ann", event_id=str(number))
        assert emitter.flush(20)
        assert emitter.counts.spool_bytes == 0
        with kafka.paused():
            for number in range(100, 200):
                emitter.login(user_id="ann", event_id=str(number))
            assert emitter.flush(20)
            assert emitter.counts[:2] == (100, 100)
            assert emitter.counts.spool_bytes > 0
        for number in range(200, 300):
            emitter.login(user_id="ann", event_id=str(number))
        eventually(lambda: emitter.counts.waiting == 0, 30, "all to be acknowledged")
        assert emitter.counts.spool_bytes == 0
    assert numbers(await arrived(topics, "logins", None)) == list(range(300))
    assert not [*tmp_path.rglob("*.events")]


PRODUCT = """
import sys
from itertools import count
from stream.ingest import Emitter

spool, first = sys.argv[1], int(sys.argv[2])
emitter = Emitter(spool=spool, queue_bytes=1_000_000)
for number in count(first):
    if not emitter.login(user_id="ann", event_id=str(number)):
        break
    if number % 100 == 0:
        assert emitter.flush(60)
        print(number, flush=True)
"""


async def test_what_a_killed_process_said_is_safe_is_sent_by_the_next(tmp_path: Path) -> None:
    with_kafka_later = EmbeddedBroker()
    settings = Settings(_env_file=None, kafka=with_kafka_later.servers, partitions=2)
    safe = [_killed_after(settings, tmp_path / "spool", first) for first in (0, 1_000_000)]
    with with_kafka_later:
        await create_topics(settings, replication=1)
        async with AsyncEmitter(settings, spool=tmp_path / "spool") as emitter:
            emitter.login(user_id="ann", event_id="2000000")

            async def is_drained() -> bool:
                return emitter.counts.spool_bytes == emitter.counts.waiting == 0

            await eventually_async(is_drained, 30, "the spool to be drained")
        found = numbers(await arrived(settings, "logins", None))
    assert found == sorted(found)
    assert {*range(safe[0] + 1), *range(1_000_000, safe[1] + 1), 2_000_000} <= {*found}


def _killed_after(settings: Settings, spool: Path, first: int) -> int:
    """Kill a product in the middle of emitting; the last number that it said is safe."""
    product = subprocess.Popen(
        [sys.executable, "-c", PRODUCT, str(spool), str(first)],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert product.stdout is not None
    lines = product.stdout
    try:
        for _ in range(5):
            assert lines.readline()
    finally:
        product.send_signal(signal.SIGKILL)
    rest = [int(line) for line in _lines(lines.read())]
    product.wait()
    return max([first + 400, *rest])


def _lines(text: str) -> Iterator[str]:
    """Whole ones."""
    yield from text.split("\n")[:-1]


# Alone in a product

LIGHT = """
import sys
from stream.ingest import AsyncEmitter, Emitter
emitter = Emitter()
emitter.login(user_id="ann")
emitter.close(0)
print(*sys.modules)
"""


def distributions(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def normal(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_a_product_imports_nothing_of_what_only_servers_need() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    only_servers = distributions(project["optional-dependencies"]["server"]) - distributions(project["dependencies"])
    modules = {
        module
        for module, owners in packages_distributions().items()
        if {normal(owner) for owner in owners} & only_servers
    }
    assert modules >= {"numpy", "redis", "faust", "prometheus_client", "rich"}

    environment = {**os.environ, "ASSIDU_KAFKA": NOWHERE.kafka}
    done = subprocess.run([sys.executable, "-c", LIGHT], env=environment, capture_output=True, text=True, check=True)
    assert not modules & set(done.stdout.split())


ENDING = """
from stream.ingest import Emitter
emitter = Emitter()
for number in range(1000):
    emitter.login(user_id="ann", event_id=str(number))
"""


async def test_what_is_emitted_right_before_the_end_of_a_process_is_sent(topics: Settings) -> None:
    environment = {**os.environ, **topics.environment()}
    subprocess.run([sys.executable, "-c", ENDING], env=environment, check=True)
    assert numbers(await arrived(topics, "logins", 1000)) == list(range(1000))


FORKED = """
import os, sys
from stream.ingest import Emitter
emitter = Emitter(spool=sys.argv[1])
emitter.login(user_id="ann", event_id="0")
assert emitter.flush(60)
child = os.fork()
emitter.login(user_id="ann", event_id=str(1 if child else 2))
assert emitter.flush(60)
emitter.close(0)
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_the_child_of_a_fork_has_its_own_thread_and_its_own_part_of_the_spool(tmp_path: Path) -> None:
    environment = {**os.environ, "ASSIDU_KAFKA": NOWHERE.kafka}
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    spool = Spool(tmp_path, 1_000_000)
    found = [event for file in spool.leftovers for event in spool.read(file)]
    spool.close()
    assert sorted(json.loads(event.value)["event_id"] for event in found) == ["0", "1", "2"]
