"""Settings: what is wrong is named, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.core.definitions import Definitions
from stream.indicators.config import Config
from stream.runtime.errors import UserError
from stream.settings import Settings, read_settings, unknown_settings


def test_names_every_wrong_setting_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSIDU_PARTITIONS", "0")
    monkeypatch.setenv("ASSIDU_TIMEZONE", "Mars/Olympus")
    monkeypatch.setenv("ASSIDU_KAFKA", "nowhere")
    monkeypatch.setenv("ASSIDU_CLOCK", "sundial")
    with pytest.raises(UserError) as error:
        read_settings()
    for expected in (
        "ASSIDU_PARTITIONS='0'",
        "ASSIDU_TIMEZONE='Mars/Olympus': 'Mars/Olympus' is not an IANA time zone",
        "ASSIDU_KAFKA='nowhere': 'nowhere' is not host:port",
        "ASSIDU_CLOCK='sundial': Input should be 'wall' or 'event'",
    ):
        assert expected in str(error.value)


def test_names_what_looks_like_a_setting_and_is_none_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ASSIDU_REDIS_URL=redis://h/0\nASSIDU_TIMEZONE=Europe/Paris\nOTHERS=1\n")
    for name in ("ASSIDU_PARTITION", "ASSIDU_FIRST_WEEK_DAYS", "assidu_zone", "ASSIDUOUS", "ASSIDU_GROUP"):
        monkeypatch.setenv(name, "4")
    monkeypatch.setenv("ASSIDU_NOTHING", " ")
    assert unknown_settings() == {
        "ASSIDU_FIRST_WEEK_DAYS": "definitions.first_week_days in the indicators file",
        "ASSIDU_PARTITION": "ASSIDU_PARTITIONS",
        "ASSIDU_REDIS_URL": "",
        "ASSIDU_ZONE": "",
    }
    assert read_settings().timezone == "Europe/Paris"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_no_stranger(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"ASSIDU_{name.upper()}", "1")
    assert not unknown_settings()


def test_has_the_defaults_of_the_contract() -> None:
    settings = Settings(_env_file=None)
    assert (settings.kafka, str(settings.redis)) == ("127.0.0.1:9092", "redis://127.0.0.1:6379/0")
    assert (settings.partitions, settings.timezone, settings.clock) == (8, "UTC", "wall")
    assert (settings.exporter_port, settings.collector_port, settings.worker_port) == (9464, 8080, 0)
    assert list(settings.topics) == [
        f"engagement.{family}"
        for family in "clicks logins sessions surveys usage commerce support messages identity".split()
    ]


def test_an_indicators_file_that_cannot_be_read_is_named_as_are_all_mistakes_in_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSIDU_PARTITIONS", "0")
    Path("wrong.toml").write_text("[definitions]\ncsat_7_from = 9\nfirst_week = 2\n")
    Path("latin.toml").write_bytes("# price\n# prix ou coût\n".encode("latin-1"))
    for given, *expected in (
        ("nowhere.toml", "ASSIDU_INDICATORS='nowhere.toml': cannot be read: No such file or directory"),
        (".", "ASSIDU_INDICATORS='.': cannot be read: Is a directory"),
        ("latin.toml", "ASSIDU_INDICATORS='latin.toml': latin.toml:2: is not UTF-8"),
        (
            "wrong.toml",
            "ASSIDU_INDICATORS='wrong.toml': has mistakes:\n"
            "    wrong.toml:2: definitions.csat_7_from: must be 5 or 6, not 9\n"
            "    wrong.toml:3: definitions.first_week: is not known here; the nearest that is: first_week_days",
        ),
    ):
        monkeypatch.setenv("ASSIDU_INDICATORS", given)
        with pytest.raises(UserError) as error:
            read_settings()
        for each in (*expected, "ASSIDU_PARTITIONS='0'"):
            assert each in str(error.value)


def test_reads_the_indicators_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("indicators.toml").write_text("\ufeffdefinitions.first_week_days = 4\r\n", encoding="utf-8")
    monkeypatch.setenv("ASSIDU_INDICATORS", "indicators.toml")
    assert read_settings().indicators == Config(Definitions(first_week_days=4), path=f"{tmp_path}/indicators.toml")


def test_reads_a_dotenv_file_below_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open(".env", "w") as file:
        file.write("ASSIDU_PARTITIONS=3\nASSIDU_GROUP=from-file\n")
    monkeypatch.setenv("ASSIDU_GROUP", "from-environment")
    settings = read_settings()
    assert (settings.partitions, settings.group) == (3, "from-environment")


def test_the_group_is_named_like_the_namespace_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(_env_file=None).group == "assidu"
    assert Settings(_env_file=None, namespace="cdnow").group == "cdnow"
    assert Settings(_env_file=None, namespace="cdnow", group="mine").group == "mine"
    monkeypatch.setenv("ASSIDU_NAMESPACE", "cdnow")
    monkeypatch.setenv("ASSIDU_GROUP", "")
    assert Settings(_env_file=None).group == "cdnow"
    monkeypatch.setenv("ASSIDU_NAMESPACE", "with blanks")
    with pytest.raises(UserError, match=r"ASSIDU_NAMESPACE='with blanks'(?!.*ASSIDU_GROUP)"):
        read_settings()


def test_masks_are_kept_whole_in_event_time_and_beyond_the_horizon_otherwise() -> None:
    assert Settings(_env_file=None, clock="event").keep_days is None
    assert Settings(_env_file=None, horizon_days=400).keep_days == 500


@pytest.mark.parametrize("name", Settings.model_fields)
@pytest.mark.parametrize("nothing", ["", "  ", "''", '""', ' "" '])
def test_an_empty_setting_is_unset(monkeypatch: pytest.MonkeyPatch, name: str, nothing: str) -> None:
    monkeypatch.setenv(f"ASSIDU_{name.upper()}", nothing)
    assert read_settings() == Settings(_env_file=None)


@pytest.mark.parametrize("given", [" Europe/Paris ", "'Europe/Paris'", '"Europe/Paris"', ' "Europe/Paris"\r'])
def test_spaces_and_quotes_around_a_setting_are_not_of_it(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("ASSIDU_TIMEZONE", given)
    assert read_settings().timezone == "Europe/Paris"


def test_the_same_holds_in_a_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        "ASSIDU_TIMEZONE=",
        "ASSIDU_GROUP='own'",
        "ASSIDU_KAFKA = broker:9092 ",
        "ASSIDU_TOKEN",
        "ASSIDU_REDIS=''",
    ]
    (tmp_path / ".env").write_text("\r\n".join(lines))
    settings = read_settings()
    assert (settings.timezone, settings.group, settings.kafka) == ("UTC", "own", "broker:9092")
    assert (settings.token, str(settings.redis)) == (None, "redis://127.0.0.1:6379/0")


@pytest.mark.parametrize("nothing", ["", " ", '""'])
def test_what_is_empty_in_the_environment_is_what_the_dotenv_file_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nothing: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ASSIDU_TIMEZONE=Europe/Paris\n")
    monkeypatch.setenv("ASSIDU_TIMEZONE", nothing)
    assert read_settings().timezone == "Europe/Paris"


def test_another_process_reads_the_same_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("indicators.toml").write_text("targets.engagement_nps_score = 30")
    settings = Settings(
        _env_file=None,
        redis="redis://u:p%40w@h:1/2",
        token="t" * 16,
        timezone="Europe/Paris",
        indicators="indicators.toml",
    )
    monkeypatch.chdir("/")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings
