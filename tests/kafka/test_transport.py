"""The private names of Faust that the batch transport relies on are still what they were."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.consumer.subscription_state import Assignment, SubscriptionState, TopicPartitionState
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from stream.kafka.transport import PATIENT, PROMPT, BatchConsumer, BatchTransport, Records


def test_faust_and_aiokafka_are_the_versions_whose_insides_are_known() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka") == "0.14.0"


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (Consumer, "getmany", ["self", "timeout"]),
        (Consumer, "_wait_next_records", ["self", "timeout"]),
        (Consumer, "_new_offset", ["self", "tp"]),
        (Consumer, "seek", ["self", "partition", "offset"]),
        (Consumer, "perform_seek", ["self"]),
        (ThreadDelegateConsumer, "_getmany", ["self", "active_partitions", "timeout"]),
        (ThreadDelegateConsumer, "seek_to_committed", ["self"]),
        (fetcher.PartitionRecords, "_consumer_record", ["self", "tp", "record"]),
        (driver.AIOKafkaConsumerThread, "seek", ["self", "partition", "offset"]),
        (driver.AIOKafkaConsumerThread, "assignment", ["self"]),
        (driver.Consumer, "_new_consumer_thread", ["self"]),
        (driver.AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
        (driver.AIOKafkaConsumerThread, "call_thread", ["self", "fun", "args", "kwargs"]),
        (driver.AIOKafkaConsumerThread, "_ensure_consumer", ["self"]),
        (Assignment, "state_value", ["self", "tp"]),
        (AIOKafkaConsumer, "last_stable_offset", ["self", "partition"]),
    ],
)
def test_what_is_overridden_or_called_has_kept_its_shape(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_the_drain_loop_looks_up_the_read_offset_where_the_transport_hides_it() -> None:
    source = inspect.getsource(Consumer._drain_messages)
    assert "get_read_offset = self._read_offset.__getitem__" in source
    assert "if r_offset is None or" in source


def test_commits_go_through_the_offsets_that_the_transport_acknowledges() -> None:
    source = inspect.getsource(Consumer)
    assert "for tp in self._acked" in source
    assert "offset = self._new_offset(tp)" in source


def test_stock_faust_buffers_partitions_under_the_name_that_getmany_reads() -> None:
    assert "_buffered_partitions" in Consumer.__annotations__


def test_the_transport_hands_out_the_batch_consumer() -> None:
    assert BatchTransport.Consumer is BatchConsumer


def test_the_fetcher_looks_the_class_of_records_up_in_its_module() -> None:
    assert "PartitionRecords(" in inspect.getsource(fetcher.Fetcher._proc_fetch_request)


def test_records_as_parsed_say_what_is_used_of_them() -> None:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 10_000)
    headers = [("assidu-forwarded", b"1")]
    builder.append(0, 1_700_000_000_123, b"ann", b"{}", headers)
    builder.append(1, 1_700_000_000_124, None, None, [])
    fetched = Records(TP("t", 0), MemoryRecords(bytes(builder.build())), [], 0, None, None, True, 0)
    said = [
        (each.offset, each.timestamp, each.timestamp_type, each.key, each.value, list(each.headers))
        for each in fetched
    ]
    assert said == [(0, 1_700_000_000_123, 0, b"ann", b"{}", headers), (1, 1_700_000_000_124, 0, None, None, [])]


async def test_fetches_are_as_patient_as_they_are_told_to_be_and_ask_for_what_is_committed(tmp_path: Path) -> None:
    app = faust.App("patient", broker="kafka://127.0.0.1:1", autodiscover=False, datadir=tmp_path)
    app.transport = BatchTransport(app.conf.broker_consumer, app)
    thread = app.consumer._thread
    thread._consumer = consumer = thread._create_worker_consumer(app.transport)
    assert consumer._isolation_level == "read_committed"
    assert (consumer._fetch_max_wait_ms, consumer._fetch_min_bytes) == PATIENT
    for setting in ("fetch_max_wait_ms", "fetch_min_bytes", "isolation_level"):
        assert f"{setting}=self._{setting}" in inspect.getsource(AIOKafkaConsumer.start)
        assert f"self._{setting}," in inspect.getsource(fetcher.Fetcher._get_actions_per_node)
    consumer._fetcher = fetcher.Fetcher.__new__(fetcher.Fetcher)
    thread.fetch(PROMPT)
    assert (consumer._fetcher._fetch_max_wait_ms, consumer._fetcher._fetch_min_bytes) == PROMPT


def test_a_fetch_notes_the_end_of_the_log_and_when_it_told_it() -> None:
    source = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    for noted in ("tp_state.lso = lso", "tp_state.timestamp = now_ms"):
        assert noted in source


async def test_a_partitions_position_is_known_where_the_transport_looks_for_it() -> None:
    subscriptions = SubscriptionState()
    subscriptions.assign_from_user([TP("t", 0)])
    state = subscriptions.subscription.assignment.state_value(TP("t", 0))
    assert isinstance(state, TopicPartitionState)
    assert not state.has_valid_position
    subscriptions.seek(TP("t", 0), 7)
    assert (state.has_valid_position, state.position) == (True, 7)
