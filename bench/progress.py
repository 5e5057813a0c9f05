"""Progress bars of what takes long, on the error output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[int], None]
"""Hears how many events more are done."""

Bar = Callable[[str, int], Advance]
"""(what is done, how many events) -> who is to be told of each step."""


@contextmanager
def bars() -> Iterator[Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def bar(what: str, events: int) -> Advance:
            for ended in progress.task_ids[-1:]:
                progress.stop_task(ended)  # whether or not it got through all of its events
            task = progress.add_task(what, total=events)
            return lambda more: progress.advance(task, more)

        yield bar
