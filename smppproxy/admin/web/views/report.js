// The traffic of past hours, put together as one likes, and as CSV.

import { get } from "../api.js";
import { bar, h, table } from "../dom.js";
import { count, csv, moment, percent, save } from "../format.js";
import { to } from "../state.js";

const FIELDS = ["account", "provider", "country", "result", "hour"];
const SPANS = [["1", "1 hour"], ["6", "6 hours"], ["24", "1 day"], ["168", "7 days"], ["744", "31 days"]];
const LABELS = { account: "account", provider: "provider", country: "country code", result: "status or state", hour: "hour, UTC" };

const GOOD = new Set(["ESME_ROK", "DELIVRD"]);

function chosen(route) {
  const by = (route.query.get("by") ?? "account,provider,result").split(",").filter((name) => FIELDS.includes(name));
  return { by: by.length ? by : ["account"], hours: route.query.get("hours") ?? "24", account: route.query.get("account") ?? "", provider: route.query.get("provider") ?? "" };
}

/** Counts by these fields, the largest first; hours in their order. */
export function grouped(rows, by) {
  const sums = new Map();
  for (const row of rows) {
    const values = by.map((name) => row[name]);
    const key = values.join("\0");
    const sum = sums.get(key) ?? { values, count: 0 };
    sum.count += row.count;
    sums.set(key, sum);
  }
  const found = [...sums.values()];
  const at = by.indexOf("hour");
  return found.sort((one, other) => (at >= 0 && one.values[at] < other.values[at] ? 1 : at >= 0 && one.values[at] > other.values[at] ? -1 : other.count - one.count));
}

function go(form) {
  const query = new URLSearchParams();
  query.set("hours", form.elements.hours.value);
  query.set("by", FIELDS.filter((name) => form.elements[`by-${name}`].checked).join(","));
  for (const name of ["account", "provider"]) if (form.elements[name].value) query.set(name, form.elements[name].value);
  to(`#/report?${query}`);
}

function chooser(want) {
  const change = (event) => go(event.currentTarget);
  return h("form.panel.choose", { onchange: change, onsubmit: (event) => { event.preventDefault(); go(event.currentTarget); } },
    h("div", {}, h("label", { for: "hours" }, "The last"),
      h("select", { id: "hours", name: "hours" }, SPANS.map(([value, label]) => h("option", { value, selected: value === want.hours }, label)))),
    h("fieldset", {}, h("legend", {}, "By"), FIELDS.map((name) => h("label.check", {},
      h("input", { type: "checkbox", name: `by-${name}`, checked: want.by.includes(name) }), " ", LABELS[name]))),
    h("div", {}, h("label", { for: "account" }, "Only account"), h("input", { id: "account", name: "account", value: want.account, size: 12 })),
    h("div", {}, h("label", { for: "provider" }, "Only provider"), h("input", { id: "provider", name: "provider", value: want.provider, size: 12 })),
    h("button", { type: "submit" }, "Show"));
}

export const report = {
  path: "report",
  title: "Report",
  every: 10,
  once: true,
  load(route) {
    const want = chosen(route);
    const since = new Date(Date.now() - 3_600_000 * Number(want.hours)).toISOString();
    return get("report", { since, account: want.account, provider: want.provider });
  },
  render({ rows }, route) {
    const want = chosen(route);
    const sums = grouped(rows, want.by);
    const total = rows.reduce((all, row) => all + row.count, 0);
    const name = (suffix) => `smppproxy-${suffix}-${new Date().toISOString().slice(0, 13)}.csv`;
    return [
      h("h1", {}, "Traffic report"),
      chooser(want),
      h("p.muted", {}, "Counts by the hour of all nodes, as the store keeps them for 31 days: each answer to a submit_sm by its command_status, each final receipt by its state, messages from mobiles as MO. The last ten seconds are still on their way."),
      h("div.buttons", {},
        h("button", { type: "button", disabled: !rows.length, onclick: () => save(name("report"), csv([...want.by, "count"], sums.map((row) => [...row.values, row.count]))) }, "This table as CSV"),
        h("button", { type: "button", disabled: !rows.length, onclick: () => save(name("hours"), csv([...FIELDS, "count"], rows.map((row) => [...FIELDS.map((field) => row[field]), row.count]))) }, "Every hour as CSV")),
      h("section.panel", { "data-key": "report" }, table({
        caption: `${count(total)} events`,
        empty: "There was no traffic in this time.",
        rows: sums.slice(0, 1000),
        key: (row) => row.values.join("|"),
        columns: [
          ...want.by.map((field, place) => ({
            label: LABELS[field],
            head: place === 0,
            cell: (row) => {
              const value = row.values[place];
              if (field === "hour") return moment(value);
              if (field === "result") return h("span", { class: GOOD.has(value) ? "good" : null }, value);
              return value === "" ? h("span.muted", {}, "none") : field === "country" ? `+${value}` : value;
            },
          })),
          { label: "count", num: true, cell: (row) => count(row.count) },
          { label: "part", num: true, cell: (row) => percent(row.count, total) },
          { label: "", cell: (row) => bar(row.count, total, percent(row.count, total)) },
        ].map((column) => (column.label ? column : { ...column, label: h("span.unseen", {}, "compared") })),
      })),
      sums.length > 1000 ? h("p.note", {}, `${count(sums.length - 1000)} more rows are in the CSV.`) : null,
    ];
  },
};
