// What an operator does: said first in words, then confirmed, then done.

import { post } from "./api.js";
import { h } from "./dom.js";
import { count, plural } from "./format.js";
import { may, me } from "./state.js";

const dialog = document.getElementById("dialog");

/** Short news, told to screen readers too. */
export function toast(text, kind = "good") {
  const place = document.getElementById("toast");
  place.className = `toast shown ${kind}`;
  place.textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { place.className = "toast"; }, 8000);
}

/** A dialog with a heading; gives back its element. Escape and Close end it. */
export function open(title, ...inside) {
  dialog.replaceChildren(
    h("div.frame", {},
      h("header", {}, h("h2", { id: "dialog-title", tabindex: -1 }, title),
        h("button.quiet", { type: "button", "aria-label": "Close", onclick: close }, "✕"))),
    h("div.frame.body", {}, inside));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("#dialog-title").focus();
  return dialog;
}

export function close() {
  dialog.close();
}

/**
 * Ask, then do: `says` is what will happen, `act` does it and gives a sentence about what was done.
 */
export function confirm({ title, says, label, danger, act, done }) {
  const trouble = h("p.trouble", { role: "alert" });
  const button = h("button", { type: "button", class: danger ? "danger" : "strong" }, label);
  button.onclick = async () => {
    button.disabled = true;
    trouble.textContent = "";
    try {
      const told = await act();
      close();
      toast(told);
      done?.();
    } catch (error) {
      button.disabled = false;
      trouble.textContent = error.message;
    }
  };
  open(title, says, trouble, h("div.buttons", {},
    h("button", { type: "button", onclick: close }, "Leave it"), button));
}

const WHAT = {
  drain: {
    provider: "No more messages are sent to it. What is under way is answered, then its binds are unbound and stay so, on every node and over restarts, until it is resumed.",
    account: "Its sessions are unbound and it cannot bind any more, on every node, until it is resumed. Its receipts wait in their queue.",
    node: "The node lets nobody in and unbinds its clients, once what they sent is answered. Binds to providers stay, receipts go on. Clients may bind to the other nodes.",
  },
  isolate: {
    provider: "No more messages are sent to it. It stays bound: receipts and messages from mobiles are taken, on every node and over restarts, until it is resumed.",
  },
  resume: {
    provider: "It is used again as the network says.",
    account: "It may bind again.",
    node: "The node lets clients in again.",
  },
  kick: {
    provider: "Its connection is ended now; it binds again at once. What it had not answered is in doubt: sent once more or answered, as the account says.",
    account: "Every session of it is unbound, once what it sent is answered. It may bind again at once.",
    session: "The session is unbound, once what it sent is answered. It may bind again at once.",
  },
  reconnect: {
    provider: "Its binds are unbound and made anew, one by one. What is under way is answered first.",
  },
};

const OF = {
  provider: ["drain", "isolate", "resume", "reconnect"],
  host: ["drain", "isolate", "resume", "reconnect"],
  bind: ["drain", "isolate", "resume", "reconnect", "kick"],
  account: ["drain", "resume", "kick"],
  session: ["kick"],
  node: ["drain", "resume"],
};

const DANGER = new Set(["drain", "kick"]);

/** The verbs of a thing as buttons, with what will happen; a role that may not is told so. */
export function menu({ kind, target, admin, facts, done }) {
  const says = (verb) => WHAT[verb][kind] ?? WHAT[verb].provider;
  const useless = (verb) => (verb === "resume" && admin === "up") || verb === admin;
  const rows = OF[kind].map((verb) => h("li", {},
    h("button", {
      type: "button",
      class: DANGER.has(verb) ? "danger" : null,
      disabled: !may(verb) || useless(verb),
      onclick: () => ask(verb, target, says(verb), facts, done),
    }, verb[0].toUpperCase() + verb.slice(1)),
    h("span.muted", {}, useless(verb) ? "That is so already." : says(verb))));
  open(target, facts ? h("p", {}, facts) : null,
    OF[kind].some(may) ? null : h("p.trouble", {}, `The role ${me.role} may look only; these need the role operate.`),
    h("ul.verbs", {}, rows));
}

function ask(verb, target, says, facts, done) {
  confirm({
    title: `${verb[0].toUpperCase()}${verb.slice(1)} ${target}?`,
    says: [h("p", {}, says), facts ? h("p.muted", {}, `Now: ${facts}`) : null,
      h("p.muted", {}, "The same by command: ", h("code", {}, `smppproxy ${verb} ${target}`))],
    label: `${verb[0].toUpperCase()}${verb.slice(1)} ${target}`,
    danger: DANGER.has(verb),
    done,
    act: async () => {
      const answer = await post(verb, { target });
      const rows = answer.done.map((row) => [row.target, row.now, row.note].filter(Boolean).join(" "));
      const silent = answer.silent.length ? `; no answer of ${answer.silent.join(", ")}` : "";
      return `${verb}: ${rows.join("; ") || "nothing was there to do"}${silent}`;
    },
  });
}

/** Replay receipts or messages: what would be found is looked up first. */
export async function replay(kind, where, done) {
  let found;
  try {
    found = await post("replay", { kind, ...where, dry_run: true });
  } catch (error) {
    toast(error.message, "bad");
    return;
  }
  const said = counted(found.counts);
  confirm({
    title: `Replay ${where.id ? `${kind} ${where.id}` : `all ${kind}`}?`,
    says: [h("p", {}, "Their owners are looked for by the settings of now. What finds its owner is delivered as if it had just come; the rest stays where it is."),
      h("p", {}, `It would be: ${said}.`)],
    label: "Replay",
    done,
    act: async () => `replay: ${counted((await post("replay", { kind, ...where })).counts)}`,
  });
}

function counted(counts) {
  const { selected = 0, looked = 0, ...rest } = counts;
  const told = Object.entries(rest).filter(([, number]) => number).map(([name, number]) => `${count(number)} ${name}`);
  return `${count(selected)} of ${plural(looked, "entry", "entries")}: ${told.join(", ") || "nothing to do"}`;
}
