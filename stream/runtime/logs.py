"""Structured logs that a person can read: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from traceback import format_exception
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo

from stream.runtime.printable import printable
from stream.runtime.secret import concealed

_AGAIN_SECONDS = 10.0

_NOISY = ("aiokafka", "faust", "mode", "kafka")


class Calm(logging.Filter):
    """Lets a library say the same thing once in ten seconds: aiokafka complains many times a second of a Kafka
    that is away."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        what = (record.name, str(record.msg))
        now = monotonic()
        if now - self._said_at.get(what, -_AGAIN_SECONDS) < _AGAIN_SECONDS:
            return False
        self._said_at[what] = now
        return True


class _Stderr:
    """Standard error as it is at the time. A log that cannot be written (disk full, closed) stops nothing."""

    def write(self, text: str) -> None:
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.write(text)

    def flush(self) -> None:
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                sys.stderr.flush()


def log_to_stderr(secrets: Sequence[str] = (), level: int = logging.INFO) -> None:
    """Send structlog's and the libraries' logs through one readable format; libraries speak from WARNING on.

    An event is one line, whatever stands in its values; a traceback follows it indented, without the values of
    variables. `secrets` are masked in both, and so are credentials in URLs.
    """
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
    ]
    written: list[Any] = [
        _printable_values,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr is not None and sys.stderr.isatty(), exception_formatter=_indented_traceback
        ),
        lambda _logger, _method, line: concealed(line, secrets),
    ]
    structlog.configure(
        processors=[*shared, *written],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, _Stderr())),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(cast(TextIO, _Stderr()))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
        )
    )
    handler.addFilter(Calm())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


_MULTILINE = ("exc_info", "stack")


def _printable_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {name: _printable(value) if name not in _MULTILINE else value for name, value in event.items()}


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return printable(value if isinstance(value, str) else repr(value))


def _indented_traceback(file: TextIO, exc_info: ExcInfo) -> None:
    """No line of it can be taken for an event of its own."""
    text = "".join(format_exception(*exc_info)).rstrip("\n")
    file.write("".join(f"\n    {printable(line)}" for line in text.split("\n")))
