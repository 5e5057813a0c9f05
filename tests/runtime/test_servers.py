"""How to log in to Kafka and Redis: what is missing, contradicts or cannot be read is named, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.kafka.connection import connection
from stream.runtime.errors import UserError
from stream.settings import read_settings, unknown_settings
from tests.stack.certificates import Authority

PASSWORD = "pl4nted-Passw0rd"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where commands run: with a CA `ours/ca.pem`, certificates of a client, and files that hold something else."""
    monkeypatch.chdir(tmp_path)
    ours = Authority(tmp_path / "ours")
    for name, passphrase in (("client", ""), ("other", ""), ("locked", "open")):
        ours.issue(name, passphrase=passphrase)
    (tmp_path / "secret").write_text(f"{PASSWORD}\r\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    return tmp_path


def given(monkeypatch: pytest.MonkeyPatch, variables: str) -> None:
    for variable in variables.split():
        name, _, value = variable.partition("=")
        monkeypatch.setenv(f"ASSIDU_{name}", value)


SASL = "KAFKA_SECURITY=sasl_plaintext "
SCRAM = f"{SASL} KAFKA_SASL_MECHANISM=SCRAM-SHA-512 "
SSL = "KAFKA_SECURITY=ssl "
REDISS = "REDIS=rediss://u@h/0 "


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        (SASL, ["KAFKA_SASL_MECHANISM: is missing: ASSIDU_KAFKA_SECURITY=sasl_plaintext needs it"]),
        (
            SCRAM,
            ["KAFKA_USERNAME: is missing: ASSIDU_KAFKA_SASL_MECHANISM=SCRAM", "KAFKA_PASSWORD: is missing"],
        ),
        (f"{SCRAM} KAFKA_USERNAME=u", ["KAFKA_PASSWORD: is missing"]),
        (
            f"{SCRAM} KAFKA_USERNAME=u KAFKA_PASSWORD=p KAFKA_TOKEN_FILE=secret",
            ["KAFKA_TOKEN_FILE='secret': has no"],
        ),
        (
            f"{SASL} KAFKA_SASL_MECHANISM=OAUTHBEARER KAFKA_PASSWORD={PASSWORD}",
            ["KAFKA_PASSWORD: has no meaning", "KAFKA_TOKEN_FILE: is missing"],
        ),
        (f"{SASL} KAFKA_SASL_MECHANISM=OAUTHBEARER KAFKA_TOKEN_FILE=empty", ["KAFKA_TOKEN_FILE='empty': is empty"]),
        (f"{SASL} KAFKA_SASL_MECHANISM=GSSAPI", ["KAFKA_SASL_MECHANISM='GSSAPI': Input should be 'PLAIN'"]),
        ("KAFKA_SECURITY=tls", ["KAFKA_SECURITY='tls': Input should be 'plaintext', 'ssl'"]),
        (
            f"KAFKA_SASL_MECHANISM=PLAIN KAFKA_USERNAME=u KAFKA_PASSWORD={PASSWORD} KAFKA_CA=ours/ca.pem",
            [
                "KAFKA_SASL_MECHANISM='PLAIN': has no meaning with ASSIDU_KAFKA_SECURITY=plaintext",
                "KAFKA_USERNAME='u': has no meaning",
                "KAFKA_PASSWORD: has no meaning",
                "KAFKA_CA='ours/ca.pem': has no meaning without TLS: leave it out, or set ASSIDU_KAFKA_SECURITY=ssl",
            ],
        ),
        (f"{SSL} KAFKA_CA=nowhere", ["KAFKA_CA='nowhere': cannot be read: No such file or directory"]),
        (f"{SSL} KAFKA_CA=secret", ["KAFKA_CA='secret': holds no certificates (PEM)"]),
        (f"{SSL} KAFKA_CERT=ours/client.pem", ["KAFKA_KEY: is missing: ASSIDU_KAFKA_CERT=ours/client.pem needs it"]),
        (
            f"{SSL} KAFKA_KEY=ours/client.key",
            ["KAFKA_KEY='ours/client.key': has no meaning without ASSIDU_KAFKA"],
        ),
        (f"{SSL} KAFKA_CERT=nowhere KAFKA_KEY=ours/client.key", ["KAFKA_CERT='nowhere': cannot be read"]),
        (f"{SSL} KAFKA_CERT=ours/client.key", ["KAFKA_CERT='ours/client.key': holds no certificate (PEM)"]),
        (f"{SSL} KAFKA_CERT=ours/client.pem KAFKA_KEY=ours", ["KAFKA_KEY='ours': cannot be read: Is a directory"]),
        (f"{SSL} KAFKA_CERT=ours/client.pem KAFKA_KEY=secret", ["KAFKA_KEY='secret': holds no private key (PEM)"]),
        (f"{SSL} KAFKA_CERT=ours/client.pem KAFKA_KEY=ours/other.key", ["is not the key of ours/client.pem"]),
        (f"{SSL} KAFKA_CERT=ours/locked.pem KAFKA_KEY=ours/locked.key", ["is encrypted"]),
        (
            "REDIS_CA=ours/ca.pem REDIS_CERT=nowhere",
            [
                "REDIS_CA='ours/ca.pem': has no meaning without TLS: leave it out, or set ASSIDU_REDIS=rediss://…",
                "REDIS_CERT='nowhere': has no meaning without TLS",
            ],
        ),
        (f"{REDISS} REDIS_CERT=ours/client.pem", ["REDIS_KEY: is missing"]),
        (f"REDIS=redis://:{PASSWORD}@h REDIS_PASSWORD=x", ["REDIS_PASSWORD: there is another one in ASSIDU_REDIS"]),
        (
            "REDIS_PASSWORD_FILE=nowhere",
            ["REDIS_PASSWORD: ASSIDU_REDIS_PASSWORD_FILE='nowhere': cannot be read"],
        ),
        (
            "TOKEN_FILE=binary REDIS_FILE=empty",
            ["TOKEN_FILE='binary': is not text", "REDIS_FILE='empty': is empty"],
        ),
        (
            f"KAFKA_PASSWORD={PASSWORD} KAFKA_PASSWORD_FILE=secret PARTITIONS=0",
            ["KAFKA_PASSWORD: ASSIDU_KAFKA_PASSWORD_FILE is set, too: leave one of them out", "PARTITIONS='0'"],
        ),
    ],
)
def test_everything_wrong_is_named(monkeypatch: pytest.MonkeyPatch, variables: str, named: list[str]) -> None:
    given(monkeypatch, variables)
    with pytest.raises(UserError) as wrong:
        read_settings()
    for words in named:
        assert words in str(wrong.value)
    assert len(re.findall("^  ASSIDU_", str(wrong.value), re.MULTILINE)) == len(named)
    assert PASSWORD not in str(wrong.value)


