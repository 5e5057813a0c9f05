"""An Apache Kafka that one must log in to, with a listener for each way of doing so."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

from stream.demo.embedded import free_port
from stream.demo.embedded.server import LOOPBACK
from tests.stack.apache_kafka import ApacheKafka
from tests.stack.certificates import Authority

LISTENERS = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")
PASSWORD_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_SASL = "org.apache.kafka.common.security"

_PROPERTIES = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port},{listeners}
advertised.listeners=PLAINTEXT://{host}:{port},{listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{protocols}
# Who comes without a login is the test itself.
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=false
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.ssl.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^.*CN=([^,]+).*$/$1/
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
"""


class SecuredKafka(ApacheKafka):
    """`servers` lets the test itself do everything; everybody else comes by `servers_by` and may do what they are
    granted. `passwords`: user -> password; a token is good for whoever it names."""

    title = "secured-kafka"

    def __init__(self, authority: Authority, passwords: dict[str, str]) -> None:
        self._authority = authority
        self._passwords = passwords
        self._ports = {listener: free_port() for listener in LISTENERS}
        super().__init__()

    def servers_by(self, listener: str, host: str = "localhost") -> str:
        return f"{host}:{self._ports[listener]}"

    def properties(self, controller_port: int, folder: Path) -> str:
        listeners = ",".join(f"{each}://localhost:{port}" for each, port in self._ports.items())
        own = _PROPERTIES.format(
            host=LOOPBACK,
            port=self.port,
            controller_port=controller_port,
            listeners=listeners,
            protocols=",".join(f"{each}:{each}" for each in LISTENERS),
            keystore=self._authority.issue("kafka", "localhost").both,
            truststore=self._authority.ca,
        )
        users = " ".join(f'user_{user}="{password}"' for user, password in self._passwords.items())
        modules = {
            "plain": f"{_SASL}.plain.PlainLoginModule required {users};",
            "scram-sha-256": f"{_SASL}.scram.ScramLoginModule required;",
            "scram-sha-512": f"{_SASL}.scram.ScramLoginModule required;",
            "oauthbearer": f"{_SASL}.oauthbearer.OAuthBearerLoginModule required "
            "unsecuredLoginStringClaim_sub=kafka;",
        }
        logins = "".join(
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config={module}\n"
            for listener in ("sasl_plaintext", "sasl_ssl")
            for mechanism, module in modules.items()
        )
        return super().properties(controller_port, folder) + own + logins

    def format_options(self) -> list[str]:
        return [
            option
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for user, password in self._passwords.items()
            for option in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
        ]


def token(user: str, seconds: float = 3600) -> str:
    """One that Kafka's unsecured validator takes for so long."""
    now = time.time()
    claims = {"sub": user, "iat": now - 1, "exp": now + seconds}
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in ({"alg": "none"}, claims)
        )
        + "."
    )
