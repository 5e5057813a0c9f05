// posthog-node
import { PostHog } from "posthog-node";
import { CALLS, HOST, KEY } from "./given.mjs";

const posthog = new PostHog(KEY, { host: HOST });
for (const { call, user, url, traits, event, properties } of CALLS) {
  if (call === "page") posthog.capture({ distinctId: user, event: "$pageview", properties: { $current_url: url } });
  else if (call === "identify") posthog.identify({ distinctId: user, properties: traits });
  else posthog.capture({ distinctId: user, event, properties });
}
await posthog.shutdown();
