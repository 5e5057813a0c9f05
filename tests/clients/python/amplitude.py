"""amplitude-analytics."""

from amplitude import Amplitude, BaseEvent, EventOptions, Identify

from tests.clients.python.given import CALLS, HOST, KEY

client = Amplitude(KEY)
client.configuration.server_url = f"{HOST}/2/httpapi"
for call in CALLS:
    match call:
        case {"call": "page"}:
            page = {"[Amplitude] Page URL": call["url"]}
            client.track(BaseEvent("[Amplitude] Page Viewed", user_id=call["user"], event_properties=page))
        case {"call": "identify"}:
            traits = Identify()
            for name, value in call["traits"].items():
                traits.set(name, value)
            client.identify(traits, EventOptions(user_id=call["user"]))
        case _:
            client.track(BaseEvent(call["event"], user_id=call["user"], event_properties=call["properties"]))
for sent in client.flush():
    sent.result()
client.shutdown()
