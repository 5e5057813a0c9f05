"""The mask of a customer's active days, and the day covers that it implies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec


class Days(msgspec.Struct, frozen=True, gc=False):
    """A set of local days (ordinals): bit i of `mask` stands for day `origin + i`."""

    origin: int = 0
    mask: int = 0

    def __contains__(self, day: object) -> bool:
        return isinstance(day, int) and day >= self.origin and bool(self.mask >> (day - self.origin) & 1)

    def __iter__(self) -> Iterator[int]:
        mask = self.mask
        while mask:
            low = mask & -mask
            yield self.origin + low.bit_length() - 1
            mask ^= low

    def __len__(self) -> int:
        return self.mask.bit_count()

    def including(self, day: int) -> Days:
        if not self.mask:
            return Days(day, 1)
        if day < self.origin:
            return Days(day, self.mask << (self.origin - day) | 1)
        return Days(self.origin, self.mask | 1 << (day - self.origin))

    @property
    def latest(self) -> int:
        return self.origin + self.mask.bit_length() - 1

    def between(self, first: int, last: int) -> int:
        """How many days of the set lie in first … last, both included."""
        if last < first:
            return 0
        return (self._from(first) & ((1 << (last - first + 1)) - 1)).bit_count()

    def before(self, day: int) -> int | None:
        """The latest day of the set that is earlier than `day`."""
        below = self.mask & ((1 << (day - self.origin)) - 1) if self.mask and day > self.origin else 0
        return self.origin + below.bit_length() - 1 if below else None

    def after(self, day: int) -> int | None:
        """The earliest day of the set that is later than `day`."""
        above = self._from(day + 1)
        return day + (above & -above).bit_length() if above else None

    def beyond(self, other: Days) -> Days:
        """The days of this set that the other lacks."""
        return Days(self.origin, self.mask & ~other._from(self.origin))

    def since(self, first: int) -> Days:
        """The days of the set from `first` on."""
        return Days(first, self._from(first)) if first > self.origin else self

    def _from(self, first: int) -> int:
        """The mask with `first` as bit 0, earlier days gone."""
        shift = first - self.origin
        return self.mask >> shift if shift >= 0 else self.mask << -shift


EMPTY = Days()


def cover_growth(days: Days, day: int, width: int) -> tuple[int, int]:
    """What `day` adds to the customer's cover: the days [start, end) on which it newly counts as active.

    The `width`-day cover of a set is every day e for which some day of the set lies in e − width + 1 … e.
    `days` is the set without `day`. Empty when start ≥ end. Source: DESIGN §2, "Day covers".
    """
    earlier, later = days.before(day), days.after(day)
    start = day if earlier is None else max(day, earlier + width)
    end = day + width if later is None else min(day + width, later)
    return start, end


def counts_ahead(days: Days, day: int, width: int) -> Iterator[tuple[int, int, int]]:
    """For each day e in [day, day + width): how many days of the set lie in e − width + 1 … e.

    Yields (start, end, count): the count is the same on every day of [start, end).
    """
    changes = {day, day + width}
    for other in days.since(day - width + 1):
        if other >= day + width:
            break
        changes.add(other if other > day else other + width)
    edges = sorted(changes)
    for start, end in pairwise(edges):
        yield start, end, days.between(start - width + 1, start)
