"""cloudevents: each event by itself, in turn binary and structured."""

from urllib.parse import urlsplit

import requests
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from tests.clients.python.given import CALLS, HOST, KEY

for number, call in enumerate(CALLS):
    match call:
        case {"call": "page"}:
            name, data = "page_view", {"page": urlsplit(call["url"]).path}
        case {"call": "identify"}:
            name, data = "identify", {"traits": call["traits"]}
        case _:
            name, data = call["event"], call["properties"]
    about = {
        "type": name,
        "source": "https://shop.example",
        "subject": call["user"],
        "datacontenttype": "application/json",
    }
    message = (to_structured_event if number % 2 else to_binary_event)(CloudEvent(about, data))
    headers = {**message.headers, "Authorization": f"Bearer {KEY}"}
    requests.post(f"{HOST}/v1/events", message.body, headers=headers, timeout=30).raise_for_status()
