"""The activity log: a file of all events as they happened, each once, whatever becomes of them in delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from stream.demo.simulate.session import Event
from stream.runtime.errors import UserError


class ActivityLog:
    """JSON lines, as `assidu emit` takes them. Raises UserError where the file cannot be written.

    with ActivityLog(path) as log:
        log.write(event)
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        with self._named_errors():
            self._file = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._named_errors():
            self._file.close()

    def write(self, event: Event) -> None:
        with self._named_errors():
            self._file.write(msgspec.json.encode(event) + b"\n")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror}") from None
