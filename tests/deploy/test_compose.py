"""What docker-compose.yml runs and mounts: used as it is, by the programs themselves, without containers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from click.testing import CliRunner
from redis import Redis

from stream.cli import commands
from stream.demo.embedded import EmbeddedRedis
from stream.render.collector import COLLECTOR_JOB
from stream.render.panels import SOURCE
from stream.render.pipeline import EXPORTER_JOB, WORKER_JOB
from stream.settings import Settings
from tests.stack.prometheus import Alertmanager, Prometheus, program

CHECKOUT = Path(__file__).parents[2]
DEPLOY = CHECKOUT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
EXAMPLE = DEPLOY / "alertmanager" / "receivers.example.yml"
OURS = {"topics", "worker", "exporter", "collector", "simulator"}


def succeeds(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """As they stand in the file."""
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    return found


def by_default(text: str) -> str:
    """What stands there where nothing is set: VALUE for each ${NAME:-VALUE}."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)


def mounts(service: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """(file or folder of the checkout, where the container sees it)."""
    for volume in service.get("volumes", []):
        source, target, *_ = by_default(volume).split(":")
        if source.startswith("."):
            yield CHECKOUT / source, target


def test_docker_compose_understands_it(services: dict[str, Any]) -> None:
    understood = yaml.safe_load(succeeds(program("docker-compose"), "config"))["services"]

    parts = {"kafka", "redis", "topics", "worker", "exporter", "collector", "prometheus", "alertmanager", "grafana"}
    assert understood.keys() == parts | {"simulator"}
    assert [name for name, service in services.items() if service.get("profiles") == ["demo"]] == ["simulator"]


def test_everything_that_goes_on_has_a_health_check_and_comes_back(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name not in ("topics", "simulator"):
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_every_image_is_of_a_named_release(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if name not in OURS:
            assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-alpine)?", service["image"]), name


def test_no_port_is_published_beyond_this_machine(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def test_every_mounted_file_is_there(services: dict[str, Any]) -> None:
    found = [source for service in services.values() for source, _ in mounts(service)]
    assert len(found) == 6 + len(OURS)
    for source in found:
        assert source.exists(), source


def test_every_command_of_ours_is_one_of_assidu(services: dict[str, Any]) -> None:
    for name in OURS:
        [command] = services[name]["command"]
        assert CliRunner().invoke(commands, [command, "--help"]).exit_code == 0, command


def test_our_settings_are_settings_and_the_parts_find_each_other(
    services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        environment = {key: by_default(str(value)) for key, value in services[name]["environment"].items()}
        [(file, seen_as)] = mounts(services[name])
        assert environment["ASSIDU_INDICATORS"] == seen_as
        environment["ASSIDU_INDICATORS"] = str(file)
        assert {key.removeprefix("ASSIDU_").lower() for key in environment} <= Settings.model_fields.keys()
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        settings = Settings(_env_file=None)
        assert settings.kafka.partition(":")[0] in services
        assert settings.redis.get_secret_value().removeprefix("redis://").partition(":")[0] in services


def test_prometheus_scrapes_the_ports_that_exporter_worker_and_collector_serve(services: dict[str, Any]) -> None:
    jobs = {job["job_name"]: job for job in scrape_configs()}
    assert jobs.keys() == {EXPORTER_JOB, WORKER_JOB, COLLECTOR_JOB}
    for job, part in ((EXPORTER_JOB, "exporter"), (WORKER_JOB, "worker"), (COLLECTOR_JOB, "collector")):
        [found] = jobs[job]["dns_sd_configs"]
        assert found["names"] == [part]
        assert found["port"] == services[part]["environment"][f"ASSIDU_{part.upper()}_PORT"]


def scrape_configs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    return found


def test_promtool_finds_nothing_wrong_with_the_configuration_and_the_rules() -> None:
    promtool = program("promtool")
    succeeds(promtool, "check", "config", PROMETHEUS / "prometheus.yml")
    succeeds(promtool, "check", "rules", *(PROMETHEUS / "rules").glob("*.yml"))


@pytest.mark.parametrize("file", sorted((PROMETHEUS / "tests").glob("*.yml")), ids=lambda file: file.stem)
def test_the_rules_do_what_their_tests_say(file: Path) -> None:
    succeeds(program("promtool"), "test", "rules", file)


def test_every_rule_has_a_test_in_which_it_fires() -> None:
    rules = (PROMETHEUS / "rules" / "assidu.yml").read_text()
    tests = "".join(file.read_text() for file in (PROMETHEUS / "tests").glob("*.yml"))
    for name in re.findall(r"- alert: (\w+)", rules):
        assert f'labels: \'{{alertname="{name}"' in tests, name


def test_prometheus_starts_with_the_configuration_as_it_is() -> None:
    program("prometheus")
    with Prometheus(PROMETHEUS / "prometheus.yml") as prometheus:
        groups = prometheus.get("/api/v1/rules")["data"]["groups"]
        assert [group["name"] for group in groups] == ["assidu-business", "assidu-pipeline"]
        managers = prometheus.get("/api/v1/status/config")["data"]["yaml"]
        assert "alertmanager:9093" in managers


def test_prometheus_and_alertmanager_know_the_options_they_are_given(services: dict[str, Any]) -> None:
    for part, names in (
        ("prometheus", ["prometheus"]),
        ("alertmanager", ["prometheus-alertmanager", "alertmanager"]),
    ):
        told = subprocess.run([program(*names), "--help"], capture_output=True, text=True, check=False)
        for option in services[part]["command"]:
            assert option.partition("=")[0] in told.stdout + told.stderr, option


def test_alertmanager_starts_with_the_configuration_as_it_is() -> None:
    succeeds(program("amtool"), "check-config", ALERTMANAGER)
    program("prometheus-alertmanager", "alertmanager")
    with Alertmanager(ALERTMANAGER) as alertmanager:
        assert alertmanager.states() == {}


def test_amtool_finds_nothing_wrong_with_the_example_of_receivers() -> None:
    succeeds(program("amtool"), "check-config", EXAMPLE)


def test_the_example_is_the_configuration_with_a_webhook_an_e_mail_and_slack_and_no_secret() -> None:
    example, silent = (yaml.safe_load(file.read_text()) for file in (EXAMPLE, ALERTMANAGER))

    for part in ("route", "inhibit_rules"):
        assert example[part] == silent[part]
    assert [each["name"] for each in example["receivers"]] == [each["name"] for each in silent["receivers"]]
    kinds = {kind for each in example["receivers"] for kind in each} - {"name"}
    assert kinds == {"webhook_configs", "email_configs", "slack_configs"}
    secrets = re.findall(r"^\s*(\w*(?:password|api_url|credentials)\w*): (.*)$", EXAMPLE.read_text(), re.MULTILINE)
    assert len(secrets) == 3
    for name, value in secrets:
        assert name.endswith("_file") and value.startswith("secrets/"), name


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=EngagementStickinessLow", "scope=business"], "customer-success"),
        (["alertname=AssiduDataStale", "scope=pipeline"], "on-call"),
        (["alertname=Unheard"], "on-call"),
    ],
)
def test_an_alert_goes_to_those_whom_it_concerns(labels: list[str], receiver: str) -> None:
    route = succeeds(program("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert route.split() == [receiver]


class ConfiguredRedis(EmbeddedRedis):
    """A redis-server with deploy/redis.conf as it is, but for where it listens and stores."""

    def command(self) -> list[str]:
        own = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [program("redis-server"), str(DEPLOY / "redis.conf"), *own]


def test_redis_starts_with_its_configuration_persistent_and_never_evicting() -> None:
    program("redis-server")
    with ConfiguredRedis() as server, Redis.from_url(server.url, decode_responses=True) as client:
        for name, value in (("appendonly", "yes"), ("appendfsync", "everysec"), ("maxmemory-policy", "noeviction")):
            assert client.config_get(name) == {name: value}


def test_grafana_is_given_the_data_source_and_the_dashboards_that_were_rendered(services: dict[str, Any]) -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "assidu.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "assidu.yml").read_text())["providers"]
    seen = {target: place for place, target in mounts(services["grafana"])}
    home = Path(services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert (source["type"], source["uid"]) == (SOURCE.type_val, SOURCE.uid)
    assert source["url"] == "http://prometheus:9090"
    assert (seen[provider["options"]["path"]] / home.name).is_file()


@pytest.mark.slow
def test_the_files_that_the_image_gets_are_enough_for_the_package(tmp_path: Path) -> None:
    context, wheels = tmp_path / "context", tmp_path / "wheels"
    context.mkdir()
    for name in let_into_the_image():
        copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
        copy(CHECKOUT / name, context / name)
    succeeds(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, context)

    [wheel] = wheels.iterdir()
    packed = set(ZipFile(wheel).namelist())
    for package in ("stream", "schemas"):
        for path in (CHECKOUT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(CHECKOUT)) in packed


def let_into_the_image() -> set[str]:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_the_image_is_built_from_nothing_but_the_package_and_runs_without_root() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.M) for name in line.split()}

    assert copied == let_into_the_image()
    assert all((CHECKOUT / name).exists() for name in copied)
    assert re.search(r"^USER \d+$", dockerfile, re.M)
