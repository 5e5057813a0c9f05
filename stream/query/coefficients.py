"""The coefficients of churn risk: which ought to be in force, and how many shards are scored by them already."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from stream.core.time import Calendar, rfc3339
from stream.indicators.churn.evidence import Scoring
from stream.indicators.churn.model import Coefficients
from stream.runtime.errors import UserError
from stream.runtime.json_text import json_text
from stream.runtime.terminal import Terminal
from stream.settings import Settings
from stream.store import meta
from stream.store.coefficients import publish_coefficients, read_coefficients
from stream.store.shard import SCORING, ShardStore


class _File(msgspec.Struct):
    churn_risk: dict[str, Any]


class InForce(msgspec.Struct, frozen=True):
    """`scored` of `shards` are scored by these coefficients; those that hold nothing yet count among them. `set_at`:
    RFC 3339; None: they are the defaults."""

    coefficients: Coefficients
    set_at: str | None
    scored: int
    shards: int


def read_file(file: Path) -> dict[str, float]:
    """Name -> value of what the file gives. Raises UserError when it is not what `assidu fit --out` writes."""
    try:
        given = msgspec.toml.decode(file.read_bytes(), type=_File).churn_risk
        if unknown := given.keys() - {field.name for field in fields(Coefficients)}:
            raise msgspec.ValidationError(f"there is no {', '.join(sorted(unknown))}")
        checked = asdict(msgspec.convert(asdict(Coefficients()) | given, Coefficients))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: {error}; expected a table [churn_risk], as `assidu fit --out` writes it") from None
    return {name: checked[name] for name in given}


async def apply(settings: Settings, given: dict[str, float], reset: bool) -> InForce:
    """Let workers score by what is given, everything else as it is; or by the defaults. Neither: only look."""
    async with meta.reading(settings) as redis:
        if reset:
            await publish_coefficients(redis, settings.namespace, None)
        elif given:
            before, _ = await read_coefficients(redis, settings.namespace)
            await publish_coefficients(redis, settings.namespace, replace(before, **given))
        wanted, set_ms = await read_coefficients(redis, settings.namespace)
        store, calendar = ShardStore(redis, settings.namespace), Calendar(settings.zone)
        packed = [await store.field(shard, SCORING) for shard in range(settings.partitions)]
    scored = sum(not each or Scoring.unpack(each, calendar).coefficients == wanted for each in packed)
    return InForce(wanted, None if set_ms is None else rfc3339(set_ms), scored, settings.partitions)


def to_json(found: InForce) -> str:
    return json_text(found)


def show(found: InForce, terminal: Terminal) -> None:
    """As text for a person."""
    for name, value in msgspec.to_builtins(found.coefficients).items():
        terminal.say(f"{name:24}{value:g}")
    terminal.say(f"they were set at {found.set_at}" if found.set_at else "they are the defaults: none were set")
    terminal.say(f"{found.scored} of {found.shards} shards are scored by them")
