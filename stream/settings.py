"""Settings: read once from the environment (and a `.env` file), passed down, never read again."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_serializer, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from schemas import FAMILIES
from stream.indicators.config import Config, Known, parsed
from stream.runtime.errors import UserError
from stream.runtime.secret import SecretFile, SecretUrl, concealed
from stream.runtime.servers import Servers

_PREFIX = "ASSIDU_"
_FILE = "_FILE"


class _Environment(EnvSettingsSource):
    """An empty variable is unset; spaces and quotes around a value are not of it, whoever passed them on. A secret
    may be given by the path of its file."""

    def __call__(self) -> dict[str, Any]:
        return _with_secret_files(_as_meant(super().__call__()), self.env_vars)


class _DotEnv(DotEnvSettingsSource):
    """The same in a file."""

    def __call__(self) -> dict[str, Any]:
        return _with_secret_files(_as_meant(super().__call__()), self.env_vars)


def _with_secret_files(given: dict[str, Any], variables: Mapping[str, str | None]) -> dict[str, Any]:
    files = _as_meant({name: variables.get(f"{_PREFIX}{name}{_FILE}".lower()) or "" for name in secret_settings()})
    return given | {name: SecretFile(f"{_PREFIX}{name.upper()}", path, name in given) for name, path in files.items()}


def _as_meant(given: dict[str, Any]) -> dict[str, Any]:
    meant = {name: _unquoted(value) if isinstance(value, str) else value for name, value in given.items()}
    return {name: value for name, value in meant.items() if value != ""}


def _unquoted(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1].strip() if quoted else text


class Settings(Servers):
    """Every setting of every command; the environment variable is `ASSIDU_` + the upper-case name.

    A secret may be given as the path of a file that holds it, in `…_FILE`. Durations end in their unit or are
    seconds; ports of 0 mean "any free one". `known` are the names that the indicators file may give; None: any.
    """

    known: ClassVar[Known | None] = None

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True, arbitrary_types_allowed=True
    )

    partitions: int = Field(8, ge=1, le=1024)
    timezone: str = "UTC"
    clock: Literal["wall", "event"] = "wall"
    topic_prefix: str = "engagement."
    namespace: str = Field("assidu", pattern=r"^[A-Za-z0-9_.:-]+$")
    group: str = Field("", validate_default=True)
    horizon_days: int = Field(400, ge=31, le=4000)
    repeat_hours: int = Field(24, ge=1, le=24 * 31)
    label_limit: int = Field(200, ge=1)
    product_limit: int = Field(50, ge=1)
    indicators: Config = Config()
    idempotence: Literal["auto", "on", "off"] = "auto"
    kafka_session_timeout: float = Field(10, gt=0)
    kafka_rebalance_timeout: float = Field(12, gt=0)
    cache_customers: int = Field(100_000, ge=1)
    stall_seconds: float = Field(60, gt=0)
    stale_seconds: float = Field(60, gt=0)
    canary_seconds: float = Field(5, ge=0)
    token: SecretStr | None = Field(None, min_length=16)
    grafana_url: str = "http://localhost:3000"
    runbook_url: str = "docs/runbook.md"
    bind: str = "127.0.0.1"
    worker_port: int = Field(0, ge=0, le=65535)
    exporter_port: int = Field(9464, ge=0, le=65535)
    collector_port: int = Field(8080, ge=0, le=65535)
    collector_prefix: str = Field("", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    collector_mapping: str = ""
    collector_bytes: int = Field(64 * 1024 * 1024, ge=1024 * 1024)
    collector_kafka_timeout: float = Field(5, gt=0)
    collector_spool: str = ""
    collector_spool_bytes: int = Field(1024 * 1024 * 1024, ge=1024 * 1024)
    collector_cert: str = ""
    collector_key: str = ""
    collector_trusted_proxies: str = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        return init_settings, _Environment(settings_cls), _DotEnv(settings_cls, dotenv_settings.env_file)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is not an IANA time zone (for example Europe/Paris)")
        return name

    @field_validator("group")
    @classmethod
    def _like_the_namespace(cls, group: str, info: ValidationInfo) -> str:
        """Two namespaces in one group would take shards from each other."""
        return group or str(info.data.get("namespace", ""))

    @field_validator("*", mode="before")
    @classmethod
    def _read_secret(cls, given: Any) -> Any:
        return given.read() if isinstance(given, SecretFile) else given

    @field_validator("collector_trusted_proxies")
    @classmethod
    def _networks(cls, given: str) -> str:
        for each in filter(None, map(str.strip, given.split(","))):
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"{error}; expected networks such as 10.0.0.0/8, or addresses") from None
        return given

    @field_validator("indicators", mode="before")
    @classmethod
    def _read_from_file(cls, given: Any) -> Config:
        return given if isinstance(given, Config) else _read_indicators(str(given), cls.known)

    @field_serializer("indicators")
    def _by_name_of_file(self, config: Config) -> str:
        return config.path

    def environment(self) -> dict[str, str]:
        """The variables that another process must have to read the same settings, secrets included."""
        set_ = {name: value for name, value in self.model_dump().items() if value is not None}
        return {
            f"ASSIDU_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in set_.items()
        }

    @property
    def secrets(self) -> list[str]:
        """What of the settings no message and no log may show; of every setting that is a SecretStr."""
        found: list[str] = []
        for value in dict(self).values():
            if isinstance(value, SecretUrl):
                found += value.secrets
            elif isinstance(value, SecretStr):
                found.append(value.get_secret_value())
        return found

    @property
    def proxies(self) -> list[IPv4Network | IPv6Network]:
        """Whose X-Forwarded-For and -Proto are believed."""
        return [ip_network(each.strip()) for each in self.collector_trusted_proxies.split(",") if each.strip()]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def kafka_heartbeat_interval(self) -> float:
        """Seconds: a third of the session, as Kafka advises, and at most 3."""
        return min(3.0, self.kafka_session_timeout / 3)

    @cached_property
    def topics(self) -> dict[str, str]:
        """Kafka topic name -> event family, for all nine families."""
        return {self.topic_prefix + family: family for family in FAMILIES}

    @property
    def oldest_days(self) -> int | None:
        """How many days older than its Kafka record an event may be; None: any age (event clock)."""
        return self.horizon_days if self.clock == "wall" else None

    @property
    def keep_days(self) -> int | None:
        """How many days of activity are kept: covers look back 60 days from the oldest event, the rest is room
        for lag; None: all (event clock)."""
        return self.horizon_days + 100 if self.clock == "wall" else None

    @property
    def dead_letters(self) -> str:
        return self.topic_prefix + "dead-letters"

    @property
    def churn_risk(self) -> str:
        return self.topic_prefix + "churn-risk"


def _read_indicators(given: str, known: Known | None) -> Config:
    """The file of that name. Raises ValueError, naming all that is wrong in it."""
    path = Path(given)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{given}:{line}: is not UTF-8") from None
    try:
        return parsed(text, given, str(path.absolute()), known)
    except ValueError as error:
        mistakes = "".join(f"\n    {line}" for line in str(error).splitlines())
        raise ValueError(f"has mistakes:{mistakes}") from None


def read_settings(kind: type[Settings] = Settings) -> Settings:
    """The settings of this process; every missing or wrong one is named in one UserError, secrets without value."""
    try:
        return kind()
    except ValidationError as error:
        lines = "\n  ".join(
            _said(str(problem["loc"][0]), problem["input"], problem["msg"]) for problem in error.errors()
        )
        raise UserError(f"wrong settings:\n  {lines}") from None


def unknown_settings() -> dict[str, str]:
    """Variables that begin like a setting and are none, as their names are written in capitals -> what was probably
    meant: a setting or a definition of the indicators file; empty if nothing is like it."""
    sources = _Environment(Settings), _DotEnv(Settings, Settings.model_config.get("env_file"))
    given = {name for source in sources for name, value in _as_meant(dict(source.env_vars)).items() if value}
    names = {name.removeprefix(_PREFIX.lower()) for name in given if name.startswith(_PREFIX.lower())}
    meant = {name: f"definitions.{name} in the indicators file" for name in vars(Config().definitions)}
    meant |= {name: f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    meant |= {f"{name}_file": f"{_PREFIX}{name.upper()}{_FILE}" for name in secret_settings()}
    unknown = sorted(names - {name for name, setting in meant.items() if setting.startswith(_PREFIX)})
    nearest = {name: get_close_matches(name, meant, n=1, cutoff=0.8) for name in unknown}
    return {f"{_PREFIX}{name.upper()}": "".join(meant[each] for each in found) for name, found in nearest.items()}


def _said(name: str, given: object, wrong: str) -> str:
    wrong = wrong.removeprefix("Value error, ")
    if given is None or name in secret_settings():
        return f"ASSIDU_{name.upper()}: {wrong}"
    return concealed(f"ASSIDU_{name.upper()}={given!r}: {wrong}")


@cache
def secret_settings() -> frozenset[str]:
    """Those that may be given as a file, too."""
    return frozenset(name for name, field in Settings.model_fields.items() if _is_secret(field.annotation))


def _is_secret(annotation: Any) -> bool:
    """Is it a SecretStr, or may it be one?"""
    if isinstance(annotation, type):
        return issubclass(annotation, SecretStr)
    return any(map(_is_secret, get_args(annotation)))
