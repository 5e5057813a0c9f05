"""Where the purchases of CDNOW's customers lie: real histories, as PyPI's `lifetimes` ships them."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

_FOLDER = Path(str(distribution("lifetimes").locate_file("lifetimes/datasets")))

MASTER = _FOLDER / "CDNOW_master.txt"
"""69,659 purchases of 23,570 customers, below a line of headings."""
SAMPLE = _FOLDER / "CDNOW_sample.txt"
"""Those of the well-known sample of 2,357 customers."""
