"""API keys: who may send events over HTTP, for which product; of the keys themselves only keyed hashes are stored."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal, NamedTuple, get_args

import msgspec
from redis.asyncio import Redis

from stream.runtime.errors import UserError
from stream.store.connect import now_ms, script
from stream.store.keys import Keys

KeyKind = Literal["server", "browser"]
KEY_KINDS: tuple[KeyKind, ...] = get_args(KeyKind)

_PEPPER_BYTES = 32
_ID_BYTES = 16
_SECRET_BYTES = 20
_BURST_SECONDS = 10
"""For how long of its rate a key may send at once."""


class ApiKey(msgspec.Struct, frozen=True):
    """What a key is for.

    kind      of a browser: everybody may read it
    rate      events a second, over some seconds; None: any number
    origins   of the pages that may use it, such as "https://shop.example"; none: any
    ending    its last characters, to be told by
    """

    product: str
    kind: KeyKind
    rate: float | None
    origins: tuple[str, ...]
    created_ms: int
    ending: str


class Known(NamedTuple):
    """`id` is the hash of the key under the pepper, and so no secret."""

    id: str
    key: ApiKey


CANARY = "canary"
"""The id of the key by which collectors test themselves; it is not stored."""
_CANARY = ApiKey("default", "server", None, (), 0, "")


class KeyTable:
    """All keys, as they were at some version.

    canary_key    follows from the pepper, so that all collectors of a namespace know it, and nobody else; None where
                  there is no pepper yet
    """

    def __init__(self, version: bytes, pepper: bytes, keys: Mapping[str, ApiKey]) -> None:
        self.version = version
        self.keys = keys
        self.canary_key = blake2b(b"canary", key=pepper).hexdigest() if pepper else None
        self._pepper = pepper
        self._canary_id = key_id(self.canary_key, pepper) if self.canary_key else None

    def find(self, key: str) -> Known | None:
        """The hash is looked up, and not the key: how long that takes tells nothing of the keys there are."""
        found = self.keys.get(id_ := key_id(key, self._pepper))
        if found is None:
            return Known(CANARY, _CANARY) if id_ == self._canary_id else None
        return Known(id_, found)


def key_id(key: str, pepper: bytes) -> str:
    return blake2b(key.encode(errors="surrogatepass"), digest_size=_ID_BYTES, key=pepper).hexdigest()


class ApiKeys:
    """The keys of a namespace in Redis. The pepper is made with the first of them."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._keys = Keys(namespace)
        self._rate = script(redis, "rate")

    async def create(
        self, product: str, kind: KeyKind, rate: float | None, origins: tuple[str, ...], existing: str | None = None
    ) -> str:
        """A new key, or the existing one of another system. Raises UserError when it is known already."""
        key = existing or f"assidu_{kind}_{secrets.token_hex(_SECRET_BYTES)}"
        await self._redis.hsetnx(self._keys.api_keys_meta, "pepper", secrets.token_hex(_PEPPER_BYTES))
        id_ = key_id(key, await self._pepper())
        stored = ApiKey(product, kind, rate, origins, await now_ms(self._redis), key[-4:])
        if not await self._redis.hsetnx(self._keys.api_keys, id_, msgspec.json.encode(stored)):
            raise UserError(f"this key is known already, by the id {id_}: revoke it first (assidu keys revoke {id_})")
        await self._changed()
        return key

    async def table(self, known: KeyTable | None = None) -> KeyTable:
        """As it is now; `known` itself if nothing has changed since."""
        version, pepper = await self._redis.hmget(self._keys.api_keys_meta, ["version", "pepper"])
        if known and known.version == (version or b""):
            return known
        # The version is older than the keys, if anything: then they are read once more.
        stored = await self._redis.hgetall(self._keys.api_keys)
        keys = {id_.decode(): msgspec.json.decode(value, type=ApiKey) for id_, value in stored.items()}
        return KeyTable(version or b"", _unpacked(pepper), keys)

    async def revoke(self, key_or_id: str) -> Known:
        """Collectors learn of it within seconds. Raises UserError when there is no such key."""
        table = await self.table()
        found = table.find(key_or_id)
        if found is None and key_or_id in table.keys:
            found = Known(key_or_id, table.keys[key_or_id])
        if found is None or not await self._redis.hdel(self._keys.api_keys, found.id):
            raise UserError("there is no such key: `assidu keys list` shows the ids of all")
        await self._changed()
        return found

    async def charge(self, known: Known, events: float) -> float:
        """0, or in how many seconds the key may send again; over all collectors."""
        if known.key.rate is None:
            return 0.0
        cost = round(events / known.key.rate * 1e6)
        burst = _BURST_SECONDS * 1_000_000
        return int(await self._rate(keys=[self._keys.rate(known.id)], args=[cost, burst])) / 1000

    async def _pepper(self) -> bytes:
        return _unpacked(await self._redis.hget(self._keys.api_keys_meta, "pepper"))

    async def _changed(self) -> None:
        await self._redis.hset(self._keys.api_keys_meta, "version", secrets.token_hex(8))


def _unpacked(pepper: bytes | None) -> bytes:
    return bytes.fromhex((pepper or b"").decode())
