"""Output that cannot be written: a word and an exit code, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stream.demo.embedded import EmbeddedRedis
from stream.settings import Settings
from tests.stack.command import PROGRAM, Assidu


@pytest.fixture
def assidu(redis_server: EmbeddedRedis, tmp_path: Path) -> Assidu:
    return Assidu(Settings(_env_file=None, redis=redis_server.url, namespace="output"), tmp_path)


def shell(assidu: Assidu, line: str, **changed: str) -> subprocess.CompletedProcess[str]:
    environment = assidu.environment() | {"ASSIDU": str(PROGRAM)} | changed
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], env=environment, cwd=assidu.folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", ["coefficients", "--help"])
def test_a_full_disk_has_a_word_and_an_exit_code(assidu: Assidu, arguments: str) -> None:
    done = shell(assidu, f"$ASSIDU {arguments} > /dev/full")
    assert (done.returncode, done.stderr) == (4, "assidu: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("arguments", ["coefficients --format json"])
def test_a_closed_output_has_a_word_and_an_exit_code(assidu: Assidu, arguments: str) -> None:
    done = shell(assidu, f"$ASSIDU {arguments} >&-")
    assert (done.returncode, done.stderr) == (4, "assidu: the output cannot be written: Bad file descriptor\n")


@pytest.mark.parametrize("arguments", ["coefficients", "coefficients --format json"])
def test_nothing_is_said_when_whoever_read_has_gone(assidu: Assidu, arguments: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [PROGRAM, *arguments.split()], env=assidu.environment(), stdout=writing, stderr=subprocess.PIPE, cwd="/"
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_any_text_can_be_written_whatever_the_encoding() -> None:
    program = "from stream.cli.endings import prepare_output; prepare_output(); print('夏')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert done.stdout == b"\\u590f\n"
