"""The table of events has each one that the program logs, and no other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import smppproxy
from smppproxy.admin.event_table import EVENTS
from smppproxy.receipts.receipt import CONFLICT, UNHEARD_OF

PACKAGE = Path(smppproxy.__file__).parent

COMPUTED = {"store_crowded", "store_roomy", "provider_lost", "provider_bind_refused",
            CONFLICT, UNHEARD_OF}  # fmt: skip
"""Events whose names stand elsewhere than in the call that logs them."""

NONE_OF_OURS = {"demo"}
"""What the demo tells on its screen."""

INSIDE = PACKAGE / "admin" / "message_log" / "scribe.py"
"""What the message log's process tells its node, which logs it by names of its own."""


def told(tree: ast.AST) -> Iterator[str]:
    """The events that calls name: ``event="..."``, or the first argument of ``tell``."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        named = [word.value for word in call.keywords if word.arg == "event"]
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("tell", "_tell"):
            named += call.args[:1]
        for each in named:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


class EventTableTests(SynchronousTestCase):
    """What the manual explains."""

    def test_every_event_is_explained(self) -> None:
        """Each event that some line of the program logs has its words, and none is made up."""
        found = set(COMPUTED)
        for path in sorted(PACKAGE.rglob("*.py")):
            if path != INSIDE:
                found |= {*told(ast.parse(path.read_text("utf-8")))}
        self.assertEqual(found - NONE_OF_OURS, set(EVENTS))

    def test_words(self) -> None:
        """What it means fits a sentence: no stop at its end, not the name again."""
        for name, text in EVENTS.items():
            self.assertRegex(text, r"^[a-zA-Z].{10,180}[^.]$", name)
