"""The snippets of docs/emit.md with the emitter run as they stand there, and all that they emit arrives."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from stream.kafka.topics import create_topics
from stream.settings import Settings
from tests.stack.reading import records

PAGE = Path(__file__).parents[2] / "docs" / "emit.md"


async def test_the_snippets_with_the_emitter_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await create_topics(settings, replication=1)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    found = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    snippets = [each for each in found if "stream.ingest" in each]  # tests/clients runs the others
    assert len(snippets) == 4
    for snippet in snippets:
        await asyncio.to_thread(exec, snippet, {"__name__": "__main__"})

    assert "wrong_type: page:" in capsys.readouterr().out
    for family, count in {"clicks": 2, "commerce": 1, "logins": 2, "sessions": 0}.items():
        await records(settings, settings.topic_prefix + family, count)
