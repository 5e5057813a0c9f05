"""Sends a file of events to Kafka: the good ones go, the bad ones are named, all are counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

from rich.console import Console

from schemas import Rejected
from stream.ingest.checking import Accepted
from stream.ingest.event_producer import EventProducer
from stream.ingest.input import Input
from stream.ingest.lines import Checked
from stream.kafka.partitions import shards_of_keys
from stream.runtime.printable import printable
from stream.runtime.progress import progress
from stream.settings import Settings

_SHOWN_LINES = 20


async def emit_file(settings: Settings, source: Input, chunks: AsyncIterator[list[Checked]]) -> bool:
    """Send every good event and wait until all are acknowledged; True when no line was bad."""
    console = complaints()
    bad = BadLines(console)
    families: set[str] = set()
    producer = EventProducer(settings, partitioner=shards_of_keys)
    try:
        with progress(console) as bars:
            bar = bars.add_task("events", total=source.size_bytes())
            async with producer:
                async for chunk in chunks:
                    await producer.send_many(_good(chunk, families, bad))
                    if bars.tasks[bar].total:
                        bars.update(bar, completed=source.read_bytes())
                    bars.update(bar, description=f"{producer.acknowledged} events acknowledged")
                    await asyncio.sleep(0)  # sending does not pause by itself: let acknowledgements in
    except BaseException:
        if producer.sent:
            console.print(f"stopped: {producer.acknowledged} of {producer.sent} events sent were acknowledged")
        raise
    finally:
        bad.close()
    print(
        f"sent {_counted(producer.acknowledged, 'event')} to {_counted(len(families), 'topic')}, "
        f"{_counted(bad.reasons.total(), 'bad line')}"
    )
    return not bad.reasons


def _good(chunk: list[Checked], families: set[str], bad: BadLines) -> Iterator[Accepted]:
    for number, outcome in chunk:
        if isinstance(outcome, Rejected):
            bad.add(number, outcome)
        else:
            families.add(outcome.family)
            yield outcome


def complaints() -> Console:
    """Where bad lines are named, without markup."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


class BadLines:
    """Names the first bad lines one by one, and counts the others by reason."""

    def __init__(self, console: Console) -> None:
        self.reasons: Counter[str] = Counter()
        self._console = console

    def add(self, number: int, rejected: Rejected) -> None:
        self.reasons[rejected.reason] += 1
        if self.reasons.total() <= _SHOWN_LINES:
            self._console.print(printable(f"line {number}: {rejected.reason}: {rejected.detail}"))

    def close(self) -> None:
        if (others := self.reasons.total() - _SHOWN_LINES) > 0:
            reasons = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
            self._console.print(f"and {_counted(others, 'more bad line')} (in all: {reasons})")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
