"""The private names of Faust that the batch transport relies on are still what they were."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver

from stream.worker.transport import BatchConsumer, BatchTransport


def test_faust_is_the_version_whose_inside_is_known() -> None:
    assert version("faust-streaming") == "0.15.3"


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
        (ThreadDelegateConsumer, "highwater", ["self", "tp"]),
        (driver.AIOKafkaConsumerThread, "seek", ["self", "partition", "offset"]),
        (driver.AIOKafkaConsumerThread, "assignment", ["self"]),
        (driver.AIOKafkaConsumerThread, "call_thread", ["self", "fun", "args", "kwargs"]),
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
