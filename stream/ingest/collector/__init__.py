"""The collector: events that come over HTTP, checked and on their way to Kafka before they are answered."""
