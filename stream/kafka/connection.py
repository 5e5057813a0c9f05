"""How every client connects to Kafka, and what somebody must put right where it cannot."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NoError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from stream.kafka.errors import advice, is_transient
from stream.runtime import tls
from stream.runtime.errors import UserError
from stream.runtime.secret import read_secret
from stream.settings import Settings

_ANSWER_WITHIN_SECONDS = 5.0
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 0, -1)
"""A request that every listener answers, before any login."""


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """The token of OAUTHBEARER, read anew for each connection: whoever issues tokens writes them there."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def token(self) -> str:
        try:
            return await asyncio.to_thread(read_secret, self._path)
        except ValueError as error:  # perhaps it is just being written anew
            raise NoToken(f"ASSIDU_KAFKA_TOKEN_FILE={self._path!r} {error}") from None


class _OAuth(conn.OAuthAuthenticator):  # type: ignore[misc]
    """Kafka says that a token is not good by answering it, to which aiokafka does not listen."""

    async def step(self, payload: bytes | None) -> Any:
        if payload:
            raise SaslAuthenticationFailed("the token is not good")
        return await super().step(payload)


conn.OAuthAuthenticator = _OAuth


class NoToken(KafkaConnectionError):  # type: ignore[misc]
    """The file of tokens is not there, or empty."""


def connection(settings: Settings) -> dict[str, Any]:
    """The options of aiokafka's clients that say where Kafka is and how to log in.

    Raises OSError and ValueError where a certificate or a key has gone since the settings were read.
    """
    return {"bootstrap_servers": settings.kafka, **_transport(settings), **_login(settings)}


def _transport(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.kafka_security.upper()}
    if _is_tls(settings):
        options["ssl_context"] = tls.client_context(settings.kafka_ca, settings.kafka_cert, settings.kafka_key)
    return options


def _login(settings: Settings) -> dict[str, Any]:
    if not settings.kafka_security.startswith("sasl_"):
        return {}
    mechanism: dict[str, Any] = {"sasl_mechanism": settings.kafka_sasl_mechanism}
    if settings.kafka_token_file:
        return mechanism | {"sasl_oauth_token_provider": TokenFile(settings.kafka_token_file)}
    assert settings.kafka_password
    password = settings.kafka_password.get_secret_value()
    return mechanism | {"sasl_plain_username": settings.kafka_username, "sasl_plain_password": password}


def _is_tls(settings: Settings) -> bool:
    return settings.kafka_security.endswith("ssl")


async def start(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient, settings: Settings) -> None:
    """Start the client. Raises UserError where Kafka is there and will never let it in, and aiokafka's KafkaError
    otherwise."""
    try:
        await client.start()
    except KafkaConnectionError:  # aiokafka keeps to itself why
        if why := await _why_not(settings):
            raise UserError(f"Kafka at {settings.kafka} (ASSIDU_KAFKA) does not let Assidu in: {why}") from None
        raise


async def _why_not(settings: Settings) -> str | None:
    """What somebody must put right; None where that cannot be told, or none of the servers is there."""
    for host, port, _ in collect_hosts(settings.kafka):
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                connected = await _connect(host, port, {**_transport(settings), **_login(settings)})
                try:
                    await connected.send(MetadataRequest([]))
                finally:
                    connected.close()
        except (OSError, KafkaError) as error:
            if why := await _reason(error, settings, host, port):
                return why
    return None


async def _reason(error: Exception, settings: Settings, host: str, port: int) -> str | None:
    if isinstance(error, NoToken):
        return str(error)
    if why := tls.advice(error, "ASSIDU_KAFKA"):
        return why
    if isinstance(error, IllegalSaslStateError):
        return "it knows no login there: set ASSIDU_KAFKA_SECURITY to ssl or plaintext"
    if isinstance(error, KafkaError) and not is_transient(error):
        return f"it says {error}: {advice(error)}"
    if not _is_tls(settings) and await tls.speaks_tls(host, port):
        return "it speaks TLS there: set ASSIDU_KAFKA_SECURITY to ssl or sasl_ssl"
    if _is_tls(settings) and await tls.answers_in_plain(host, port, _API_VERSIONS):
        return "it speaks no TLS there: set ASSIDU_KAFKA_SECURITY to plaintext or sasl_plaintext"
    if _is_tls(settings):
        context = _transport(settings)["ssl_context"]
        if why := await tls.advice_of_alert(host, port, context, "ASSIDU_KAFKA"):
            return why
    if not settings.kafka_sasl_mechanism and await _wants_login(settings, host, port):
        return "it wants a login there: set ASSIDU_KAFKA_SECURITY to sasl_ssl or sasl_plaintext"
    return None


async def _wants_login(settings: Settings, host: str, port: int) -> bool:
    """Whether it knows of logins there. False where it cannot be told."""
    security = "SSL" if _is_tls(settings) else "PLAINTEXT"
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
            connected = await _connect(host, port, {**_transport(settings), "security_protocol": security})
            try:
                answer = await connected.send(SaslHandShakeRequest("PLAIN"))
            finally:
                connected.close()
    except (OSError, KafkaError):
        return False
    return for_code(answer.error_code) in (NoError, UnsupportedSaslMechanismError)


async def _connect(host: str, port: int, options: dict[str, Any]) -> AIOKafkaConnection:
    return await create_conn(host, port, request_timeout_ms=int(_ANSWER_WITHIN_SECONDS * 1000), **options)
