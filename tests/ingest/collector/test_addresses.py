"""Whose address a client has: nobody names it but proxies that are trusted, from the collector outwards."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from stream.ingest.collector.addresses import Proxies, home

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),  # anybody may say so
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.9"], "198.51.100.9"),  # what it was told before is not believed
        ("10.0.0.1", ["203.0.113.5", "198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
        ("fd00::1", ['"[2001:db8::7]:4711"'], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9, unknown"], None),
        (None, ["198.51.100.9"], None),
    ],
)
def test_the_client_is_the_first_who_is_no_trusted_proxy(
    peer: str | None, forwarded_for: list[str], client: str | None
) -> None:
    assert PROXIES.client(peer, forwarded_for) == (client and ip_address(client))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("8.8.8.8", [], "8.8.8.8"),
        ("8.8.8.8", ["198.51.100.9"], None),
        ("10.0.0.1", [], None),
        ("127.0.0.1", [], None),
        ("2001:4860::8888", [], "2001:4860::8888"),
    ],
)
def test_where_no_proxy_is_named_nobody_is_taken_for_a_client_who_may_be_one(
    peer: str, forwarded_for: list[str], client: str | None
) -> None:
    assert Proxies([]).client(peer, forwarded_for) == (client and ip_address(client))


def test_of_ipv6_one_household_is_one() -> None:
    assert home(ip_address("2001:db8::1")) == home(ip_address("2001:db8::ffff:1"))
    assert home(ip_address("2001:db8::1")) != home(ip_address("2001:db8:0:1::1"))
    assert home(ip_address("192.0.2.1")) != home(ip_address("192.0.2.2"))
