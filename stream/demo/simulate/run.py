"""The course of `assidu simulate`: the past, then live traffic until its time is over or an interrupt."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.progress import Progress

from stream.demo.simulate.activity_log import ActivityLog
from stream.demo.simulate.traffic import Plan, Traffic
from stream.ingest.event_producer import EventProducer
from stream.kafka.partitions import shards_of_keys
from stream.runtime.errors import UserError
from stream.runtime.progress import progress
from stream.settings import Settings

_LOOK_SECONDS = 0.25


async def run_simulation(settings: Settings, plan: Plan, log: Path | None) -> None:
    """Ends when the plan's time is over, on SIGINT and on SIGTERM; what is in flight still arrives.

    `log` is where to write the activity log.
    """
    _refuse_what_is_too_old(settings, plan)
    with ActivityLog(log) if log else nullcontext() as activity_log:
        async with EventProducer(settings, partitioner=shards_of_keys) as producer:
            traffic = Traffic(producer, plan, activity_log)
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
