"""The last time of each of several things, and the census that follows from it."""

from __future__ import annotations

from collections.abc import Callable

from stream.core.series import KEEP_MINUTES, Add, Key

Latest = dict[str, int]
"""Name of a thing (a channel, a campaign) -> the minute when it was last done."""


def note(latest: Latest, name: str, minute: int) -> None:
    """It was done at this minute, too."""
    if minute > latest.get(name, minute - 1):
        latest[name] = minute


def move(add: Add, key: Callable[[str], Key], old: Latest, new: Latest) -> None:
    """Each census moves the customer from its old last minute to the new; what was forgotten is taken back."""
    for name, minute in new.items():
        before = old.get(name)
        if before != minute:
            move_one(add, key(name), before, minute)
    if not old.keys() <= new.keys():
        for name in old.keys() - new.keys():
            move_one(add, key(name), old[name], None)


def move_one(add: Add, key: Key, before: int | None, now: int | None) -> None:
    if before != now:
        if before is not None:
            add(key, before, -1)
        if now is not None:
            add(key, now, 1)


def last_of(latest: Latest) -> int | None:
    """The last time of any of the things."""
    return max(latest.values(), default=None)


def recent(latest: Latest, newest: int) -> Latest:
    """What a window can still see at `newest` or later."""
    edge = newest - KEEP_MINUTES
    if not latest or min(latest.values()) > edge:
        return latest
    return {name: minute for name, minute in latest.items() if minute > edge}


def sorted_copy(latest: Latest) -> Latest:
    """In a fixed order, so that equal memories are stored equally."""
    return dict(sorted(latest.items())) if len(latest) > 1 else latest
