"""From products to Kafka: the emitter, and files of events for `assidu emit`."""
