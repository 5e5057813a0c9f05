"""The page in a real Chromium: its numbers are those of /metrics, they move, and the browser has nothing to say."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stream.exporter.app import Exporter, exporter_app
from stream.exporter.page.contents import cards
from stream.runtime.http import serving
from stream.settings import Settings
from stream.store.connect import connect_to
from tests.events import login
from tests.recount import Sample
from tests.stack.chromium import PROGRAM, Tab, chromium
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.story import Story
from tests.stack.waiting import eventually, eventually_async

FIGURES = """[...document.querySelectorAll(".figure")].map((figure) => [
  figure.dataset.metric, JSON.parse(figure.dataset.labels),
  figure.querySelector("data").value, figure.querySelector(".number").innerText,
  figure.querySelector(".nothing").checkVisibility(),
])"""
TARGETS = """[...document.querySelectorAll(".target")].filter((target) => target.checkVisibility())
  .map((target) => [target.parentElement.querySelector("h3").innerText, target.innerText])"""
STATE = "document.getElementById('state').innerText"

# Text whose contrast with what lies behind it is less than 4.5 to 1 (WCAG 2.2, 1.4.3).
FAINT = """(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const opaque = (element) => {
    const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
    if (alpha === 1) return [r, g, b];
    return opaque(element.parentElement).map((below, i) => below * (1 - alpha) + [r, g, b][i] * alpha);
  };
  const luminance = (rgb) => rgb
    .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (element) => {
    const [dark, light] = [channels(getComputedStyle(element).color).slice(0, 3), opaque(element)]
      .map(luminance).sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && [...element.childNodes].some((n) => n.data?.trim()))
    .filter((element) => contrast(element) < 4.5)
    .map((element) => `${element.tagName} ${element.className}: ${contrast(element).toFixed(2)}`);
})()"""

OVERLAPPING = """[...document.querySelectorAll(".figure")].filter((figure) => {
  const visible = [...figure.children].filter((part) => part.checkVisibility());
  const boxes = visible.map((part) => part.getBoundingClientRect());
  return boxes.some((a, i) => boxes.slice(i + 1).some((b) =>
    a.left < b.right && b.left < a.right && a.top + 1 < b.bottom && b.top + 1 < a.bottom));
}).map((figure) => figure.innerText)"""


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    if PROGRAM is None:
        warnings.warn("Chromium was not found: the page was not looked at in a browser", stacklevel=1)
        pytest.skip("Chromium was not found (Debian: apt-get install chromium)")
    profile = tmp_path / "chromium"
    profile.mkdir()
    async with chromium(profile) as tab:
        await tab.look(1280, 900)
        yield tab


async def test_the_page_shows_what_metrics_shows_and_follows_it(assidu: Assidu, tab: Tab) -> None:
    story = Story(assidu)
    story.emit(story.history(3_000))
    worker = story.worker()
    story.settle()
    targets = assidu.folder / "indicators.toml"
    targets.write_text("[targets]\nengagement_stickiness_ratio = 0.25\nengagement_nps_score = -3\n")
    exporter = story.exporter(stale_seconds=5, indicators=targets)
    eventually(exporter.is_ready, 20, "the exporter to be ready")

    await tab.open(f"{address(exporter)}/")
    await assert_shows(exporter, tab, "app")
    assert await tab.evaluate(TARGETS) == [["Stickiness", "target 25.0%"], ["Recommendation (NPS)", "target −3.0"]]
    assert await tab.evaluate(STATE) == "Fresh"
    await assert_reads_well(tab)

    await press_tab(tab)
    await press_tab(tab)
    assert await tab.evaluate("document.activeElement.innerText") == "shop"
    await tab.evaluate("document.activeElement.click()")
    await tab.eventually("document.title === 'shop · Assidu'", "the other product")
    before = await assert_shows(exporter, tab, "shop")

    now = datetime.now(UTC)
    story.emit(login(f"late-{number}", now, f"late-{number}", product="shop") for number in range(40))
    today = ("engagement_active_customers", frozenset({("product", "shop"), ("window", "24h")}))
    grown = int(before[today] or 0) + 40
    await tab.eventually(f"document.querySelector('.figure data').value === '{grown}'", "the new customers")
    await assert_shows(exporter, tab, "shop")

    worker.child.terminate(10)
    await tab.eventually(f"{STATE} === 'Stale'", "stale data to be called so")
    assert "ASSIDU_STALE_SECONDS" in await tab.evaluate("document.getElementById('reason').innerText")
    await assert_reads_well(tab)
    assert tab.complaints == []


async def test_without_data_or_exporter_the_page_says_so(tab: Tab) -> None:
    redis = connect_to("redis://127.0.0.1:1/0")
    app = exporter_app(Exporter(redis, Settings(_env_file=None)))
    async with serving(app, "127.0.0.1", 0, "ASSIDU_EXPORTER_PORT") as port:
        await tab.open(f"http://127.0.0.1:{port}/")
        await tab.eventually(f"{STATE} === 'No data yet'", "the page to say that nothing was counted")
        assert "No event was counted yet" in await tab.evaluate("document.body.innerText")
        await tab.open(f"http://127.0.0.1:{port}/?product=<img src=x onerror=alert(1)>")
        await tab.eventually("document.body.innerText.includes('“<img src=x')", "the product's name, as text")
        await assert_reads_well(tab)
        assert tab.complaints == []
    await tab.eventually(f"{STATE} === 'Not answering'", "the page to say that nobody answers")
    await redis.aclose()


async def assert_shows(exporter: Service, tab: Tab, product: str) -> dict[Sample, float | None]:
    """Every figure of the product shows what /metrics has of it; returns the figures."""
    expected = {card.metric.name for card in cards() if card.card.always}

    async def difference_free() -> dict[Sample, float | None] | None:
        metrics, figures = exporter.metrics(), await tab.evaluate(FIGURES)
        shown = {sample_of(*figure[:2]): float(figure[2]) if figure[2] else None for figure in figures}
        equal = all(metrics.get(sample) == value for sample, value in shown.items())
        return shown if equal and {name for name, _ in shown} >= expected else None

    # The page and this test do not read in the same second.
    shown = await eventually_async(difference_free, 20, "every figure to equal /metrics")
    assert shown is not None
    assert all(dict(labels)["product"] == product for _, labels in shown)
    for metric, _, value, text, nothing in await tab.evaluate(FIGURES):
        assert nothing == (text == "–") == (value == "")
        if metric.endswith("_ratio") and value:
            assert text.endswith("%")
            assert float(text[:-1]) == pytest.approx(100 * float(value), abs=0.0501), metric
    return shown


def address(exporter: Service) -> str:
    match = re.search(r"http://127\.0\.0\.1:\d+", exporter.log)
    assert match
    return match[0]


def sample_of(metric: str, labels: dict[str, str]) -> Sample:
    return metric, frozenset(labels.items())


async def assert_reads_well(tab: Tab) -> None:
    """On a desk, on a phone and on a narrow one, in both colours: nothing is cut off, covered or faint."""
    for width in (1280, 390, 320):
        for dark in (False, True):
            await tab.look(width, 900, dark)
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await tab.evaluate(OVERLAPPING) == []
            assert await tab.evaluate(FAINT) == []
    await tab.look(1280, 900)


async def press_tab(tab: Tab) -> None:
    key: dict[str, Any] = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    for type_ in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=type_, **key)
