"""What is generated from the metrics is what stands in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import UserError
from stream.metrics import METRICS
from stream.render import rendered

README = Path(__file__).parent.parent / "README.md"


def test_the_readme_has_the_indicators_as_they_are_defined_now() -> None:
    text = README.read_text()
    assert rendered(text) == text


def test_every_indicator_stands_in_the_readme_once() -> None:
    text = README.read_text()
    for metric in METRICS:
        assert text.count(f"| `{metric.name}` |") == 1


def test_a_readme_without_the_generated_part_is_an_error() -> None:
    with pytest.raises(UserError, match="no part between"):
        rendered("# Assidu\n")
