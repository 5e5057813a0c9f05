"""Structured logs that a person can read: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_NOISY = ("aiokafka", "faust", "mode", "kafka")


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
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
