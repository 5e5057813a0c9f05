"""The course of `assidu simulate`: the past, live traffic until its time is over or an interrupt, the ledger."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from rich.progress import Progress

from stream.emit import Emitter
from stream.errors import UserError
from stream.progress import progress
from stream.settings import Settings
from stream.simulate.traffic import Plan, Traffic

_LOOK_SECONDS = 0.25


async def run_simulation(settings: Settings, plan: Plan, ledger: TextIO | None) -> None:
    """Ends when the plan's time is over, on SIGINT and on SIGTERM; what is under way still arrives.

    Writes to `ledger` the truth at the newest event.
    """
    _refuse_what_is_too_old(settings, plan)
    async with Emitter(settings) as emitter:
        traffic = Traffic(emitter, plan)
        with progress() as bars, _stopped_by_signals(traffic):
            showing = asyncio.create_task(_show(bars, traffic, plan))
            try:
                if plan.days:
                    await traffic.send_past()
                if plan.rate:
                    await traffic.send_live()
                await traffic.arrive()
            finally:
                showing.cancel()
    print(f"sent {traffic.sent:,} messages of {plan.customers:,} customers")
    if ledger is not None:
        _write(traffic, settings, ledger)


def _refuse_what_is_too_old(settings: Settings, plan: Plan) -> None:
    if settings.oldest_days is not None and plan.days >= settings.oldest_days:
        raise UserError(
            f"--days {plan.days}: events older than ASSIDU_HORIZON_DAYS={settings.oldest_days} days are refused; "
            "choose fewer days"
        )


@contextmanager
def _stopped_by_signals(traffic: Traffic) -> Iterator[None]:
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def listen_no_more() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)

    def stop() -> None:
        traffic.stop()
        listen_no_more()  # who interrupts again does not want to wait

    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        listen_no_more()


async def _show(bars: Progress, traffic: Traffic, plan: Plan) -> None:
    bar = bars.add_task("", total=1)
    while True:
        phase = f"{plan.days} days of the past" if plan.days and traffic.past_share < 1 else "live"
        bars.update(bar, completed=traffic.past_share, description=f"{phase}: {traffic.sent:,} messages sent")
        await asyncio.sleep(_LOOK_SECONDS)


def _write(traffic: Traffic, settings: Settings, ledger: TextIO) -> None:
    newest_ms = traffic.ledger.newest_ms
    if newest_ms is None:
        raise UserError("nothing happened, so there is no ledger: choose more --customers or --days, or a --rate")
    newest = datetime.fromtimestamp(newest_ms // 60_000 * 60, UTC)
    ledger.write(traffic.ledger.report(newest, settings.zone, settings.indicators.definitions))
    print(f"wrote the truth at {newest.isoformat()} to {ledger.name}")
