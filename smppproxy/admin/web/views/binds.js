// The map of binds: each provider with its hosts a, b, …, each host with its binds and windows.

import { show } from "../api.js";
import { bar, h, mark, table } from "../dom.js";
import { count, plural, span } from "../format.js";
import { menu } from "../verbs.js";

const KINDS = { up: "good", partly: "part", down: "bad", bound: "good" };

/** What a bind is while other nodes have all that the provider may have: nothing is wrong then. */
export const NO_PLACE = "unadmitted";

/** How a bind or a session is, as a mark: what an operator wants of it goes first. */
export function stateOf(row) {
  if (row.admin && row.admin !== "up" && row.admin !== "") {
    return mark("calm", row.admin === "isolate" ? "isolated" : row.admin.replace("drain", "drained"), `an operator wants it so; it is ${row.state}`);
  }
  if (row.state === NO_PLACE) return mark("calm", "no place", "other nodes have all binds that the provider may have");
  const kind = KINDS[row.state] ?? (row.state?.startsWith("bound") ? "good" : "wait");
  return mark(row.alarm ? "bad" : kind, row.state?.replace(/^bound_.*/, "bound"));
}

function tile(row, several, refresh) {
  const label = row.name.split("/")[2];
  const facts = [`${row.type}, ${row.state} for ${span(row.for)}`, row.down ? `down for ${span(row.down)}` : "", row.peer && `to ${row.peer}`,
    `${plural(row.outstanding, "message")} without an answer, window ${row.window}`,
    row.last_error && `last error: ${row.last_error}`].filter(Boolean).join("; ");
  const good = row.state === "bound" && row.admin === "up";
  return h("li", { "data-key": `${row.node}:${row.name}` },
    h("button.tile", {
      type: "button",
      class: row.admin !== "up" || row.state === NO_PLACE ? "calm" : good ? "good" : "bad",
      title: facts,
      onclick: () => menu({ kind: "bind", target: row.name, admin: row.admin, facts: several ? `${facts}; on node ${row.node}` : facts, done: refresh }),
    },
    h("span.line", {}, h("b", {}, label), " ", stateOf(row), h("span.age", {}, row.down ? `down ${span(row.down)}` : row.for ? span(row.for) : "")),
    h("span.line", {}, bar(row.outstanding, row.window, `window: ${row.outstanding} of ${row.window}`), h("span.age", {}, `${row.outstanding}/${row.window}`)),
    several ? h("span.where", {}, row.node) : null,
    good || !row.last_error ? null : h("span.why", {}, row.last_error)));
}

/** The map of all providers. */
export function map({ binds, providers, hosts }, refresh) {
  const rows = binds.rows.filter((row) => row.side === "provider");
  const several = new Set(binds.rows.map((row) => row.node)).size > 1;
  return h("div.map", {}, providers.rows.map((provider) => {
    const mine = rows.filter((row) => row.of === provider.provider);
    const names = hosts.rows.filter((row) => row.provider === provider.provider);
    return h("section.panel.provider", { "data-key": provider.provider, "aria-label": `provider ${provider.provider}` },
      h("header", {},
        h("h3", {}, h("button.name", { type: "button", onclick: () => menu({ kind: "provider", target: provider.provider, admin: provider.admin, facts: `${provider.binds} bound`, done: refresh }) }, provider.provider)),
        stateOf(provider), h("span.muted", {}, `${provider.binds} bound`),
        provider.backlog ? mark("part", `${count(provider.backlog)} wait for a window`) : null),
      provider.why ? h("p.why", {}, provider.why) : null,
      h("div.hosts", {}, names.map((host) => h("div.host", { "data-key": host.host },
        h("p.line", {},
          h("button.name", { type: "button", "aria-label": `host ${host.host}`, onclick: () => menu({ kind: "host", target: host.host, admin: host.admin, facts: `${host.address}, ${host.binds} bound`, done: refresh }) }, host.host.split("/")[1]),
          " ", h("span.muted", {}, host.address, host.tls ? " TLS" : "")),
        host.why && host.why !== provider.why ? h("p.why", {}, host.why) : null,
        h("ul", { "aria-label": `binds of ${host.host}` },
          mine.filter((row) => row.name.startsWith(`${host.host}/`)).map((row) => tile(row, several, refresh)))))));
  }));
}

export async function loadMap() {
  const [binds, providers, hosts] = await Promise.all([show("binds"), show("providers", { sum: true }), show("hosts", { sum: true })]);
  return { binds, providers, hosts };
}

export const binds = {
  path: "binds",
  title: "Binds",
  every: 2,
  load: loadMap,
  render(data, route, refresh) {
    const sessions = data.binds.rows.filter((row) => row.side === "account");
    const troubled = data.binds.rows.filter((row) => row.side === "provider" && row.last_error);
    return [
      h("h1", {}, "Binds"),
      notes(data.binds),
      h("h2", {}, "To providers"),
      map(data, refresh),
      h("section.panel", { "data-key": "sessions" }, table({
        caption: `Sessions of clients (${sessions.length})`,
        empty: "No client is bound.",
        rows: sessions,
        key: (row) => `${row.node}:${row.name}`,
        columns: [
          { label: "session", head: true, cell: (row) => h("button.name", { type: "button", onclick: () => menu({ kind: "session", target: `account:${row.name}`, admin: "up", facts: `${row.type} from ${row.peer}, bound for ${span(row.for)}`, done: refresh }) }, row.name) },
          { label: "type", cell: (row) => row.type },
          { label: "state", cell: stateOf },
          { label: "for", num: true, cell: (row) => span(row.for) },
          { label: "from", cell: (row) => h("code", {}, row.peer) },
          { label: "submits out", num: true, help: "submit_sm without an answer", cell: (row) => count(row.outstanding) },
          { label: "receipts out", num: true, help: "deliver_sm without an answer", cell: (row) => count(row.deliveries) },
          { label: "window", cell: (row) => bar(row.outstanding, row.window, `window: ${row.outstanding} of ${row.window}`) },
          { label: "node", cell: (row) => row.node },
        ],
      })),
      troubled.length ? h("section.panel", { "data-key": "errors" }, table({
        caption: "Why binds were last lost or refused",
        rows: troubled,
        key: (row) => `${row.node}:${row.name}`,
        columns: [
          { label: "bind", head: true, cell: (row) => row.name },
          { label: "state", cell: stateOf },
          { label: "down for", num: true, cell: (row) => (row.down ? span(row.down) : "–") },
          { label: "last error", cell: (row) => row.last_error },
          { label: "node", cell: (row) => row.node },
        ],
      })) : null,
    ];
  },
};

/** What one should know about an answer: nodes that are silent, rows that are left out. */
export function notes(answer) {
  const said = [
    answer.silent?.length ? `No answer of ${answer.silent.join(", ")}: what is shown is of the other nodes.` : "",
    answer.note ?? "",
    answer.more ? "There are more rows than are shown." : "",
  ].filter(Boolean);
  return said.length ? h("p.note", {}, said.join(" ")) : null;
}
