"""Encodings: text in whatever encoding a file has becomes UTF-8, piece by piece."""

from __future__ import annotations

import codecs

from stream.runtime.errors import UserError

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16's, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LONGEST_MARK = 4
_BYTE_ORDER_MARK = "\ufeff"
_TAR = slice(257, 262)

_UNDECODABLE = "assidu.undecodable"


def _undecodable(error: UnicodeError) -> tuple[str, int]:
    """A lone surrogate for what cannot be decoded: UTF-8 has none, so that its line is refused as `not_utf8`."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error(_UNDECODABLE, _undecodable)


class Utf8:
    """Turns what is fed into UTF-8 without a byte order mark.

    Without an `encoding` the file's byte order mark says which it is; without a mark the file is UTF-8, and
    stays as it is, byte for byte. Raises UserError for an encoding that is not known.
    """

    def __init__(self, path: str, encoding: str | None = None) -> None:
        self._path = path
        self._encoding = None if encoding is None else _known(encoding)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held: bytes | None = b""  # until there is enough to see the mark
        self._begun = False

    def feed(self, piece: bytes) -> bytes:
        """Raises UserError where the text is plainly not in UTF-8."""
        if self._held is not None:
            piece = self._held + piece
            if len(piece) < _LONGEST_MARK:
                self._held = piece
                return b""
            self._held = None
            piece = self._start(piece)
        return piece if self._decoder is None else self._decoded(self._decoder, piece)

    def end(self) -> bytes:
        """What was held back."""
        rest = b"" if self._held is None else self._start(self._held)
        return rest if self._decoder is None else self._decoded(self._decoder, rest, final=True)

    def _start(self, piece: bytes) -> bytes:
        encoding = self._encoding
        if encoding is None:
            encoding = next((name for mark, name in _MARKS.items() if piece.startswith(mark)), None)
        if encoding is None:
            self._refuse_other(piece)
        elif encoding == "utf-8":
            return piece.removeprefix(codecs.BOM_UTF8)
        else:
            self._decoder = codecs.getincrementaldecoder(encoding)(_UNDECODABLE)
        return piece

    def _decoded(self, decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bytes:
        try:
            text = decoder.decode(piece, final)
        except UnicodeError as error:  # the handler has dealt with all but UTF-16 that does not say which
            raise UserError(f"{self._path}: {error}: add --encoding {self._encoding}-le, or -be") from None
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix(_BYTE_ORDER_MARK)
        return text.encode("utf-8", "surrogatepass")

    def _refuse_other(self, start: bytes) -> None:
        if start[_TAR] == b"ustar":
            raise UserError(f"{self._path} is a tar archive: unpack it first")
        zeros = [byte == 0 for byte in start[:_LONGEST_MARK]]
        if zeros in ([False, True] * 2, [True, False] * 2):
            name = "utf-16-le" if zeros[1] else "utf-16-be"
            raise UserError(f"{self._path} looks like UTF-16 without a byte order mark: add --encoding {name}")


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)  # refuses what is a codec and no encoding, such as base64
        codecs.getincrementaldecoder(encoding)(_UNDECODABLE).decode(b"")  # and what cannot be read in pieces
        return codecs.lookup(encoding).name
    except (LookupError, UnicodeError, ValueError):
        raise UserError(
            f"--encoding {encoding}: not a text encoding; for example latin-1, cp1252, utf-16, shift_jis"
        ) from None
