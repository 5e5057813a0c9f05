"""A Redis with TLS and users: who comes as it wants is let in; anybody else is told at once what to put right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from stream.runtime.errors import UserError
from stream.settings import Settings
from stream.store.connect import advice, connect, is_transient
from tests.stack.certificates import Authority
from tests.stack.secured_redis import SecuredRedis

PASSWORD = "pl4nted-Passw0rd"
SOON_SECONDS = 5.0


class Stack:
    def __init__(self, folder: Path) -> None:
        self.ours, self.strangers = Authority(folder / "ours"), Authority(folder / "strangers")
        self.server = SecuredRedis(self.ours)

    def settings(self, url: str, ca: str = "", cert: str = "", password: str | None = None) -> Settings:
        """`ca` and `cert` are "ours" or "strangers"."""
        shown = getattr(self, cert).issue("client") if cert else None
        return Settings(
            _env_file=None,
            redis=url.format(tls=self.server.tls_port, plain=self.server.port),
            redis_password=password,
            redis_ca=getattr(self, ca).ca if ca else None,
            redis_cert=shown and shown.cert,
            redis_key=shown and shown.key,
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("secured"))
    try:
        stack.server.start()
    except UserError as error:
        pytest.skip(f"this Redis was built without TLS: {error}")
    stack.server.set_user("reader", "on", f">{PASSWORD}", "+ping")
    yield stack
    stack.server.close()


async def test_lets_in_who_has_certificate_and_password(stack: Stack) -> None:
    async with connect(stack.settings("rediss://reader@localhost:{tls}/0", "ours", "ours", PASSWORD)) as redis:
        assert await redis.ping()


@pytest.mark.parametrize(
    ("url", "ca", "cert", "words"),
    [
        (
            "rediss://reader@localhost:{tls}/0",
            "strangers",
            "ours",
            "that has signed it in ASSIDU_REDIS_CA",
        ),
        ("rediss://reader@localhost:{tls}/0", "", "", "that has signed it in ASSIDU_REDIS_CA"),
        ("rediss://reader@127.0.0.1:{tls}/0", "ours", "ours", "its certificate is another host's"),
        ("rediss://reader@localhost:{tls}/0", "ours", "", "ASSIDU_REDIS_CERT, and its key in ASSIDU_REDIS_KEY"),
        ("rediss://reader@localhost:{tls}/0", "ours", "strangers", "it refuses the certificate"),
        ("redis://reader@localhost:{tls}/0", "", "", "it speaks TLS there: let ASSIDU_REDIS begin with rediss://"),
        (
            "rediss://reader@localhost:{plain}/0",
            "ours",
            "",
            "it speaks no TLS there: let ASSIDU_REDIS begin",
        ),
        ("redis://reader@localhost:{plain}/0", "", "", "ASSIDU_REDIS_PASSWORD"),
    ],
)
async def test_tells_what_to_put_right(stack: Stack, url: str, ca: str, cert: str, words: str) -> None:
    began = time.monotonic()
    async with connect(stack.settings(url, ca, cert, PASSWORD[::-1])) as redis:
        with pytest.raises(RedisError) as refused:
            await redis.ping()
    assert time.monotonic() - began < SOON_SECONDS
    assert not is_transient(refused.value)
    told = advice(refused.value) or ""
    assert words in told
    assert PASSWORD[::-1] not in told


async def test_an_expired_certificate_is_told(stack: Stack) -> None:
    old = stack.ours.issue("expired", expired=True)
    settings = Settings(
        _env_file=None,
        redis=stack.server.tls_url("reader"),
        redis_ca=stack.ours.ca,
        redis_cert=old.cert,
        redis_key=old.key,
    )
    async with connect(settings) as redis:
        with pytest.raises(RedisError) as refused:
            await redis.ping()
    assert "ASSIDU_REDIS_CERT" in (advice(refused.value) or "")
