"""The worker's HTTP: /healthz (alive), /readyz (making progress), /metrics (its own)."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest

from stream.runtime.http import service_routes
from stream.worker.measures import REGISTRY


def health_app(why_not_ready: Callable[[], str | None]) -> web.Application:
    """`why_not_ready` is asked at each /readyz; None means ready."""
    app = web.Application()
    app.add_routes(service_routes(lambda: generate_latest(REGISTRY), why_not_ready))
    return app
