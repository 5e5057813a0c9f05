"""One connection to Redis as we have it: commands packed in C, and TLS that fails said in words."""

from __future__ import annotations

from typing import Any

from redis import exceptions
from redis.asyncio import Connection, SSLConnection, UnixDomainSocketConnection
from redis.connection import HiredisRespSerializer

from stream.runtime import tls

_PING = b"PING\r\n"


class LockedOut(exceptions.ConnectionError):  # type: ignore[misc]
    """Redis is there, and will never let us in as we come: says what somebody must do."""


class _Ours:
    """Goes before one of redis-py's classes."""

    _serializer = HiredisRespSerializer()

    def pack_command(self, *args: Any) -> list[bytes]:
        """As redis-py packs them only where it is not asyncio's."""
        packed: list[bytes] = self._serializer.pack(*args)
        return packed

    async def connect(self) -> None:
        try:
            await super().connect()  # type: ignore[misc]
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            if why := await _why_not(self, error):
                raise LockedOut(why) from None
            raise


async def _why_not(connection: Any, error: Exception) -> str | None:
    """What somebody must put right about TLS; None where it is something else, or Redis is away."""
    if advice := tls.advice(error, "ASSIDU_REDIS"):
        return advice
    has_answered = type(error) not in (exceptions.ConnectionError, exceptions.TimeoutError)  # by a kind of these
    if has_answered or isinstance(connection, UnixDomainSocketConnection):
        return None
    if isinstance(connection, SSLConnection):
        if await tls.answers_in_plain(connection.host, connection.port, _PING):
            return "it speaks no TLS there: let ASSIDU_REDIS begin with redis://, or name another port in it"
        context = connection.ssl_context.get()
        return await tls.advice_of_alert(connection.host, connection.port, context, "ASSIDU_REDIS")
    if await tls.speaks_tls(connection.host, connection.port):
        return "it speaks TLS there: let ASSIDU_REDIS begin with rediss://, or name another port in it"
    return None


def ours(kind: type[Connection]) -> type[Connection]:
    """The class of connections, with what is ours."""
    return type("Connection", (_Ours, kind), {})
