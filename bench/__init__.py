"""Benchmarks: what Assidu does in a second, measured beside what else could be done with the same events."""
