// @amplitude/analytics-node
import * as amplitude from "@amplitude/analytics-node";
import { CALLS, HOST, KEY } from "./given.mjs";

await amplitude.init(KEY, { serverUrl: `${HOST}/2/httpapi`, flushIntervalMillis: 100 }).promise;
for (const { call, user, url, traits, event, properties } of CALLS) {
  if (call === "identify") {
    const identify = new amplitude.Identify();
    for (const [name, value] of Object.entries(traits)) identify.set(name, value);
    amplitude.identify(identify, { user_id: user });
  } else if (call === "page") {
    amplitude.track("[Amplitude] Page Viewed", { "[Amplitude] Page URL": url }, { user_id: user });
  } else {
    amplitude.track(event, properties, { user_id: user });
  }
}
await amplitude.flush().promise;
