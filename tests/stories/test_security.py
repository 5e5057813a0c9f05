"""Security: over TLS and with a login, everybody with the least rights, every number equals the recount; and whoever
comes otherwise is told at once what to put right."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from stream.demo.embedded import Child
from stream.kafka.connection import connection
from stream.kafka.topics import create_topics, kafka_admin
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.conftest import own_settings
from tests.stack import administering
from tests.stack.administering import READ, TOPIC, WRITE
from tests.stack.certificates import Authority
from tests.stack.command import Assidu
from tests.stack.least_rights import kafka_rights, redis_rights
from tests.stack.secured_kafka import PASSWORD_MECHANISMS, SecuredKafka, token
from tests.stack.secured_redis import SecuredRedis
from tests.stack.story import Story
from tests.stack.waiting import eventually

pytestmark = pytest.mark.xdist_group("stack")

USERS = ("topics", "worker", "exporter", "emit", "status", "reader")
PASSWORDS = {user: f"pl4nt3d-{number}-s3cr3t" for number, user in enumerate(USERS)}
REDIS_USER = {"worker": "worker", "exporter": "exporter", "status": "reader", "report": "reader"}
"""Part -> who it is for Redis; others do not need it."""
SOON_SECONDS = 5.0
"""A wrong setting is told within it, though a client's own time-outs are minutes."""


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "strangers")


@pytest.fixture(scope="module")
def secured(request: pytest.FixtureRequest, ours: Authority) -> Iterator[SecuredKafka]:
    if request.config.getoption("--broker") == "embedded":
        pytest.skip(
            "the embedded broker knows no TLS and no logins: run it with --broker apache (after `make kafka`)"
        )
    with SecuredKafka(ours, PASSWORDS) as server:
        yield server


@pytest.fixture(scope="module")
def secured_redis(ours: Authority) -> Iterator[SecuredRedis]:
    server = SecuredRedis(ours)
    try:
        server.start()
    except UserError as error:
        pytest.skip(f"this Redis was built without TLS: {error}")
    yield server
    server.close()


@pytest.fixture
def admin(secured: SecuredKafka, secured_redis: SecuredRedis) -> Settings:
    """A deployment of its own as the test sees it: in plain text, and allowed everything."""
    return own_settings(secured, secured_redis)


class InPerson(Assidu):
    """Each command logs in as who it is, with what `docs/operate.md` grants it."""

    def __init__(
        self, admin: Settings, folder: Path, kafka: SecuredKafka, redis: SecuredRedis, ours: Authority
    ) -> None:
        super().__init__(admin, folder)
        self._kafka, self._redis, self._ours = kafka, redis, ours
        for part, rights in kafka_rights(admin).items():
            administering.grant(admin, part, rights)
        for user, rules in redis_rights(admin).items():
            if user in PASSWORDS:
                redis.set_user(user, "on", f">{PASSWORDS[user]}", *rules)

    def run(self, *arguments: str, **options: Any) -> Any:
        return super().run(*arguments, **{**self.login(arguments[0]), **options})

    def start(self, *arguments: str, **changed: object) -> Child:
        return super().start(*arguments, **{**self.login(arguments[0]), **changed})

    def login(self, part: str) -> dict[str, object]:
        user, certificate = REDIS_USER.get(part, "nobody"), self._ours.issue(f"redis-{part}")
        return {
            "kafka": self._kafka.servers_by("SASL_SSL"),
            "kafka_security": "sasl_ssl",
            "kafka_sasl_mechanism": "SCRAM-SHA-512",
            "kafka_username": part,
            "kafka_password_file": self._secret(part),
            "kafka_ca": self._ours.ca,
            "redis": self._redis.tls_url(user),
            "redis_password_file": self._secret(user),
            "redis_ca": self._ours.ca,
            "redis_cert": certificate.cert,
            "redis_key": certificate.key,
        }

    def _secret(self, user: str) -> Path:
        path = self.folder / f"{user}.secret"
        path.write_text(f"{PASSWORDS.get(user, 'no password')}\n")
        return path


