// The ledger: what came, what went and what is here. And receipts without an owner.

import { show } from "../api.js";
import { h, mark, table } from "../dom.js";
import { count, moment } from "../format.js";
import { may, me } from "../state.js";
import { replay } from "../verbs.js";
import { notes } from "./binds.js";

const EQUATIONS = [
  ["submitted", "Messages", ["submitted"], ["accepted", "refused", "in_doubt", "in_flight"]],
  ["receipts_in", "Receipts in", ["receipts_in", "parked_before", "replayed"], ["matched", "merged", "parked", "orphaned", "duplicated", "quarantined", "unreadable", "withheld"]],
  ["queued", "Receipts out", ["matched", "made", "queued_before"], ["delivered", "queued", "refused_by_client", "expired", "dropped", "unwanted"]],
];

function terms(row, names) {
  return names.filter((name, place) => row[name] || place === 0).map((name, place) => [place ? " + " : "", h("span.term", {}, h("b", {}, count(row[name])), " ", name.replaceAll("_", " "))]);
}

function books(row) {
  return h("div.equations", {}, EQUATIONS.map(([name, title, left, right]) => h("section.panel", { class: row.imbalance[name] ? "bad" : null, "data-key": name },
    h("h2", {}, title, " ", row.imbalance[name] ? mark("bad", `off by ${count(row.imbalance[name])}`) : mark("good", "adds up")),
    h("p", {}, terms(row, left), " = ", terms(row, right)))));
}

function strays(caption, answer, kinds, empty, refresh) {
  const allowed = may("replay");
  return h("section.panel", { "data-key": caption }, table({
    caption: `${caption} (${answer.rows.length}${answer.more ? " and more" : ""})`,
    empty,
    rows: answer.rows,
    key: (row) => row.id,
    columns: [
      { label: "arrived, UTC", head: true, cell: (row) => moment(row.arrived) },
      { label: "kind", hide: kinds.length < 2, cell: (row) => row.kind },
      { label: "provider", cell: (row) => (row.host ? `${row.provider}/${row.host}` : row.provider) },
      { label: "its ids", cell: (row) => h("code", {}, row.message_ids ?? row.source) },
      { label: "number", cell: (row) => row.number },
      { label: "says", cell: (row) => row.state ?? row.route ?? "" },
      { label: "reason", cell: (row) => row.reason || "–" },
      { label: "replay", cell: (row) => h("button", { type: "button", disabled: !allowed, "aria-label": `Replay ${row.id}`, onclick: () => replay(row.kind ?? kinds[0], { id: row.id }, refresh) }, "Replay") },
    ],
  }),
  answer.rows.length ? h("div.buttons", {}, kinds.map((kind) => h("button", { type: "button", disabled: !allowed, onclick: () => replay(kind, {}, refresh) }, `Replay all ${kind}`)),
    allowed ? null : h("span.muted", {}, `The role ${me.role} may not replay; that needs operate.`)) : null);
}

export const ledger = {
  path: "ledger",
  title: "Ledger",
  every: 3,
  async load() {
    const [books_, orphans, parked, unrouted, inflight] = await Promise.all([
      show("ledger"), show("orphans", { limit: 100 }), show("parked", { limit: 100 }), show("unrouted", { limit: 100 }), show("inflight", { limit: 100 }),
    ]);
    return { books: books_, orphans, parked, unrouted, inflight };
  },
  render(data, route, refresh) {
    const rows = data.books.rows;
    const whole = rows.at(-1);
    const names = Object.keys(whole).filter((name) => !["node", "balanced", "imbalance"].includes(name));
    const doubt = data.inflight.rows.filter((row) => row.state === "in doubt");
    return [
      h("h1", {}, "Ledger"),
      notes(data.books),
      books(whole),
      doubt.length ? h("section.panel", { "data-key": "doubt" }, table({
        caption: `Messages in doubt (${doubt.length})`,
        rows: doubt,
        key: (row) => row.client_message_id,
        columns: [
          { label: "message", head: true, cell: (row) => h("a", { href: `#/trace/${encodeURIComponent(row.client_message_id)}` }, row.client_message_id) },
          { label: "account", cell: (row) => row.account },
          { label: "to", cell: (row) => row.destination },
          { label: "bind", cell: (row) => row.bind },
          { label: "for", num: true, cell: (row) => `${row.age} s` },
        ],
      })) : null,
      strays("Receipts without an owner", data.orphans, ["orphans", "quarantine"], "None: every receipt found its message.", refresh),
      strays("Messages from mobiles for nobody", data.unrouted, ["unrouted"], "None.", refresh),
      strays("Receipts that wait for the answer to their submit_sm", data.parked, ["parked"], "None.", () => refresh()),
      h("section.panel.slim", { "data-key": "all" }, table({
        caption: "Every count",
        rows: names,
        key: (name) => name,
        columns: [
          { label: "count", head: true, cell: (name) => name },
          ...rows.map((row) => ({ label: h("span.titled", {}, row.node), num: true, cell: (name) => count(row[name]) })),
        ],
      })),
    ];
  },
};
