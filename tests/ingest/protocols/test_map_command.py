"""`assidu map`: what a recorded request becomes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stream.cli import commands
from tests.ingest.protocols.calls import TIME

BODY = json.dumps(
    {
        "api_key": "secret-key",
        "events": [
            {"event_type": "login", "user_id": "ada", "time": 1774958340123, "insert_id": "i"},
            {"event_type": "$groupidentify"},
            {"event_type": "login", "user_id": None},
        ],
    }
)


def assidu(tmp_path: Path, captured: Any, *options: str) -> Result:
    file = tmp_path / "request.json"
    file.write_text(captured if isinstance(captured, str) else json.dumps(captured))
    return CliRunner().invoke(commands, ["map", str(file), *options])


def test_shows_what_each_event_becomes_and_why_not(tmp_path: Path) -> None:
    result = assidu(tmp_path, {"path": "/2/httpapi", "body": BODY})

    assert result.exit_code == 1
    for words in (
        "amplitude, answered with 200",
        "login",
        "ada",
        "left out: group",
        "refused: no_customer: expected",
    ):
        assert words in result.stdout
    assert "secret-key" not in result.output


def test_as_json(tmp_path: Path) -> None:
    packed = base64.b64encode(gzip.compress(BODY.encode())).decode()
    captured = {"path": "/2/httpapi/", "headers": {"Content-Encoding": "gzip"}, "body_base64": packed}

    found = json.loads(assidu(tmp_path, captured, "--format", "json").stdout)

    assert (found["protocol"], found["key"], found["answer"]["status"]) == ("amplitude", "sent", 200)
    assert found["events"][0]["event"] == {
        "type": "login",
        "user_id": "ada",
        "timestamp": TIME.replace("Z", "+00:00"),
        "event_id": "i",
    }
    assert [list(each)[2] for each in found["events"]] == ["family", "left_out", "refused"]


def test_with_a_mapping_of_ones_own(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[[event]]\nnames = ["login"]\ntype = "feature_use"\nset.feature = "door"')

    result = assidu(tmp_path, {"path": "/2/httpapi", "body": BODY}, "--mapping", str(mapping))

    assert 'feature="door"' in result.stdout


def test_a_document_that_a_browser_sdk_asks_for(tmp_path: Path) -> None:
    result = assidu(tmp_path, {"method": "GET", "path": "/array/k/config.js"})

    assert (result.exit_code, result.stdout.strip()) == (0, "configuration, answered with 200")


@pytest.mark.parametrize(
    ("captured", "options", "words"),
    [
        ("{}", [], "expected a request as JSON, with path, method, headers and body"),
        ({"path": "/batch", "body_base64": "%"}, [], "expected a request as JSON"),
        ({"path": "/nowhere"}, [], "POST /nowhere: no protocol has such a path"),
        ({"path": "/batch", "body": "{}"}, [], "is refused with 400: cannot tell whose events these are"),
        ({"path": "/batch", "body": BODY}, ["--protocol", "posthg"], "--protocol posthg: choose one of"),
        (
            {"path": "/batch", "headers": {"content-encoding": "gzip"}, "body_base64": "H4sI"},
            [],
            "the body: expected gzip",
        ),
    ],
)
def test_says_what_the_user_got_wrong(tmp_path: Path, captured: Any, options: list[str], words: str) -> None:
    result = assidu(tmp_path, captured, *options)

    assert result.exit_code == 2
    assert words in result.stderr


def test_a_protocol_may_be_named_where_the_path_does_not_tell(tmp_path: Path) -> None:
    captured = {"path": "/batch", "body": BODY}

    assert "amplitude, answered" in assidu(tmp_path, captured, "--protocol", "amplitude").stdout
