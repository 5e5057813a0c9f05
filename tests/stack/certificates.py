"""A CA of the tests' own, and another one that nobody trusts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class Certificate(NamedTuple):
    """Paths of PEM files: the certificate, its key, and both in one."""

    cert: str
    key: str
    both: str


class Authority:
    """`ca` is the path of the CA's own certificate."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._ca = trustme.CA()
        self.ca = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *hosts: str, expired: bool = False, passphrase: str = "") -> Certificate:
        """One that says so of a client or, with hosts, of a server."""
        begin = datetime.now(UTC) - timedelta(days=2)
        end = begin + timedelta(days=1 if expired else 4)
        names = hosts or ("client.invalid",)
        leaf = self._ca.issue_cert(*names, common_name=name, not_before=begin, not_after=end)
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase:
            encryption = BestAvailableEncryption(passphrase.encode())
        key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # Kafka reads no other form
        cert_pem = b"".join(each.bytes() for each in leaf.cert_chain_pems)
        paths = []
        for ending, content in (("pem", cert_pem), ("key", key_pem), ("both", key_pem + cert_pem)):
            path = self._folder / f"{name}.{ending}"
            path.write_bytes(content)
            paths.append(str(path))
        return Certificate(*paths)
