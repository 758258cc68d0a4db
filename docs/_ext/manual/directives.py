"""What Sphinx learns from this package: generated parts, kinds of objects, kinds of examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from manual import commands, events, figures, http, metrics, options, presets, refusals
from manual.snippets import LANGUAGES, Snippet

PARTS: dict[str, Callable[[], list[str]]] = {
    "node-options": lambda: options.lines("node"),
    "network-options": lambda: options.lines("network"),
    "metrics": metrics.lines,
    "metric-count": metrics.count,
    "events": events.lines,
    "refusals": refusals.lines,
    "commands": commands.lines,
    "http-operations": http.lines,
    "http-problems": http.problems,
    "preset-statuses": presets.statuses,
    "preset-overview": presets.overview,
    "preset-providers": presets.providers,
    "preset-accounts": presets.accounts,
    "figures": figures.lines,
    "sizes": figures.sizes,
    "one-store": figures.one_store,
}
"""What ``.. generated::`` can put into a page, by name."""

OBJECTS = {
    "conf": "an option: ``table.option``",
    "metric": "a metric, by the name that Prometheus knows",
    "event": "an event of the log, by the name in its field ``event``",
    "refusal": "a refusal, by the name that accounts know it by",
}
"""Kinds of objects: each has a directive that describes one and a role that leads to it."""


EXAMPLES = "examples.json"


class Generated(SphinxDirective):
    """``.. generated:: NAME``: what a table of the program holds."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Its lines, read as if they stood here."""
        lines = PARTS[self.arguments[0]]()
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def described(env: BuildEnvironment, signature: str, node: addnodes.desc_signature) -> str:
    """``name | what it is | more`` as the head of a description; the name is what leads here."""
    name, *more = signature.split(" | ")
    table, dot, option = name.rpartition(".")
    node += addnodes.desc_addname("", table + dot)
    node += addnodes.desc_name("", option)
    for place, each in enumerate(more):
        text = f"; {each}" if place else f": {each}"
        node += nodes.inline("", text, classes=["about"])
    return name


def figure(
    role: str, raw: str, text: str, line: int, inliner: Any, *_: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """A figure by its name, as docs/figures.json has it."""
    try:
        return [nodes.Text(figures.value(text))], []
    except KeyError:
        wrong = f"there is no figure {text!r} in docs/figures.json"
        told = inliner.reporter.error(wrong, line=line)
        return [inliner.problematic(raw, raw, told)], [told]


def listed(app: Sphinx, exception: Exception | None) -> None:
    """Every example of the manual as JSON beside the doctrees, for the tests that try them."""
    if exception is not None:
        return
    found: list[dict[str, Any]] = [
        {
            "page": page,
            "line": block.line,
            "kind": block.get("snippet", ""),
            "text": block.astext(),
            "wanted": block.get("wanted", {}),
        }
        for page in sorted(app.env.found_docs)
        for block in app.env.get_doctree(page).findall(nodes.literal_block)
    ]
    (Path(app.doctreedir) / EXAMPLES).write_text(json.dumps(found, indent=1), "utf-8")


def set_up(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.connect("build-finished", listed)
    for kind, title in OBJECTS.items():
        app.add_object_type(kind, kind, objname=title.partition(":")[0], parse_node=described)
    for kind in LANGUAGES:
        app.add_directive(kind, Snippet)
    app.add_directive("generated", Generated)
    app.add_role("figure", figure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
