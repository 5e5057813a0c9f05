// @openpanel/sdk
import { OpenPanel } from "@openpanel/sdk";
import { CALLS, HOST, KEY } from "./given.mjs";

const openpanel = new OpenPanel({ apiUrl: HOST, clientId: KEY, clientSecret: "unused" });
for (const { call, user, url, traits, event, properties } of CALLS) {
  if (call === "page") await openpanel.track("screen_view", { profileId: user, __path: url });
  else if (call === "identify") await openpanel.identify({ profileId: user, properties: traits });
  else await openpanel.track(event, { profileId: user, ...properties });
}
