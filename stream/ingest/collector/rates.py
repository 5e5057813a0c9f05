"""Rates: a key sends so many events a second, over all collectors together."""

from __future__ import annotations

from time import monotonic

from stream.ingest.collector.refused import Refused
from stream.store.api_keys import ApiKeys, Known
from stream.store.connect import REDIS_ERRORS

_LEASE_SECONDS = 0.5
"""For how long of its rate a key's events are paid for at once, so that not every request asks Redis."""


class Rates:
    """Redis keeps the account of each key that has a rate. While Redis is away no key is refused."""

    def __init__(self, stored: ApiKeys) -> None:
        self._stored = stored
        self._paid: dict[str, float] = {}
        """Id of a key -> events that are paid for and have not come yet."""
        self._refused_until: dict[str, float] = {}

    def check(self, known: Known) -> None:
        """Before a request costs anything. Raises Refused (429) for a key that is to come again later."""
        if known.key.rate is None:
            return
        if (wait_seconds := self._refused_until.get(known.id, 0.0) - monotonic()) > 0:
            raise _too_many(wait_seconds)

    async def charge(self, known: Known, events: int) -> None:
        """Before they are sent. Raises Refused (429), and none of them is paid for."""
        rate = known.key.rate
        if rate is None:
            return
        paid = self._paid.get(known.id, 0.0)
        if paid < events:
            lease = max(events - paid, rate * _LEASE_SECONDS)
            try:
                wait_seconds = await self._stored.charge(known, lease)
            except REDIS_ERRORS:
                return  # the keyring says that Redis is away
            if wait_seconds:
                self._refused_until[known.id] = monotonic() + wait_seconds
                raise _too_many(wait_seconds)
            paid = self._paid.get(known.id, 0.0) + lease
        self._paid[known.id] = paid - events


def _too_many(wait_seconds: float) -> Refused:
    return Refused(429, "too many events", "the key has sent more than its rate allows: try again", wait_seconds)
