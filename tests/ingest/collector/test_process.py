"""The process: how it starts, what it says, how it ends."""

from __future__ import annotations

import json
import re
import ssl
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import pytest
import trustme

from stream.ingest.collector.tls import server_context
from stream.runtime.errors import UserError
from stream.settings import Settings
from tests.events import Event
from tests.ingest.collector.collecting import PATH, arrived, ids_of, logins
from tests.stack.command import Assidu
from tests.stack.service import Service
from tests.stack.waiting import eventually

SENDERS = 8


@pytest.fixture
def settings(deployed: Settings) -> Settings:
    return deployed


def started(assidu: Assidu, **changed: object) -> Service:
    service = Service(assidu.start("collector", **changed))
    service.wait_until_serving()
    return service


def created_key(assidu: Assidu) -> str:
    return str(json.loads(assidu.run("keys", "create", "--product", "shop", "--format", "json").stdout)["key"])


async def test_told_to_stop_it_answers_whoever_has_asked_and_nothing_answered_is_lost(assidu: Assidu) -> None:
    key = created_key(assidu)
    service = started(assidu)
    port = service.port
    sent: list[Event] = []
    many = threading.Event()

    def send() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        while True:
            events = logins(20)
            try:
                connection.request("POST", PATH, json.dumps(events), {"Authorization": f"Bearer {key}"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                return  # it has ended
            if answer.status == 200:
                sent.extend(events)
            if len(sent) > 2000:
                many.set()

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    assert many.wait(30)
    service.child.process.terminate()
    assert service.child.process.wait(10) == 0
    for sender in senders:
        sender.join()
    found = set(ids_of(await arrived(assidu.settings, sent)))
    assert set(ids_of(sent)) <= found
    assert "collector stopped" in service.log
    assert "Traceback" not in service.log


def test_serves_tls_by_its_own_certificate(assidu: Assidu, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    created_key(assidu)  # without any there is no canary
    service = started(assidu, collector_cert=cert, collector_key=key, canary_seconds=0.1)
    trusting = ssl.create_default_context(cafile=str(cert))
    connection = HTTPSConnection("127.0.0.1", service.port, context=trusting, timeout=10)
    connection.request("POST", PATH, "{}")
    answer = connection.getresponse()
    assert answer.status == 401
    answer.read()
    assert "max-age" in (answer.headers["Strict-Transport-Security"] or "")

    def is_the_canary_through() -> bool:
        connection.request("GET", "/metrics")
        shown = connection.getresponse().read().decode()
        return re.search(r'canary_seconds_bucket{le="10\.0"} [1-9]', shown) is not None

    eventually(is_the_canary_through, 20, "a canary over TLS")


def test_says_what_is_wrong_with_a_certificate(tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path)
    for given in ((str(cert), ""), ("nowhere.pem", ""), ("", str(cert))):
        with pytest.raises(UserError, match="ASSIDU_COLLECTOR_CERT="):
            server_context(*given)


def test_says_that_topics_are_missing(assidu: Assidu) -> None:
    done = assidu.run("collector", topic_prefix="nobody.")
    assert done.returncode == 2
    assert "run `assidu topics`" in done.stderr


def test_two_may_share_a_port_so_that_one_takes_over_from_the_other(assidu: Assidu) -> None:
    first, second = started(assidu), started(assidu)
    first.child.terminate()
    assert second.get("/healthz") == (200, "alive\n")


def certificate(folder: Path) -> tuple[Path, Path]:
    """For 127.0.0.1, with the authority's own; and its key."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(b"".join(each.bytes() for each in (*made.cert_chain_pems, authority.cert_pem)))
    key.write_bytes(made.private_key_pem.bytes())
    return cert, key
