"""Bytes in flight: how many all requests together may take until they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stream.ingest.collector.refused import Refused

_EACH_BYTES = 16 * 1024  # a request, its headers and its connection, however small its body
_AGAIN_SECONDS = 1


class Share:
    """What one request has taken."""

    def __init__(self, in_flight: InFlight) -> None:
        self.bytes = 0
        self._in_flight = in_flight

    def take(self, size: int) -> None:
        """Raises Refused (429) when there is no room for so much more."""
        if self._in_flight.taken + size > self._in_flight.most_bytes:
            raise Refused(429, "too many requests", "the collector is busy: try again", _AGAIN_SECONDS)
        self.bytes += size
        self._in_flight.taken += size


class InFlight:
    """All that is taken, of `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.taken = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """For the time until a request is answered. Raises Refused (429)."""
        share = Share(self)
        try:
            share.take(_EACH_BYTES)
            yield share
        finally:
            self.taken -= share.bytes
