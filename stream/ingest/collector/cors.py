"""Crossing origins: what browsers ask before and after a page sends events to another host (CORS)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_DAY_SECONDS = 86_400


def origin_of(headers: Mapping[str, str]) -> str | None:
    """Of the page that a request comes from, as far as the browser says it: images have but a Referer."""
    origin = headers.get("Origin") or headers.get("Referer")
    if not origin:
        return None
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else None


def allowing(headers: Mapping[str, str]) -> dict[str, str]:
    """What an answer needs so that the page may read it, errors too; nothing for whoever is no browser.

    Any origin: nothing here is readable but the answer, no cookie is looked at, and a key may be bound to origins.
    """
    origin = headers.get("Origin")
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",  # navigator.sendBeacon always sends cookies, and asks for it
        "Access-Control-Expose-Headers": "Retry-After",
        "Vary": "Origin",
    }


def preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """The answer to OPTIONS: as it is asked for, and for as long as browsers remember."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Max-Age": str(_DAY_SECONDS),
        **allowing(headers),
    }
    if asked := headers.get("Access-Control-Request-Headers"):
        allowed["Access-Control-Allow-Headers"] = asked
        allowed["Vary"] = "Origin, Access-Control-Request-Headers"
    return allowed
