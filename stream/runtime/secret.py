"""Secrets: settings that show themselves masked, and text from elsewhere in which they are masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

MASK = "***"

_CREDENTIALS = re.compile(r"(?<=://)[^\s\"'<>]*@")
_FRAGMENT = 8
"""Characters: messages cut texts short; so much of a secret is masked as all of it is."""
_SHORTEST = 4
"""A secret that is shorter cannot be told from other text."""


class SecretUrl(SecretStr):
    """A URL that may hold a password: shown as scheme://***@host:port/path; `get_secret_value()` has all of it."""

    def _display(self) -> str:
        scheme, separator, rest = self.get_secret_value().partition("://")
        credentials, at, address = rest.rpartition("@")
        return f"{scheme}{separator}{MASK if credentials else ''}{at}{re.split('[?#]', address)[0]}"

    @property
    def wrong(self) -> str | None:
        """Why it is no URL, without showing any of it; None when it is one."""
        try:
            parts = urlsplit(self.get_secret_value())
        except ValueError:
            return "the host is no name and no address"
        try:
            port = parts.port
        except ValueError:
            port = 0
        return "the port is not a number from 1 to 65535" if port == 0 else None

    @property
    def is_tls(self) -> bool:
        return self.get_secret_value().startswith("rediss://")

    @property
    def secrets(self) -> list[str]:
        """What of it must not be seen, as it is written and as it is meant."""
        parts = urlsplit(self.get_secret_value())
        written = [parts.password or "", *(value for name, value in parse_qsl(parts.query) if "password" in name)]
        return [secret for each in written if each for secret in {each, unquote(each)}]


class SecretFile(NamedTuple):
    """A setting `name`_FILE names the file that holds a secret; `again`: the secret itself is set as well."""

    name: str
    path: str
    again: bool

    def read(self) -> str:
        """Raises ValueError, naming the setting."""
        if self.again:
            raise ValueError(f"{self.name}_FILE is set, too: leave one of them out")
        try:
            return read_secret(self.path)
        except ValueError as error:
            raise ValueError(f"{self.name}_FILE={self.path!r}: {error}") from None


def read_secret(path: str) -> str:
    """All of the file but the ends of lines behind it. Raises ValueError where there is none."""
    try:
        secret = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("is not text (UTF-8)") from None
    if not secret:
        raise ValueError("is empty")
    return secret


def concealed(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the credentials in its URLs, and without these secrets, or longer pieces of them."""
    text = _CREDENTIALS.sub(f"{MASK}@", text)
    hidden = [False] * len(text)
    for secret in secrets:
        for start, end in _places(secret, text):
            hidden[start:end] = [True] * (end - start)
    shown = []
    for place, each in enumerate(text):
        if not hidden[place]:
            shown.append(each)
        elif not (place and hidden[place - 1]):
            shown.append(MASK)
    return "".join(shown)


def _places(secret: str, text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each piece of the secret in the text; they may overlap."""
    size = min(len(secret), _FRAGMENT)
    if size < _SHORTEST:
        return
    pieces = {secret[start : start + size] for start in range(len(secret) - size + 1)}
    for start in range(len(text) - size + 1):
        if text[start : start + size] in pieces:
            yield start, start + size
