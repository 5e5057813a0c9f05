"""What users send is shown as text, wherever it is shown: it moves no cursor, hides nothing and breaks no line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.runtime.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Été / 夏 / 🙂 [/sale] \\d", "Été / 夏 / 🙂 [/sale] \\d"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\r\nb\tc\x00\x7f\x9b", "a\\r\\nb\\tc\\x00\\x7f\\x9b"),
        ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
        ("\u202egnp.exe\u2066\u200b\ufeff\u061c", "\\u202egnp.exe\\u2066\\u200b\\ufeff\\u061c"),
        ("\ud800 \U000e0041", "\\ud800 \\U000e0041"),
    ],
)
def test_what_does_not_show_itself_is_written_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_any_text_becomes_one_visible_line_that_can_be_encoded(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert printable(shown) == shown
    assert len(shown) >= len(text)
