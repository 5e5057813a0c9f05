"""Where Alertmanager's notifications arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from stream.runtime.http import serving

Word = tuple[str, str, str]


class Webhook:
    """`heard`: (alert, firing or resolved, product or "") in the order of arrival; what is said again while nothing
    has changed (Alertmanager repeats an alert when another of its group changes) is left out.

    `said`: the annotations of each alert, as they came last.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[Word] = []
        self.said: dict[Word, dict[str, str]] = {}
        self._last: dict[tuple[str, str], str] = {}

    async def hear(self, request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            name, status, product = alert["labels"]["alertname"], alert["status"], alert["labels"].get("product", "")
            word = name, status, product
            self.said[word] = alert["annotations"]
            if self._last.get((name, product)) != status:
                self.heard.append(word)
            self._last[name, product] = status
        return web.Response()


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Webhook]:
    webhook = Webhook(f"http://127.0.0.1:{port}/")
    app = web.Application()
    app.add_routes([web.post("/", webhook.hear)])
    async with serving(app, "127.0.0.1", port, "the test's port"):
        yield webhook
