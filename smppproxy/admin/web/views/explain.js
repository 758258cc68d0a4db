// Where a message would go, and why, without sending it.

import { get, show } from "../api.js";
import { h, mark, table } from "../dom.js";
import { to } from "../state.js";

const ASKED = ["account", "destination", "source", "text"];

function form(route, names) {
  const value = (name) => route.query.get(name) ?? "";
  return h("form.panel.choose", {
    onsubmit: (event) => {
      event.preventDefault();
      const query = new URLSearchParams();
      for (const name of ASKED) if (event.target.elements[name].value) query.set(name, event.target.elements[name].value);
      to(`#/explain?${query}`);
    },
  },
  h("div", {}, h("label", { for: "account" }, "Account"),
    h("select", { id: "account", name: "account" }, names.map((name) => h("option", { value: name, selected: name === value("account") }, name)))),
  h("div", {}, h("label", { for: "destination" }, "Destination"), h("input", { id: "destination", name: "destination", value: value("destination"), required: true, inputmode: "tel" })),
  h("div", {}, h("label", { for: "source" }, "Sender"), h("input", { id: "source", name: "source", value: value("source") })),
  h("div", {}, h("label", { for: "text" }, "Text"), h("input", { id: "text", name: "text", value: value("text") })),
  h("button.strong", { type: "submit" }, "Explain"));
}

function answer(told) {
  const good = told.verdict.startsWith("goes to");
  return [
    h("section.panel.attention", { class: good ? "good" : "part", "data-key": "verdict" },
      h("h2", {}, mark(good ? "good" : "part", told.verdict)),
      told.command_status ? h("p", {}, "It would be answered ", h("code", {}, told.command_status)) : null,
      told.route ? h("p", {}, `Route ${told.route} decides: ${told.because}.`) : null,
      told.notes.map((note) => h("p.note", {}, note))),
    h("section.panel", { "data-key": "targets" }, table({
      caption: "Its providers, in their order",
      empty: "No provider was asked.",
      rows: told.targets,
      columns: [
        { label: "provider", head: true, cell: (row) => row.provider },
        { label: "state", cell: (row) => mark(row.state === "ready" ? "good" : "part", row.state) },
        { label: "why", cell: (row) => row.why || "–" },
        { label: "is told", cell: (row) => row.rewritten || "as it came" },
        { label: "price", num: true, cell: (row) => row.price || "–" },
        { label: "measured", cell: (row) => row.measured || "–" },
      ],
    })),
    h("section.panel", { "data-key": "routes" }, table({
      caption: "Routes, as they were asked",
      rows: told.routes,
      columns: [
        { label: "place", num: true, cell: (row) => row.place },
        { label: "route", head: true, cell: (row) => row.route },
        { label: "fits", cell: (row) => (row.fits ? mark("good", "yes") : row.asked ? mark("calm", "no") : mark("wait", "not asked")) },
        { label: "why", cell: (row) => row.why || "–" },
        { label: "prefix", cell: (row) => row.prefix || "–" },
      ],
    })),
  ];
}

export const explain = {
  path: "explain",
  title: "Explain",
  every: 10,
  once: true,
  async load(route) {
    const [accounts, routes] = await Promise.all([show("accounts", { sum: true }), show("routes")]);
    const names = accounts.rows.map((row) => row.account);
    const query = Object.fromEntries(ASKED.map((name) => [name, route.query.get(name) ?? ""]));
    return { names, routes, told: query.destination ? await get("explain", { ...query, account: query.account || names[0] }) : null };
  },
  render({ names, routes, told }, route) {
    return [
      h("h1", {}, "Where would it go?"),
      form(route, names),
      told ? answer(told) : h("p.muted", {}, "A message is made as the client would send it and asked the same questions as one that came. Nothing is sent."),
      h("section.panel", { "data-key": "all" }, table({
        caption: `Routes in force (${routes.rows.length})`,
        rows: routes.rows,
        key: (row) => row.route,
        columns: [
          { label: "place", num: true, cell: (row) => row.place },
          { label: "route", head: true, cell: (row) => row.route },
          { label: "a message that is", cell: (row) => row.match },
          { label: "goes to", cell: (row) => h("span.path", {}, row.targets || "nobody") },
          { label: "options", cell: (row) => row.options || "–" },
        ],
      })),
    ];
  },
};
