"""Secrets that were planted in the settings are in no message, no log and no answer, whatever goes wrong."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from pydantic import SecretStr
from redis import Redis

from stream.cli import commands
from stream.cli.endings import bug, outage
from stream.demo.embedded import EmbeddedRedis, free_port
from stream.runtime.errors import UserError
from stream.runtime.logs import log_to_stderr
from stream.runtime.secret import SecretUrl, concealed
from stream.settings import Settings, read_settings
from stream.store.connect import connect, connect_to
from tests.stack.command import Assidu
from tests.stack.service import Service

MISTAKE, UNREACHABLE = 2, 3
PASSWORD = "pl4nted-Passw0rd"
TOKEN = "pl4nted-tokEn-of-28-characters"
SECRETS = (PASSWORD, TOKEN)
NOBODY_THERE = "127.0.0.1:1"  # port 1 is reserved and closed


def assert_hidden(text: str) -> None:
    """Neither all of a secret nor a longer piece of it stands there."""
    for secret in SECRETS:
        for start in range(len(secret) - 5):
            assert secret[start : start + 6] not in text, text


@pytest.fixture(autouse=True)
def logs_as_at_the_start_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs in this process may have set them up for itself."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedRedis]:
    """A Redis that wants the password, and has a user that may do nothing."""
    with EmbeddedRedis({"appendonly": "no"}) as server:
        admin = Redis.from_url(server.url)
        admin.execute_command("ACL", "SETUSER", "nobody", "on", f">{PASSWORD}", "+ping", "~*")
        admin.config_set("requirepass", PASSWORD)
        admin.close()
        yield server


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={f"ASSIDU_{name}": value for name, value in environment.items()}).invoke(commands, arguments)


# In the settings


WRONG_URLS = [
    f"http://user:{PASSWORD}@host:6379/0",
    f"redis:/:{PASSWORD}@host",
    f"redis://:{PASSWORD}",
    f"redis://:{PASSWORD}@host:port/0",
    f"redis://:{PASSWORD}@host:99999/0",
    f"redis://:{PASSWORD}/x@host:6379/0",
    f"redis://:{PASSWORD}#x@host:6379/0",
    f"redis://:{PASSWORD}@[::1/0",
    f"{PASSWORD}@host",
    PASSWORD,
]


@pytest.mark.parametrize("command", [["report"], ["worker"], ["exporter"], ["topics"]])
@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_wrong_redis_url_is_refused_without_showing_it(command: list[str], url: str) -> None:
    done = run(*command, REDIS=url)
    assert done.exit_code == 2
    assert "ASSIDU_REDIS: " in done.stderr
    assert_hidden(done.output)


@pytest.mark.parametrize(
    "url",
    [f"redis://:{PASSWORD}@{NOBODY_THERE}/0?colour=red", f"redis://{NOBODY_THERE}?db=x&password={PASSWORD}"],
)
def test_unknown_options_of_a_redis_url_are_refused(url: str) -> None:
    done = run("report", REDIS=url)
    assert done.exit_code == 2
    assert f"ASSIDU_REDIS=redis://{'***@' if '@' in url else ''}{NOBODY_THERE}" in done.stderr
    assert_hidden(done.output)


def test_a_short_token_is_refused_without_showing_it() -> None:
    done = run("exporter", TOKEN=TOKEN[:12])
    assert (done.exit_code, "ASSIDU_TOKEN: " in done.stderr, "at least 16" in done.stderr) == (2, True, True)
    assert_hidden(done.output)


def test_credentials_in_other_settings_are_masked_where_they_are_wrong() -> None:
    done = run("topics", KAFKA=f"kafka://user:{PASSWORD}@host")
    assert (done.exit_code, "ASSIDU_KAFKA='kafka://***@host'" in done.stderr) == (2, True)
    assert_hidden(done.output)


def test_settings_show_no_secret_and_hand_all_of_them_on() -> None:
    url = f"redis://user:{PASSWORD}@host:6379/0"
    settings = Settings(_env_file=None, redis=url, token=TOKEN)
    assert_hidden(f"{settings} {settings!r} {settings.redis} {settings.model_dump()} {settings.model_dump_json()}")
    assert (settings.environment()["ASSIDU_REDIS"], settings.environment()["ASSIDU_TOKEN"]) == (url, TOKEN)
    assert settings.secrets == [PASSWORD, TOKEN]


def test_every_secret_of_a_settings_class_is_known_as_such() -> None:
    class More(Settings):
        kafka_sasl_password: SecretStr | None = None

    assert More(_env_file=None, kafka_sasl_password=PASSWORD).secrets == [PASSWORD]


def test_help_says_nothing_of_the_environment() -> None:
    for command in ([], ["report"], ["exporter"]):
        assert_hidden(run(*command, "--help", REDIS=f"redis://:{PASSWORD}@h", TOKEN=TOKEN).output)


# On the way to Redis


COMMANDS = [["status"], ["customer", "x"], ["at-risk"], ["coefficients"], ["worker"], ["exporter"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_says_in_one_line_that_redis_lets_nobody_in(guarded: EmbeddedRedis, command: list[str]) -> None:
    done = run(*command, REDIS=f"redis://:{PASSWORD[::-1]}@127.0.0.1:{guarded.port}/0", KAFKA=NOBODY_THERE)
    assert_refused(done, MISTAKE, "it refuses the user or password")


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (f"redis://:{PASSWORD}@{NOBODY_THERE}/0", UNREACHABLE, "is it running, and does ASSIDU_REDIS name it?"),
        (f"redis://:{PASSWORD}@no-such-host.invalid/0", UNREACHABLE, "is it running, and does ASSIDU_REDIS name it?"),
        (f"unix:///nowhere/{NOBODY_THERE}?password={PASSWORD}", UNREACHABLE, "does ASSIDU_REDIS name it?"),
        ("redis://{redis}/0", MISTAKE, "it refuses the user or password"),
        (f"redis://:{PASSWORD[::-1]}@{{redis}}/0", MISTAKE, "it refuses the user or password"),
        (f"redis://nobody:{PASSWORD}@{{redis}}/0", MISTAKE, "its user may not do what Assidu needs"),
        (
            f"rediss://:{PASSWORD}@{{redis}}/0",
            MISTAKE,
            "it speaks no TLS there: let ASSIDU_REDIS begin with redis://",
        ),
        (f"redis://:{PASSWORD}@{{redis}}/9999", MISTAKE, "it has no database of that number"),
    ],
)
def test_redis_that_cannot_be_used_is_one_clear_line(guarded: EmbeddedRedis, url: str, code: int, words: str) -> None:
    done = run("report", REDIS=url.format(redis=f"127.0.0.1:{guarded.port}"), KAFKA=NOBODY_THERE)
    assert_refused(done, code, words)


def test_kafka_out_of_reach_is_one_clear_line(guarded: EmbeddedRedis) -> None:
    done = run("status", REDIS=f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/0", KAFKA=NOBODY_THERE)
    assert (done.exit_code, done.stderr.count("\n"), done.stdout) == (3, 1, ""), done.output
    assert done.stderr.startswith(f"assidu: Kafka at {NOBODY_THERE} does not answer as it should")


def assert_refused(done: Result, code: int, words: str) -> None:
    assert (done.exit_code, words in done.stderr, done.stdout) == (code, True, ""), done.output
    assert "ASSIDU_REDIS" in done.stderr
    assert done.stderr.startswith("assidu: Redis at ")
    assert done.stderr.count("\n") == 1
    assert_hidden(done.output)
    assert PASSWORD[::-1] not in done.output


def test_an_exporter_at_work_tells_nobody(guarded: EmbeddedRedis, tmp_path: Path) -> None:
    """Whatever it is asked."""
    assidu = Assidu(
        Settings(_env_file=None, kafka=NOBODY_THERE, canary_seconds=0, exporter_port=free_port()), tmp_path
    )
    redis = f"redis://:{PASSWORD}@127.0.0.1:{guarded.port}/0"
    exporter = Service(assidu.start("exporter", redis=redis, token=TOKEN))
    try:
        exporter.wait_until_serving()
        answers = [
            ask(exporter, value)
            for value in (
                f"Bearer {TOKEN}",
                f"Bearer {TOKEN}{'x' * 10_000}",
                f"Bearer{TOKEN}",
                f"Basic {TOKEN}",
                f"Bearer {TOKEN}\x00",
                f"Bearer {TOKEN}\xff",
                TOKEN,
            )
        ]
        assert [status for status, _ in answers] == [200, 400, 401, 401, 400, 401, 401]
        assert_hidden("".join(text for _, text in answers) + exporter.log)
        assert "Traceback" not in exporter.log
    finally:
        assidu.close()


def ask(exporter: Service, authorization: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", exporter.port, timeout=10)
    try:
        connection.putrequest("GET", "/at-risk")
        connection.putheader("X", "y")
        connection._buffer.append(f"Authorization: {authorization}".encode("latin-1"))  # type: ignore[attr-defined]
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


# In text from elsewhere


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:pw@host/0", "redis://***@host/0"),
        ("rediss://user:p%40w@host:1/0?ssl_cert_reqs=none", "rediss://***@host:1/0"),
        ("redis://user:p@w@host", "redis://***@host"),
        ("unix:///run/redis.sock?password=pw", "unix:///run/redis.sock"),
    ],
)
def test_a_url_shows_its_address_only(url: str, shown: str) -> None:
    assert f"{SecretUrl(url)}" == str(SecretUrl(url)) == shown
    assert shown in repr(SecretUrl(url))


def test_a_password_is_secret_as_it_is_written_and_as_it_is_meant() -> None:
    assert set(SecretUrl("redis://u:p%40ss@h").secrets) == {"p%40ss", "p@ss"}
    assert SecretUrl("unix:///s?password=p%40ss").secrets == ["p@ss"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at redis://:x@h/0, https://me:and@you", "at redis://***@h/0, https://***@you"),
        (f"b'Bearer {TOKEN}'", "b'Bearer ***'"),
        (f"b'Bearer {TOKEN[:26]}' …", "b'Bearer ***' …"),
        (f"{TOKEN[3:]} {PASSWORD}{PASSWORD}", "*** ***"),
        ("pl4nted", "pl4nted"),
    ],
)
def test_secrets_and_longer_pieces_of_them_are_masked(text: str, shown: str) -> None:
    assert concealed(text, SECRETS) == shown


def test_a_bug_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSIDU_TOKEN", TOKEN)
    told = bug(ValueError(f"redis://:{PASSWORD}@host, Bearer {TOKEN}"))
    assert "ValueError: redis://***@host, Bearer ***" in told
    assert_hidden(told)


# In logs


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What was logged, with the secrets known to the log."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log_to_stderr(SECRETS)
    yield lambda: capsys.readouterr().err
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_traceback_shows_no_variables_and_no_secrets(stderr: Callable[[], str]) -> None:
    header = f"Bearer {TOKEN}"
    try:
        raise ValueError(f"too long: {header[:33]} at redis://:{PASSWORD}@h")
    except ValueError:
        structlog.get_logger().exception("in structlog", header=header)
        logging.getLogger("aiohttp.server").exception("in logging")
    log = stderr()
    assert log.count("ValueError: too long: Bearer *** at redis://***@h") == 2
    assert "header = " not in log
    assert_hidden(log)


FORGED = "x\n2026-01-01T00:00:00Z [info] forged\r\x1b[2J\u2028\u202e"


def test_an_event_is_one_line_whatever_its_values(stderr: Callable[[], str]) -> None:
    structlog.get_logger().warning("from us", customer=FORGED, error=ValueError(FORGED), many=[FORGED])
    logging.getLogger("library").warning("from %s", FORGED)
    lines = stderr().split("\n")
    assert [line.isprintable() for line in lines] == [True] * 3
    assert ("from us" in lines[0], "from x" in lines[1], lines[2]) == (True, True, "")


def test_no_line_of_a_traceback_looks_like_an_event(stderr: Callable[[], str]) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger("library").exception("failed")
    first, *others = stderr().rstrip("\n").split("\n")
    assert "failed" in first
    assert all(line.startswith("    ") and line.isprintable() for line in others)


@pytest.mark.usefixtures("stderr")
def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", open("/dev/full", "w", buffering=1))  # noqa: SIM115
    structlog.get_logger().info("one")
    logging.getLogger("library").warning("two")
    with suppress(OSError):
        sys.stderr.close()
    structlog.get_logger().info("three")
    monkeypatch.setattr(sys, "stderr", None)
    structlog.get_logger().info("four")


def test_no_other_error_than_a_servers_is_an_outage() -> None:
    assert outage(ValueError("x")) is None


def test_settings_that_are_right_need_no_server() -> None:
    connect(Settings(_env_file=None, redis="rediss://u:p@h:1/2?socket_timeout=5"))
    with pytest.raises(UserError):
        connect_to("redis://h:1/?no_such_option=1")
    assert read_settings().secrets == []
