"""The canary through the door: how long a collector's own port takes until Kafka has acknowledged a test event.

It comes as clients do: it connects, over TLS where that is on, and posts one event with a key. As collectors may
share a port, another of them may answer: the key is known to all of a namespace. No figure of clients counts it, and
it is never spooled: it is to say how Kafka is.
"""

from __future__ import annotations

import asyncio
import ssl
from itertools import cycle
from time import monotonic, time

import aiohttp
import structlog

from stream.ingest.collector.keyring import Keyring
from stream.ingest.collector.measures import Measures
from stream.kafka.canaries import customer_ids, left_out
from stream.settings import Settings

log = structlog.get_logger()

_PATH = "/v1/events"
_PATIENCE = aiohttp.ClientTimeout(total=30.0)
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class Canary:
    """Posts one every ASSIDU_CANARY_SECONDS, to each shard in turn; 0: none. None either while there are no keys."""

    def __init__(self, settings: Settings, keyring: Keyring, measures: Measures) -> None:
        self._settings = settings
        self._keyring = keyring
        self._measures = measures
        self._failing = False

    async def run(self, port: int) -> None:
        """Until cancelled."""
        seconds = self._settings.canary_seconds
        if not seconds:
            await asyncio.Event().wait()
        url = self._url(port)
        # Each connects anew. It talks to itself, and by no name that its certificate could have.
        connector = aiohttp.TCPConnector(force_close=True, ssl=_unchecked())
        async with aiohttp.ClientSession(connector=connector, timeout=_PATIENCE) as http:
            for customer_id in cycle(customer_ids(self._settings.partitions)):
                if key := self._keyring.canary_key:
                    await self._post(http, url, key, customer_id)
                await asyncio.sleep(seconds)

    async def _post(self, http: aiohttp.ClientSession, url: str, key: str, customer_id: str) -> None:
        began = monotonic()
        event = left_out(customer_id, time())
        try:
            async with http.post(url, data=event, headers={"Authorization": f"Bearer {key}"}) as answer:
                await answer.read()
                wrong = None if answer.status == 200 else f"answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            wrong = str(error) or type(error).__name__
        self._measures.canary(None if wrong else monotonic() - began)
        if bool(wrong) != self._failing:
            self._failing = bool(wrong)
            if wrong:
                log.warning("canaries do not come through the door", error=wrong)
            else:
                log.info("canaries come through the door")

    def _url(self, port: int) -> str:
        host = _ANY_ADDRESS.get(self._settings.bind, self._settings.bind)
        scheme = "https" if self._settings.collector_cert else "http"
        return f"{scheme}://[{host}]:{port}{_PATH}" if ":" in host else f"{scheme}://{host}:{port}{_PATH}"


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
