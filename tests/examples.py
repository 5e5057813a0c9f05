"""The example messages of the schemas; a file is named for its story, a rejected one for its reason, too."""

from __future__ import annotations

from pathlib import Path

from schemas.describe import EXAMPLES

ACCEPTED = sorted((EXAMPLES / "accepted").rglob("*.json"))
SAID = sorted((EXAMPLES / "said").rglob("*.json"))
REJECTED = sorted(path for path in (EXAMPLES / "rejected").rglob("*") if path.is_file())


def story(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def reason(path: Path) -> str:
    return path.name.split(".")[-2]
