// The frame around the pages: addresses, polling, who is at the door, what is told when a node goes.

import { ApiError, get, token } from "./api.js";
import { CHARTS, drawAll } from "./charts.js";
import { h, show } from "./dom.js";
import { clock, span } from "./format.js";
import { me, to } from "./state.js";
import { close, confirm, toast } from "./verbs.js";
import { accounts } from "./views/accounts.js";
import { binds } from "./views/binds.js";
import { explain } from "./views/explain.js";
import { help, noTokens } from "./views/help.js";
import { ledger } from "./views/ledger.js";
import { network } from "./views/network.js";
import { now } from "./views/now.js";
import { providers } from "./views/providers.js";
import { report } from "./views/report.js";
import { trace } from "./views/trace.js";

const PAGES = [now, binds, providers, accounts, trace, report, explain, network, ledger, help];
const FIRST = 2;
const LONGEST = 30;
const SLOW = 6;

const place = (id) => document.getElementById(id);
const main = place("main");

let page = now;
let route = { rest: "", query: new URLSearchParams() };
let data = null;
let turns = 0; // of the present page: answers to an earlier one are not shown
let timer = 0;
let failures = 0;
let away = 0;

// -- addresses ------------------------------------------------------------------------------------

function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  return {
    found: PAGES.find((each) => each.path === name) ?? now,
    rest: decodeURIComponent(rest.join("/")),
    query: new URLSearchParams(query ?? ""),
  };
}

/** A token in the address (#token=...) is taken out of it at once. */
function takeToken() {
  const given = location.hash.match(/^#token=([^&]+)$/);
  if (!given) return;
  token.set(decodeURIComponent(given[1]));
  history.replaceState(null, "", "#/");
}

function navigate() {
  takeToken();
  close();
  const wanted = read();
  const other = wanted.found !== page || data === null || wanted.found.once;
  const moved = wanted.found !== page;
  page = wanted.found;
  route = wanted;
  document.title = `${page.title} – ${me.node || "smppproxy"}`;
  menu(false);
  header();
  if (other) {
    turns += 1;
    data = null;
    if (moved) {
      main.replaceChildren();
      main.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    draw();
  }
  turn();
}

// -- polling --------------------------------------------------------------------------------------

function later(seconds) {
  clearTimeout(timer);
  timer = document.hidden ? 0 : setTimeout(turn, seconds * 1000);
}

async function turn() {
  clearTimeout(timer);
  const mine = turns;
  const began = performance.now();
  const patience = setTimeout(() => mine === turns && data !== null && tellAway("the node does not answer"), SLOW * 1000);
  try {
    if (!me.role || failures) Object.assign(me, await get("whoami"));
    if (page.once && data !== null) await get("whoami");
    else {
      const fresh = await page.load(route, data);
      if (mine !== turns) return;
      data = fresh;
    }
    recovered();
    header();
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (mine === turns) later(failed(error));
    return;
  } finally {
    clearTimeout(patience);
  }
  // A node that takes its time is asked less often.
  const took = (performance.now() - began) / 1000;
  if (mine === turns) later(Math.max(page.every, 4 * took));
}

/** What is shown may be old, and the reader is told since when. */
function tellAway(why) {
  if (!away) away = Date.now() / 1000;
  const banner = place("banner");
  banner.classList.add("shown");
  const said = `${why[0].toUpperCase()}${why.slice(1)}, since ${clock(away)}. What is shown may be old. It is asked again by itself.`;
  if (banner.textContent !== said) banner.textContent = said;
  document.body.classList.add("away");
}

/** What is told of an error; seconds to the next try. */
function failed(error) {
  if (error.status === 401) {
    askToken(error);
    return 3600;
  }
  if (error.code === "no_tokens" || error.code.startsWith("foreign")) {
    show(main, noTokens(error));
    return LONGEST;
  }
  if (error.status === 0 || error.status >= 500) {
    failures += 1;
    tellAway(error.message);
    return Math.min(FIRST * 2 ** (failures - 1), LONGEST);
  }
  show(main, h("h1", {}, page.title), h("div.panel.trouble", { role: "alert" }, h("p", {}, error.message)));
  return LONGEST;
}

function recovered() {
  if (away) toast(`The node answers again, after ${span(Date.now() / 1000 - away)}.`);
  failures = 0;
  away = 0;
  place("banner").classList.remove("shown");
  place("banner").textContent = "";
  document.body.classList.remove("away");
}

function refresh() {
  turns += 1;
  if (page.once) data = null;
  turn();
}

// -- drawing --------------------------------------------------------------------------------------

function draw() {
  const inside = data === null ? [h("h1", {}, page.title), h("p.muted", {}, "Asking the node …")] : page.render(data, route, refresh);
  show(main, inside);
  main.setAttribute("aria-busy", String(data === null));
  drawAll(CHARTS, 60 * Number(route.query.get("minutes") ?? 15));
}

function header() {
  place("node").textContent = me.node;
  place("node").title = me.node;
  show(place("nav"), h("ul", {}, PAGES.map((each) => h("li", {},
    h("a", { href: `#/${each.path}`, "aria-current": each === page ? "page" : null }, each.short ?? each.title)))));
  const who = place("who");
  who.hidden = !me.role;
  who.textContent = me.role;
  who.title = `${me.who}, role ${me.role}, from ${me.peer}`;
  who.setAttribute("aria-label", `Your role is ${me.role}. Who you are`);
}

function menu(isOpen) {
  place("nav").classList.toggle("open", isOpen);
  place("menu").setAttribute("aria-expanded", String(isOpen));
}

function theme(turnIt) {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (turnIt) {
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("smppproxy.theme", root.dataset.theme);
    theme(false);
    draw();
    return;
  }
  place("theme").textContent = dark ? "Light" : "Dark";
  place("theme").setAttribute("aria-label", `Show ${dark ? "light" : "dark"} colours`);
}

// -- the token ------------------------------------------------------------------------------------

function askToken(error) {
  clearTimeout(timer);
  me.role = "";
  const wrong = error.code === "wrong_token";
  if (error.code === "wrong_token") token.forget();
  data = null;
  header();
  const field = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true, "aria-describedby": wrong ? "token-trouble" : null });
  main.replaceChildren(h("form.panel.narrow", { onsubmit: enter },
    h("h1", {}, "Who are you?"),
    h("p", {}, "This door opens to a token: one that stands in the node file, ", h("code", {}, "[admin] tokens"), ", for the role read, operate or admin."),
    h("label", { for: "token" }, "Token"), field,
    h("p.trouble", { id: "token-trouble", role: "alert" }, wrong ? "Nobody has this token. Was it copied whole?" : ""),
    h("div.buttons", {}, h("button.strong", { type: "submit" }, "Open")),
    h("p.muted", {}, "It is kept until this tab is closed, and sent to nobody but this node.")));
  field.focus();
}

