"""Where tables are printed: as wide as the terminal, or wide enough for any line when piped."""

from __future__ import annotations

from rich.console import Console

_PIPED_WIDTH = 200


def tables() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)
