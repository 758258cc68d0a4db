// One message: every hop of it, of all nodes and of the store.

import { get } from "../api.js";
import { h, mark, table } from "../dom.js";
import { moment, plural } from "../format.js";
import { to } from "../state.js";
import { notes } from "./binds.js";

const SHOWN = new Set([
  "time", "event", "node", "account", "provider", "host", "bind", "client_message_id", "provider_message_id",
  "provider_message_ids", "source_addr", "destination_addr", "command_status", "message_state", "message_states",
]);

const EVENTS = {
  accepted: "accepted by a provider",
  refused: "refused",
  receipt: "receipt from the provider",
  delivered: "taken by the client",
  map: "the store keeps its way back",
  queued: "its receipt waits for the client",
  in_doubt: "in doubt",
  resent: "sent once more",
  parked: "a receipt that waits for the answer",
  orphan: "a receipt without an owner",
  quarantine: "a receipt in quarantine",
  mo: "message from a mobile",
};

function ids(hop) {
  const provider = hop.provider ?? "";
  const found = hop.client_message_id ? [hop.client_message_id] : [];
  for (const each of [hop.provider_message_id, ...(hop.provider_message_ids ?? [])]) if (each) found.push(`${provider}\0${each}`);
  if (hop.event === "mo" || hop.kind === "mo") found.push(`${hop.account}\0${hop.source_addr}\0${hop.destination_addr}`);
  return found;
}

/** The hops of each message; a hop may show that what seemed two messages is one. */
export function messages(hops) {
  const groups = [];
  for (const hop of hops) {
    const own = ids(hop);
    const ours = groups.filter((group) => own.some((each) => group.ids.has(each)));
    const first = ours[0] ?? { ids: new Set(), hops: [] };
    if (!ours.length) groups.push(first);
    own.forEach((each) => first.ids.add(each));
    first.hops.push(hop);
    for (const other of ours.slice(1)) {
      other.ids.forEach((each) => first.ids.add(each));
      first.hops.push(...other.hops);
      groups.splice(groups.indexOf(other), 1);
    }
  }
  return groups.map((group) => group.hops);
}

function verdict(hop) {
  const word = hop.message_state ?? hop.message_states?.join(" ") ?? hop.command_status ?? "";
  if (word === "") return "–";
  const good = word === "ESME_ROK" || word.endsWith("DELIVRD");
  return mark(good ? "good" : "part", word);
}

function where(hop) {
  return hop.bind || [hop.provider, hop.host].filter(Boolean).join("/") || hop.account || "–";
}

function more(hop) {
  const said = Object.entries(hop).filter(([name, value]) => !SHOWN.has(name) && value !== "" && value !== null && !(Array.isArray(value) && !value.length));
  return said.map(([name, value], place) => [place ? " " : "", h("span.fact", {}, h("span.muted", {}, `${name} `), typeof value === "string" ? value : JSON.stringify(value))]);
}

function one(hops) {
  const first = (name) => hops.map((hop) => hop[name]).find(Boolean) ?? "";
  const id = first("client_message_id");
  const way = `${first("source_addr") || "?"} → ${first("destination_addr") || "?"}`;
  return h("section.panel", { "data-key": `message:${id}${way}` },
    h("h2", {}, h("a", { href: `#/trace/${encodeURIComponent(id)}` }, id || "(no message_id of ours)"), " ", h("span.muted", {}, `${first("account")} ${way}`), h("span.muted.day", {}, first("time").slice(0, 10))),
    table({
      caption: `Hops of ${id || "the message"}, the oldest first`,
      quiet: true,
      rows: [...hops.filter((hop) => hop.node), ...hops.filter((hop) => !hop.node)],
      columns: [
        { label: "time, UTC", head: true, cell: (hop) => (hop.time ? moment(hop.time, true) : "now") },
        { label: "what", cell: (hop) => EVENTS[hop.event] ?? hop.event },
        { label: "verdict", cell: verdict },
        { label: "where", cell: where },
        { label: "provider's id", cell: (hop) => h("code", {}, hop.provider_message_id || (hop.provider_message_ids ?? []).join(" ") || "–") },
        { label: "node", cell: (hop) => hop.node ?? "store" },
        { label: "more", cell: (hop) => h("div.facts", {}, more(hop)) },
      ],
    }));
}

function search(route) {
  return h("form.search", {
    role: "search",
    onsubmit: (event) => {
      event.preventDefault();
      const wanted = event.target.elements.id.value.trim();
      if (wanted) to(`#/trace/${encodeURIComponent(wanted)}`);
    },
  },
  h("label", { for: "id" }, "Our id, the provider's, the client's reference, or a number"),
  h("div.row", {}, h("input", { id: "id", name: "id", type: "search", value: route.rest, autocomplete: "off", spellcheck: "false" }),
    h("button.strong", { type: "submit" }, "Trace")));
}

export const trace = {
  path: "trace",
  title: "Trace",
  every: 5,
  once: true,
  load: (route) => (route.rest ? get("trace", { id: route.rest }, 60_000) : { hops: [], query: "" }),
  render(data, route) {
    const groups = messages(data.hops);
    return [
      h("h1", {}, "Trace a message"),
      search(route),
      notes(data),
      data.query ? h("p", { role: "status" }, groups.length ? `${plural(groups.length, "message")} of ${data.query}` : "") : h("p.muted", {}, "Nodes write down what they do where [message_log] has a folder. What the store holds is shown in any case."),
      data.query && !groups.length ? h("div.panel", {}, h("h2", {}, `Nothing is known of ${data.query}`),
        h("p", {}, "Neither the nodes' message logs nor the store has it. Is the message log on, and was the number written as the client sent it?")) : null,
      groups.reverse().map(one),
    ];
  },
};
