"""The parts of the manual that are made from the program, and what makes them.

``sample`` reads the files in etc/, where the meaning of every option stands; ``options`` joins it
with the classes that hold them; ``metrics``, ``refusals``, ``commands``, ``http`` and ``presets``
write what their tables hold; ``snippets`` are the examples that a reader may copy, each of a kind
that a test knows how to try. All of them return lines of reStructuredText; ``directives`` hands
those to Sphinx.
"""

from typing import Any

from manual.directives import set_up


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx calls."""
    return set_up(app)
