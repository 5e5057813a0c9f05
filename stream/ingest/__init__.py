"""From products to Kafka: the emitter, and files of events for `assidu emit`."""

from stream.ingest.emitter import Emitter

__all__ = ["Emitter"]
