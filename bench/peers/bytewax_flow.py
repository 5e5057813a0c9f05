"""Bytewax: each customer's last minute in a stateful step, and a count of customers by that minute.

Run as `python -m bench.peers.bytewax_flow` with Assidu's settings.
"""

from __future__ import annotations

import json
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from bench.load import FAMILIES
from bench.peers.last_seen import LastSeen, minute_of
from stream.settings import Settings, read_settings

Move = tuple[int | None, int]
"""The minute in which a customer was last seen before an event, and with it."""


def seen(before: int | None, event: dict[str, Any]) -> tuple[int, Move]:
    now = max(minute_of(event), before or 0)
    return now, (before, now)


class Counting(DynamicSink[tuple[str, Move]], StatelessSinkPartition[tuple[str, Move]]):  # type: ignore[misc]
    """The end of the flow: the moves of all customers are added up."""

    def __init__(self, last_seen: LastSeen) -> None:
        self._last_seen = last_seen

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Counting:
        return self

    def write_batch(self, items: list[tuple[str, Move]]) -> None:
        for _, (before, now) in items:
            self._last_seen.count(before, now)


def dataflow(settings: Settings) -> Dataflow:
    flow = Dataflow("bytewax-peer")
    topics = [settings.topic_prefix + family for family in FAMILIES]
    messages = kop.input("events", flow, brokers=[settings.kafka], topics=topics)
    events = op.map("decode", messages.oks, lambda message: json.loads(message.value or b""))
    by_customer = op.key_on("by_customer", events, lambda event: event["user_id"])
    op.output(
        "count", op.stateful_map("seen", by_customer, seen), Counting(LastSeen(settings.redis.get_secret_value()))
    )
    return flow


if __name__ == "__main__":
    cli_main(dataflow(read_settings()))
