// What all pages share: who is at the door, and the last hour of all nodes.

import { get } from "./api.js";

const HOUR = 3600;

/** Seconds of each provider and account that are kept from the beginning. */
export const QUARTER = 900;

/** Who is at the door; null until the node has said so. */
export const me = { node: "", program: "", role: "", who: "", peer: "", may: [] };

export function may(operation) {
  return me.may.includes(operation);
}

/** To one of the page's addresses; asked anew where it is shown already. */
export function to(address) {
  if (location.hash === address) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = address;
}

/** The last hour in steps: fetched whole once, then only what is new. */
export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.step = 2;
    this.times = [];
    this.series = new Map();
    this.nodes = [];
  }

  async refresh() {
    const last = this.times.at(-1);
    if (last === undefined) {
      // The hour of everything together; of each provider and account what its small chart shows.
      this.take(await get("history"));
      this.take(await get("history", { named: true, seconds: QUARTER }));
      return;
    }
    const answer = await get("history", { named: true, since: last + this.step });
    if (answer.at < last - 60) this.clear(); // the node's clock was set back
    else this.take(answer);
  }

  take(answer) {
    this.nodes = answer.nodes;
    this.step = answer.step;
    if (!answer.count) return;
    if (!this.times.length) this.times.push(answer.first);
    const end = answer.first + answer.count * this.step;
    for (let next = this.times.at(-1) + this.step; next < end; next += this.step) this.times.push(next);
    const begin = Math.round((answer.first - this.times[0]) / this.step);
    const put = (name, values) => {
      const mine = this.series.get(name) ?? [];
      while (mine.length < this.times.length) mine.push(null);
      values.forEach((value, at) => { if (begin + at >= 0) mine[begin + at] = value; });
      this.series.set(name, mine);
    };
    for (const group of ["totals", "answers", "finals"]) {
      for (const [name, values] of Object.entries(answer[group])) put(`${group}.${name}`, values);
    }
    for (const [group, noun] of [["providers", "provider"], ["accounts", "account"]]) {
      for (const row of answer[group]) {
        for (const [name, values] of Object.entries(row)) if (name !== noun) put(`${noun}:${row[noun]}.${name}`, values);
      }
    }
    const over = Math.max(0, this.times.length - HOUR / this.step);
    this.times.splice(0, over);
    for (const mine of this.series.values()) {
      mine.splice(0, over);
      while (mine.length < this.times.length) mine.push(null);
    }
  }

  /** The numbers of the last seconds; null where nobody knows. */
  of(name, seconds = HOUR) {
    const none = () => (this.series.get("totals.submitted") ?? []).map((value) => (value === null ? null : 0));
    const values = this.series.get(name) ?? none();
    return values.slice(-Math.round(seconds / this.step));
  }

  sum(name, seconds = HOUR) {
    return this.of(name, seconds).reduce((total, value) => total + (value ?? 0), 0);
  }

  /** A second, mean of the last ones; null: nobody knows. */
  rate(name, seconds = 10) {
    const known = this.of(name, seconds).filter((value) => value !== null);
    return known.length ? known.reduce((total, value) => total + value, 0) / (known.length * this.step) : null;
  }

  /** The newest number that is known of the last half minute. */
  newest(name) {
    return this.of(name, 30).findLast((value) => value !== null) ?? null;
  }
}

export const hour = new History();
