// The way to the node's API: the token, the errors, and how long to wait.

const KEY = "smppproxy.token";
const PATIENCE = 30_000;

/** The node said no, or said nothing (status 0). */
export class ApiError extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

async function ask(path, options) {
  const headers = { accept: "application/json", ...options.headers };
  if (token.get()) headers.authorization = `Bearer ${token.get()}`;
  let response;
  try {
    const patience = options.patience ?? PATIENCE;
    response = await fetch(`api/v1/${path}`, { ...options, headers, signal: AbortSignal.timeout(patience) });
  } catch (error) {
    const slow = error.name === "TimeoutError";
    throw new ApiError(0, "away", slow ? "the node does not answer in time" : "the node does not answer");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError(response.ok ? 0 : response.status, "away", `no answer of a node (HTTP status ${response.status})`);
  }
  if (response.ok) return answer;
  const said = answer?.error ?? {};
  throw new ApiError(response.status, said.code ?? "", said.text ?? `HTTP status ${response.status}`);
}

/** GET below /api/v1; what is undefined or "" is left out. */
export function get(path, query = {}, patience = undefined) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") said.set(name, String(value));
  }
  const text = said.toString();
  return ask(text ? `${path}?${text}` : path, { patience });
}

export function post(path, body) {
  const headers = { "content-type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

export function show(view, query = {}) {
  return get(`show/${view}`, query);
}
