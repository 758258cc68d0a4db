// Elements out of values. Whatever comes from a node becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path", "polyline", "line", "rect", "circle", "title"]);
const HANDLERS = ["onclick", "onsubmit", "onchange", "oninput", "onkeydown"];

/** An element: its name (and classes, "p.muted"), its attributes and handlers, what is in it. */
export function h(name, given, ...inside) {
  const [tag, ...classes] = name.split(".");
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (HANDLERS.includes(key)) element[key] = value;
    else if (key === "class") element.setAttribute("class", [...classes, value].join(" "));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  append(element, inside);
  return element;
}

function append(element, inside) {
  for (const each of inside) {
    if (each === undefined || each === null || each === false) continue;
    if (Array.isArray(each)) append(element, each);
    else element.append(each instanceof Node ? each : String(each));
  }
}

/** Make `old` look as `wanted` does and keep its elements: focus, scrolling and choices stay. */
export function morph(old, wanted) {
  const was = [...old.childNodes];
  const now = [...wanted.childNodes];
  const keyed = new Map();
  for (const each of was) if (each.dataset?.key) keyed.set(each.dataset.key, each);
  let at = 0;
  for (const each of now) {
    let mine = each.dataset?.key ? keyed.get(each.dataset.key) : old.childNodes[at];
    if (mine && mine.dataset?.key !== each.dataset?.key) mine = undefined;
    if (!mine || mine.nodeName !== each.nodeName) {
      old.insertBefore(each, old.childNodes[at] ?? null);
    } else {
      if (old.childNodes[at] !== mine) old.insertBefore(mine, old.childNodes[at] ?? null);
      sync(mine, each);
    }
    at += 1;
  }
  while (old.childNodes.length > now.length) old.lastChild.remove();
}

function sync(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  if (old.dataset.keep !== undefined) return;
  for (const { name } of [...old.attributes]) {
    // Whether details stand open is the reader's.
    if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of HANDLERS) old[name] = wanted[name] ?? null;
  if (old.nodeName === "PROGRESS") old.value = wanted.value;
  if (old.nodeName === "SELECT" || old.nodeName === "TEXTAREA") return;
  morph(old, wanted);
}

/** Show an element's content anew. */
export function show(place, ...inside) {
  const wanted = document.createElement("div");
  append(wanted, inside);
  morph(place, wanted);
}

/**
 * A table with a caption, in a region that scrolls by itself where it is too wide.
 *
 * columns: {label, cell(row) -> text or element, num, help, head: the cell names its row, hide}.
 */
export function table({ caption, columns, rows, key, empty, quiet, foot }) {
  const used = columns.filter((column) => !column.hide);
  if (!rows.length) {
    return h("div.scroll", { "data-key": caption }, quiet ? null : h("h3", {}, caption),
      h("p.muted", {}, empty ?? "Nothing to show."));
  }
  const heads = used.map((column) =>
    h("th", { scope: "col", class: column.num ? "num" : null, title: column.help }, column.label));
  const body = rows.map((row, place) => h("tr", { "data-key": key ? `row:${key(row)}` : `row:${place}` },
    used.map((column) => {
      const name = column.head ? "th" : "td";
      return h(name, { scope: column.head ? "row" : null, class: column.num ? "num" : null }, column.cell(row));
    })));
  return h("div.scroll", { "data-key": caption, tabindex: 0, role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: quiet ? "unseen" : null }, caption),
      h("thead", {}, h("tr", {}, heads)),
      h("tbody", {}, body),
      foot ? h("tfoot", {}, foot) : null));
}

/** A word with a mark of its own, so that no state is told by colour alone. */
export function mark(kind, text, help) {
  return h("span.mark", { class: kind, title: help }, h("span", { "aria-hidden": "true" }, MARKS[kind]), " ", text);
}

const MARKS = { good: "●", part: "◐", bad: "▲", calm: "○", wait: "◌" };

/** How full something is. */
export function bar(value, most, label) {
  return h("progress", { value: Math.min(value, most || 1), max: most || 1, "aria-label": label, title: label });
}

/** Names for programs and people: copied by a click of a browser's own, wrapped where they must. */
export function code(text) {
  return h("code", {}, text);
}
