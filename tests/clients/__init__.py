"""Unmodified clients of others against a real collector (`make test-clients`): only host and key are set."""
