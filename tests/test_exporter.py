"""How often the exporter refreshes: as soon as a part of a core allows, and never too seldom."""

from __future__ import annotations

import pytest

from stream.exporter.app import pause_seconds


@pytest.mark.parametrize(
    ("took", "cpu_seconds", "pause"),
    [
        pytest.param(0.02, 0.01, 0.23, id="a cheap one begins again after a quarter of a second"),
        pytest.param(0.15, 0.125, 0.35, id="a dearer one has a quarter of a core"),
        pytest.param(0.4, 0.35, 0.6, id="a dear one begins again after a second all the same"),
        pytest.param(1.5, 1.2, 0.2, id="one that needs longer lets others in between"),
        pytest.param(0.5, 0.01, 0.2, id="waiting for Redis or for a core costs nothing"),
    ],
)
def test_the_pause_after_a_refresh(took: float, cpu_seconds: float, pause: float) -> None:
    assert pause_seconds(took, cpu_seconds) == pytest.approx(pause)
