"""Structured logs that a person can read: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys
from time import monotonic
from typing import Any

import structlog

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


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send structlog's and the libraries' logs through one readable format; libraries speak from WARNING on."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
    ]
    colors = sys.stderr.isatty()
    structlog.configure(
        processors=[*shared, structlog.dev.ConsoleRenderer(colors=colors)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processor=structlog.dev.ConsoleRenderer(colors=colors),
        )
    )
    handler.addFilter(Calm())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
