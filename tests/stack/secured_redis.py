"""A Redis that one logs in to by TLS, with a certificate; the test itself comes in plain text, and may do all."""

from __future__ import annotations

from redis import Redis

from stream.demo.embedded import EmbeddedRedis, free_port
from tests.stack.certificates import Authority


class SecuredRedis(EmbeddedRedis):
    def __init__(self, authority: Authority) -> None:
        server = authority.issue("redis", "localhost")
        self.tls_port = free_port()
        super().__init__(
            {
                "appendonly": "no",
                "tls-port": str(self.tls_port),
                "tls-cert-file": server.cert,
                "tls-key-file": server.key,
                "tls-ca-cert-file": authority.ca,
                "tls-auth-clients": "yes",
            }
        )

    def tls_url(self, user: str = "", host: str = "localhost") -> str:
        return f"rediss://{f'{user}@' if user else ''}{host}:{self.tls_port}/0"

    def set_user(self, name: str, *rules: str) -> None:
        with Redis.from_url(self.url) as admin:
            admin.execute_command("ACL", "SETUSER", name, "reset", *rules)

    def refused(self) -> set[str]:
        """What users wanted and were not allowed to: commands, channels and keys."""
        with Redis.from_url(self.url) as admin:
            return {entry["object"] for entry in admin.acl_log()}
