"""The command line: help at once, a message for every mistake, never a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from stream.cli import commands

NOBODY_THERE = {"ASSIDU_KAFKA": "127.0.0.1:1"}  # port 1 is reserved and closed


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(commands, arguments)


def test_help_shows_commands_examples_settings_and_exit_codes() -> None:
    result = run("--help")

    assert result.exit_code == 0
    for words in ("topics", "emit", "Examples:", "ASSIDU_KAFKA", "Exit codes:", "130"):
        assert words in result.output


def test_help_imports_neither_kafka_nor_redis_nor_settings() -> None:
    heavy = "{'aiokafka', 'redis', 'pydantic', 'faust', 'rich', 'numpy', 'schemas'}"
    program = f"import sys, stream.cli; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_says_what_to_install_where_only_the_emitter_is() -> None:
    program = "import sys; sys.modules['rich'] = None; import stream.cli; stream.cli.main()"

    done = subprocess.run([sys.executable, "-c", program, "status"], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "rich is not installed" in done.stderr
    assert "pip install 'assidu[server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["topics"], ["emit", "/dev/null"]])
def test_names_the_address_and_the_setting_when_kafka_is_away(command: list[str]) -> None:
    result = run(*command, **NOBODY_THERE)

    assert result.exit_code == 3
    assert "127.0.0.1:1" in result.stderr
    assert "ASSIDU_KAFKA" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["topics", "--replication", "0"], "--replication 0"),
        (
            ["report", "--since", "2026-03-01", "--openmetrics"],
            "--since, --openmetrics: only together with",
        ),
        (["report", "--history", "day", "--at", "2026-03-01T00:00Z"], "--at: not together with --history"),
        (["report", "--history", "day", "--openmetrics", "--format", "csv"], "--format: not together with --openm"),
        (["report", "--history", "day", "--since", "yesterday"], "'yesterday' is no date or time, for example 2026-"),
        (["report", "--history", "day", "--until", "9999-12-31"], "'9999-12-31' is no date or time, for example"),
        (["report", "--at", "9999-12-31T23:59:59-05:00"], "'9999-12-31T23:59:59-05:00' is not RFC 3339, for example"),
        (["report", "--history", "year"], "'year' is not one of 'hour', 'day', 'week', 'month'"),
        (["emit", "no-such-file.jsonl"], "cannot read no-such-file.jsonl: No such file"),
        (["emit", "."], "cannot read .: Is a directory"),
        (["emit", "--raw", "cliks", "/dev/null"], "--raw cliks: no such family; choose one of clicks"),
        (["emit", "--raw", "clicks", "--csv", "/dev/null"], "--raw and --csv exclude each other"),
        (["emit", "--type", "login", "--at", "12:00", "/dev/null"], "--type, --at: only together with --csv"),
        (["emit", "--csv", "/dev/null"], "--csv needs --type"),
        (["emit", "--csv", "--type", "buy", "/dev/null"], "no event type 'buy': choose one of attendance, click"),
        (["emit", "--csv", "--type", "login", "--map", "user_id", "/dev/null"], "--map user_id: write --map"),
        (
            ["emit", "--csv", "--type", "login", "--map", "bot=a", "--map", "bot=b", "/dev/null"],
            "--map bot=b: bot is given twice",
        ),
        (["emit", "--csv", "--type", "login", "--map", "colour=c", "/dev/null"], "login has no field colour"),
        (["emit", "--csv", "--type", "login", "--map", "user_id=u", "/dev/null"], "login needs timestamp"),
        (["emit", "--csv", "--type", "login", "--timezone", "Mars/Base", "/dev/null"], "--timezone Mars/Base"),
        (["emit", "--csv", "--type", "login", "--at", "noon", "/dev/null"], "--at noon"),
        (["emit", "--csv", "--type", "login", "--delimiter", "::", "/dev/null"], "--delimiter ::"),
        (["emit", "--encoding", "latin-11", "/dev/null"], "--encoding latin-11: not a text encoding"),
        (
            ["emit", "--csv", "--type", "login", "--date-format", "%d/%m", "/dev/null"],
            "--date-format %d/%m: a moment",
        ),
        (["emit", "--csv", "--type", "login", "--map", "user_id=u", "--set", "timestamp=now", "/dev/null"], "'now'"),
        (["fit", "--encoding", "latin-1"], "--csv and --encoding need a FILE"),
    ],
)
def test_says_what_the_user_got_wrong(arguments: list[str], words: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert words in result.stderr


def test_names_every_wrong_setting_at_once() -> None:
    result = run("topics", ASSIDU_PARTITIONS="0", ASSIDU_TIMEZONE="Mars/Base")

    assert result.exit_code == 2
    assert "ASSIDU_PARTITIONS='0'" in result.stderr
    assert "ASSIDU_TIMEZONE='Mars/Base'" in result.stderr


def test_a_variable_that_is_no_setting_is_named_and_ignored() -> None:
    result = run("indicators", ASSIDU_PARTITION="4", ASSIDU_CSAT_7_FROM="6")

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "assidu: ASSIDU_CSAT_7_FROM is not a setting, and is ignored; did you mean definitions.csat_7_from in the "
        "indicators file?",
        "assidu: ASSIDU_PARTITION is not a setting, and is ignored; did you mean ASSIDU_PARTITIONS?",
    ]
    assert "csat_7_from = 5" in result.stdout


def test_a_command_misused_is_reported_as_such_even_when_settings_are_wrong_too() -> None:
    result = run("emit", ASSIDU_PARTITIONS="0")

    assert result.exit_code == 2
    assert "Missing argument 'FILE'" in result.stderr
