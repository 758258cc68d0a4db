// The first page: is traffic flowing, which bind is down, who is waiting, since when.

import { show } from "../api.js";
import { CHARTS, figure } from "../charts.js";
import { h, mark } from "../dom.js";
import { count, percent, plural, rate, span } from "../format.js";
import { QUARTER, hour } from "../state.js";
import { NO_PLACE, loadMap, map, notes } from "./binds.js";

const OLD = 60; // seconds that a receipt may wait before one should look

const ORDER = ["bad", "part", "calm"];

/** Everything that one should look at, the worst first: {kind, text, since, to}. */
export function troubles({ nodes, binds, hosts, queues, ledger }) {
  const found = [];
  const add = (kind, text, since, to) => found.push({ kind, text, since, to });
  for (const node of nodes.rows) {
    if (["silent", "store away", "store crowded"].includes(node.state)) add("bad", `node ${node.node}: ${node.state}`, null, "#/network");
    else if (node.state !== "up") add("calm", `node ${node.node} is ${node.state}`, null, "#/network");
    if (node.trouble) add("bad", `node ${node.node}: ${node.trouble}`, null, "#/network");
    if (node.journal === "blocked") add("bad", `node ${node.node}: its journal cannot be written`, null, "#/help");
  }
  for (const bind of binds.rows) {
    if (bind.side !== "provider") continue;
    if (bind.admin !== "up") add("calm", `bind ${bind.name} is ${bind.admin === "isolate" ? "isolated" : "drained"} by an operator`, bind.down || null, "#/binds");
    else if (bind.state !== "bound" && bind.state !== NO_PLACE) add("bad", `bind ${bind.name} on ${bind.node} is ${bind.state}${bind.last_error ? `: ${bind.last_error}` : ""}`, bind.down, "#/binds");
  }
  for (const host of hosts.rows) {
    if (host.why && host.state !== "down" && host.admin === "up") add("part", `host ${host.host} ${host.why}`, null, "#/providers");
  }
  for (const queue of queues.rows) {
    if (!queue.waiting && !queue.in_hands) continue;
    const old = queue.oldest > OLD;
    const full = queue.waiting > 0.8 * queue.limit;
    if (old || full) {
      const what = queue.queue === "mo" ? "message from mobiles" : "receipt";
      add(full ? "bad" : "part", `${queue.account}: ${plural(queue.waiting + queue.in_hands, what, queue.queue === "mo" ? "messages from mobiles" : "receipts")} wait${full ? ", the queue is nearly full" : ""}`, queue.oldest, "#/accounts");
    }
  }
  for (const row of ledger.rows) {
    if (!row.balanced && (row.node === "all" || ledger.rows.length === 1)) add("bad", "the ledger does not balance", null, "#/ledger");
  }
  return found.sort((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) || (other.since ?? 0) - (one.since ?? 0));
}

function attention(list) {
  const binds = list.filter((each) => each.kind === "bad").length;
  return h("section.panel.attention", { "aria-labelledby": "attention", class: list.length ? (binds ? "bad" : "part") : "good" },
    h("h2", { id: "attention" }, list.length ? "What needs a look" : "Nothing needs a look"),
    list.length
      ? h("ul", {}, list.slice(0, 12).map((each) => h("li", {}, mark(each.kind, ""),
        h("a", { href: each.to }, each.text), each.since === null ? null : h("span.age", {}, `for ${span(each.since)}`))),
      list.length > 12 ? h("li.muted", {}, `and ${list.length - 12} more`) : null)
      : h("p", {}, mark("good", "Every bind is up, no receipt waits for longer than a minute, the ledger balances.")));
}

function figures({ providers, queues }) {
  const sent = hour.rate("totals.submitted");
  const accepted = hour.sum("totals.accepted", 300);
  const ended = hour.sum("totals.refused", 300) + accepted;
  const waiting = queues.rows.reduce((total, row) => total + row.waiting + row.in_hands, 0);
  const oldest = Math.max(0, ...queues.rows.map((row) => row.oldest));
  const finals = providers.rows.reduce((total, row) => total + hour.sum(`provider:${row.provider}.ended`, QUARTER), 0);
  const good = providers.rows.reduce((total, row) => total + hour.sum(`provider:${row.provider}.delivered`, QUARTER), 0);
  const shown = [
    ["Submitted", rate(sent), "/s", sent === 0 ? "no traffic now" : "mean of 10 s"],
    ["Accepted", percent(accepted, ended), "", "of 5 minutes"],
    ["Answer, p50", span(hour.newest("answers.p50")), "", `p99 ${span(hour.newest("answers.p99"))}`],
    ["Receipts out", rate(hour.rate("totals.delivered")), "/s", "taken by clients"],
    ["Delivered", percent(good, finals), "", "of 15 minutes' finals"],
    ["In flight", count(hour.newest("totals.in_flight")), "", "without an answer"],
    ["Waiting", count(waiting), "", waiting ? `the oldest for ${span(oldest)}` : "in clients' queues"],
  ];
  return h("dl.figures", {}, shown.map(([name, value, unit, note]) => h("div", {},
    h("dt", {}, name), h("dd.value", {}, value, unit ? h("small", {}, unit) : null), h("dd.muted", {}, note))));
}

/** Links that choose how much of the hour is shown. */
export function ranges(route, path) {
  const chosen = route.query.get("minutes") ?? "15";
  return h("p.ranges", {}, h("span.muted", {}, "Charts of the last "), ["5", "15", "60"].map((minutes) =>
    h("a", { href: `#/${path}?minutes=${minutes}`, "aria-current": minutes === chosen ? "true" : null }, `${minutes} min`)));
}

export const now = {
  path: "",
  title: "Now",
  every: 2,
  async load() {
    const [places, nodes, queues, ledger] = await Promise.all([
      loadMap(), show("nodes"), show("queues"), show("ledger"), hour.refresh(),
    ]);
    return { ...places, nodes, queues, ledger };
  },
  render(data, route, refresh) {
    const seconds = 60 * Number(route.query.get("minutes") ?? 15);
    return [
      h("h1.unseen", {}, "Now"),
      notes(data.nodes),
      figures(data),
      attention(troubles(data)),
      ranges(route, ""),
      h("div.charts", {}, ["throughput", "latency", "receipts", "waiting"].map((name) => figure(name, CHARTS[name], seconds))),
      h("h2", {}, "Binds"),
      map(data, refresh),
    ];
  },
};
