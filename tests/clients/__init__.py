"""Unmodified clients of others against a real collector: only their host and their key are set. `make test-clients`."""
