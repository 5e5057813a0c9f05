"""Addresses of clients: the peer's, or what proxies that are trusted say. They are neither logged nor stored."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOME_BITS = 64  # of an IPv6 address: one household or machine has all that begin so


class Proxies:
    """Those of these networks are believed what they say of whom they speak for; nobody else is.

    While none is named one may be there all the same: then who comes from a private network, or with
    X-Forwarded-For, may be everybody, and is nobody that could be bounded.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks

    def client(self, peer: str | None, forwarded_for: Sequence[str]) -> Address | None:
        """Who asks; None where that cannot be known. `forwarded_for` are the values of X-Forwarded-For.

        From the peer outwards each that is trusted names the one before it: the first who is not is the client.
        """
        found = _address(peer or "")
        if found is None or (not self._networks and (forwarded_for or not found.is_global)):
            return None
        named = [name for value in forwarded_for for name in value.split(",")]
        while named and found is not None and self._trusted(found):
            found = _address(named.pop())
        return found

    def trusts(self, peer: str | None) -> bool:
        address = _address(peer or "")
        return address is not None and self._trusted(address)

    def _trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def home(address: Address) -> int:
    """What is bounded as one."""
    return int(address) >> _HOME_BITS if isinstance(address, IPv6Address) else int(address)


def _address(text: str) -> Address | None:
    """Also with a port, as some proxies write it."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