function enter(event) {
  event.preventDefault();
  token.set(place("token").value.trim());
  main.replaceChildren();
  turns += 1;
  turn();
}

function whoAmI() {
  confirm({
    title: "Who you are here",
    says: [h("p", {}, `${me.who}, with the role ${me.role}, from ${me.peer}. The node is ${me.node}, smppproxy ${me.program}.`),
      h("p", {}, me.peer === "unix" ? "You came over the Unix socket: whoever may open it may do everything." : "Forget the token to come back as somebody else.")],
    label: "Forget the token",
    act: async () => {
      token.forget();
      me.role = "";
      return "The token is forgotten.";
    },
    done: refresh,
  });
}

// -- begin ----------------------------------------------------------------------------------------

addEventListener("hashchange", navigate);
addEventListener("resize", () => drawAll(CHARTS, 60 * Number(route.query.get("minutes") ?? 15)));
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : turn()));
addEventListener("online", turn);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { theme(false); draw(); });
place("menu").onclick = () => menu(place("menu").getAttribute("aria-expanded") !== "true");
place("theme").onclick = () => theme(true);
place("who").onclick = whoAmI;
place("skip").onclick = (event) => { event.preventDefault(); main.focus(); };
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    to("#/trace");
  }
});
setInterval(() => {
  const time = Date.now() / 1000;
  place("clock").textContent = clock(time);
  place("clock").title = new Date().toLocaleString();
}, 1000);
theme(false);
navigate();
