"""rudder-sdk-python."""

from rudderstack.analytics.client import Client

from tests.clients.python.given import CALLS, HOST, KEY

client = Client(KEY, host=HOST)
for call in CALLS:
    match call:
        case {"call": "page"}:
            client.page(call["user"], name=call["title"], properties={"url": call["url"]})
        case {"call": "identify"}:
            client.identify(call["user"], call["traits"])
        case _:
            client.track(call["user"], call["event"], call["properties"])
client.shutdown()
