"""Serve an aiohttp application until told to stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from stream.errors import UserError


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int, setting: str) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port (which matters when 0 was asked for).

    Raises UserError naming `setting` when the port cannot be had.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}:{port}: {error.strerror}; set {setting}, or ASSIDU_BIND"
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
