"""How deep a JSON text is nested, without recursion."""

from __future__ import annotations

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[{\]}]")


def deeper_than(levels: int, text: str) -> bool:
    """Whether more arrays and objects than so many are open at once somewhere in the text."""
    if text.count("[") + text.count("{") <= levels:
        return False
    level = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        level += 1 if bracket.group() in "[{" else -1
        if level > levels:
            return True
    return False
