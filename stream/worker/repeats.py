"""Drop repeats: event ids seen within the window, exact, a few dozen nanoseconds an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

Hashes = NDArray[np.uint64]

_SMALLEST_FILTER_BITS = 12
_NOT_IN_UTF_8 = b"\xff"
"""Keeps a customer and an event id apart whatever they contain."""


def id_hashes(customers: Iterable[bytes], event_ids: Iterable[str], seed: int) -> Hashes:
    """8-byte hash of each (customer key, event_id), and so of (product, customer, event_id)."""
    hashed = xxh3_64_intdigest
    pairs = zip(customers, event_ids, strict=True)
    return np.array([hashed(key + _NOT_IN_UTF_8 + id_.encode(), seed) for key, id_ in pairs], np.uint64)


class RepeatWindow:
    """Ids of one shard and topic by the hour in which their Kafka record came (Kafka's timestamp, not the event's).

    A filter of one bit a slot, 16 slots an id, answers for nearly all new ids; only what it lets through is searched
    in the hours' sorted runs. An id is remembered while its hour is within `hours` of the newest hour.
    """

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._runs: dict[int, list[Hashes]] = {}
        self._size = 0
        self.newest = -1
        self._resize_filter()

    def load(self, blobs: Mapping[int, bytes]) -> None:
        """Take in stored hours: hour -> packed hashes."""
        self.add({hour: np.frombuffer(blob, np.uint64) for hour, blob in blobs.items()})

    def fresh(self, hashes: Hashes) -> NDArray[np.bool_]:
        """For each hash: is it new to the window, and the first of its kind here?"""
        answer = np.ones(len(hashes), np.bool_)
        ordered = np.sort(hashes)
        if (ordered[1:] == ordered[:-1]).any():
            _, first = np.unique(hashes, return_index=True)
            answer[:] = False
            answer[first] = True
        maybe = np.flatnonzero(self._may_know(hashes))
        if len(maybe):
            answer[maybe] &= ~self._known(hashes[maybe])
        return answer

    def since(self, newest: int) -> int:
        """The oldest hour that is remembered once ids of the hour `newest` came."""
        return max(self.newest, newest) - self._hours

    def add(self, by_hour: Mapping[int, Hashes]) -> None:
        """Remember new ids, and forget the hours that left the window."""
        for hour, hashes in by_hour.items():
            self._append_run(hour, np.sort(hashes))
            self._size += len(hashes)
            self._mark(hashes)
            self.newest = max(self.newest, hour)
        gone = [hour for hour in self._runs if hour < self.newest - self._hours]
        for hour in gone:
            self._size -= sum(len(run) for run in self._runs.pop(hour))
        if gone or self._size * 8 > 1 << self._bits:
            self._resize_filter()

    def _append_run(self, hour: int, run: Hashes) -> None:
        # Runs at least halve in length from each to the next, so that merging costs O(log n) an id.
        runs = self._runs.setdefault(hour, [])
        while runs and len(runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate((runs.pop(), run)), kind="stable")
        runs.append(run)

    def _known(self, hashes: Hashes) -> NDArray[np.bool_]:
        found = np.zeros(len(hashes), np.bool_)
        for runs in self._runs.values():
            for run in runs:
                at = np.searchsorted(run, hashes)
                found |= run[np.minimum(at, len(run) - 1)] == hashes
        return found

    def _resize_filter(self) -> None:
        self._bits = max(_SMALLEST_FILTER_BITS, (self._size * 16).bit_length())
        self._filter = np.zeros(1 << self._bits - 3, np.uint8)
        for runs in self._runs.values():
            for run in runs:
                self._mark(run)

    def _mark(self, hashes: Hashes) -> None:
        slots = self._slots(hashes)
        np.bitwise_or.at(self._filter, slots >> 3, np.uint8(1) << (slots & 7).astype(np.uint8))

    def _may_know(self, hashes: Hashes) -> NDArray[np.uint8]:
        slots = self._slots(hashes)
        found: NDArray[np.uint8] = self._filter[slots >> 3] >> (slots & 7).astype(np.uint8) & np.uint8(1)
        return found

    def _slots(self, hashes: Hashes) -> NDArray[np.intp]:
        return (hashes >> np.uint64(64 - self._bits)).astype(np.intp)


def window_hours(newest: int, hours: int) -> Iterable[int]:
    """The hours that can still hold ids when `newest` is the newest hour."""
    return range(newest - hours, newest + 1)
