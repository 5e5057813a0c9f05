"""The record: what is remembered of one customer of one product, an order-free join of its events."""

from __future__ import annotations

import msgspec

from stream.core.days import EMPTY, Days


class Customer:
    """Whatever the order and the repetition of the active events, the record ends the same.

    first_ms       earliest active event, milliseconds since the epoch: the anchor of the first week
    first_channel  its channel (of several at the same millisecond, the first by name)
    first_day      its local day
    days           local days with an active event, as far back as they are kept
    last           channel -> minute of its latest active event
    """

    __slots__ = ("days", "first_channel", "first_day", "first_ms", "last")

    def __init__(self, first_ms: int, first_channel: str, first_day: int, days: Days, last: dict[str, int]) -> None:
        self.first_ms = first_ms
        self.first_channel = first_channel
        self.first_day = first_day
        self.days = days
        self.last = last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Customer) and self.encode() == other.encode()

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Customer:
        return Customer(self.first_ms, self.first_channel, self.first_day, self.days, self.last.copy())

    @property
    def last_minute(self) -> int:
        return max(self.last.values())

    def join(self, epoch_ms: int, minute: int, day: int, channel: str) -> None:
        """Take in one active event."""
        if epoch_ms < self.first_ms or (epoch_ms == self.first_ms and channel < self.first_channel):
            self.first_ms, self.first_channel, self.first_day = epoch_ms, channel, day
        if minute > self.last.get(channel, minute - 1):
            self.last[channel] = minute
        if day not in self.days:
            self.days = self.days.including(day)

    def forget(self, keep_days: int) -> None:
        """Compaction: keep only the newest `keep_days` days (still order-free: the edge follows the latest)."""
        if self.days.mask.bit_length() > keep_days:
            self.days = self.days.since(self.days.latest - keep_days + 1)

    def encode(self) -> bytes:
        """msgpack: [version, first_ms, first_channel, first_day, origin, mask (little-endian), last]."""
        origin, mask = self.days.origin, self.days.mask
        packed = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
        last = dict(sorted(self.last.items())) if len(self.last) > 1 else self.last
        return _encode((_VERSION, self.first_ms, self.first_channel, self.first_day, origin, packed, last))


def new_customer(epoch_ms: int, minute: int, day: int, channel: str) -> Customer:
    """The record after a single active event."""
    return Customer(epoch_ms, channel, day, EMPTY.including(day), {channel: minute})


def decode_customer(blob: bytes) -> Customer:
    """Inverse of Customer.encode. Raises ValueError on an unknown version."""
    version, first_ms, first_channel, first_day, origin, packed, last = _decode(blob)
    if version != _VERSION:
        raise ValueError(f"customer record of version {version}; this program knows {_VERSION}")
    days = Days(origin, int.from_bytes(packed, "little"))
    return Customer(first_ms, first_channel, first_day, days, last)


_VERSION = 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, int, str, int, int, bytes, dict[str, int]]).decode