@pytest.fixture
def assidu(
    admin: Settings, tmp_path: Path, secured: SecuredKafka, secured_redis: SecuredRedis, ours: Authority
) -> Iterator[InPerson]:
    command = InPerson(admin, tmp_path, secured, secured_redis, ours)
    yield command
    command.close()


def test_with_the_least_rights_over_tls_every_number_equals_the_recount(
    assidu: InPerson, secured_redis: SecuredRedis
) -> None:
    story = Story(assidu)
    worker = story.worker()
    story.emit(story.history(3_000))
    story.settle()

    story.assert_equals_the_recount()
    exporter = story.exporter(canary_seconds=1)
    eventually(lambda: exporter.metric("assidu_event_to_gauge_seconds_count"), 20, "a canary")
    story.assert_page_equals_the_recount(exporter, at=lambda: datetime.now(UTC))
    assert secured_redis.refused() <= {"config|get", "client|setinfo"}  # what is wanted and not needed
    logs = worker.log + exporter.log
    assert not [password for password in PASSWORDS.values() if password in logs]
    assert "cannot be sent" not in logs


@pytest.fixture
def topic(admin: Settings) -> str:
    """Into which `worker` may write, and from which it may read."""
    asyncio.run(create_topics(admin, replication=1))
    name = f"{admin.topic_prefix}clicks"
    administering.grant(admin, "worker", [(TOPIC, name, READ), (TOPIC, name, WRITE)])
    return name


async def there_and_back(settings: Settings, topic: str) -> bytes:
    """What is read of what was sent."""
    async with AIOKafkaProducer(**connection(settings), acks="all") as producer:
        sent = await producer.send_and_wait(topic, os.urandom(8).hex().encode(), partition=0)
    async with AIOKafkaConsumer(**connection(settings)) as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek(place, sent.offset)
        return bytes((await consumer.getone(place)).value)


def reaching(admin: Settings, server: str, security: str, **more: Any) -> Settings:
    """Of the same deployment, by another way."""
    given = {name: getattr(admin, name) for name in ("topic_prefix", "namespace", "partitions")}
    return Settings(_env_file=None, kafka=server, kafka_security=security, **given, **more)


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
@pytest.mark.parametrize("security", ["sasl_plaintext", "sasl_ssl"])
async def test_logs_in_by_password(
    secured: SecuredKafka, admin: Settings, ours: Authority, topic: str, security: str, mechanism: str
) -> None:
    settings = reaching(
        admin,
        secured.servers_by(security.upper()),
        security,
        kafka_sasl_mechanism=mechanism,
        kafka_username="worker",
        kafka_password=PASSWORDS["worker"],
        kafka_ca=ours.ca if security == "sasl_ssl" else None,
    )
    assert len(await there_and_back(settings, topic)) == 16


