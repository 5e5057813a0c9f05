"""Ids of keys, more than fit into half a word."""

from __future__ import annotations

from hypothesis import strategies as st

from stream.core.key_ids import KeyIds

KEY_IDS = KeyIds()
"""Each id is the number of its key, too."""
for number in range(2**17):
    KEY_IDS.id_of(KEY_IDS.keys.number(("series", str(number))))

NUMBERS = st.sampled_from([0, 1, 2**16 - 1, 2**16, 2**16 + 1, 2**17 - 1]) | st.integers(0, 2**17 - 1)
