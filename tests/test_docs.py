"""The documents: links lead somewhere, and what they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from schemas import TYPES, Event, decode
from stream.cli import commands
from stream.indicators.families.activity import ACTIVE_TYPES
from stream.settings import Settings, secret_settings

CHECKOUT = Path(__file__).parent.parent
DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.glob("*.md"), *CHECKOUT.glob("schemas/**/*.md")])
README_BYTES, PICTURE_BYTES = 8 * 1024, 200 * 1024
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))


def prose(page: Path) -> str:
    """Without what stands in fences."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in link]


def anchors(page: Path) -> Iterator[str]:
    """As they are made of headings, and those that are written out."""
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
    yield from re.findall(r'<a id="([^"]+)">', prose(page))


@each_page
def test_every_link_leads_to_a_file_and_a_heading_of_it(page: Path) -> None:
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(CHECKOUT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached = {(CHECKOUT / link.partition("#")[0]).resolve() for link in links(CHECKOUT / "README.md")}
    assert {*DOCS.iterdir()} <= reached


def test_the_readme_and_its_picture_are_small() -> None:
    assert (CHECKOUT / "README.md").stat().st_size <= README_BYTES
    assert all(picture.stat().st_size <= PICTURE_BYTES for picture in DOCS.glob("*.png"))


def test_every_setting_stands_once_in_the_table_of_settings() -> None:
    listed = re.findall(r"^\| `(ASSIDU_[A-Z_]+)`", (DOCS / "operate.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted({f"ASSIDU_{name.upper()}" for name in Settings.model_fields})


@each_page
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    if page.name == "CHANGELOG.md":  # which also tells of those that were
        return
    named = set(re.findall(r"ASSIDU_[A-Z]+(?:_[A-Z]+)*", page.read_text(encoding="utf-8")))
    files = {f"{name}_file" for name in secret_settings()}
    assert {name.removeprefix("ASSIDU_").lower() for name in named} <= Settings.model_fields.keys() | files


@each_page
def test_every_command_and_option_that_is_named_is_one(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for name, rest in re.findall(r"\bassidu ([a-z][a-z-]+)\b([^`\n#|&]*)", "\n".join(_commands(text))):
        assert name in commands.commands, name
        command: click.Command = commands.commands[name]
        if isinstance(command, click.Group) and rest.split():
            command = command.commands[rest.split()[0]]
        known = {"--help"} | {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", rest)) <= known, f"assidu {name}{rest}"


def _commands(text: str) -> Iterator[str]:
    """What stands in fences of shell and between backticks."""
    for fence in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from fence.splitlines()
    yield from re.findall(r"`([^`\n]+)`", _FENCE.sub("", text))


def test_the_glossary_has_a_line_a_term_in_the_order_of_the_alphabet() -> None:
    _, _, entries = (DOCS / "glossary.md").read_text(encoding="utf-8").partition("\n- ")
    terms = [re.fullmatch(r"\*\*([\w -]+)\*\*: .+\.", entry) for entry in entries.rstrip("\n").split("\n- ")]
    assert all(terms)
    names = [term[1] for term in terms if term]
    assert names == sorted({*names}, key=str.casefold)


def test_every_type_has_an_example_in_the_documentation_that_is_accepted() -> None:
    """Each in the section of its topic."""
    shown = []
    for section in (DOCS / "events.md").read_text(encoding="utf-8").split("\n### `")[1:]:
        topic = section.partition("`")[0]
        for message in re.findall(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            event = decode(message.encode(), topic)
            assert isinstance(event, Event), event
            shown.append(event.type)
    assert shown == list(TYPES)


def test_the_documentation_names_the_types_that_make_a_customer_active() -> None:
    _, _, section = (DOCS / "events.md").read_text(encoding="utf-8").partition("## What makes a customer active")
    assert {*re.findall(r"`(\w+)`", section.partition("\n## ")[0])} == ACTIVE_TYPES & TYPES.keys()
