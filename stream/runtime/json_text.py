"""JSON as commands print it: indented, for people and for programs."""

from __future__ import annotations

import re

import msgspec

_UNSEEN = re.compile(r"[^\n\x20-\x7e]")
"""Not ASCII that shows itself; a line feed stands between values only."""


def json_text(value: object) -> str:
    """Characters that terminals obey, or that hide what a text is, are written as \\u escapes: the same values."""
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    return _UNSEEN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    if found[0].isprintable():
        return found[0]
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
