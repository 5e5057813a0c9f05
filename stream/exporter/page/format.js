/** How values and their changes are written, by unit, in the reader's locale. */

const locale = navigator.languages;
const number = (options) => new Intl.NumberFormat(locale, options);
const one = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const unit = (name) => number({ style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 0 });

const whole = number({ maximumFractionDigits: 0 });
const tenths = number(one);
const signed = number({ ...one, signDisplay: "exceptZero" });
const percent = number({ style: "percent", ...one });
const minutes = unit("minute");
const seconds = unit("second");
const SPANS = [
  [unit("day"), 86_400],
  [unit("hour"), 3_600],
  [minutes, 60],
  [seconds, 1],
];

/** In its largest unit and the next one: 2 days 3 hr, 4 min 30 sec, 12 sec. */
function duration(value) {
  const all = Math.round(value);
  const first = SPANS.findIndex(([, size]) => all >= size || size === 1);
  const [[written, size], next] = SPANS.slice(first);
  const parts = written.formatToParts(Math.floor(all / size));
  if (!next) return parts;
  const [rest, part] = next;
  return [...parts, { type: "literal", value: " " }, ...rest.formatToParts(Math.floor((all % size) / part))];
}

const COUNT = { parts: (x) => whole.formatToParts(x), change: (x) => whole.format(x) };
const UNITS = {
  ratio: { parts: (x) => percent.formatToParts(x), change: (x) => `${tenths.format(x * 100)} points` },
  seconds: { parts: duration, change: (x) => text(duration(x)) },
  score: { parts: (x) => signed.formatToParts(x), change: (x) => `${tenths.format(x)} points` },
  mean: { parts: (x) => tenths.formatToParts(x), change: (x) => tenths.format(x) },
};

const UNDEFINED = [{ type: "undefined", value: "–" }];
const SMALL = new Set(["percentSign", "unit", "literal"]);

const text = (parts) => parts.map(({ value }) => value).join("");

/** The value as pieces {text, small}: signs of a unit are smaller. An en dash where it is undefined. */
export function written(value, unit) {
  const parts = value === null ? UNDEFINED : (UNITS[unit] ?? COUNT).parts(value);
  return parts.map(({ type, value }) => ({ text: type === "minusSign" ? "−" : value, small: SMALL.has(type) }));
}

export function target(value, unit) {
  if (value === null) return "";
  return `target ${written(value, unit).map(({ text }) => text).join("")}`;
}

/** Half the 95 % interval. */
export const margin = (value) => (value === null ? "" : `± ${tenths.format(value)}`);

export const count = (value, counted) => (value === null ? "" : `of ${whole.format(value)} ${counted}`);

export function age(value) {
  if (value === null) return "";
  return value < 120 ? `${seconds.format(value)} old` : `${minutes.format(value / 60)} old`;
}

/** The move from a trend's first point to its last, in words; null while there is only one point. */
export function change(trend, step, unit) {
  if (trend.length < 2) return null;
  const [ago, first] = trend[0];
  const last = trend.at(-1)[1];
  const written = (UNITS[unit] ?? COUNT).change;
  const since = `in ${whole.format(ago)} ${step}${ago === 1 ? "" : "s"}`;
  const move = written(Math.abs(last - first));
  if (move === written(0)) return { way: "steady", text: `steady ${since}` };
  return { way: last > first ? "up" : "down", text: `${move} ${since}` };
}

export function moment(at) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(new Date(at));
}
