"""The page over HTTP: its files, what it shows as JSON, and the headers that let it load nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web

from stream.core.time import MINUTE_MS, rfc3339
from stream.exporter.page.overview import Overview, ShownSection

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/format.js": ("format.js", "text/javascript; charset=utf-8"),
    "/sparkline.js": ("sparkline.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Path -> file beside this module, and its type."""

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Freshness(msgspec.Struct):
    """`reason` says why the data are stale; `age_seconds` is None while some shard has none."""

    state: Literal["fresh", "stale", "empty"]
    age_seconds: float | None
    reason: str | None


class Content(msgspec.Struct):
    """What /page.json answers; `at` is T, RFC 3339 in UTC, None while nothing was counted."""

    products: list[str]
    product: str | None
    at: str | None
    timezone: str
    freshness: Freshness
    sections: list[ShownSection]


def page_routes(overview: Overview, timezone: str, freshness: Callable[[], Freshness]) -> list[web.RouteDef]:
    """/ and its files, /page.json?product= (without a product: the first)."""

    async def content(request: web.Request) -> web.Response:
        products = overview.products
        product = request.query.get("product") or (products[0] if products else None)
        answer = Content(
            products=products,
            product=product,
            at=None if overview.minute is None else rfc3339(overview.minute * MINUTE_MS),
            timezone=timezone,
            freshness=freshness(),
            sections=overview.sections(product) if product else [],
        )
        return web.Response(
            body=msgspec.json.encode(answer), content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    return [web.get("/page.json", content), *(web.get(path, _file(*found)) for path, found in FILES.items())]


async def secure(_: web.Request, response: web.StreamResponse) -> None:
    """For `Application.on_response_prepare`: every answer carries the headers."""
    response.headers.update(SECURITY)


def _file(name: str, content_type: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    path = Path(__file__).with_name(name)
    # Asked again at each load (and answered by 304), so that an upgrade is seen at once.
    headers = {"Content-Type": content_type, "Cache-Control": "no-cache"}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return answer
