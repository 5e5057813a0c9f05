// cloudevents, in turn binary and structured
import { CloudEvent, Mode, emitterFor, httpTransport } from "cloudevents";
import { CALLS, HOST, KEY } from "./given.mjs";

const transport = httpTransport(`${HOST}/v1/events?key=${KEY}`);
const emits = [Mode.BINARY, Mode.STRUCTURED].map((mode) => emitterFor(transport, { mode }));
for (const [number, { call, user, url, traits, event, properties }] of CALLS.entries()) {
  const said = { page: { page: new URL(url ?? HOST).pathname }, identify: { traits }, track: properties };
  const type = { page: "page_view", identify: "identify", track: event };
  await emits[number % 2](
    new CloudEvent({ source: "https://shop.example", subject: user, type: type[call], data: said[call] }),
  );
}
