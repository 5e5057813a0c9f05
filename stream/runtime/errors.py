"""The errors that a person can do something about."""

from __future__ import annotations


class UserError(Exception):
    """What was wrong, where, and what to do: shown to the user as it is, without a traceback."""
