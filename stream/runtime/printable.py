"""Text of users, made fit for a line of a terminal, a log or a message."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text on one line; what does not show itself is written as an escape: \\x1b, \\n, \\u202e.

    These are control characters, which terminals obey; bidi controls and other invisible ones, which make text look
    like another; separators other than the space; halves of surrogate pairs, which cannot be encoded. All else stays,
    backslashes included: to be read by people, not back into the text.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def printable_lines(text: str) -> str:
    """The text, each of its lines printable; the line feeds between them are meant."""
    return "\n".join(map(printable, text.split("\n")))
