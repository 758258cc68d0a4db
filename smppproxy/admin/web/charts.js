// Charts of the last hour, each with its numbers as text and as a table.

import { h } from "./dom.js";
import { clock, span } from "./format.js";
import { hour } from "./state.js";

const POINTS = 360;
const SHORTEST = 120; // seconds that a chart shows at least
const drawn = new Map();


/** From when to when a chart is drawn: as far as it knows, and two minutes at least. */
function shown(plot) {
  const times = plot.data[0];
  const end = times.at(-1) ?? Date.now() / 1000;
  return [Math.min(times[0] ?? end, end - SHORTEST), end];
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Steps put together so that a chart has no more points than one can see. */
function binned(values, size, gather) {
  if (size === 1) return values;
  const found = [];
  for (let at = 0; at < values.length; at += size) {
    const known = values.slice(at, at + size).filter((value) => value !== null);
    found.push(known.length ? gather(known) : null);
  }
  return found;
}

const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
const highest = (values) => Math.max(...values);

function points(chart, seconds) {
  const steps = Math.min(Math.round(seconds / hour.step), hour.times.length);
  const times = hour.times.slice(-steps || hour.times.length);
  // Whole bins on fixed edges: what was drawn does not change when a step comes.
  const size = Math.max(1, Math.ceil(seconds / hour.step / POINTS), chart.least ?? 1);
  const skip = size === 1 || !times.length ? 0 : (size - (Math.floor(times[0] / hour.step) % size)) % size;
  const whole = times.length - ((times.length - skip) % size);
  const cut = (values) => values.slice(-steps || values.length).slice(skip, whole);
  const gather = chart.peak ? highest : mean;
  const rows = chart.series.map((series) =>
    binned(cut(hour.of(series.of)).map((value) => (value === null ? null : value * chart.scale(hour.step))), size, gather));
  return [binned(cut(hour.times), size, (known) => known[0]), ...rows];
}

function options(chart, width) {
  const grid = { stroke: css("--grid"), width: 1 };
  const axis = { stroke: css("--muted"), grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width,
    height: chart.height ?? 190,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { sync: { key: "hour" }, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { x: { time: true, range: shown }, y: { range: (_, low, high) => [0, Math.max(high * 1.1, chart.floor)] } },
    axes: [
      { ...axis, values: "{HH}:{mm}", space: 60, incrs: [60, 120, 300, 600, 900], size: 28 },
      { ...axis, size: 52, values: (_, values) => values.map(chart.tick) },
    ],
    series: [
      { label: "UTC", value: (_, value) => (value === null ? "–" : clock(value)) },
      ...chart.series.map((series) => ({
        label: series.label,
        stroke: css(series.color),
        width: series.width ?? 1.5,
        dash: series.dash,
        fill: series.fill ? css(series.fill) : undefined,
        spanGaps: false,
        points: { size: 4 },
        value: (_, value) => (value === null ? "–" : chart.value(value)),
      })),
    ],
  };
}

function draw(place, chart, seconds) {
  const width = place.clientWidth;
  if (!width) return;
  const data = points(chart, seconds);
  const look = `${document.documentElement.dataset.theme}|${matchMedia("(prefers-color-scheme: dark)").matches}`;
  let found = drawn.get(place);
  if (found && found.look !== look) {
    found.plot.destroy();
    found = undefined;
  }
  if (!found) {
    const plot = new uPlot(options(chart, width), data, place);
    drawn.set(place, { plot, look, width });
    tell(plot, data);
    return;
  }
  if (found.width !== width) {
    found.plot.setSize({ width, height: chart.height ?? 190 });
    found.width = width;
  }
  found.plot.setData(data);
  tell(found.plot, data);
}

/** While nobody points at a moment the legend tells the newest one. */
function tell(plot, data) {
  if (plot.cursor.idx == null && data[0].length) plot.setLegend({ idx: data[0].length - 1 });
}

/** Draw what stands on the page; forget what is gone. */
export function drawAll(charts, seconds) {
  for (const place of drawn.keys()) {
    if (!place.isConnected) {
      drawn.get(place).plot.destroy();
      drawn.delete(place);
    }
  }
  for (const place of document.querySelectorAll("[data-chart]")) draw(place, charts[place.dataset.chart], seconds);
}

function spoken(chart, seconds) {
  const said = chart.series.map((series) => {
    const values = hour.of(series.of, seconds).filter((value) => value !== null);
    if (!values.length) return `${series.label}: nothing yet`;
    const scaled = values.map((value) => value * chart.scale(hour.step));
    return `${series.label}: now ${chart.value(mean(scaled.slice(-5)))}, mean ${chart.value(mean(scaled))}, highest ${chart.value(highest(scaled))}`;
  });
  return said.join("; ");
}

/** The minutes of a chart as a table. */
function minutes(chart, seconds) {
  const size = Math.round(60 / hour.step);
  const times = hour.times.slice(-Math.round(seconds / hour.step));
  const rows = [];
  for (let at = times.length; at > 0; at -= size) {
    const from = Math.max(0, at - size);
    const cells = chart.series.map((series) => {
      const known = hour.of(series.of, seconds).slice(from, at).filter((value) => value !== null);
      const scaled = known.map((value) => value * chart.scale(hour.step));
      return h("td.num", {}, scaled.length ? chart.value((chart.peak ? highest : mean)(scaled)) : "–");
    });
    rows.push(h("tr", {}, h("th", { scope: "row" }, clock(times[from])), cells));
  }
  return h("table", {},
    h("caption", {}, `${chart.title}, by the minute`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "from"), chart.series.map((series) => h("th.num", { scope: "col" }, series.label)))),
    h("tbody", {}, rows));
}

