// @snowplow/node-tracker
import { buildPageView, buildSelfDescribingEvent, newTracker } from "@snowplow/node-tracker";
import { CALLS, HOST, KEY } from "./given.mjs";

const tracker = newTracker({ namespace: "shop", appId: KEY }, { endpoint: HOST });
for (const { call, user, url, title, event, properties } of CALLS) {
  tracker.setUserId(user);
  if (call === "page") tracker.track(buildPageView({ pageUrl: url, pageTitle: title }));
  else if (call === "track") {
    const schema = `iglu:com.example/${event.toLowerCase().replace(" ", "_")}/jsonschema/1-0-0`;
    tracker.track(buildSelfDescribingEvent({ event: { schema, data: properties } }));
  }
}
await tracker.flush();
