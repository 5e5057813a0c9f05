"""Every panel's query, run by a real Prometheus over a real exporter and worker under simulated traffic."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
import yaml

from stream.demo.embedded import free_port
from stream.indicators.catalogue import METRICS
from stream.render.collector import COLLECTOR_JOB
from stream.render.pipeline import EXPORTER_JOB, WORKER_JOB
from tests.dashboards import drawing
from tests.stack.command import Assidu
from tests.stack.prometheus import Prometheus, program
from tests.stack.waiting import eventually

DEPLOY = Path(__file__).parents[2] / "deploy"
CHOSEN = {"product": ".+", "window": "7d", "channel": ".+", "segment": ".+", "__rate_interval": "10s"}
FEW_LABELS = 10  # enough for what is simulated: of what finds no place not everything is shown


class Query(NamedTuple):
    """Of one panel, with the variables that its reader chose filled in."""

    panel: str
    expression: str
    legend: str


def queries() -> Iterator[Query]:
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in drawing(json.loads(file.read_text())):
            for target in panel["targets"]:
                expression = re.sub(r"\$(\w+)", lambda variable: CHOSEN[variable[1]], target["expr"])
                yield Query(f"{file.stem}: {panel['title']}", expression, target.get("legendFormat", ""))


def configuration(folder: Path, ports: dict[str, int]) -> Path:
    """That of deploy/, each job with the port of the test, scraping every second."""
    found = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    found["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    del found["rule_files"], found["alerting"]
    for job in found["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(found))
    return file


def crowded() -> str:
    """Events of a product with more campaigns than there are places for."""
    click = {"type": "click", "user_id": "ann", "product": "crowded", "timestamp": datetime.now(UTC).isoformat()}
    return "".join(
        json.dumps(click | {"event_id": str(number), "campaign": f"campaign-{number}"}) + "\n"
        for number in range(FEW_LABELS + 5)
    )


class Knocking(threading.Thread):
    """Clients of Segment's kind, now and then: an event that is taken, one that is refused, one that is left out."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__()
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        events = [{"type": "track", "event": "Used", "userId": "ann"}, {"type": "track"}, {"type": "group"}]
        body = json.dumps({"batch": events}).encode()
        while not self._ended.wait(0.5):
            with (
                suppress(OSError),
                urllib.request.urlopen(urllib.request.Request(self._url, body, self._headers), timeout=5),
            ):
                pass


@pytest.fixture
def prometheus(assidu: Assidu, tmp_path: Path) -> Iterator[Prometheus]:
    """Scraping a worker and an exporter, while customers are simulated."""
    program("prometheus")
    ports = {
        EXPORTER_JOB: assidu.settings.exporter_port,
        WORKER_JOB: free_port(),
        COLLECTOR_JOB: assidu.settings.collector_port,
    }
    assert assidu.run("topics").returncode == 0
    assert assidu.run("emit", "-", stdin=crowded()).returncode == 0
    assidu.start("worker", worker_port=ports[WORKER_JOB], label_limit=FEW_LABELS)
    targets = tmp_path / "targets.toml"
    targets.write_text("[targets]\n" + "".join(f"{metric.name} = 1\n" for metric in METRICS))
    assidu.start("exporter", canary_seconds=1, indicators=targets)
    key = json.loads(assidu.run("keys", "create", "--product", "shop", "--format", "json").stdout)["key"]
    assidu.start("collector", canary_seconds=1)
    knocking = Knocking(f"http://127.0.0.1:{ports[COLLECTOR_JOB]}/v1/batch", key)
    assidu.start("simulate", "--customers", "500", "--rate", "100")
    with knocking, Prometheus(configuration(tmp_path, ports)) as server:
        yield server


@pytest.mark.slow
def test_every_panel_shows_data_under_simulated_traffic_and_every_gauge_has_its_labels(
    prometheus: Prometheus,
) -> None:
    waiting = list(queries())

    def none_left() -> bool:
        waiting[:] = [query for query in waiting if not shows_data(prometheus, query)]
        return not waiting

    try:
        eventually(none_left, 120, "data in every panel")
    except AssertionError:
        pytest.fail("no data:\n" + "\n".join(f"{query.panel}: {query.expression}" for query in waiting))
    for metric in METRICS:  # a label that the definition does not name would be lost in every query
        for sample in prometheus.query(metric.name):
            assert sample["metric"].keys() - {"__name__", "job", "instance"} == set(metric.label_names)


def shows_data(prometheus: Prometheus, query: Query) -> bool:
    """Whether it returns samples, each with every label that the legend names."""
    samples: list[dict[str, Any]] = prometheus.query(query.expression)
    for sample in samples:
        missing = set(re.findall(r"{{(\w+)}}", query.legend)) - sample["metric"].keys()
        assert not missing, f"{query.panel}: its legend names {missing}, which {sample['metric']} lacks"
    return bool(samples)
