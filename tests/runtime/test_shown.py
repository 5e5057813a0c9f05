"""Whatever products, channels, campaigns and customers are called: tables, CSV and JSON show it, whole, as text."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from io import StringIO

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from schemas.churn_risk import Reason
from stream.demo.page import History, Page
from stream.demo.view import plain_line, view
from stream.query import at_risk, customer, report
from stream.query.at_risk import Customer, CustomersAtRisk
from stream.query.customer import CountedIn, Feedback, Known, Risk
from stream.query.report import Report, ReportLine
from stream.runtime.json_text import json_text
from stream.runtime.printable import printable
from stream.runtime.spreadsheet import csv_text, guarded, unguarded
from stream.runtime.terminal import Terminal

TELLING = (
    "[/sale]",
    "/blog/[slug]",
    "[bold]x[/bold] [link=http://evil.example]y[/link] :warning:",
    "\x1b[2J\x1b]0;title\x07",
    "\u202eexe.gpj\u2069",
    "two\r\nlines\u2028three",
    '=HYPERLINK("http://evil.example","open")',
    "\\",
    "\\[/x]",
    "夏" * 256,
)
# Such text as an event may bring: JSON in UTF-8.
texts = st.one_of(
    st.sampled_from(TELLING), st.text(min_size=1), st.text("[]/\\:'\"=\x1b\r\n\t\u202e夏ab ", min_size=1)
)
ONE_EACH = settings(max_examples=100, deadline=None)


def printed(show: Callable[[Terminal], None], width: int | None = None) -> str:
    """What a terminal of that width gets, or a pipe."""
    terminal = Terminal()
    terminal.file = file = StringIO()
    if width is not None:
        terminal.width = width
    show(terminal)
    return file.getvalue()


def cells(table: str) -> list[str]:
    """What stands in each column, as one text: a cell may go on in the lines below it."""
    rows = [re.split("[│┃]", line[1:-1]) for line in table.splitlines() if line.startswith(("│", "┃"))]
    return ["".join(part.strip() for part in column) for column in zip(*rows, strict=True)]


def known(text: str) -> Known:
    moment, labels = "2026-03-31T12:00:00Z", {"product": text, "channel": text}
    risk = Risk(0.7, "high", f"silent; {text}", True)
    said = [Feedback(moment, text, "negative", True)]
    return Known(text, text, moment, text, {text: moment}, ["2026-03-31"], said, risk, [CountedIn("a", labels, 1)])


def at(text: str) -> Customer:
    moment = "2026-03-31T12:00:00Z"
    reasons = (Reason(reason="silence", share=1.0),)
    return Customer(text, text, "high", 0.7, moment, moment, text, text, reasons, f"silent; {text}")


@ONE_EACH
@given(texts)
@example("[/sale]")
@example("/blog/[slug]")
def test_tables_show_it_whole_and_obey_nothing(text: str) -> None:
    lines = [ReportLine("engagement_x", {"product": text, "campaign": text}, 1)]
    shown = printable(text)
    for show in (
        lambda terminal: report.show(Report("now", lines), terminal),
        lambda terminal: customer.show([known(text)], terminal),
        lambda terminal: at_risk.show(CustomersAtRisk("now", 1, [at(text)]), terminal),
    ):
        table = printed(show)
        assert shown in table
        assert table.replace("\n", "").isprintable()


@ONE_EACH
@given(texts, st.integers(30, 120))
@example("夏" * 256, 30)
def test_nothing_is_cut_off_in_a_narrow_window(text: str, width: int) -> None:
    expected = "".join(printable(text).split())
    if "│" in text or "┃" in text:
        return
    rows = [(text, "high", text)]
    table = printed(lambda terminal: terminal.table(("customer", "level", "why"), rows), width)
    found = ["".join(column.split()) for column in cells(table)]
    assert found == [f"customer{expected}", "levelhigh", f"why{expected}"]
    assert all(cell_len(line) <= width for line in table.splitlines())


@ONE_EACH
@given(texts)
@example("=1+1")
@example("'=1+1")
@example("'quoted")
@example("a\rb")
@example(" =1+1")
@example("a;=1+1\n=2")
def test_csv_is_read_back_as_it_was_and_computes_nothing(text: str) -> None:
    found = CustomersAtRisk("now", 1, [at(text)])
    [row] = csv.DictReader(StringIO(at_risk.to_csv(found), newline=""))
    assert {name: unguarded(cell) for name, cell in row.items()} == {
        **{name: str(value) for name, value in msgspec.structs.asdict(at(text)).items()},
        "score": "0.7000",
        "reasons": "silence 1.00",
    }
    assert all(cell.lstrip()[:1] not in "=+-@＝＋－＠\t\r\n" for cell in row.values() if cell.strip())


@ONE_EACH
@given(texts)
def test_the_csv_of_a_report_is_read_back_as_it_was(text: str) -> None:
    lines = [ReportLine("engagement_x", {"product": text}, -1.5), ReportLine("engagement_y", {}, None, "overwritten")]
    first, second = csv.DictReader(StringIO(report.to_csv(Report("now", lines)), newline=""))
    assert unguarded(first.pop("product")) == text
    assert first == {"at": "now", "indicator": "engagement_x", "value": "-1.5", "untold": ""}
    assert second == {"at": "now", "indicator": "engagement_y", "product": "", "value": "", "untold": "overwritten"}


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", " =", "\u00a0+"])
def test_what_would_be_a_formula_has_an_apostrophe_before_it(begin: str) -> None:
    assert guarded(f"{begin}1") == f"'{begin}1"
    assert unguarded(guarded(f"{begin}1")) == f"{begin}1"


@pytest.mark.parametrize("text", ["", "'", "'tis", "u:=1", "1-1", "a@b.example"])
def test_what_would_not_has_none(text: str) -> None:
    assert guarded(text) == unguarded(text) == text


def test_every_cell_is_quoted() -> None:
    assert csv_text(("a", "b"), [("1;2", 'x"y')]) == '"a","b"\n"1;2","x""y"\n'


@ONE_EACH
@given(texts)
@example("\x7f\x9b\u202e\U000e0041")
def test_json_says_the_same_and_is_visible(text: str) -> None:
    shown = json_text({"customers": [known(text)]})
    assert json.loads(shown)["customers"][0] == msgspec.to_builtins(known(text))
    assert shown.replace("\n", "").isprintable()


@ONE_EACH
@given(texts)
def test_the_demo_shows_any_product(text: str) -> None:
    label = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    history = History()
    history.add(Page(f'engagement_active_customers{{product="{label}",window="24h"}} 3\n', at=0))
    assert printed(lambda terminal: terminal.print(view(history, "", None)), 80)
    assert plain_line(history).startswith(f"{printable(text)}: active 3")
