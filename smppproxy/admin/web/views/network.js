// Versions of the network: which node has which, what a file would change, apply and rollback.

import { get, post, show } from "../api.js";
import { pack, unpack } from "../bundle.js";
import { h, mark, table } from "../dom.js";
import { count, moment, percent, plural, span } from "../format.js";
import { may, me } from "../state.js";
import { confirm, menu, open, toast } from "../verbs.js";
import { notes } from "./binds.js";

/** Whose sessions end, a few of them by name. */
function ending(closing) {
  const names = [...new Set(closing.map((change) => `${change.kind} ${change.name}`))];
  return names.length > 4 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more, see below` : names.join(", ");
}

/** What a plan says, for people. */
function planned(plan) {
  if (plan.same) return [h("p", {}, mark("good", `It says what version ${plan.current} says: nothing would change.`))];
  const closing = plan.changes.filter((change) => change.closes);
  return [
    h("p", {}, `${plural(plan.changes.length, "difference")} to version ${plan.current}. `,
      closing.length ? `Sessions end: ${ending(closing)}. ` : "No session ends. ",
      plan.messages ? `Of the last ${plural(plan.messages, "message")}, ${count(plan.elsewhere)} (${percent(plan.elsewhere, plan.messages)}) would go elsewhere.` : ""),
    plan.note ? h("p.note", {}, plan.note) : null,
    table({
      caption: "What would be different",
      rows: plan.changes.slice(0, 200),
      columns: [
        { label: "what", head: true, cell: (row) => `${row.kind} ${row.name}` },
        { label: "option", cell: (row) => row.option || row.change },
        { label: "is", cell: (row) => h("code", {}, row.was || "–") },
        { label: "would be", cell: (row) => h("code", {}, row.now || (row.option ? "–" : row.change)) },
        { label: "ends", cell: (row) => row.closes || "–" },
      ],
    }),
    plan.ways.length ? table({
      caption: "Messages that would go elsewhere",
      rows: plan.ways,
      columns: [
        { label: "went to", head: true, cell: (row) => row.was || "nobody" },
        { label: "would go to", cell: (row) => row.now || "nobody" },
        { label: "messages", num: true, cell: (row) => count(row.messages) },
      ],
    }) : null,
  ];
}

const why = () => h("div.field", {}, h("label", { for: "why" }, "Why, for the history"), h("input", { id: "why", maxlength: 1000 }));
const said = () => document.getElementById("why").value;

async function rollback(number, refresh) {
  try {
    const plan = await post("network/plan", { number });
    confirm({
      title: `Return to version ${number}?`,
      says: [...planned(plan), plan.same ? null : why()],
      label: plan.same ? "Close" : `Make version ${number} the network again`,
      danger: !plan.same,
      done: refresh,
      act: async () => {
        if (plan.same) return "Nothing was changed.";
        const made = await post("network/rollback", { number, why: said(), expected: plan.current });
        return `Version ${made.number} says what version ${number} said; it was ${made.was}.`;
      },
    });
  } catch (error) {
    toast(error.message, "bad");
  }
}

/** The chosen files as one bundle: the network file is the TOML among them, the others its tables. */
async function bundled(files) {
  const own = files.find((file) => file.name.endsWith(".toml")) ?? files[0];
  const octets = new Uint8Array(await own.arrayBuffer());
  const names = [...new TextDecoder().decode(octets).matchAll(/"([^"\n]*)"|'([^'\n]*)'/g)].map((found) => found[1] ?? found[2]);
  const tables = new Map();
  for (const file of files) {
    if (file === own) continue;
    const written = names.find((name) => name === file.name || name.endsWith(`/${file.name}`));
    if (written) tables.set(written, new Uint8Array(await file.arrayBuffer()));
  }
  return pack(own.name, octets, tables);
}

async function apply(files, refresh) {
  try {
    const bundle = await bundled(files);
    const plan = await post("network/plan", { bundle });
    confirm({
      title: `Apply ${files[0].name}?`,
      says: [...planned(plan), plan.same ? null : why()],
      label: plan.same ? "Close" : "Apply it on all nodes",
      danger: !plan.same,
      done: refresh,
      act: async () => {
        if (plan.same) return "Nothing was changed.";
        const made = await post("network/apply", { bundle, why: said(), expected: plan.current });
        return `Version ${made.number} is the network now; it was ${made.was}.`;
      },
    });
  } catch (error) {
    open("This file cannot be the network", h("pre.trouble", { role: "alert" }, error.message));
  }
}

async function file(number) {
  try {
    const { name, text, tables } = await unpack((await get("network/version", { number })).bundle);
    open(`Version ${number}: ${name}`,
      tables.length ? h("p", {}, `With ${tables.join(", ")}.`) : null,
      h("pre", { tabindex: 0, role: "region", "aria-label": "the network file" }, text));
  } catch (error) {
    toast(error.message, "bad");
  }
}

function chooser(refresh) {
  if (!may("network_apply")) return h("p.muted", {}, `The role ${me.role} may not change the network; that needs admin.`);
  return h("form.choose", {
    onsubmit: (event) => {
      event.preventDefault();
      const files = [...event.target.elements.files.files];
      if (files.length) apply(files, refresh);
    },
  },
  h("div", {}, h("label", { for: "files" }, "A network file, and the tables it names"), h("input", { id: "files", name: "files", type: "file", multiple: true, required: true })),
  h("button.strong", { type: "submit" }, "Plan"));
}

export const network = {
  path: "network",
  title: "Network",
  every: 3,
  async load() {
    const [history, standings, nodes] = await Promise.all([get("network/history"), get("network/nodes"), show("nodes")]);
    return { history, standings, nodes };
  },
  render({ history, standings, nodes }, route, refresh) {
    const of = new Map(standings.nodes.map((row) => [row.node, row]));
    const changing = may("network_rollback");
    return [
      h("h1", {}, "Network and nodes"),
      notes(nodes),
      h("section.panel", { "data-key": "nodes" }, table({
        caption: `Nodes (${nodes.rows.length})`,
        rows: nodes.rows,
        key: (row) => row.node,
        columns: [
          { label: "node", head: true, cell: (row) => h("button.name", { type: "button", onclick: () => menu({ kind: "node", target: `node:${row.node}`, admin: row.state === "draining" ? "drain" : "up", facts: `${row.clients} clients, ${row.binds} binds, ${row.in_flight} messages in flight`, done: refresh }) }, row.node) },
          { label: "state", cell: (row) => mark(row.state === "up" ? "good" : row.state === "draining" ? "calm" : "bad", row.state) },
          { label: "version", num: true, cell: (row) => row.version || "own file" },
          { label: "trouble", cell: (row) => row.trouble || of.get(row.node)?.reason || "–" },
          { label: "up for", num: true, cell: (row) => span(row.uptime) },
          { label: "clients", num: true, cell: (row) => count(row.clients) },
          { label: "binds", num: true, cell: (row) => count(row.binds) },
          { label: "an OK survives", cell: (row) => row.durability || "–" },
          { label: "journal", cell: (row) => row.journal || "–" },
          { label: "release", cell: (row) => row.program || "–" },
          { label: "network file", cell: (row) => h("code.path", {}, of.get(row.node)?.network_file || "–") },
        ],
      })),
      h("section.panel", { "data-key": "change" }, h("h2", {}, "Change it"), chooser(refresh),
        h("p.muted", {}, "First the plan: every difference, which sessions end, and how many of the last messages would go elsewhere. Nothing is changed before that is confirmed.")),
      h("section.panel", { "data-key": "history" }, table({
        caption: "Versions, the newest first",
        empty: "There is no version yet: the first one is made by applying a file.",
        rows: history.versions,
        key: (row) => row.number,
        columns: [
          { label: "version", head: true, cell: (row) => [String(row.number), " ", row.number === history.current ? mark("good", "in force") : null] },
          { label: "when, UTC", cell: (row) => h("span.moment", {}, moment(row.at)) },
          { label: "who", cell: (row) => row.by },
          { label: "why", cell: (row) => h("span.path", {}, row.why || "–") },
          { label: "returns to", num: true, cell: (row) => row.origin || "–" },
          { label: "octets", num: true, cell: (row) => count(row.size) },
          { label: "file", cell: (row) => h("button", { type: "button", disabled: !may("network_version"), "aria-label": `Show version ${row.number}`, onclick: () => file(row.number) }, "Show") },
          { label: "rollback", cell: (row) => (row.number === history.current ? "–" : h("button", { type: "button", disabled: !changing, "aria-label": `Return to version ${row.number}`, onclick: () => rollback(row.number, refresh) }, "Return to it")) },
        ],
      })),
    ];
  },
};
