"""`assidu keys` as a user runs it."""

from __future__ import annotations

import json

import pytest

from tests.stack.command import Assidu

MISTAKE = 2


def test_a_key_is_shown_once_listed_without_itself_and_revoked(assidu: Assidu) -> None:
    done = assidu.run(
        *"keys create --product shop --kind browser --rate 5 --origin https://Shop.example/ --format json".split()
    )
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["key"]
    plain = assidu.run("keys", "create", "--product", "app").stdout.strip()

    listed = assidu.run("keys", "list", "--format", "json").stdout
    first, second = json.loads(listed)["keys"]
    assert (first["product"], first["kind"], first["rate"]) == ("shop", "browser", 5)
    assert first["origins"] == ["https://shop.example"]
    assert (second["product"], second["ending"]) == ("app", plain[-4:])
    assert key not in listed

    assert assidu.run("keys", "revoke", key).returncode == 0
    left = assidu.run("keys", "list").stdout
    assert second["id"] in left
    assert first["id"] not in left


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("create", "--product"),
        ("create --product shop --kind browser --origin shop.example", "https://shop.example"),
        ("create --product shop --kind browser --origin https://shop.example/path", "no origin"),
        ("create --product shop --origin https://shop.example", "--kind browser"),
        ("create --product shop --rate 0", "--rate"),
        ("create --product shop --rate nan", "--rate"),
        ("create --product shop --key with:colon", "no blank, colon or quote"),
        ("revoke nobody", "assidu keys list"),
    ],
)
def test_a_mistake_is_named(assidu: Assidu, arguments: str, said: str) -> None:
    done = assidu.run("keys", *arguments.split())
    assert done.returncode == MISTAKE, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
