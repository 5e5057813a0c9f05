"""The settings as commands read them: the indicators file is held against the catalogue, whatever the command needs
of it, so that a mistake is told by the first process that is started."""

from __future__ import annotations

import click

from stream import settings
from stream.indicators.in_force import KNOWN
from stream.runtime.printable import printable


class _Checked(settings.Settings):
    known = KNOWN


def read_settings() -> settings.Settings:
    """The settings of this process; whatever is wrong in them or in the indicators file is named in one UserError.

    A variable that looks like a setting and is none is named on stderr, not refused: other programs may need it.
    """
    for name, meant in settings.unknown_settings().items():
        hint = f"; did you mean {meant}?" if meant else ""
        click.echo(f"assidu: {printable(name)} is not a setting, and is ignored{hint}", err=True)
    return settings.read_settings(_Checked)
