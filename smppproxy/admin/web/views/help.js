// What this page is, how it is reached, and what its words mean.

import { h, mark } from "../dom.js";
import { me } from "../state.js";

const SSH = "ssh -L 8080:/run/smppproxy/admin NODE";

/** Why this door does not open, and what would. */
export function noTokens(error) {
  return [
    h("h1", {}, "This door does not open here"),
    h("section.panel.narrow", { role: "alert" },
      h("p", {}, error.message, "."),
      error.code === "no_tokens" ? [
        h("h2", {}, "Two ways in"),
        h("p", {}, "Over the Unix socket, from your own machine: the socket's name is the option ", h("code", {}, "[admin] path"), " of the node file."),
        h("pre", { tabindex: 0 }, SSH),
        h("p", {}, "Then open ", h("code", {}, "http://localhost:8080/"), "."),
        h("p", {}, "Or give the port tokens, and enter one here:"),
        h("pre", { tabindex: 0 }, '[admin]\ntokens = { read = "env:SMPPPROXY_READ", "admin:alice" = "file:alice.token" }'),
      ] : null),
  ];
}

export const help = {
  path: "help",
  title: "Help",
  every: 10,
  once: true,
  load: async () => ({}),
  render() {
    return [
      h("h1", {}, "Help"),
      h("section.panel.prose", {},
        h("h2", {}, "How it is reached"),
        h("p", {}, "The page is behind the node's admin door. It sends no request to anybody but this node, and needs nothing beside it."),
        h("p", {}, "Over the Unix socket, from your own machine, with the rights of your user on the node: "),
        h("pre", { tabindex: 0 }, SSH),
        h("p", {}, "and then ", h("code", {}, "http://localhost:8080/"), ". Over a TCP port it asks for a token of the node file's ", h("code", {}, "[admin] tokens"), " and keeps it until the tab is closed. Put TLS on a port that others can reach."),
        h("h2", {}, "Who may do what"),
        h("p", {}, me.role ? `You are ${me.who} with the role ${me.role}. ` : "", "read looks at everything but texts. operate also drains, isolates, resumes, kicks, reconnects and replays. admin also changes the network and sees what messages say. What you may not do is shown, but cannot be pressed."),
        h("h2", {}, "Marks"),
        h("ul.marks", {},
          h("li", {}, mark("good", "bound, up, delivered")),
          h("li", {}, mark("part", "partly up, waiting, refused")),
          h("li", {}, mark("bad", "down, and nobody wanted it so")),
          h("li", {}, mark("calm", "as an operator wanted it: drained, isolated")),
          h("li", {}, mark("wait", "connecting, binding, waiting for its next try"))),
        h("h2", {}, "Keyboard"),
        h("p", {}, h("kbd", {}, "Tab"), " goes from one thing to the next, ", h("kbd", {}, "Enter"), " opens what can be done with a bind, a host, a provider, an account or a node, ", h("kbd", {}, "Esc"), " leaves a dialog, ", h("kbd", {}, "/"), " goes to the search for a message."),
        h("h2", {}, "Times and numbers"),
        h("p", {}, "Times are UTC; point at one to see yours. Charts show the last hour of all nodes that answer, in steps of two seconds; it is in the nodes' memory and begins anew with them. What should last is in the report. Percentiles are taken from histograms, so they are as fine as their buckets."),
        h("p", {}, "An address can be shared: ", h("a", { href: "#/report?hours=24&by=provider,result" }, "a report"), " or a traced message opens as you see it, for whoever may look."),
        h("h2", {}, "Without a browser"),
        h("p", {}, "Everything here is also a command: ", h("code", {}, "smppproxy show binds"), ", ", h("code", {}, "smppproxy trace ID"), ", ", h("code", {}, "smppproxy drain acme/a"), "; and an API: ", h("code", {}, "/api/v1/openapi.json"), ". The charts are drawn by uPlot, ", h("a", { href: "web/vendor/uPlot.LICENSE" }, "MIT licence"), "."),
      ),
    ];
  },
};
