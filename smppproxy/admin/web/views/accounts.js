// Accounts: what they send, what waits for them, and what they may.

import { show } from "../api.js";
import { spark } from "../charts.js";
import { bar, h, mark, table } from "../dom.js";
import { count, most, percent, rate, span } from "../format.js";
import { hour } from "../state.js";
import { menu } from "../verbs.js";
import { notes } from "./binds.js";

function state(row) {
  if (!row.enabled) return mark("calm", "not enabled");
  if (row.admin.includes("drain")) return mark("calm", "drained");
  return row.binds ? mark("good", "bound") : mark("wait", "not bound");
}

export const accounts = {
  path: "accounts",
  title: "Accounts",
  every: 3,
  async load() {
    const [rows, queues, budgets] = await Promise.all([
      show("accounts", { sum: true }), show("queues"), show("budgets", { sum: true }), hour.refresh(),
    ]);
    return { rows, queues, budgets };
  },
  render({ rows, queues, budgets }, route, refresh) {
    const shares = new Map(budgets.rows.map((row) => [row.of, row]));
    const waiting = queues.rows.filter((row) => row.waiting || row.in_hands || row.dropped);
    return [
      h("h1", {}, "Accounts"),
      notes(rows),
      h("section.panel", { "data-key": "traffic" }, table({
        caption: `Traffic of the accounts (${rows.rows.length})`,
        empty: "The network has no account.",
        rows: rows.rows,
        key: (row) => row.account,
        columns: [
          { label: "account", head: true, cell: (row) => h("button.name", { type: "button", onclick: () => menu({ kind: "account", target: `account:${row.account}`, admin: row.admin.includes("drain") ? "drain" : "up", facts: `${row.binds} sessions bound, ${row.outstanding} messages without an answer`, done: refresh }) }, row.account) },
          { label: "state", cell: state },
          { label: "binds", num: true, help: "bound, and how many it may have", cell: (row) => `${row.binds} of ${row.max_binds || "any"}` },
          { label: "now", num: true, help: "submit_sm a second, mean of 10 s", cell: (row) => `${rate(hour.rate(`account:${row.account}.submitted`))}/s` },
          { label: "15 min", cell: (row) => spark(`account:${row.account}.submitted`, `submit_sm of ${row.account}`) },
          { label: "limit", num: true, help: "submit_sm a second that it may send", cell: (row) => {
            const tps = shares.get(`account:${row.account}`)?.tps;
            return tps ? `${count(tps)}/s` : "none";
          } },
          { label: "in flight", num: true, cell: (row) => count(row.outstanding) },
          { label: "accepted", num: true, cell: (row) => count(row.accepted) },
          { label: "refused", num: true, cell: (row) => `${count(row.refused)}${row.submitted ? ` (${percent(row.refused, row.submitted)})` : ""}` },
          { label: "with", cell: (row) => most(row.refusals, 3) },
          { label: "in doubt", num: true, cell: (row) => count(row.in_doubt) },
          { label: "receipts taken", num: true, cell: (row) => count(row.delivered) },
          { label: "MO taken", num: true, cell: (row) => count(row.mo_delivered) },
        ],
      })),
      h("section.panel", { "data-key": "queues" }, table({
        caption: "What waits for them",
        empty: "Nothing waits: every receipt and every message from a mobile was taken.",
        rows: waiting,
        key: (row) => `${row.account}:${row.queue}`,
        columns: [
          { label: "account", head: true, cell: (row) => row.account },
          { label: "queue", cell: (row) => (row.queue === "mo" ? "messages from mobiles" : "receipts") },
          { label: "waiting", num: true, cell: (row) => count(row.waiting) },
          { label: "in hands", num: true, help: "handed to a node and not acknowledged", cell: (row) => count(row.in_hands) },
          { label: "oldest", num: true, help: "since it came into the queue", cell: (row) => (row.waiting || row.in_hands ? span(row.oldest) : "–") },
          { label: "full", cell: (row) => bar(row.waiting, row.limit, `${row.waiting} of ${row.limit}`) },
          { label: "limit", num: true, cell: (row) => count(row.limit) },
          { label: "keeps", num: true, cell: (row) => span(row.keep) },
          { label: "dropped", num: true, help: "pushed out by its limits since the store began", cell: (row) => count(row.dropped) },
        ],
      })),
    ];
  },
};
