// @rudderstack/rudder-sdk-node
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { CALLS, HOST, KEY } from "./given.mjs";

const analytics = new RudderAnalytics(KEY, { dataPlaneUrl: HOST });
for (const { call, user, url, title, traits, event, properties } of CALLS) {
  if (call === "page") analytics.page({ userId: user, name: title, properties: { url } });
  else if (call === "identify") analytics.identify({ userId: user, traits });
  else analytics.track({ userId: user, event, properties });
}
await analytics.flush();
