"""What tries the commands of the manual notices when one does not do what its page says."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.docs import console
from tests.docs.console import Command, Shell, Unlike, commands, fits


class ReadingTests(SynchronousTestCase):
    """An example as commands and what they print."""

    def test_commands(self) -> None:
        """A $ begins one, a > goes on with it, all else is what it prints."""
        text = "$ cat > f << 'END'\n> a\n> END\n$ show\nx\n> y\n"
        self.assertEqual(
            commands(text), [Command("cat > f << 'END'\na\nEND"), Command("show", ["x", "> y"])]
        )
        self.assertRaises(Unlike, commands, "printed by nothing")

    def test_fits(self) -> None:
        """Numbers may be other numbers, blanks other blanks, ... is anything; words are words."""
        for shown, printed, fit in (
            (["a 1.5 s"], "a   1,234 s\n", True),
            (["a 1"], "a b", False),
            (["a ... c"], "a c", True),
            (["a", "...", "c"], "a\nb\nb\nc", True),
            (["a"], "a b", False),
            (["it took 3."], "it took 17.", True),
            (["[x] (y)"], "[x] (y)", True),
            (["..."], "", True),
        ):
            self.assertEqual(fits(shown, printed), fit, (shown, printed))


class ShellTests(SynchronousTestCase):
    """A shell that runs them."""

    timeout = 300

    def setUp(self) -> None:
        self.shell = Shell()
        self.addCleanup(self.shell.close)

    def example(self, text: str, **wanted: Any) -> None:
        """Do one."""
        self.shell.example({"text": text, "wanted": wanted})

    def test_good_ones(self) -> None:
        """Output, exit status, files, variables, and the command itself without loading it anew."""
        self.shell.write("etc/f", "127.0.0.1\n")
        self.example("$ cat etc/f\n127.0.0.1\n")
        self.example("$ export FOLDER=$PWD/etc\n$ cat $FOLDER/f\n127.0.0.1")
        self.example("$ exit 3", status=3)
        self.example("$ smppproxy drain acme --admin nowhere\nError: no node answers...", status=3)
        self.example("$ smppproxy drain", status=2)
        self.assertIn(f"esme --address {self.shell.address}", self.shell.moved(
            "smppproxy simulate esme --count 1"))  # fmt: skip
        self.assertIn(f"load --host {self.shell.address}", self.shell.moved("smppproxy load"))

    def test_bad_ones(self) -> None:
        """Another status, other words: the error has what was printed instead."""
        error = self.assertRaises(Unlike, self.example, "$ echo other\nwords")
        self.assertIn("it printed:\nother", str(error))
        self.assertRaises(Unlike, self.example, "$ exit 1")
        self.assertRaises(Unlike, self.example, "$ exit 0", status=1)
        self.assertRaises(Unlike, self.example, "$ make no-such-target")

    def test_patience(self) -> None:
        """A page that says so is given time, until it takes too long."""
        self.example("$ echo x >> f; test $(wc -l < f) -gt 2", patience=None)
        self.patch(console, "PATIENCE", 0.1)
        self.assertRaises(Unlike, self.example, "$ false", patience=None)

    def test_never_ending(self) -> None:
        """A command that does not end is told."""
        self.patch(console, "PATIENCE", 0.2)
        error = self.assertRaises(Unlike, self.example, "$ echo here; sleep 30")
        self.assertIn("did not end; it printed:\nhere", str(error))

    def test_terminals(self) -> None:
        """One that goes on is left when it has printed what is waited for, and ended by Ctrl-C."""
        line = "$ python3 -uc \"import time; print('up at 127.0.0.1'); time.sleep(99)\""
        self.example(f"{line}\nup at 127.0.0.1", until="up at")
        (left,) = self.shell.background
        self.assertIsNone(left.process.poll())
        error = self.assertRaises(Unlike, self.example, "$ echo down", until="up")
        self.assertIn("it did not print\nup\nbut\ndown", str(error))
        self.shell.background.clear()
        self.assertNotEqual(left.end(), 0)
        trapped = "$ sh -c 'trap \"exit 0\" INT; echo on; while :; do sleep 0.05; done'"
        self.example(trapped, until="on", interrupt=None)
        self.assertEqual(self.shell.background, [])
