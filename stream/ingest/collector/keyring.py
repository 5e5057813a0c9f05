"""The keyring: all API keys, as Redis had them a moment ago."""

from __future__ import annotations

import asyncio

import structlog

from stream.ingest.collector.refused import Refused
from stream.store.api_keys import ApiKeys, KeyTable, Known
from stream.store.connect import REDIS_ERRORS, advice

log = structlog.get_logger()

_LOOK_AGAIN_SECONDS = 1.0

INVALID = "Invalid API key:"
"""With which the error has to begin, or Amplitude's clients would never give up."""


class UnknownKey(Refused):
    """A key was sent that nobody has."""


class Keyring:
    """Asks Redis once a second whether a key was created or revoked, so that no request has to. While Redis is away
    the keys last known hold."""

    def __init__(self, stored: ApiKeys) -> None:
        self._stored = stored
        self._table: KeyTable | None = None
        self._away = False

    async def look(self) -> None:
        """Raises what is wrong with Redis."""
        self._table = await self._stored.table(self._table)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            try:
                await self.look()
            except REDIS_ERRORS as error:
                if not self._away:
                    log.warning("no news of API keys", error=advice(error) or str(error) or type(error).__name__)
                self._away = True
            else:
                self._away = False

    @property
    def canary_key(self) -> str | None:
        """Of collectors themselves; None while there are no keys at all."""
        return self._table.canary_key if self._table else None

    def find(self, key: str | None, origin: str | None) -> Known:
        """Whose key it is, for a page of that origin. Raises Refused: 401, 403."""
        if key is None:
            raise Refused(401, f"{INVALID} none was sent", "send a key: `assidu keys create` makes one")
        assert self._table is not None, "look() first"
        known = self._table.find(key)
        if known is None:
            raise UnknownKey(401, f"{INVALID} it is not known here", "there is no such key, or it was revoked")
        if known.key.origins and origin not in known.key.origins:
            raise Refused(403, f"{INVALID} it is not for this page", "the key is for pages of other origins")
        return known
