// @jitsu/js, which knows one user at a time, the one that was identified last, and insists on a key of two parts
import { jitsuAnalytics } from "@jitsu/js";
import { CALLS, HOST, KEY } from "./given.mjs";

const jitsu = jitsuAnalytics({ host: HOST, writeKey: `${KEY}:unused` });
const identifiedFirst = (call) => (call.call === "identify" ? 0 : 1);
const byUser = CALLS.toSorted((a, b) => a.user.localeCompare(b.user) || identifiedFirst(a) - identifiedFirst(b));
for (const { call, user, url, title, traits, event, properties } of byUser) {
  if (call === "identify") await jitsu.identify(user, traits);
  else if (call === "page") await jitsu.page(title, { url });
  else await jitsu.track(event, properties);
}
