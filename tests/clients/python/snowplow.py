"""snowplow-tracker."""

from snowplow_tracker import PageView, SelfDescribing, SelfDescribingJson, Snowplow, Subject

from tests.clients.python.given import CALLS, HOST, KEY

tracker = Snowplow.create_tracker(namespace="shop", endpoint=HOST, app_id=KEY)
for call in CALLS:
    subject = Subject().set_user_id(call["user"])
    match call:
        case {"call": "page"}:
            tracker.track(PageView(page_url=call["url"], page_title=call["title"], event_subject=subject))
        case {"call": "track"}:
            schema = f"iglu:com.example/{call['event'].lower().replace(' ', '_')}/jsonschema/1-0-0"
            event = SelfDescribingJson(schema, call["properties"])
            tracker.track(SelfDescribing(event_json=event, event_subject=subject))
tracker.flush()
