"""What the user sees, refreshed from the exporter's /metrics; plain lines where the output is no terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from math import inf, isfinite
from time import monotonic

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from stream.demo.page import History, Page, is_ready, scrape
from stream.demo.simulate import PAST_DAYS, Plan, Traffic
from stream.demo.stack import Stack
from stream.demo.view import plain_line, view
from stream.ingest.collector.first_event import command

_LOOK_SECONDS = 0.25
_REFRESH_SECONDS = 1.0
_PLAIN_EVERY = 5  # refreshes


class Screen:
    """Both views watch the stack, too, and raise PartEnded when a part of it has ended."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, plan: Plan, console: Console, key: str) -> None:
        self._stack = stack
        self._http = http
        self._plan = plan
        self._console = console
        self._key = key
        self._history = History()

    async def show_past(self, traffic: Traffic) -> None:
        """Until every event of the past is on /metrics and nothing is left to fold."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(complete_style="cyan", finished_style="cyan"),
            TaskProgressColumn(),
        )
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            sending = progress.add_task(f"sending {PAST_DAYS} days of {self._plan.customers:,} customers", total=1)
            counting = progress.add_task("counting them", total=None)
            page = None
            while page is None or not _is_settled(page, traffic):
                await asyncio.sleep(_LOOK_SECONDS)
                self._stack.check()
                progress.update(sending, completed=traffic.past_share)
                if page := await scrape(self._http, self._stack.exporter_url):
                    share = page.counted_events / max(1, traffic.sent)
                    progress.update(counting, completed=traffic.past_share * share, total=1)
        self._console.print(
            f"{PAST_DAYS} days of {self._plan.customers:,} simulated customers: {traffic.sent:,} events."
        )

    async def show_live(self) -> None:
        """Until the plan's time is over; first the command that sends an event of one's own."""
        while not await is_ready(self._http, self._stack.collector_url):
            self._stack.check()
            await asyncio.sleep(_LOOK_SECONDS)
        self._console.print(
            f"The collector is at {self._stack.collector_url}: send an event of your own\n"
            + command(self._stack.collector_url, self._key),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False) as screen:
                async for _, left_seconds in self._refreshed():
                    screen.update(view(self._history, await self._addresses(), left_seconds), refresh=True)
        else:
            self._console.print(await self._addresses(), soft_wrap=True)
            async for number, _ in self._refreshed():
                if number % _PLAIN_EVERY == 0:
                    self._console.print(plain_line(self._history), soft_wrap=True)

    async def _refreshed(self) -> AsyncIterator[tuple[int, float | None]]:
        """After each new page: how many there were before, and the seconds left (None without an end)."""
        end = monotonic() + (inf if self._plan.seconds is None else self._plan.seconds)
        number = 0
        while (left := end - monotonic()) > 0:
            self._stack.check()
            if page := await scrape(self._http, self._stack.exporter_url):
                self._history.add(page)
                yield number, None if left == inf else left
                number += 1
            await asyncio.sleep(min(left, _REFRESH_SECONDS))

    async def _addresses(self) -> Text:
        ready = await is_ready(self._http, self._stack.worker_url)
        return Text.assemble(
            (" page     ", "dim"),
            (f"{self._stack.exporter_url}/", "bold"),
            ("   metrics  ", "dim"),
            f"{self._stack.exporter_url}/metrics\n",
            (" worker   ", "dim"),
            f"{self._stack.worker_url}/readyz  ",
            ("ready", "green") if ready else ("not ready", "red"),
        )


def _is_settled(page: Page, traffic: Traffic) -> bool:
    """All of the past is sent and counted, and every shard has said that it is done."""
    counted = traffic.past_share == 1 and page.counted_events >= traffic.sent
    return counted and page.lag_events == 0 and isfinite(page.age_seconds)
