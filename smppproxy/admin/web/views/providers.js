// Providers: how they are, what they took and refused, and how much of it they delivered.

import { show } from "../api.js";
import { spark } from "../charts.js";
import { bar, h, table } from "../dom.js";
import { count, most, percent, rate } from "../format.js";
import { QUARTER, hour } from "../state.js";
import { menu } from "../verbs.js";
import { notes, stateOf } from "./binds.js";

function ratio(name) {
  const ended = hour.sum(`provider:${name}.ended`, QUARTER);
  const good = hour.sum(`provider:${name}.delivered`, QUARTER);
  if (!ended) return h("span.muted", {}, "no final receipt");
  return h("span.ratio", {}, bar(good, ended, `${count(good)} of ${count(ended)} delivered`), " ", percent(good, ended));
}

export const providers = {
  path: "providers",
  title: "Providers",
  every: 3,
  async load() {
    const [rows, hosts, quality] = await Promise.all([
      show("providers", { sum: true }), show("hosts", { sum: true }), show("quality"), hour.refresh(),
    ]);
    return { rows, hosts, quality };
  },
  render({ rows, hosts, quality }, route, refresh) {
    return [
      h("h1", {}, "Providers"),
      notes(rows),
      h("section.panel", { "data-key": "providers" }, table({
        caption: `Providers (${rows.rows.length})`,
        empty: "The network has no provider.",
        rows: rows.rows,
        key: (row) => row.provider,
        columns: [
          { label: "provider", head: true, cell: (row) => h("button.name", { type: "button", onclick: () => menu({ kind: "provider", target: row.provider, admin: row.admin, facts: `${row.binds} bound, ${row.outstanding} messages without an answer`, done: refresh }) }, row.provider) },
          { label: "state", cell: stateOf },
          { label: "binds", num: true, cell: (row) => row.binds },
          { label: "delivered", help: "of the final receipts that came in the last 15 minutes", cell: (row) => ratio(row.provider) },
          { label: "now", num: true, help: "submit_sm a second, mean of 10 s", cell: (row) => `${rate(hour.rate(`provider:${row.provider}.submitted`))}/s` },
          { label: "15 min", cell: (row) => spark(`provider:${row.provider}.submitted`, `submit_sm to ${row.provider}`) },
          { label: "window", cell: (row) => bar(row.outstanding, row.window, `windows: ${row.outstanding} of ${row.window}`) },
          { label: "waiting", num: true, help: "messages that wait for room in a window", cell: (row) => count(row.backlog) },
          { label: "accepted", num: true, cell: (row) => count(row.accepted) },
          { label: "refused", num: true, cell: (row) => count(row.refused) },
          { label: "in doubt", num: true, cell: (row) => count(row.in_doubt) },
          { label: "receipts", num: true, cell: (row) => count(row.receipts) },
          { label: "MO", num: true, cell: (row) => count(row.mo) },
          { label: "its ids", cell: (row) => row.ids || "–" },
          { label: "takes nothing since it", cell: (row) => row.why || "–" },
        ],
      })),
      h("section.panel", { "data-key": "hosts" }, table({
        caption: "Hosts",
        rows: hosts.rows,
        key: (row) => row.host,
        columns: [
          { label: "host", head: true, cell: (row) => h("button.name", { type: "button", onclick: () => menu({ kind: "host", target: row.host, admin: row.admin, facts: `${row.address}, ${row.binds} bound`, done: refresh }) }, row.host) },
          { label: "state", cell: stateOf },
          { label: "binds", num: true, cell: (row) => row.binds },
          { label: "address", cell: (row) => h("code", {}, row.address, row.tls ? " TLS" : "") },
          { label: "1 min", num: true, help: "submit_sm a second", cell: (row) => `${rate(row.rate_1m)}/s` },
          { label: "5 min", num: true, cell: (row) => `${rate(row.rate_5m)}/s` },
          { label: "15 min", num: true, cell: (row) => `${rate(row.rate_15m)}/s` },
          { label: "in flight", num: true, cell: (row) => count(row.outstanding) },
          { label: "accepted", num: true, cell: (row) => count(row.accepted) },
          { label: "refused", num: true, cell: (row) => count(row.refused) },
          { label: "with", cell: (row) => most(row.refusals, 4) },
          { label: "in doubt", num: true, cell: (row) => count(row.in_doubt) },
          { label: "receipts", num: true, cell: (row) => count(row.receipts) },
          { label: "takes nothing since it", cell: (row) => row.why || "–" },
        ],
      })),
      quality.rows.length ? h("section.panel", { "data-key": "quality" }, table({
        caption: "Quality by prefix, for routes that choose by it",
        rows: quality.rows,
        key: (row) => `${row.node}:${row.provider}:${row.prefix}`,
        columns: [
          { label: "provider", head: true, cell: (row) => row.provider },
          { label: "prefix", cell: (row) => row.prefix },
          { label: "ratio", num: true, cell: (row) => (row.ratio === "" ? "too few" : percent(Number(row.ratio), 1)) },
          { label: "seconds", num: true, cell: (row) => row.latency || "–" },
          { label: "messages", num: true, cell: (row) => count(row.messages) },
          { label: "delivered", num: true, cell: (row) => count(row.delivered) },
          { label: "node", cell: (row) => row.node },
        ],
      })) : null,
    ];
  },
};
