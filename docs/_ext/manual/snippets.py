"""Examples that a reader may copy. Each has a kind, and tests/docs tries every kind in its way.

``console``
    Commands behind ``$``, run by a shell in the order of the page, and what they print: ``...``
    stands for anything, a number for any number, blanks for any blanks. ``:status:`` is the exit
    status of its last command; ``:until: TEXT`` leaves the last command running once it has
    printed that, as a second terminal would, ``:interrupt:`` then ends it by Ctrl-C;
    ``:patience:`` is for commands whose effect takes a moment: they are run again until they
    print what stands there.
``node-file``, ``network-file``
    TOML that the real reader must take. With ``:name: FILE`` it is that whole file, as the page
    tells the reader to write it; without, the tables of a file, which may be less than a whole one.
``json``
    JSON that must parse.
``promql``
    A question to Prometheus about metrics and labels that exist.
``drawing``
    No example at all: a picture made of characters.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

LANGUAGES = {
    "console": "console",
    "node-file": "toml",
    "network-file": "toml",
    "json": "json",
    "promql": "text",
    "drawing": "text",
    "examples": "text",
    "usage": "text",
}
"""How each kind is coloured. The last two are made of the command line's own help."""


class Snippet(SphinxDirective):
    """One example; the directive's name is its kind."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "status": directives.nonnegative_int,
        "until": directives.unchanged_required,
        "interrupt": directives.flag,
        "patience": directives.flag,
        "name": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The block, with all that its test has to know."""
        self.assert_has_content()
        text = "\n".join(self.content)
        block = nodes.literal_block(text, text)
        block["language"] = LANGUAGES[self.name]
        block["snippet"] = self.name
        block["wanted"] = {name: value for name, value in self.options.items()}
        self.set_source_info(block)
        if "name" not in self.options:
            return [block]
        container = nodes.container("", literal_block=True, classes=["literal-block-wrapper"])
        caption = nodes.caption("", self.options["name"])
        self.set_source_info(caption)
        container += [caption, block]
        return [container]
