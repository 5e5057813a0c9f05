"""posthog, by the protocol that it speaks by itself, or by its new one."""

from posthog import Posthog

from tests.clients.python.given import CALLS, HOST, KEY

client = Posthog(KEY, host=HOST)
for call in CALLS:
    match call:
        case {"call": "page"}:
            client.capture("$pageview", distinct_id=call["user"], properties={"$current_url": call["url"]})
        case {"call": "identify"}:
            client.set(distinct_id=call["user"], properties=call["traits"])
        case _:
            client.capture(call["event"], distinct_id=call["user"], properties=call["properties"])
client.shutdown()
