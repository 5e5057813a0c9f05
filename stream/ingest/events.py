"""The events of a file, decoded one after the other, for whoever reads them here instead of sending them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from schemas import Event, Rejected, decode
from stream.ingest.file import BadLines
from stream.ingest.input import Input
from stream.ingest.lines import Checked
from stream.runtime.progress import progress


async def read_events(source: Input, chunks: AsyncIterator[list[Checked]], bad: BadLines) -> AsyncIterator[Event]:
    """Those of the input's lines that hold one; the others go to `bad`."""
    with progress() as bars:
        bar = bars.add_task("reading events", total=source.size_bytes())
        async for chunk in chunks:
            for line, outcome in chunk:
                if isinstance(outcome, Rejected):
                    bad.add(line, outcome)
                elif isinstance(event := decode(outcome.value, outcome.family), Event):
                    yield event
            bars.update(bar, completed=source.read_bytes() if bars.tasks[bar].total else None)
