"""Key names in Redis. Keys of one shard share the hash tag `{shard}`, so one script covers them on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas import DEFAULT_PRODUCT, Event


class ShardKeys(NamedTuple):
    """state      hash: owner, commit, position, committed_ms, newest_ms, journal_bytes, c:<counter> (by commits);
               hour:<topic>, oldest:<topic>: newest and oldest hour that may have event ids (by commits);
               parts:<key>: see blobs.py (by commits);
               due_from, scoring, review, latest_ms, set_backs (by commits: see store/shard.py);
               customers, buckets: how many there are (by commits; none: the fewest, see buckets.lua);
               head, base (by compaction)
    customers  what the names of the buckets begin with: "…:customers:67108864" is a hash, customer_key -> record,
               of the customers in a stretch of hashes (see buckets.lua) that begins there
    names      list: series keys (msgpack); records refer to them by their place
    series     string: the series up to journal entry `head`, packed
    journal    list: what each later commit added to the series, oldest first
    outbox     list: messages (JSON) for the topic churn-risk that Kafka has not acknowledged, oldest first
    at_risk    hash: customer_key -> since when, of those at medium or high risk
    """

    state: str
    customers: str
    names: str
    series: str
    journal: str
    outbox: str
    at_risk: str


def customer_key(product: str, customer: str) -> bytes:
    """Field of a bucket. A customer begins with a letter ("u:", "a:"), so the default product may go without saying;
    of any other the length keeps (product, customer) apart whatever they contain."""
    return (customer if product == DEFAULT_PRODUCT else f"{len(product)}:{product}{customer}").encode()


def product_of(key: bytes) -> str:
    """The product of whose customer this is the `customer_key`."""
    text = key.decode()
    length, colon, rest = text.partition(":")
    return rest[: int(length)] if colon and length.isdecimal() else DEFAULT_PRODUCT


def customer_of(key: bytes, product: str) -> str:
    """The customer ("u:" or "a:" and its id) whose `customer_key` this is."""
    return key.decode().removeprefix(customer_key(product, "").decode())


def customer_keys(events: Sequence[Event]) -> list[bytes]:
    """`customer_key` of each event's customer."""
    users = [event.user_id for event in events]
    products = {event.product for event in events}
    if len(products) == 1 and None not in users:  # as it mostly is, and five times as fast
        start = customer_key(products.pop(), "u:").decode()
        return [(start + user).encode() for user in users]  # type: ignore[operator]
    return [customer_key(event.product, event.customer) for event in events]


class Keys:
    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self.meta = f"{namespace}:meta"
        self.heartbeats = f"{namespace}:heartbeats"
        """Hash: worker -> its last sign of life (see heartbeats.py)."""
        self.committed = f"{namespace}:committed"
        """Channel: the numbers of shards that have just been committed to."""
        self.products = f"{namespace}:products"
        """Sorted set: admitted product -> day (since the epoch) of its last use."""
        self.api_keys = f"{namespace}:api-keys"
        """Hash: id of an API key -> what it is for (see api_keys.py)."""
        self.api_keys_meta = f"{namespace}:api-keys:meta"
        """Hash: pepper, and version: another one whenever a key was created or revoked."""
        self.trial = f"{namespace}:{{0}}:trial"
        """Of this key nothing is kept."""
        self._of_shard: dict[int, ShardKeys] = {}

    def shard(self, shard: int) -> ShardKeys:
        keys = self._of_shard.get(shard)
        if keys is None:
            tag = f"{self._namespace}:{{{shard}}}"
            keys = ShardKeys(*(f"{tag}:{name.replace('_', '-')}" for name in ShardKeys._fields))
            self._of_shard[shard] = keys
        return keys

    def ids(self, shard: int, topic: str, hour: int) -> str:
        """Blob: 8-byte hashes of the event ids whose Kafka records came in that hour (since the epoch)."""
        return f"{self.all_ids(shard)}{topic}:{hour}"

    def all_ids(self, shard: int) -> str:
        """What the names of all blobs of ids begin with; topic, colon and hour follow."""
        return f"{self._namespace}:{{{shard}}}:ids:"

    def timers(self, shard: int, hour: int) -> str:
        """Blob: keys of the customers to look at in that hour (since the epoch), each after its length."""
        return f"{self._namespace}:{{{shard}}}:timers:{hour}"

    def rate(self, api_key: str) -> str:
        """String: when the API key of that id has paid for all its events, microseconds since the epoch."""
        return f"{self._namespace}:rate:{api_key}"

    def labels(self, product: str, label: str) -> str:
        """Sorted set: admitted label value -> day (since the epoch) of its last use."""
        return f"{self._namespace}:labels:{label}:{product}"
