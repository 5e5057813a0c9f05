"""The exporter's /metrics, as Prometheus would see it."""

from __future__ import annotations

from collections import deque
from math import inf
from time import monotonic

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from stream.runtime.pipeline_metrics import DATA_AGE, EVENTS, LAG

Labels = frozenset[tuple[str, str]]

HISTORY_SECONDS = 30.0
_RATE_SECONDS = 10.0


class Page:
    """One scrape; `at` is when, on the monotonic clock, in seconds."""

    def __init__(self, text: str, at: float) -> None:
        self.at = at
        self._samples: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float | None:
        """None where it is undefined."""
        return self._samples.get(name, {}).get(frozenset(labels.items()))

    def total(self, name: str) -> float:
        return sum(self._samples.get(name, {}).values())

    @property
    def products(self) -> list[str]:
        return sorted({dict(labels)["product"] for labels in self._samples.get("engagement_active_customers", {})})

    @property
    def counted_events(self) -> int:
        return int(self.total(EVENTS.name))

    @property
    def lag_events(self) -> int:
        return int(self.total(LAG.name))

    @property
    def age_seconds(self) -> float:
        """How old the data are; infinite until every shard has an owner."""
        age = self.value(DATA_AGE.name)
        return inf if age is None else age


class History:
    """The last pages, from which trends are seen."""

    def __init__(self) -> None:
        self._pages: deque[Page] = deque()

    def add(self, page: Page) -> None:
        self._pages.append(page)
        while page.at - self._pages[0].at > HISTORY_SECONDS:
            self._pages.popleft()

    @property
    def latest(self) -> Page:
        return self._pages[-1]

    @property
    def oldest(self) -> Page:
        return self._pages[0]

    @property
    def events_per_second(self) -> float | None:
        """Over the last seconds; None when there is only one page."""
        before = next(page for page in self._pages if self.latest.at - page.at <= _RATE_SECONDS)
        if before is self.latest:
            return None
        return (self.latest.counted_events - before.counted_events) / (self.latest.at - before.at)


async def scrape(http: aiohttp.ClientSession, exporter_url: str) -> Page | None:
    """None while the exporter does not answer (yet)."""
    try:
        async with http.get(f"{exporter_url}/metrics", timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return Page(await answer.text(), monotonic())
    except (aiohttp.ClientError, TimeoutError):
        return None


async def is_ready(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether /readyz says so."""
    try:
        async with http.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