/** The figure of a chart; drawAll() fills it. */
export function figure(name, chart, seconds) {
  return h("figure.chart.panel", { "data-key": `chart:${name}` },
    h("figcaption", {}, h("h2", {}, chart.title), h("span.muted", {}, chart.note)),
    h("div.plot", { "data-keep": true, "data-chart": name, role: "img", "aria-label": `${chart.title}. The same stands in the table below.` }),
    h("p.unseen", {}, spoken(chart, seconds)),
    h("details", {},
      h("summary", {}, "As a table"),
      h("div.scroll.low", { tabindex: 0, role: "region", "aria-label": `${chart.title}, by the minute` }, minutes(chart, seconds))));
}

const perSecond = { scale: (step) => 1 / step, tick: (value) => `${value}`, floor: 5, value: (value) => `${value.toFixed(value < 10 ? 1 : 0)}/s` };
const time = { scale: () => 1000, tick: (value) => (value ? span(value / 1000) : "0"), floor: 10, value: (value) => span(value / 1000), peak: true, least: 2 };

export const CHARTS = {
  throughput: {
    ...perSecond,
    title: "Throughput",
    note: "messages a second",
    series: [
      { of: "totals.submitted", label: "submitted", color: "--one", fill: "--one-fill" },
      { of: "totals.accepted", label: "accepted", color: "--two", dash: [4, 3] },
      { of: "totals.delivered", label: "receipts delivered", color: "--three" },
      { of: "totals.refused", label: "refused", color: "--bad" },
    ],
  },
  latency: {
    ...time,
    title: "Time to an answer",
    note: "from submit_sm to ESME_ROK",
    series: [
      { of: "answers.p99", label: "p99", color: "--four" },
      { of: "answers.p95", label: "p95", color: "--three" },
      { of: "answers.p50", label: "p50", color: "--one", width: 2 },
    ],
  },
  receipts: {
    ...time,
    title: "Time to a final receipt",
    note: "from submit_sm to the client's answer; to a second",
    floor: 1000,
    least: 5,
    series: [
      { of: "finals.p95", label: "p95", color: "--four" },
      { of: "finals.p50", label: "p50", color: "--one", width: 2 },
    ],
  },
  waiting: {
    scale: () => 1,
    tick: (value) => `${value}`,
    floor: 10,
    value: (value) => `${Math.round(value)}`,
    title: "Under way",
    note: "messages without an answer, receipts in queues",
    series: [
      { of: "totals.in_flight", label: "in flight", color: "--one", fill: "--one-fill" },
      { of: "totals.queued", label: "receipts queued", color: "--three" },
    ],
  },
};

/** A line of the last quarter of an hour, as large as a word. */
export function spark(name, label) {
  const known = hour.of(name, 900);
  const values = binned(known, Math.max(1, Math.ceil(known.length / 30)), mean).map((value) => value ?? 0);
  const most = 1.2 * Math.max(...values, 0.001);
  const line = values.map((value, at) => `${((at * 78) / Math.max(values.length - 1, 1) + 1).toFixed(1)},${(18 - (16 * value) / most).toFixed(1)}`);
  return h("svg.spark", { viewBox: "0 0 80 20", width: 80, height: 20, role: "img", "aria-label": `${label}, the last 15 minutes` },
    h("polyline", { points: line.join(" ") }));
}
