"""The embedded stack: a broker and a Redis from Python packages alone, for the demo and the tests.

Loopback only, and nothing in it is meant to last.
"""

from stream.demo.embedded.child import Child
from stream.demo.embedded.kafka import EmbeddedBroker, KafkaServer
from stream.demo.embedded.redis import EmbeddedRedis
from stream.demo.embedded.server import Server, free_port

__all__ = ["Child", "EmbeddedBroker", "EmbeddedRedis", "KafkaServer", "Server", "free_port"]
