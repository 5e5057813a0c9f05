"""What a person reads: lines and tables in which text of users stands as it is, never read as markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.runtime.printable import printable

_PIPED_WIDTH = 1_000_000
"""So that no line of a table is broken where programs read it; tables take what they need."""


class Terminal(Console):
    """Standard output: as wide as the window, or as wide as need be where it is piped.

    Everything is to go through `say` and `table`, which make each text printable; whatever else is printed is at
    least not read as markup. Raises OSError, BrokenPipeError among them, where the output cannot be written.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, highlight=False)
        if not self.is_terminal:
            self.width = _PIPED_WIDTH

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Parts are texts, or (text, style). Terminals break long lines, nothing else does."""
        styled = ((part, "") if isinstance(part, str) else part for part in parts)
        self.print(Text.assemble(*((printable(text), style) for text, style in styled)), soft_wrap=True)

    def table(self, headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        """Cells that are wider than the window allows go on in the next line: all of each is shown."""
        grid = Table()
        for heading in headings:
            grid.add_column(Text(heading), overflow="fold")
        for row in rows:
            grid.add_row(*(Text(printable(str(cell))) for cell in row))
        self.print(grid)

    def on_broken_pipe(self) -> None:
        """Whoever read has gone: the command's end is for the command to decide."""
        raise
