"""Where Alertmanager's notifications arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from stream.http import serving

Word = tuple[str, str, str]


class Webhook:
    """`heard`: (alert, firing or resolved, product or "") in the order of arrival, each new word once.

    `said`: the annotations of each alert, as they came last.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: list[Word] = []
        self.said: dict[Word, dict[str, str]] = {}

    async def hear(self, request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            labels = alert["labels"]
            word = (labels["alertname"], alert["status"], labels.get("product", ""))
            self.said[word] = alert["annotations"]
            if word not in self.heard:
                self.heard.append(word)
        return web.Response()


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Webhook]:
    webhook = Webhook(f"http://127.0.0.1:{port}/")
    app = web.Application()
    app.add_routes([web.post("/", webhook.hear)])
    async with serving(app, "127.0.0.1", port, "the test's port"):
        yield webhook
