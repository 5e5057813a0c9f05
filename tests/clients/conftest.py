"""One front door for all clients."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.demo.embedded import EmbeddedRedis, KafkaServer
from tests.clients.door import Door
from tests.conftest import own_settings
from tests.stack.command import Assidu

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="session")
def door(kafka: KafkaServer, redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    assidu = Assidu(own_settings(kafka, redis_server), tmp_path_factory.mktemp("clients"))
    try:
        yield Door(assidu)
    finally:
        assidu.close()


@pytest.fixture(scope="session")
def python_clients() -> None:
    """They are there."""
    if importlib.util.find_spec("segment") is None:
        pytest.skip("THE CLIENTS FOR PYTHON ARE NOT THERE (`make test-clients` installs them): none was tried")


@pytest.fixture(scope="session")
def node() -> str:
    """The program; with the clients' packages beside it."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("NODE IS NOT INSTALLED: no client for Node or browsers was tried")
    if not (HERE / "node" / "node_modules").is_dir():
        pytest.skip("THE CLIENTS' NPM PACKAGES ARE NOT THERE (`make test-clients` installs them): none was tried")
    return program
