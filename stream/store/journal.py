"""The journal of a shard: when it is long enough to be merged into the packed series, and how much of it stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_MOST_ENTRIES = 1024
_MOST_BYTES = 2_000_000
_STAYING_ENTRIES, _STAYING_BYTES = 128, 500_000


class Journal(NamedTuple):
    """How many entries, how many bytes are in it, and how many the packed series has beside it."""

    entries: int
    size: int
    packed: int

    @property
    def is_long(self) -> bool:
        """Whether it takes more room than what it would be merged into: so merging costs little for each byte."""
        return self.entries >= _MOST_ENTRIES or self.size >= max(_MOST_BYTES, self.packed)


def staying(entries: Sequence[bytes]) -> int:
    """How many of the newest remain, so that exporters find where they left off: a second or more of them, and one at
    least, by which those that have read all know so."""
    size = 0
    for number, entry in enumerate(reversed(entries[-_STAYING_ENTRIES:])):
        size += len(entry)
        if number and size > _STAYING_BYTES:
            return number
    return min(len(entries), _STAYING_ENTRIES)
