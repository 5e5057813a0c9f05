"""How to connect: said in one place, for every client; and the private names of aiokafka that it relies on."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from aiokafka import conn
from aiokafka.errors import SaslAuthenticationFailed
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from stream.kafka.connection import TokenFile, connection
from stream.kafka.credentials import faust_credentials
from stream.settings import Settings
from tests.stack.certificates import Authority

STREAM = Path(__file__).parents[2] / "stream"
HOMES = {"kafka/connection.py": r"bootstrap_servers", "store/connect.py": r"connect_to\(|Redis\.from_url\("}
OF_THE_EMBEDDED = "demo/embedded/"


@pytest.mark.parametrize("home", HOMES)
def test_nobody_else_says_where_a_server_is(home: str) -> None:
    """Or a client would come without TLS and a login."""
    places = {
        str(path.relative_to(STREAM)) for path in STREAM.rglob("*.py") if re.search(HOMES[home], path.read_text())
    }
    assert {place for place in places if not place.startswith(OF_THE_EMBEDDED)} == {home}


@pytest.mark.parametrize("security", ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_faust_logs_in_as_every_other_client(tmp_path: Path, security: str, mechanism: str) -> None:
    token, by_token = tmp_path / "token", mechanism == "OAUTHBEARER"
    token.write_text("t0ken")
    login: dict[str, str] = {}
    if security.startswith("sasl"):
        login = {"kafka_sasl_mechanism": mechanism}
        login |= {"kafka_token_file": str(token)} if by_token else {"kafka_username": "u", "kafka_password": "p"}
    if security.endswith("ssl"):
        login["kafka_ca"] = Authority(tmp_path / "ours").ca
    settings = Settings(_env_file=None, kafka_security=security, **login)  # type: ignore[arg-type]

    ours = connection(settings)
    theirs = dict(credentials_to_aiokafka_auth(faust_credentials(settings)))
    of_their_own = ("ssl_context", "sasl_oauth_token_provider")  # made anew for each
    assert {name: type(theirs.get(name)) for name in of_their_own} == {
        name: type(ours.get(name)) for name in of_their_own
    }
    for name in (*of_their_own, "bootstrap_servers"):
        ours.pop(name, None)
        theirs.pop(name, None)
    assert theirs == ours


async def test_a_token_that_kafka_answers_is_refused(tmp_path: Path) -> None:
    """With which aiokafka would go on; Kafka answers one that is good with nothing."""
    token = tmp_path / "token"
    token.write_text("t0ken")
    assert "OAuthAuthenticator(" in inspect.getsource(conn.AIOKafkaConnection.authenticator_oauth)
    for answer, is_good in ((b"", True), (b'{"status":"invalid_token"}', False)):
        authenticator = conn.OAuthAuthenticator(sasl_oauth_token_provider=TokenFile(str(token)))
        assert await authenticator.step(None) == (b"n,,\x01auth=Bearer t0ken\x01\x01", True)
        if is_good:
            assert await authenticator.step(answer) is None
        else:
            with pytest.raises(SaslAuthenticationFailed) as refused:
                await authenticator.step(answer)
            assert "t0ken" not in str(refused.value)
