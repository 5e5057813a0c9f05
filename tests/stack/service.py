"""A worker or an exporter that runs: its process, and what it answers over HTTP."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from stream.demo.embedded import Child
from tests.recount import Sample
from tests.stack.waiting import eventually

_ADDRESS = re.compile(r"(?:http=|metrics=http://)127\.0\.0\.1:(\d+)")


class Service:
    """Counts as started once its log names its port."""

    def __init__(self, child: Child) -> None:
        self.child = child

    @property
    def log(self) -> str:
        return self.child.log.read_text(errors="replace")

    def wait_until_serving(self, within_seconds: float = 30) -> None:
        eventually(lambda: _ADDRESS.search(self.log), within_seconds, f"the port of {self.child.log.name}")

    @property
    def port(self) -> int:
        match = _ADDRESS.search(self.log)
        assert match, f"{self.child.log.name} does not serve yet"
        return int(match[1])

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self) -> dict[Sample, float]:
        """Every sample of /metrics."""
        status, text = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def engagement(self) -> list[dict[str, Any]]:
        """The indicators of /metrics, as `assidu report` gives them."""
        return [
            {"name": name, "labels": dict(labels), "value": value}
            for (name, labels), value in self.metrics().items()
            if name.startswith("engagement_")
        ]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name which carry these labels; 0 when there is none."""
        return sum(
            value for (found, has), value in self.metrics().items() if found == name and labels.items() <= set(has)
        )

    def is_ready(self) -> bool:
        return self.get("/readyz")[0] == 200
