"""The command `assidu indicators`.

Imports of the parts stand inside the command, so that `assidu --help` answers at once.
"""

from __future__ import annotations

import click


@click.command(
    epilog="""\b
Examples:
  assidu indicators > indicators.toml                      a file to begin with
  ASSIDU_INDICATORS=indicators.toml assidu indicators      whether it is right, and what is in force
"""
)
def indicators() -> None:
    """Print the indicators file in force, every key explained: definitions, alerts, targets.

    Without ASSIDU_INDICATORS these are the defaults. Mistakes in the file are named with key and line.
    """
    from stream.cli.settings import read_settings
    from stream.render.indicators_file import indicators_file

    click.echo(indicators_file(read_settings().indicators), nl=False)
