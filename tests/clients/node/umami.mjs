// @umami/node
import { Umami } from "@umami/node";
import { CALLS, HOST, KEY } from "./given.mjs";

const umami = new Umami({ websiteId: KEY, hostUrl: HOST });
for (const { call, user, url, title, traits, event, properties } of CALLS) {
  if (call === "page") await umami.track({ id: user, url, title });
  else if (call === "identify") await umami.identify({ userId: user, ...traits });
  else await umami.track({ id: user, name: event, data: properties });
}
