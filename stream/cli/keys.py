"""The command `assidu keys`: who may send events over HTTP."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import click

from stream.cli.read import AS_TABLE_OR_JSON
from stream.runtime.lifecycle import run_interruptibly

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from stream.store.api_keys import ApiKeys

T = TypeVar("T")

_MOST_PRODUCT, _MOST_KEY = 128, 256  # characters


class _Origin(click.ParamType):
    """Of a page, as browsers name it."""

    name = "ORIGIN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        origin = str(value).lower().removesuffix("/")
        try:
            parts = urlsplit(origin)
            whole = parts.hostname and origin == f"{parts.scheme}://{parts.netloc}" and parts.username is None
            if not whole or parts.scheme not in ("http", "https") or parts.port == 0:
                raise ValueError
        except ValueError:
            self.fail(f"{value!r} is no origin, for example https://shop.example", param, ctx)
        return origin


class _ExistingKey(click.ParamType):
    """That fits into every place where clients put one."""

    name = "EXISTING"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        key = str(value)
        if not (0 < len(key) <= _MOST_KEY and key.isascii() and key.isprintable()) or set(key) & set(" :,;\"'\\"):
            self.fail(f"must have 1 to {_MOST_KEY} letters, digits and signs, no blank, colon or quote", param, ctx)
        return key


class _Product(click.ParamType):
    name = "P"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not 0 < len(str(value)) <= _MOST_PRODUCT:
            self.fail(f"a product has 1 to {_MOST_PRODUCT} characters", param, ctx)
        return str(value)


class _Rate(click.FloatRange):
    """Events a second; NaN is within no range, and no bound tells so."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        rate = float(super().convert(value, param, ctx))
        if not isfinite(rate):
            self.fail(f"{value!r} is no number of events", param, ctx)
        return rate


@click.group()
def keys() -> None:
    """Create, list and revoke API keys: who may send events to `assidu collector`, for which product.

    Redis has keyed hashes of them under ASSIDU_NAMESPACE. Collectors know a new key, and a revoked one no more,
    within two seconds.
    """


@keys.command()
@click.option("--product", type=_Product(), required=True, help="Of all events that come with the key.")
@click.option(
    "--kind",
    type=click.Choice(["server", "browser"]),
    default="server",
    show_default=True,
    help="A browser's key is public: bots are marked, and --origin bounds where it is used.",
)
@click.option("--key", "existing", type=_ExistingKey(), help="Take over this key of another system.")
@click.option("--rate", type=_Rate(min=0, min_open=True), metavar="N", help="At most N events a second.")
@click.option("--origin", "origins", type=_Origin(), multiple=True, help="Only from pages of these origins.")
@AS_TABLE_OR_JSON
def create(
    product: str, kind: str, existing: str | None, rate: float | None, origins: tuple[str, ...], format_: str
) -> None:
    """Create a key and print it: this once, for it cannot be read again.

    With --rate a key may send ten seconds' worth at once.
    """
    from stream.runtime.errors import UserError
    from stream.store.api_keys import KEY_KINDS

    if origins and kind != "browser":
        raise UserError("--origin needs --kind browser: only browsers say where they are")
    chosen = next(each for each in KEY_KINDS if each == kind)
    key = _with_keys(lambda stored: stored.create(product, chosen, rate, origins, existing))
    click.echo(json.dumps({"key": key}) if format_ == "json" else key)


@keys.command(name="list")
@AS_TABLE_OR_JSON
def list_(format_: str) -> None:
    """List all keys, without the keys themselves: id, product and the last characters."""
    from stream.core.time import rfc3339
    from stream.runtime.terminal import Terminal

    found = sorted(_with_keys(lambda stored: stored.table()).keys.items(), key=lambda each: each[1].created_ms)
    if format_ == "json":
        rows = [
            {
                "id": id_,
                "product": key.product,
                "kind": key.kind,
                "rate": key.rate,
                "origins": key.origins,
                "created": rfc3339(key.created_ms),
                "ending": key.ending,
            }
            for id_, key in found
        ]
        click.echo(json.dumps({"keys": rows}, indent=2))
        return
    shown = (
        (
            id_,
            key.product,
            key.kind,
            "any" if key.rate is None else f"{key.rate:g}/s",
            " ".join(key.origins) or "any",
            rfc3339(key.created_ms),
            f"…{key.ending}",
        )
        for id_, key in found
    )
    Terminal().table(("id", "product", "kind", "rate", "origins", "created", "key"), shown)


@keys.command()
@click.argument("key_or_id", metavar="KEY|ID")
def revoke(key_or_id: str) -> None:
    """Revoke a key, named by itself or by its id."""
    found = _with_keys(lambda stored: stored.revoke(key_or_id))
    click.echo(f"assidu: revoked {found.id} of product {found.key.product!r}", err=True)


def _with_keys(work: Callable[[ApiKeys], Awaitable[T]]) -> T:
    from stream.cli.settings import read_settings
    from stream.store.api_keys import ApiKeys
    from stream.store.connect import connect

    settings = read_settings()

    async def done() -> T:
        async with connect(settings) as redis:
            return await work(ApiKeys(redis, settings.namespace))

    return run_interruptibly(done())