async def test_logs_in_by_a_token_that_is_read_anew(
    secured: SecuredKafka, admin: Settings, ours: Authority, topic: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{token('worker')}\n")
    by_token = {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_token_file": str(file), "kafka_ca": ours.ca}
    settings = reaching(admin, secured.servers_by("SASL_SSL"), "sasl_ssl", **by_token)
    assert len(await there_and_back(settings, topic)) == 16

    expired = token("worker", -60)
    file.write_text(expired)
    assert "ASSIDU_KAFKA_TOKEN_FILE" in await refused(settings, expired)
    file.unlink()
    assert f"ASSIDU_KAFKA_TOKEN_FILE='{file}' cannot be read" in await refused(settings)
    file.write_text(token("worker"))
    assert len(await there_and_back(settings, topic)) == 16


async def test_logs_in_by_certificate(secured: SecuredKafka, admin: Settings, ours: Authority, topic: str) -> None:
    mine = ours.issue("worker")
    files = {"kafka_ca": ours.ca, "kafka_cert": mine.cert, "kafka_key": mine.key}
    assert len(await there_and_back(reaching(admin, secured.servers_by("SSL"), "ssl", **files), topic)) == 16


async def refused(settings: Settings, *secrets: str) -> str:
    """What is said, soon, and without a secret."""
    began = time.monotonic()
    with pytest.raises(UserError) as told:
        async with kafka_admin(settings):
            pass
    assert time.monotonic() - began < SOON_SECONDS
    for secret in (*PASSWORDS.values(), *secrets):
        assert secret not in str(told.value)
    assert f"Kafka at {settings.kafka} (ASSIDU_KAFKA) does not let Assidu in: " in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
async def test_a_wrong_password_is_told(secured: SecuredKafka, admin: Settings, mechanism: str) -> None:
    login = {"kafka_sasl_mechanism": mechanism, "kafka_username": "worker", "kafka_password": "wr0ng-passw0rd"}
    settings = reaching(admin, secured.servers_by("SASL_PLAINTEXT"), "sasl_plaintext", **login)
    assert "ASSIDU_KAFKA_USERNAME and ASSIDU_KAFKA_PASSWORD" in await refused(settings, "wr0ng-passw0rd")


LOGIN = {"kafka_sasl_mechanism": "PLAIN", "kafka_username": "worker", "kafka_password": PASSWORDS["worker"]}


@pytest.mark.parametrize(
    ("security", "listener", "more", "words"),
    [
        ("ssl", "SSL", {"kafka_ca": "strangers"}, "is not trusted"),
        ("ssl", "SSL", {}, "name the CA that has signed it in ASSIDU_KAFKA_CA"),
        ("ssl", "SSL", {"kafka_ca": "ours"}, "ASSIDU_KAFKA_CERT, and its key in ASSIDU_KAFKA_KEY"),
        ("ssl", "SSL", {"kafka_ca": "ours", "kafka_cert": "strangers"}, "it refuses the certificate"),
        ("sasl_ssl", "SASL_SSL", {"kafka_ca": "ours", "host": "127.0.0.1", **LOGIN}, "is another host's"),
        ("plaintext", "SSL", {}, "it speaks TLS there: set ASSIDU_KAFKA_SECURITY to ssl or sasl_ssl"),
        ("sasl_plaintext", "SASL_SSL", LOGIN, "it speaks TLS there: set ASSIDU_KAFKA_SECURITY"),
        ("ssl", "PLAINTEXT", {"kafka_ca": "ours"}, "it speaks no TLS there: set ASSIDU_KAFKA_SECURITY to plaintext"),
        ("sasl_ssl", "SASL_PLAINTEXT", {"kafka_ca": "ours", **LOGIN}, "it speaks no TLS there"),
        ("plaintext", "SASL_PLAINTEXT", {}, "it wants a login there: set ASSIDU_KAFKA_SECURITY to sasl_ssl"),
        ("ssl", "SASL_SSL", {"kafka_ca": "ours"}, "it wants a login there"),
        ("sasl_plaintext", "PLAINTEXT", LOGIN, "it knows no login there: set ASSIDU_KAFKA_SECURITY"),
    ],
)
async def test_what_does_not_fit_the_listener_is_told(
    secured: SecuredKafka,
    admin: Settings,
    ours: Authority,
    strangers: Authority,
    security: str,
    listener: str,
    more: dict[str, str],
    words: str,
) -> None:
    authorities, given = {"ours": ours, "strangers": strangers}, dict(more)
    if "kafka_ca" in given:
        given["kafka_ca"] = authorities[given["kafka_ca"]].ca
    if "kafka_cert" in given:
        certificate = authorities[given["kafka_cert"]].issue("worker")
        given |= {"kafka_cert": certificate.cert, "kafka_key": certificate.key}
    host = given.pop("host", "localhost")
    server = secured.servers if listener == "PLAINTEXT" else secured.servers_by(listener, host)
    assert words in await refused(reaching(admin, server, security, **given))


@pytest.mark.parametrize("command", ["topics", "worker", "status", "emit"])
def test_every_command_tells_a_wrong_password_in_one_line(assidu: InPerson, command: str) -> None:
    wrong = "wr0ng-passw0rd-of-kafka"
    arguments = [command, "-"] if command == "emit" else [command]
    done = assidu.run(*arguments, kafka_password=wrong, kafka_password_file="", within_seconds=30)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "ASSIDU_KAFKA_USERNAME and ASSIDU_KAFKA_PASSWORD" in done.stderr
    for hidden in ("Traceback", wrong, PASSWORDS.get(command, "no password")):
        assert hidden not in done.stderr
