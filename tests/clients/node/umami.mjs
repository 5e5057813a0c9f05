// @umami/node
import umami from "@umami/node";
import { CALLS, HOST, KEY } from "./given.mjs";

umami.init({ websiteId: KEY, hostUrl: HOST });
for (const { call, user, url, title, traits, event, properties } of CALLS) {
  if (call === "page") await umami.track({ id: user, url, title });
  else if (call === "identify") await umami.identify({ userId: user, ...traits });
  else await umami.track({ id: user, name: event, data: properties });
}
