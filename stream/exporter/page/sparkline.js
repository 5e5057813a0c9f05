/** A trend as one quiet line, time to the right, within the 100 × 30 units of its drawing. */

const WIDTH = 100;
const TOP = 3;
const BOTTOM = 27;
// Smaller moves than this share of the value fill only part of the height: noise must not look like a cliff.
const LEAST_SPAN = 0.05;

/** `trend` holds [steps ago, value], oldest first; nothing is drawn for fewer than two points. */
export function draw(svg, trend) {
  svg.toggleAttribute("data-empty", trend.length < 2);
  if (trend.length < 2) return;
  const points = placed(trend);
  const line = "M" + points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L");
  const [end, height] = points.at(-1);
  svg.querySelector(".line").setAttribute("d", line);
  svg.querySelector(".area").setAttribute("d", `${line}V30H0Z`);
  svg.querySelector(".now").setAttribute("d", `M${end} ${height.toFixed(2)}h0`);
}

function placed(trend) {
  const values = trend.map(([, value]) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = Math.max(high - low, LEAST_SPAN * Math.abs(high)) || 1;
  const middle = (low + high) / 2;
  const longest = trend[0][0];
  return trend.map(([ago, value]) => [
    WIDTH * (1 - ago / longest),
    (TOP + BOTTOM) / 2 - ((value - middle) / span) * (BOTTOM - TOP),
  ]);
}
