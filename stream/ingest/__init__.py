"""From products to Kafka: the emitter for products, and files of events for `assidu emit`."""

from stream.ingest.emitter import AsyncEmitter, Counts, Dropped, Emitter

__all__ = ["AsyncEmitter", "Counts", "Dropped", "Emitter"]
