"""Bots: told by the user agent of a browser's request."""

from __future__ import annotations

from functools import lru_cache

from crawleruseragents import is_crawler

_REMEMBERED = 4096
_MOST_LETTERS = 512
"""Of a user agent: the patterns look everywhere in it, and it is somebody else's."""


def is_bot(user_agent: str) -> bool:
    """Is it a crawler, a headless browser or the like?"""
    return _is_bot(user_agent[:_MOST_LETTERS])


@lru_cache(_REMEMBERED)
def _is_bot(user_agent: str) -> bool:
    return bool(is_crawler(user_agent))
