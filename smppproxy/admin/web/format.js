// Numbers, times and words as people read them.

import { h } from "./dom.js";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value) {
  return value === null || value === undefined ? "–" : WHOLE.format(value);
}

/** What there is most of, by name: {"ESME_RTHROTTLED": 3, …} as words. */
export function most(numbers, names) {
  const sorted = Object.entries(numbers).sort((one, other) => other[1] - one[1]);
  return sorted.length ? sorted.slice(0, names).map(([name, number]) => `${name} ${count(number)}`).join(", ") : "–";
}

/** A number a second: two digits while it is small. */
export function rate(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 100) return WHOLE.format(value);
  return value === 0 ? "0" : value.toFixed(value >= 10 ? 0 : 1);
}

export function percent(part, whole) {
  if (!whole) return "–";
  const value = (100 * part) / whole;
  return value === 100 ? "100 %" : `${value.toFixed(value > 99 ? 2 : 1)} %`;
}

/** Seconds as the eye takes them in: 850 ms, 12 s, 3 min 20 s, 5 h 4 min, 3 d 2 h. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.0005) return "0 s";
  if (seconds < 0.0095) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = units.findIndex(([size]) => whole >= size);
  const [size, unit] = units[first];
  const [smaller, name] = units[first + 1];
  const rest = Math.floor((whole % size) / smaller);
  return rest ? `${Math.floor(whole / size)} ${unit} ${rest} ${name}` : `${Math.floor(whole / size)} ${unit}`;
}

export function clock(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(11, 19)} UTC`;
}

/** A moment in UTC; what it is here is told by its title. */
export function moment(text, short = false) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text || "–";
  const iso = date.toISOString();
  const shown = short ? iso.slice(11, 23) : `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
  return h("time", { datetime: iso, title: `here: ${date.toLocaleString()}` }, shown);
}

export function plural(number, noun, more = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : more}`;
}

/** Rows as CSV (RFC 4180); what a spreadsheet would take for a formula is held off. */
export function csv(names, rows) {
  const cell = (value) => {
    let text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string" && /^[=@\t\r]|^[+-](?![\d.]+$)/.test(text)) text = `'${text}`;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Hand a text to the reader as a file. */
export function save(name, text, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
