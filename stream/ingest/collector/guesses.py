"""Guesses of keys: who tries many that nobody has is let try no more for a while. In memory only."""

from __future__ import annotations

from time import monotonic

from stream.ingest.collector.refused import Refused

_MOST_KEYS = 20
_WINDOW_SECONDS = 600.0
_MOST_ADDRESSES = 10_000


class _Tried:
    """By one address: hashes of unknown keys, since the first of them."""

    def __init__(self) -> None:
        self.keys: set[int] = set()
        self.since = monotonic()

    @property
    def left_seconds(self) -> float:
        return self.since + _WINDOW_SECONDS - monotonic()


class Guesses:
    """Counts different keys, not requests: behind one address may be thousands of clients with one that was revoked.

    Beyond `_MOST_KEYS` within the window good keys are refused, too, or a guess that hits would be told.
    """

    def __init__(self) -> None:
        self._tried: dict[int, _Tried] = {}

    def check(self, home: int) -> None:
        """Raises Refused (429)."""
        tried = self._tried.get(home)
        if tried is None or len(tried.keys) < _MOST_KEYS:
            return
        if (wait_seconds := tried.left_seconds) > 0:
            raise Refused(429, "too many keys", "too many unknown keys from this address: try again", wait_seconds)
        del self._tried[home]

    def note(self, home: int, key: str) -> None:
        """That nobody has it."""
        tried = self._tried.get(home)
        if tried is None or tried.left_seconds <= 0:
            self._tried.pop(home, None)
            if len(self._tried) >= _MOST_ADDRESSES:
                del self._tried[next(iter(self._tried))]
            tried = self._tried[home] = _Tried()
        tried.keys.add(hash(key))
