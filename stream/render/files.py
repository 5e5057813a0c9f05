"""Every generated file, and whether what lies in a checkout is still what would be written."""

from __future__ import annotations

from pathlib import Path

from stream.indicators.config import Config
from stream.render.dashboards import dashboards
from stream.render.indicators import indicators
from stream.render.indicators_file import indicators_file
from stream.render.rules import rules
from stream.render.words import GENERATED
from stream.runtime.errors import UserError
from stream.settings import Settings

SOURCE = Path("stream/indicators")
"""What is rendered comes from here; a folder without it is no checkout."""
INDICATORS = Path("docs/indicators.md")
DEFAULT_FILE = Path("deploy/indicators.toml")
RULES = Path("deploy/prometheus/rules/assidu.yml")
DASHBOARDS = Path("deploy/grafana/dashboards")


def rendered(checkout: Path, settings: Settings) -> dict[Path, str]:
    """Path within the checkout -> the text that belongs there. Raises UserError when it is no checkout."""
    if not (checkout / SOURCE).is_dir():
        raise UserError(f"{checkout / SOURCE} is missing: run this in a checkout of Assidu")
    files = {
        INDICATORS: indicators(),
        RULES: rules(settings),
        DEFAULT_FILE: f"# {GENERATED}\n{indicators_file(Config())}",
    }
    return files | {DASHBOARDS / f"{name}.json": text for name, text in dashboards(settings).items()}


def stale(checkout: Path, settings: Settings) -> list[Path]:
    """Files that differ from what would be written, are missing, or that nothing writes any more."""
    return _differing(checkout, rendered(checkout, settings))


def write(checkout: Path, settings: Settings) -> list[Path]:
    """Bring the checkout up to date; returns what was written or removed."""
    files = rendered(checkout, settings)
    changed = _differing(checkout, files)
    for path in changed:
        if path in files:
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_text(files[path], encoding="utf-8")
        else:
            (checkout / path).unlink()
    return changed


def _differing(checkout: Path, files: dict[Path, str]) -> list[Path]:
    present = {path.relative_to(checkout) for path in (checkout / DASHBOARDS).glob("*.json")}
    forsaken = sorted(present - files.keys())  # dashboards of families that are no more
    return [path for path, text in files.items() if _read(checkout / path) != text] + forsaken


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
