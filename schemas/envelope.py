"""The envelope: what every event carries, whatever its type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from schemas.rejected import Rejected

Name = Annotated[str, Meta(min_length=1, max_length=256)]
Text = Annotated[str, Meta(min_length=1, max_length=4096)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
DurationMs = Annotated[int, Meta(ge=0, le=24 * 60 * 60 * 1000, description="Milliseconds, at most 24 hours.")]

EventId = Annotated[
    str,
    Meta(min_length=1, max_length=128, description="Unique for each occurrence; the same again is a repeat."),
]
# Read to the microsecond, further digits cut off (see decoding.py). Besides RFC 3339, a space for the T and an offset
# without its colon are read: each has only one meaning, and refusing them would cost a second parse.
Timestamp = Annotated[datetime, Meta(tz=True, description="When it happened: RFC 3339 with an offset from UTC.")]
UserId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        description="The customer signed in. An event needs this or anonymous_id; this wins.",
    ),
]
AnonymousId = Annotated[
    str, Meta(min_length=1, max_length=256, description="The visitor not signed in: a device, a cookie.")
]
Product = Annotated[str, Meta(min_length=1, max_length=128, description="Which product emitted it.")]
Channel = Annotated[str, Meta(min_length=1, max_length=128, description="Where: web, ios, store, email.")]
Bot = Annotated[bool, Meta(description="Made by a machine: counted, and left out of every indicator.")]
Test = Annotated[bool, Meta(description="Made to test: counted, and left out of every indicator.")]

DEFAULT_PRODUCT = "default"
EARLIEST_YEAR, LATEST_YEAR = 1, 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


class Event(Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """One thing that happened to one customer.

    Unknown fields are ignored. A field that may be absent may also be null or an empty string, whatever its type,
    and is then as if absent: it has its default value (product, channel, bot, test) or none.
    """

    event_id: EventId
    timestamp: Timestamp
    user_id: UserId | None = None
    anonymous_id: AnonymousId | None = None
    product: Product = DEFAULT_PRODUCT
    channel: Channel = "unknown"
    bot: Bot = False
    test: Test = False

    @property
    def type(self) -> str:
        """The name of the event's type, such as "click"."""
        return str(self.__struct_config__.tag)

    @property
    def customer(self) -> str:
        """The customer in records: "u:" + user_id, else "a:" + anonymous_id."""
        return f"a:{self.anonymous_id}" if self.user_id is None else f"u:{self.user_id}"

    @property
    def customer_id(self) -> str:
        """The bare id, by which events are partitioned."""
        return self.user_id or self.anonymous_id or ""

    @property
    def epoch_ms(self) -> int:
        """The timestamp in whole milliseconds since 1970, rounded down; negative before."""
        since = self.timestamp - _EPOCH
        return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000

    def flaw(self) -> Rejected | None:
        """What is wrong with the fields taken together, though each is well formed by itself."""
        if flaw := out_of_range(self.timestamp):
            return flaw
        if self.user_id is None and self.anonymous_id is None:
            return Rejected("no_customer", "expected user_id or anonymous_id")
        return None


class OfProduct(Event, frozen=True, gc=False, kw_only=True):
    """Something that happened to the product as a whole. It needs no customer; it is kept with the one that it names,
    else with the product."""

    @property
    def customer(self) -> str:
        """In records "p:" + product stands for the customer."""
        return super().customer if self._names_customer else f"p:{self.product}"

    @property
    def customer_id(self) -> str:
        return super().customer_id if self._names_customer else self.product

    @property
    def _names_customer(self) -> bool:
        return self.user_id is not None or self.anonymous_id is not None

    def flaw(self) -> Rejected | None:
        return out_of_range(self.timestamp)


def out_of_range(moment: datetime) -> Rejected | None:
    """A moment that its offset pushes out of the years a date can have in UTC, refused."""
    # The year alone settles all but two years, in a tenth of the time that two comparisons take.
    if EARLIEST_YEAR < moment.year < LATEST_YEAR or _EARLIEST <= moment <= _LATEST:
        return None
    return Rejected("bad_timestamp", "timestamp: expected a moment of the years 1 to 9999 in UTC")
