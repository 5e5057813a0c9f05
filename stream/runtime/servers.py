"""Settings of where Kafka and Redis are, and how to log in there; contradictions among them are named."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from stream.runtime.secret import SecretUrl, read_secret
from stream.runtime.tls import check_ca, check_cert, check_key

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
Secret = TypeVar("Secret", str | None, SecretStr | None)


class Servers(BaseSettings):
    """CA, certificates and keys are paths of PEM files. Each setting is compared with those above it."""

    kafka: str = "127.0.0.1:9092"
    kafka_security: Security = "plaintext"
    kafka_sasl_mechanism: Mechanism | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_token_file: str | None = None
    kafka_ca: str | None = None
    kafka_cert: str | None = None
    kafka_key: str | None = None
    redis: SecretUrl = SecretUrl("redis://127.0.0.1:6379/0")
    redis_password: SecretStr | None = None
    redis_ca: str | None = None
    redis_cert: str | None = None
    redis_key: str | None = None

    @field_validator("kafka")
    @classmethod
    def _host_and_port(cls, servers: str) -> str:
        for server in servers.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{server!r} is not host:port")
        return servers

    @field_validator("kafka_security", mode="before")
    @classmethod
    def _in_small_letters(cls, given: object) -> object:
        return given.lower() if isinstance(given, str) else given

    @field_validator("kafka_sasl_mechanism", mode="before")
    @classmethod
    def _in_capitals(cls, given: object) -> object:
        return given.upper() if isinstance(given, str) else given

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _where_it_logs_in(cls, mechanism: Mechanism | None, info: ValidationInfo) -> Mechanism | None:
        if security := info.data.get("kafka_security"):
            _needed_or_useless(mechanism, security.startswith("sasl_"), f"ASSIDU_KAFKA_SECURITY={security}")
        return mechanism

    @field_validator("kafka_username", "kafka_password", "kafka_token_file")
    @classmethod
    def _what_the_mechanism_asks_for(cls, given: Secret, info: ValidationInfo) -> Secret:
        security, mechanism = info.data.get("kafka_security"), info.data.get("kafka_sasl_mechanism")
        if security and not security.startswith("sasl_"):
            _needed_or_useless(given, False, f"ASSIDU_KAFKA_SECURITY={security}")
        elif mechanism:
            by_token = info.field_name == "kafka_token_file"
            needed = by_token == (mechanism == "OAUTHBEARER")
            _needed_or_useless(given, needed, f"ASSIDU_KAFKA_SASL_MECHANISM={mechanism}")
        return given

    @field_validator("kafka_token_file")
    @classmethod
    def _a_token(cls, path: str | None) -> str | None:
        if path:
            read_secret(path)
        return path

    @field_validator("kafka_ca", "kafka_cert", "kafka_key")
    @classmethod
    def _for_tls_with_kafka(cls, path: str | None, info: ValidationInfo) -> str | None:
        security = info.data.get("kafka_security")
        if security:
            _check_for_tls(path, info, security.endswith("ssl"), "ASSIDU_KAFKA_SECURITY=ssl or sasl_ssl")
        return path

    @field_validator("redis")
    @classmethod
    def _redis_url(cls, url: SecretUrl) -> SecretUrl:
        if not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("does not begin with redis://, rediss:// or unix://")
        if wrong := url.wrong:
            raise ValueError(
                f"{wrong}; expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], with %-escapes for all but letters "
                "and digits in USER and PASSWORD"
            )
        return url

    @field_validator("redis_password")
    @classmethod
    def _one_password(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        url = info.data.get("redis")
        if password and url and url.secrets:
            raise ValueError("there is another one in ASSIDU_REDIS: leave one of them out")
        return password

    @field_validator("redis_ca", "redis_cert", "redis_key")
    @classmethod
    def _for_tls_with_redis(cls, path: str | None, info: ValidationInfo) -> str | None:
        url = info.data.get("redis")
        if url:
            _check_for_tls(path, info, url.is_tls, "ASSIDU_REDIS=rediss://…")
        return path


def _needed_or_useless(given: object, needed: bool, by: str) -> None:
    if needed and not given:
        raise ValueError(f"is missing: {by} needs it")
    if given and not needed:
        raise ValueError(f"has no meaning with {by}: leave it out, or change that")


def _check_for_tls(path: str | None, info: ValidationInfo, is_tls: bool, how: str) -> None:
    server, _, kind = str(info.field_name).partition("_")
    if path and not is_tls:
        raise ValueError(f"has no meaning without TLS: leave it out, or set {how}")
    if path and kind == "ca":
        check_ca(path)
    elif path and kind == "cert":
        check_cert(path)
    elif kind == "key" and f"{server}_cert" in info.data:
        cert = info.data[f"{server}_cert"]
        setting = f"ASSIDU_{server.upper()}_CERT"
        if path and not cert:
            raise ValueError(f"has no meaning without {setting}: leave it out, or set that")
        _needed_or_useless(path, bool(cert), f"{setting}={cert}")
        if path:
            check_key(path, cert)
