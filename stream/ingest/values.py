"""JSON that does not have one event on each line: the objects of an array, or one object over many lines."""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas import MAX_BYTES, Rejected

# Everything up to the next bracket, or to a string that does not end where this text ends.
_PLAIN = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+")*+')
_SEPARATORS = re.compile(rb"[\s,]*")
_STRAY = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+\\?"?|[^\s,\[\]{}"]+|.')  # what stands where an object should
_LINE_START = re.compile(rb"([ \t,\[]*)([{\]]?)")
_SHOWN_BYTES = 40

_TOO_LARGE = Rejected("too_large", f"expected at most {MAX_BYTES} bytes")
_UNENDED_STRING = Rejected("not_json", "a string does not end on its line")
_UNENDED_OBJECT = Rejected("not_json", "the object that begins here does not end")
_UNENDED_ARRAY = Rejected("not_json", "the array does not end: was the file cut off?")


class Found(NamedTuple):
    """An object's bytes or what is wrong with it, and where it begins; `element` counts in an array, from 1."""

    line: int
    element: int | None
    value: bytes | Rejected


class Values:
    """Cuts objects out of the text that is fed: those of the array with which it begins, or the one.

    One that is damaged is told once, and ends at the latest where a line begins with `{` that is indented no more
    than the line on which it began: so the next is not lost with it. Memory is bounded, whatever the text.
    """

    def __init__(self, line: int, *, array: bool) -> None:
        self.line = line
        self.closed = False
        self.rest = b""
        """What follows, once closed."""
        self._array = array
        self._opened = not array  # once the array's own bracket has been passed
        self._elements = 0
        self._at_line_start = True
        self._indent = 0  # of the present line
        self._ended = False
        self._held = b""  # what cannot be judged before more arrives
        self._found: list[Found] = []
        # The object that has begun: its depth in brackets, 0 where none has; where it began, what is kept of it.
        self._depth = 0
        self._begun_line = line
        self._begun_indent = 0
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._flaw: Rejected | None = None

    def feed(self, text: bytes) -> list[Found]:
        """The objects that end in it."""
        text, self._held = self._held + text, b""
        start = 0
        while start < len(text) and not self.closed:
            end = text.find(b"\n", start) + 1 or len(text)
            self._part(text[start:end])
            if self.closed:
                self.rest += text[end:]
            start = end
        found, self._found = self._found, []
        return found

    def end(self) -> list[Found]:
        """What had begun when the text ended."""
        self._ended = True
        held, self._held = self._held, b""
        if held and not self._depth:
            self._part(held)
        if self._depth:
            self._tell(self._flaw or _UNENDED_OBJECT)
        elif self._array and not self.closed:
            self._found.append(Found(self.line, None, _UNENDED_ARRAY))
        return self._found

    def leave_out(self) -> None:
        """A line that was too long to be kept."""
        self._flaw = _TOO_LARGE
        self.line += 1

    def _part(self, part: bytes) -> None:
        """One line, or what has arrived of it."""
        if self._at_line_start:
            if not self._ended and not part.endswith(b"\n") and not part.strip(b" \t,["):
                self._held = part[-MAX_BYTES:]
                return
            self._begin_line(part)
        position = 0
        while position < len(part) and not self.closed and not self._held:
            position = self._within(part, position) if self._depth else self._between(part, position)
        self._at_line_start = part.endswith(b"\n") and not self._held
        if self.closed:
            self.rest = part[position:]
        elif self._at_line_start:
            self.line += 1

    def _begin_line(self, part: bytes) -> None:
        start = _LINE_START.match(part)
        assert start is not None  # it matches nothing at all too
        self._indent = len(start[1])
        if self._depth and self._indent <= self._begun_indent and start[2]:
            if start[2] == b"{":
                self._tell(self._flaw or _UNENDED_OBJECT)
            elif self._flaw is not None and self._array:
                self._tell(self._flaw)

    def _between(self, part: bytes, position: int) -> int:
        """Passes what stands before the next object, and its first bracket."""
        separators = _SEPARATORS.match(part, position)
        assert separators is not None
        position = separators.end()
        if position == len(part):
            return position
        character = part[position : position + 1]
        if not self._opened:
            self._opened = True
        elif character == b"]" and self._array:
            self.closed = True
        elif character in b"{[":
            self._elements += 1
            self._depth, self._begun_line = 1, self.line
            self._begun_indent = min(self._indent, position) if self._at_line_start else self._indent
            self._keep(character)
        else:
            return self._stray(part, position)
        return position + 1

    def _stray(self, part: bytes, position: int) -> int:
        stray = _STRAY.match(part, position)
        assert stray is not None
        if stray.end() == len(part) <= position + MAX_BYTES and not self._ended:
            self._held = stray[0]
            return stray.end()
        self._elements += 1
        self._begun_line = self.line
        shown = stray[0][:_SHOWN_BYTES].decode(errors="replace")
        self._tell(Rejected("wrong_type", f"expected a JSON object, got {shown!r}"))
        return stray.end()

    def _within(self, part: bytes, position: int) -> int:
        """Passes the rest of the object, or up to the next bracket in it."""
        plain = _PLAIN.match(part, position)
        assert plain is not None
        end = plain.end()
        bracket = part[end : end + 1]
        if bracket == b'"':
            return self._unended_string(part, position, end)
        self._keep(part[position : end + 1])
        if bracket:
            self._depth += 1 if bracket in b"{[" else -1
            if not self._depth:
                self._tell(self._flaw or b"".join(self._kept))
                self.closed = not self._array
        return min(end + 1, len(part))

    def _unended_string(self, part: bytes, position: int, end: int) -> int:
        self._keep(part[position:end])
        if part.endswith(b"\n"):
            self._flaw = self._flaw or _UNENDED_STRING
        else:
            self._held = part[end:]
            if self._kept_bytes + len(self._held) > MAX_BYTES:
                # All that matters of it now is where it ends: not after a backslash.
                self._flaw = self._flaw or _TOO_LARGE
                backslashes = len(self._held) - len(self._held.rstrip(b"\\"))
                self._held = b'"' + b"\\" * (backslashes % 2)
        return len(part)

    def _keep(self, text: bytes) -> None:
        self._kept_bytes += len(text)
        if self._kept_bytes > MAX_BYTES:
            self._flaw = self._flaw or _TOO_LARGE
        if self._flaw is None:
            self._kept.append(text)
        else:
            self._kept.clear()

    def _tell(self, value: bytes | Rejected) -> None:
        self._found.append(Found(self._begun_line, self._elements if self._array else None, value))
        self._depth, self._flaw, self._kept, self._kept_bytes = 0, None, [], 0
