"""Write keys in headers and queries, where clients of several protocols put them."""

from __future__ import annotations

from typing import Any

from stream.ingest.protocols.documents import from_base64
from stream.ingest.protocols.protocol import Call


def header_key(call: Call) -> str | None:
    """Of `X-Write-Key`, of `Authorization: Bearer`, or the name of `Authorization: Basic`.

    Jitsu's clients insist on a key of two parts, of which ours is the first: no key of ours has a colon.
    """
    if key := call.headers.get("x-write-key", "").partition(":")[0]:
        return key
    scheme, _, given = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip() or None
    if scheme.lower() == "basic":
        return basic_name(given)
    return None


def basic_name(given: str) -> str | None:
    """The name before the colon; None where what is given cannot be read."""
    try:
        return from_base64(given).decode().partition(":")[0] or None
    except ValueError:
        return None


def text_of(document: Any, *names: str) -> str | None:
    """The first of these fields that holds a string that is not empty."""
    if not isinstance(document, dict):
        return None
    return next((value for name in names if isinstance(value := document.get(name), str) and value), None)
