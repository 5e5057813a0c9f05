"""The settings as commands read them: the indicators file is held against the catalogue, whatever the command needs
of it, so that a mistake is told by the first process that is started."""

from __future__ import annotations

from stream import settings
from stream.indicators.in_force import KNOWN


class _Checked(settings.Settings):
    known = KNOWN


def read_settings() -> settings.Settings:
    """The settings of this process; whatever is wrong in them or in the indicators file is named in one UserError."""
    return settings.read_settings(_Checked)
