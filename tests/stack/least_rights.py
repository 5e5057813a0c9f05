"""What each part must be allowed to do, as docs/operate.md says."""

from __future__ import annotations

import re
from pathlib import Path

from stream.settings import Settings
from tests.stack.administering import GROUP, OPERATIONS, TOPIC

_TEXT = (Path(__file__).parents[2] / "docs/operate.md").read_text()
_TABLE = re.compile(r"^\| part \| topics of events .*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def kafka_rights(settings: Settings) -> dict[str, list[tuple[int, str, int]]]:
    """Part -> (TOPIC or GROUP, its name, operation), …"""
    table = _TABLE.search(_TEXT)
    assert table
    logins = f"{settings.topic_prefix}logins"
    others = [(TOPIC, topic) for topic in settings.topics if topic != logins]
    side = [(TOPIC, settings.dead_letters), (TOPIC, settings.churn_risk)]
    columns = (others, [(TOPIC, logins)], side, [(GROUP, settings.group)])
    rights: dict[str, list[tuple[int, str, int]]] = {}
    for line in table[1].splitlines():
        part, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rights[part.strip("`")] = [
            (kind, name, OPERATIONS[operation.strip()])
            for cell, column in zip(cells, columns, strict=True)
            if cell
            for operation in cell.split(",")
            for kind, name in column
        ]
    return rights


def redis_rights(settings: Settings) -> dict[str, list[str]]:
    """User -> the rules of its ACL, but for the password."""
    lines = re.findall(r"^user (\S+) on >PASSWORD (.*)$", _TEXT, re.MULTILINE)
    return {user: rules.replace("assidu:", f"{settings.namespace}:").split() for user, rules in lines}
