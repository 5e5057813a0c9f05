"""Lines out of text that arrives in pieces, in time and memory that do not depend on how long a line is."""

from __future__ import annotations

Line = bytes | None
"""A line without its end; None for one that is too long, of which nothing is kept."""


class LineEnds:
    """Makes every line end a line feed: also a carriage return, alone or before a line feed."""

    def __init__(self) -> None:
        self._after_return = False

    def feed(self, piece: bytes) -> bytes:
        if self._after_return and piece:
            piece = piece.removeprefix(b"\n")
            self._after_return = False
        if b"\r" in piece:
            self._after_return = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return piece


class Lines:
    """Cuts what is fed at its line feeds; a line of more than `most_bytes` is None."""

    def __init__(self, most_bytes: int) -> None:
        self.number = 1
        """Of the line that is to be cut next."""
        self._most_bytes = most_bytes
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    def feed(self, piece: bytes) -> list[Line]:
        """The lines that end in it."""
        *ended, begun = piece.split(b"\n")
        lines: list[Line] = [*ended]
        if lines:
            if max(map(len, ended)) > self._most_bytes:
                lines = [line if len(line) <= self._most_bytes else None for line in ended]
            if self._begun_bytes:
                self._keep(ended[0])
                lines[0] = self._kept()
            self.number += len(lines)
        self._keep(begun)
        return lines

    def end(self) -> list[Line]:
        """What stands after the last line feed, if anything does."""
        if not self._begun_bytes:
            return []
        self.number += 1
        return [self._kept()]

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._begun_bytes += len(part)
        if self._begun_bytes <= self._most_bytes:
            self._begun.append(part)
        else:
            self._begun.clear()

    def _kept(self) -> Line:
        line = b"".join(self._begun) if self._begun_bytes <= self._most_bytes else None
        self._begun, self._begun_bytes = [], 0
        return line
