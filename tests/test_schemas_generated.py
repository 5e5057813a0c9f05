"""The JSON Schemas in the repository are those of the types."""

from __future__ import annotations

from schemas.generate import FOLDER, schemas


def test_the_json_schemas_are_up_to_date() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}

    assert written == schemas(), "run: python -m schemas.generate"
