"""Prometheus and Alertmanager as they are installed on this machine, for the tests."""

from __future__ import annotations

import json
import shutil
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from stream.demo.embedded import Server

LOOPBACK = "127.0.0.1"


def program(*names: str) -> str:
    """The first of the programs that is on PATH; the test is skipped, saying so, when there is none."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"NOT RUN: {' or '.join(names)} is not installed")


class HttpServer(Server):
    """Started with a configuration file of its own and the given options; answers when its /-/ready does."""

    def __init__(self, configuration: Path, *options: str) -> None:
        super().__init__()
        self._configuration = configuration
        self._options = options

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def answers(self) -> bool:
        try:
            with urlopen(f"http://{self.address}/-/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, HTTPException, OSError):
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """What the API answers."""
        with urlopen(f"http://{self.address}{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)


class Prometheus(HttpServer):
    title = "prometheus"

    def command(self) -> list[str]:
        return [
            program("prometheus"),
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self.folder / 'stored'}",
            f"--web.listen-address={self.address}",
            *self._options,
        ]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query, now."""
        answer = self.get("/api/v1/query", query=expression)
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def alerts(self) -> set[tuple[str, str]]:
        """(name, pending or firing) of every alert that is not inactive."""
        answer = self.get("/api/v1/alerts")
        return {(alert["labels"]["alertname"], alert["state"]) for alert in answer["data"]["alerts"]}


class Alertmanager(HttpServer):
    title = "alertmanager"

    def command(self) -> list[str]:
        return [
            program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={self._configuration}",
            f"--storage.path={self.folder / 'stored'}",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            *self._options,
        ]

    def states(self) -> dict[str, str]:
        """Alert -> active or suppressed."""
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in self.get("/api/v2/alerts")}