def test_what_fits_is_taken_in_whatever_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    files = "KAFKA_CA=ours/ca.pem KAFKA_CERT=ours/client.pem KAFKA_KEY=ours/client.key"
    given(monkeypatch, f"KAFKA_SECURITY=SASL_SSL KAFKA_SASL_MECHANISM=scram-sha-256 KAFKA_USERNAME=u {files}")
    given(monkeypatch, "KAFKA_PASSWORD_FILE=secret REDIS_PASSWORD_FILE=secret")
    settings = read_settings()
    assert not unknown_settings()
    assert settings.secrets == [PASSWORD, PASSWORD]
    options = connection(settings)
    assert options.pop("ssl_context").get_ca_certs()
    assert options == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "u",
        "sasl_plain_password": PASSWORD,
    }


def test_a_secret_of_the_environment_counts_before_a_file_that_dotenv_names(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / ".env").write_text("ASSIDU_TOKEN_FILE=secret\nASSIDU_REDIS_PASSWORD_FILE=secret\n")
    given(monkeypatch, "TOKEN=another-token-of-30-characters")
    assert read_settings().secrets == [PASSWORD, "another-token-of-30-characters"]


def test_the_name_that_was_meant_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "KAFKA_SASL_USERNAME=u KAFKA_PASSWORDFILE=x")
    assert unknown_settings() == {
        "ASSIDU_KAFKA_PASSWORDFILE": "ASSIDU_KAFKA_PASSWORD_FILE",
        "ASSIDU_KAFKA_SASL_USERNAME": "ASSIDU_KAFKA_USERNAME",
    }
