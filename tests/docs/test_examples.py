"""Every example in the manual works. One without a kind, and so without a test, fails here."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
from twisted.trial.unittest import SynchronousTestCase

from manual.snippets import LANGUAGES
from smppproxy.config import ConfigError
from tests.docs.building import built
from tests.docs.examples import TRIED, Example, parsed, place

CONSOLE = "console"


class ExampleTests(SynchronousTestCase):
    """All of them."""

    timeout = 300

    def folder(self) -> Path:
        """A new one, with a short name wherever the checkout lies: files name sockets in it."""
        folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def test_every_block_has_a_kind(self) -> None:
        """No page has a block of code that nothing tries."""
        self.assertEqual({*TRIED, CONSOLE}, set(LANGUAGES))
        examples = built().examples
        self.assertGreater(len(examples), 50)
        self.assertEqual([place(each) for each in examples if not each["kind"]], [])

    def test_each_works(self) -> None:
        """Files load, JSON parses, questions ask for what there is, command lines are taken."""
        for example in built().examples:
            if example["kind"] == CONSOLE:
                continue
            try:
                TRIED[example["kind"]](example, self.folder())
            except (AssertionError, ValueError, ConfigError, click.ClickException) as error:
                self.fail(f"{place(example)}: {error}\n{example['text']}")

    def wrong(self, kind: str, text: str, **wanted: Any) -> str:
        """What is said against an example."""
        example: Example = {"kind": kind, "text": text, "wanted": wanted, "page": "x", "line": 1}
        kinds: Any = (AssertionError, ValueError, ConfigError, click.ClickException)
        try:
            TRIED[kind](example, self.folder())
        except kinds as error:
            return str(error)
        return ""

    def test_what_is_wrong_is_told(self) -> None:
        """Each kind of example can fail."""
        self.assertIn("no such table", self.wrong("node-file", "[nod]\nname = 1\n"))
        node = '[node]\nname = "a"\n'
        self.assertIn("there is no listener", self.wrong("node-file", node, name="a.toml"))
        self.assertIn("preset", self.wrong("network-file", '[account.x]\npreset = "no"\n'))
        self.assertIn("Expecting", self.wrong("json", "{"))
        self.assertIn("there is no", self.wrong("promql", "smppproxy_nothing"))
        self.assertIn("has no", self.wrong("promql", 'smppproxy_in_flight{account="x"}'))
        by_nothing = self.wrong("promql", "max by (nothing) (smppproxy_in_flight)")
        self.assertIn("groups by", by_nothing)
        self.assertIn("no metric", self.wrong("promql", "rate(x)"))
        self.assertIn("No such option", self.wrong("examples", "smppproxy show binds --no"))
        self.assertIn("No such command", self.wrong("examples", "smppproxy nothing"))
        self.assertIn("$ smppproxy", self.wrong("drawing", "$ smppproxy x"))
        self.assertIn("--->", self.wrong("drawing", "-" * 100 + ">"))
        self.assertIn("twistd", self.wrong("usage", "twistd"))

    def test_parts_are_made_whole(self) -> None:
        """A route alone, a listener alone, and what they name beside them."""
        self.assertEqual(self.wrong("network-file", '[[route]]\ntargets = ["acme", "beta"]\n'), "")
        listener = '[[listener]]\nport = 1\ntls = true\ncertificate = "a.crt"\nkey = "a.key"\n'
        self.assertEqual(self.wrong("node-file", listener), "")

    def test_command_lines(self) -> None:
        """Groups are followed to their members; nothing is run."""
        parsed(["show", "binds", "acme/a", "--watch"])
        parsed(["kick", "account:shop#17"])
        self.assertRaises(click.UsageError, parsed, ["kick"])
