"""How a command ends that could not do its work: what is said, and the exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

BUG = 1
USER_MISTAKE = 2
UNREACHABLE = 3
UNWRITABLE = 4
INTERRUPTED = 130
NOBODY_READS = 141
"""As of a program that SIGPIPE ended."""

_OF_OUTPUT = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


def not_installed(error: ModuleNotFoundError) -> str | None:
    """What to do where only the emitter was installed; None where a module of our own is missing."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "stream", "schemas"):
        return None
    return f"{module} is not installed, for products that only emit events do without: pip install 'assidu[server]'"


def refusal(error: Exception) -> str | None:
    """What to do where Kafka or Redis will never do what it was asked, or has what only a later release understands;
    None where it may, and for other errors."""
    from aiokafka.errors import KafkaError

    from stream.core.key_ids import TooManyKeys
    from stream.core.record import UnknownSlot
    from stream.kafka import errors as kafka_errors
    from stream.runtime.secret import concealed
    from stream.settings import read_settings
    from stream.store.connect import advice

    if isinstance(error, KafkaError):
        return None if kafka_errors.is_transient(error) else str(kafka_errors.refusal(error, "do that"))
    if isinstance(error, UnknownSlot | TooManyKeys):
        return str(error)
    if not advice(error):
        return None
    settings = read_settings()
    return concealed(advice(error, f"Redis at {settings.redis}") or "", settings.secrets)


def outage(error: Exception) -> str | None:
    """Which server failed, where it was looked for and which setting says so; None where none did."""
    from aiokafka.errors import KafkaError
    from redis.exceptions import RedisError

    from stream.runtime.secret import concealed
    from stream.settings import read_settings

    if not isinstance(error, (KafkaError, RedisError)):
        return None
    settings = read_settings()
    why = concealed(str(error) or type(error).__name__, settings.secrets)
    if isinstance(error, KafkaError):
        server, setting = f"Kafka at {settings.kafka}", "ASSIDU_KAFKA"
    else:
        server, setting = f"Redis at {settings.redis}", "ASSIDU_REDIS"
    return f"{server} does not answer as it should: is it running, and does {setting} name it? ({why})"


def output_lost(error: OSError) -> tuple[str | None, int] | None:
    """What is said and the exit code where the output cannot be written; None for any other error.

    Nobody is told that whoever read has gone: `| head` is no mistake.
    """
    if error.filename is not None or error.errno not in _OF_OUTPUT:
        return None
    with suppress(OSError, ValueError):  # Python writes what is left at its end, and would complain again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return None, NOBODY_READS
    return f"the output cannot be written: {error.strerror}", UNWRITABLE


def bug(error: BaseException) -> str:
    """Its traceback, without secrets."""
    from traceback import format_exception

    from stream.runtime.errors import UserError
    from stream.runtime.secret import concealed
    from stream.settings import read_settings

    try:
        secrets = read_settings().secrets
    except UserError:
        secrets = []
    return concealed(f"this should not happen; please report it:\n{''.join(format_exception(error))}", secrets)


class _Closed(io.TextIOBase):
    """A standard output that was closed before the start: whoever writes to it learns so."""

    def write(self, _: str) -> NoReturn:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def prepare_output() -> None:
    """Have standard output take any text, whatever its encoding, and complain where it is closed."""
    if sys.stdout is None:
        sys.stdout = _Closed()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
