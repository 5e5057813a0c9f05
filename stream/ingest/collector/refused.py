"""Refusing a request: an HTTP status, why, and when to come again."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from stream.ingest.protocols.protocol import Refusal


class Refused(Refusal):
    """By the collector, before or after the protocol looked at it. `retry_seconds` None: never again like this.

    headers    of the answer, beside those that every answer has
    """

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        retry_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, status, error)
        self.headers = dict(headers or {})
        if retry_seconds is not None:
            self.headers["Retry-After"] = str(max(1, ceil(retry_seconds)))
