/** Ask the exporter every two seconds what to show, and show it. */

import { age, change, count, margin, moment, target, written } from "./format.js";
import { draw } from "./sparkline.js";

const POLL_MS = 2000;
const PATIENCE_MS = 10_000;
const STATES = { fresh: "Fresh", stale: "Stale", empty: "No data yet", unreachable: "Not answering" };

const wanted = new URLSearchParams(location.search).get("product");
const byId = (id) => document.getElementById(id);
const cloneOf = (template) => byId(template).content.firstElementChild.cloneNode(true);

/** What stands on the page, so that a new answer only changes what moved. */
let standing = "";

async function poll() {
  const content = await asked();
  if (content) show(content);
  else showFreshness({ state: "unreachable", age_seconds: null, reason: "The exporter does not answer." });
  setTimeout(poll, POLL_MS);
}

/** What to show; null when the exporter does not answer. */
async function asked() {
  const query = wanted === null ? "" : `?product=${encodeURIComponent(wanted)}`;
  try {
    const answer = await fetch(`page.json${query}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function show(content) {
  showFreshness(content.freshness);
  showProducts(content.products, content.product);
  document.title = content.product === null ? "Assidu" : `${content.product} · Assidu`;
  const structure = JSON.stringify(content.sections.map(structureOf));
  if (structure !== standing) {
    byId("sections").replaceChildren(...content.sections.map(built));
    standing = structure;
  }
  const figures = document.querySelectorAll(".figure");
  content.sections
    .flatMap(({ cards }) => cards.flatMap((card) => card.figures.map((figure) => ({ card, figure }))))
    .forEach(({ card, figure }, position) => fill(figures[position], card, figure));
  put(byId("notice"), content.sections.length ? "" : absence(content));
  put(byId("moment"), content.at ? `As of ${moment(content.at)}; days begin at midnight, ${content.timezone}.` : "");
}

function absence({ product }) {
  if (product === null) return "No event was counted yet. The numbers appear here with the first one.";
  return `Nothing was counted for “${product}” yet.`;
}

function showFreshness({ state, age_seconds, reason }) {
  document.body.dataset.state = state;
  put(byId("state"), STATES[state]);
  put(byId("age"), age(age_seconds));
  put(byId("reason"), reason ?? "");
}

function showProducts(products, shown) {
  const nav = byId("products");
  nav.hidden = products.length < 2;
  if (nav.dataset.names === JSON.stringify(products)) return;
  nav.dataset.names = JSON.stringify(products);
  nav.replaceChildren(
    ...products.map((product) => {
      const link = document.createElement("a");
      link.href = `?product=${encodeURIComponent(product)}`;
      link.textContent = product;
      if (product === shown) link.setAttribute("aria-current", "page");
      return link;
    }),
  );
}

function structureOf({ title, cards }) {
  return [title, cards.map(({ metric, target, figures, heat }) => [metric, target, figures.map(({ labels }) => labels), heat])];
}

function built({ title, cards }) {
  const section = cloneOf("section");
  section.querySelector("h2").textContent = title;
  section.querySelector(".cards").append(...cards.map(builtCard));
  return section;
}

function builtCard(shown) {
  const card = cloneOf("card");
  card.dataset.figures = shown.figures.length;
  put(card.querySelector("h3"), shown.title);
  put(card.querySelector(".window"), shown.window);
  put(card.querySelector(".target"), target(shown.target, shown.unit));
  put(card.querySelector(".help"), shown.help);
  card.querySelector("code").append(...breakable(shown.metric));
  card.querySelector(".figures").append(...shown.figures.map((figure) => builtFigure(shown, figure)));
  if (shown.heat) card.querySelector(".figures").replaceWith(builtHeat(shown));
  return card;
}

/** A table, the larger the value the darker its cell. */
function builtHeat({ heat, unit }) {
  const element = cloneOf("heat");
  const most = Math.max(...heat.values.flat());
  element.querySelector("thead").append(builtRow(heat.label, heat.columns.map((column) => builtCell("th", column))));
  element.querySelector("tbody").append(
    ...heat.values.map((values, at) => builtRow(heat.rows[at], values.map((value) => builtHeatCell(value, most, unit)))),
  );
  return element;
}

function builtHeatCell(value, most, unit) {
  const text = value === null ? "" : written(value, unit).map(({ text }) => text).join("");
  const cell = builtCell("td", text);
  if (value) cell.style.setProperty("--heat", value / most);
  return cell;
}

function builtRow(name, cells) {
  const row = document.createElement("tr");
  row.append(builtCell("th", name), ...cells);
  return row;
}

function builtCell(kind, text) {
  const cell = document.createElement(kind);
  cell.textContent = text;
  return cell;
}

function builtFigure(card, figure) {
  const element = cloneOf("figure");
  element.dataset.metric = card.metric;
  element.dataset.labels = JSON.stringify(figure.labels);
  put(element.querySelector(".caption"), figure.caption);
  return element;
}

function fill(element, { unit, step }, { value, margin: around, sample_size, counted, trend }) {
  const data = element.querySelector("data");
  if (data.value !== String(value ?? "") || data.textContent === "") {
    data.value = value ?? "";
    data.replaceChildren(...written(value, unit).map(piece));
  }
  element.dataset.defined = value !== null;
  put(element.querySelector(".margin"), margin(around));
  put(element.querySelector(".sample-size"), count(sample_size, counted));
  const moved = change(trend, step, unit) ?? { way: "none", text: "no trend yet" };
  element.querySelector(".change").dataset.way = moved.way;
  put(element.querySelector(".change"), moved.text);
  draw(element.querySelector(".sparkline"), trend);
}

function piece({ text, small }) {
  const element = document.createElement("span");
  element.className = small ? "small" : "";
  element.textContent = text;
  return element;
}

/** A metric's name may break after its underscores, and still be copied whole. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((word) => [word, document.createElement("wbr")]);
}

/** Leave what already stands there alone: a reader may be selecting it. */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

poll();
