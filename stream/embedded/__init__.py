"""The embedded stack: a broker and a Redis from Python packages alone, for the demo and the tests.

Loopback only, and nothing in it is meant to last.
"""

from stream.embedded.child import Child
from stream.embedded.kafka import EmbeddedBroker, KafkaServer
from stream.embedded.redis import EmbeddedRedis
from stream.embedded.server import Server, free_port

__all__ = ["Child", "EmbeddedBroker", "EmbeddedRedis", "KafkaServer", "Server", "free_port"]
