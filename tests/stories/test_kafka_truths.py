"""What the real Kafka does and the embedded one hides: codecs, transactions, limits, rights, clocks, new topics."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from stream.demo.embedded import EmbeddedRedis, KafkaServer
from stream.kafka.connection import connection
from stream.kafka.partition import shard_of
from stream.kafka.transport import PATIENT
from tests.conftest import own_settings
from tests.events import Event, login
from tests.stack import administering
from tests.stack.command import Assidu
from tests.stack.sending import KafkaRecord, record
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually

pytestmark = pytest.mark.usefixtures("apache")

MISTAKE = 2
LARGE_BYTES = 786_300  # in base64 and with where it came from, more than a topic takes


class Counting:
    """A worker and an exporter that all of these stories share; each has a product of its own."""

    def __init__(self, assidu: Assidu) -> None:
        self.story = Story(assidu, stall_seconds=15)
        self.settings = self.story.settings
        self.worker = self.story.worker()
        self.exporter = self.story.exporter()

    def active(self, product: str) -> float:
        return self.exporter.metric("engagement_active_customers", product=product, window="30d")

    def wait_for(self, customers: int, product: str) -> None:
        eventually(lambda: self.active(product) == customers, 20, f"{customers} active customers of {product}")

    @property
    def refused(self) -> int:
        """Kafka records that became dead letters so far."""
        return int(self.exporter.metric("assidu_rejected_total"))

    def letters(self, count: int, partition: int) -> dict[int, dict[str, Any]]:
        """Offset -> letter, of one partition of the logins; the test fails unless there are `count` in all."""
        letters = self.story.dead_letters(count)
        return {letter["offset"]: letter for letter in letters if letter["partition"] == partition}

    def assert_well(self) -> None:
        """Nothing waits, the worker is ready, and it is still the process that began."""
        self.story.settle(20)
        assert self.worker.is_ready()
        assert "restarting" not in self.worker.log
        assert "Traceback" not in self.worker.log


@pytest.fixture(scope="module")
def counting(
    apache: None, kafka: KafkaServer, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Counting]:
    assidu = Assidu(own_settings(kafka, redis_server), tmp_path_factory.mktemp("kafka"))
    try:
        yield Counting(assidu)
    finally:
        assidu.close()


def logins(product: str, *customers: str) -> list[Event]:
    return [login(name, datetime.now(UTC), f"{product} {name}", product=product) for name in customers]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_an_event_in_every_codec_of_kafka_is_counted(counting: Counting, codec: str) -> None:
    counting.story.send(map(record, logins(codec, "ann", "bob")), compression_type=codec)
    counting.wait_for(2, codec)


def test_the_letter_of_a_record_as_large_as_kafka_takes_has_its_beginning_and_says_so(counting: Counting) -> None:
    story, before = counting.story, counting.refused
    large = [
        KafkaRecord("logins", b"x" * LARGE_BYTES, b"ann", partition=1),
        KafkaRecord("logins", b"y", b"k" * LARGE_BYTES, partition=1),
        KafkaRecord("logins", b"z" * 1_000, None, 1, (("h", b"h" * LARGE_BYTES),)),
    ]
    small = [KafkaRecord("logins", b"{", b"ann", partition=1)] * 20
    places = story.send([*small, *large, *small])
    story.send(map(record, logins("large", "ann")))
    counting.wait_for(1, "large")
    counting.assert_well()

    letters = counting.letters(before + 43, partition=1)
    value, key, headers = (letters[place.offset] for place in places[20:23])
    assert (value["value_bytes"], value["truncated"]) == (LARGE_BYTES, True)
    assert LARGE_BYTES * 0.98 < len(base64.b64decode(value["value"])) < LARGE_BYTES
    assert (base64.b64decode(key["value"]), key["key_bytes"], key["truncated"]) == (b"y", LARGE_BYTES, True)
    assert (len(base64.b64decode(headers["value"])), headers["truncated"]) == (1_000, False)


def test_letters_are_shortened_to_what_their_topic_takes_and_their_neighbours_are_sent_once(
    counting: Counting,
) -> None:
    story, before = counting.story, counting.refused
    administering.configure(story.settings, story.settings.dead_letters, max_message_bytes=2_000)
    small = [KafkaRecord("logins", b"{", b"ann", partition=2)] * 30
    [*_, place] = story.send([*small, KafkaRecord("logins", b"x" * 60_000, b"ann", partition=2)])
    story.send([KafkaRecord("logins", b"}", b"ann", partition=2)])
    counting.assert_well()

    letters = counting.letters(before + 32, partition=2)
    cut = letters[place.offset]
    assert (cut["value_bytes"], cut["truncated"]) == (60_000, True)
    assert 300 < len(base64.b64decode(cut["value"])) < 2_000
    assert all(not letter["truncated"] for letter in letters.values() if letter is not cut)


def test_a_committed_transaction_is_counted_an_aborted_one_is_not_and_nothing_waits_after_either(
    counting: Counting,
) -> None:
    asyncio.run(transaction(counting, "aborted", "ann"))
    counting.assert_well()
    asyncio.run(transaction(counting, "committed", "ann"))
    counting.assert_well()
    counting.wait_for(1, "committed")
    assert counting.active("aborted") == 0


def test_a_transaction_that_is_open_waits_without_lag_and_what_follows_it_waits_for_it(counting: Counting) -> None:
    async def open_for_a_while() -> None:
        async with AIOKafkaProducer(**connection(counting.settings), transactional_id="open") as producer:
            await producer.begin_transaction()
            await send(producer, counting, *logins("open", "ann"))
            await asyncio.to_thread(counting.story.send, map(record, logins("open", "ann", "bob")))
            await asyncio.to_thread(counting.assert_well)
            assert counting.active("open") < 2
            await producer.commit_transaction()

    asyncio.run(open_for_a_while())
    counting.wait_for(2, "open")
    counting.assert_well()


async def transaction(counting: Counting, end: str, customer: str) -> None:
    async with AIOKafkaProducer(**connection(counting.settings), transactional_id=end) as producer:
        await producer.begin_transaction()
        await send(producer, counting, *logins(end, customer))
        await (producer.commit_transaction() if end == "committed" else producer.abort_transaction())


async def send(producer: AIOKafkaProducer, counting: Counting, *events: Event) -> None:
    for event in events:
        topic, key = counting.settings.topic_prefix + "logins", event["user_id"].encode()
        await producer.send_and_wait(topic, json.dumps(event).encode(), key=key)


def test_the_clock_of_one_producer_decides_neither_what_is_a_repeat_nor_how_old_the_data_are(
    counting: Counting,
) -> None:
    story, clicks = counting.story, f"{counting.settings.topic_prefix}clicks"
    administering.configure(
        story.settings, clicks, message_timestamp_type="CreateTime", message_timestamp_after_max_ms=2**63 - 1
    )
    now, day, repeats = int(datetime.now(UTC).timestamp() * 1000), 86_400_000, story.counter("repeats")
    stamps = [now, now + 30 * day, -1, now * 1000, now - 2 * 3_600_000]
    for number, stamp in enumerate(stamps, start=1):
        story.send(click(event_id, stamp) for event_id in ("first", f"at {stamp}", "first"))
        eventually(lambda: story.counter(f"events:{clicks}") == 3 * number, 20, "the clicks to be counted")  # noqa: B023
    counting.assert_well()
    assert story.counter("repeats") - repeats == 2 * len(stamps) - 1
    assert counting.exporter.metric("assidu_data_age_seconds") < 15

    counting.worker.child.terminate()
    counting.worker = story.worker()
    story.send(click(event_id, now) for event_id in ("first", *(f"at {stamp}" for stamp in stamps)))
    counting.assert_well()
    assert story.counter("repeats") - repeats == 3 * len(stamps)


def click(event_id: str, stamp: int) -> KafkaRecord:
    event: dict[str, Any] = {**login("ann", datetime.now(UTC), event_id, product="clock"), "type": "click"}
    return record(event, b"ann")._replace(timestamp_ms=stamp)


def test_a_worker_that_may_not_write_dead_letters_stops_and_says_so(assidu: Assidu) -> None:
    story = Story(assidu)
    worker = story.worker()
    administering.forbid(story.settings, story.settings.dead_letters, administering.WRITE)
    story.send([KafkaRecord("logins", b"{")])
    # Who writes there learns of it, or who looks at the topics now and then: Kafka shows nothing of it any more.
    assert_stops(worker, story.settings.dead_letters, "the right")


def test_a_worker_that_may_not_join_its_group_stops_and_says_so(assidu: Assidu) -> None:
    story = Story(assidu)
    administering.forbid(story.settings, story.settings.group, administering.READ, administering.GROUP)
    assert_stops(story.worker(), "GroupAuthorizationFailedError", story.settings.group, "the right to it")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["topic", "group"])
def test_a_worker_whose_right_to_read_is_taken_away_stops_and_says_so(assidu: Assidu, what: str) -> None:
    story = Story(assidu)
    worker = story.worker()
    eventually(worker.is_ready, 20, "the worker to be ready")
    name, kind = (
        (f"{story.settings.topic_prefix}clicks", administering.TOPIC)
        if what == "topic"
        else (story.settings.group, administering.GROUP)
    )
    administering.forbid(story.settings, name, administering.READ, kind)
    assert_stops(worker, name, "the right to it")


@pytest.mark.slow
def test_records_that_kafka_drops_before_they_are_read_stop_the_worker(assidu: Assidu) -> None:
    story = Story(assidu)
    topic, partition = f"{story.settings.topic_prefix}logins", shard_of("ann", 4)
    worker = story.worker()
    story.send(map(record, logins("app", "ann")))
    story.settle()
    worker.child.pause()
    # Enough to be the answer to a fetch that is under way, however patient: no later one waits in the socket.
    story.send([KafkaRecord("logins", b" " * PATIENT.min_bytes, b"ann")])
    story.send(record(event, b"ann", partition) for event in logins("app", *map(str, range(40))))
    administering.delete_records(story.settings, topic, partition, before=31)
    worker.child.resume()
    assert_stops(worker, f"{topic}/{partition}: position", "Kafka has 31 to 42", "ASSIDU_NAMESPACE")


@pytest.mark.slow
def test_topics_that_were_created_anew_are_refused_at_start_and_by_a_running_worker(assidu: Assidu) -> None:
    story = Story(assidu)
    topics = [f"{story.settings.topic_prefix}{family}" for family in ("logins", "clicks")]
    worker = story.worker()
    story.send(map(record, logins("app", *map(str, range(40)))))
    story.settle()
    administering.create_anew(story.settings, topics[0])
    story.send(map(record, logins("app", *map(str, range(40, 140)))))
    assert_stops(worker, topics[0])

    administering.create_anew(story.settings, topics[1])
    for command in ("worker", "status"):
        done = assidu.run(command)
        assert done.returncode == MISTAKE, done.stderr
        for word in (*topics, "deleted and created anew", "records are lost", "a new ASSIDU_NAMESPACE"):
            assert word in done.stderr


@pytest.mark.slow
def test_partitions_raised_on_one_topic_are_noticed_within_seconds_and_there_is_a_way_on(assidu: Assidu) -> None:
    story = Story(assidu)
    events = story.history(400)
    worker = story.worker()
    story.emit(events[:200])
    story.settle()
    administering.raise_partitions(story.settings, f"{story.settings.topic_prefix}clicks", 6)
    assert_stops(worker, "clicks has 6", "ASSIDU_PARTITIONS=6 assidu topics --raise", "ASSIDU_NAMESPACE")

    anew = f"{story.settings.namespace}-anew"
    again: dict[str, Any] = {"partitions": 6, "namespace": anew, "group": anew}
    assert assidu.run("topics", **again).returncode == MISTAKE
    done = assidu.run("topics", "--raise", **again)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("raised") == 10
    story.change(**again)
    story.worker()
    story.emit(events[200:])
    # What lies in partitions of before is forwarded once, and read again where it belongs.
    eventually(
        lambda: story.folded() == len(events) + story.counter("misrouted"), 60, "everything to be counted anew"
    )
    story.settle()
    story.assert_equals_the_recount()


def assert_stops(worker: Service, *words: str) -> None:
    assert worker.child.process.wait(20) == MISTAKE, worker.log
    assert "Traceback" not in worker.log
    for word in words:
        assert word in worker.log
