"""Refusing a request: an HTTP status, why, and when to come again."""

from __future__ import annotations

from math import ceil

from stream.ingest.protocols.protocol import Refusal


class Refused(Refusal):
    """By the collector, before or after the protocol looked at it. `retry_seconds` None: never again like this."""

    def __init__(self, status: int, error: str, detail: str, retry_seconds: float | None = None) -> None:
        super().__init__(detail, status, error)
        self.retry_seconds = None if retry_seconds is None else max(1, ceil(retry_seconds))
