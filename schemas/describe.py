"""What documents say of topics and types: their docstrings, and for each type its fullest example."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

EXAMPLES = Path(__file__).parent / "examples"
_EMPTY = (None, "")


class Example(NamedTuple):
    """An example message, and the story for which its file is named."""

    story: str
    message: dict[str, Any]


def name(struct: type[Struct]) -> str:
    """The type as messages spell it, such as "click"; a message that says no type is named for its class."""
    tag = struct.__struct_config__.tag
    if tag is not None:
        return str(tag)
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in struct.__name__).lstrip("_")


def topic_words(types: Sequence[type[Struct]]) -> str:
    """The sentence about the topic that opens the module of its types."""
    _, _, words = _paragraphs(inspect.getmodule(types[0]))[0].partition(": ")
    return words[0].upper() + words[1:]


def words(struct: type[Struct]) -> str:
    """The sentence about the type."""
    return _paragraphs(struct)[0]


def example(topic: str, struct: type[Struct]) -> Example:
    """Of the examples of the type the one with most of its fields, none of them empty."""
    stories = [
        Example(path.stem, json.loads(path.read_bytes()))
        for folder in ("accepted", "said")
        for path in sorted((EXAMPLES / folder / topic).glob("*.json"))
    ]
    fields = {"type", *struct.__struct_fields__}
    own = [
        each
        for each in stories
        if each.message.get("type", name(struct)) == name(struct)
        and fields >= each.message.keys()
        and not any(value in _EMPTY for value in each.message.values())
    ]
    if not own:
        raise LookupError(f"{EXAMPLES} has no example of {name(struct)} in a folder {topic}")
    return max(own, key=lambda each: len(each.message))


def _paragraphs(documented: object) -> list[str]:
    text = inspect.getdoc(documented)
    assert text, documented
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
