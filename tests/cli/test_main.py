"""The command by itself."""

import subprocess
import sys
from collections.abc import Iterator

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.program import program
from smppproxy.cli import main
from tests.cli.running import run

DEAR = ("OpenSSL", "pyarrow", "re2", "rich", "twisted", "zope")
"""Libraries that take longer to load than a shell may wait at a press of the tab key."""

CHEAP = {"admin", "cli", "words"}
"""The only parts of the program that are needed to know what it can be told."""

TELL_MODULES = """
import sys
from smppproxy.cli import main
try:
    main(sys.argv[1:], prog_name="smppproxy")
finally:
    sys.stderr.write("\\n".join(sys.modules))
"""


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command, with the words it is called by."""
    yield path, command
    if isinstance(command, click.Group):
        for name, member in command.commands.items():
            yield from walk(member, f"{path} {name}")


class GroupTest(SynchronousTestCase):
    """The command by itself."""

    def test_help(self) -> None:
        """It tells its commands, and how the server is started."""
        result = run("--help")
        self.assertEqual(result.exit_code, 0)
        for word in ("check", "password", "twistd -n smppproxy"):
            self.assertIn(word, result.output)

    def test_version(self) -> None:
        """It tells its release and its commit."""
        self.assertEqual(run("--version").output, f"smppproxy {program()}\n")

    def test_every_help_has_examples(self) -> None:
        """The help of each command and of each group shows how it is called, on a line of its own
        that can be copied."""
        for path, _ in walk(main, "smppproxy"):
            told = run(*path.split()[1:], "--help").output.partition("Options:")[0]
            lines = [line.strip() for line in told.splitlines()[1:]]
            self.assertTrue([line for line in lines if line.startswith(path)], path)

    def test_help_tells_of_every_shell(self) -> None:
        """Completion is there for bash, zsh and fish, and the help says how it is switched on."""
        told = run("--help").output
        for shell in ("bash", "zsh", "fish"):
            self.assertIn(f"_SMPPPROXY_COMPLETE={shell}_source smppproxy", told)
            environ = {"_SMPPPROXY_COMPLETE": f"{shell}_source"}
            made = CliRunner().invoke(main, [], env=environ, prog_name="smppproxy")
            self.assertIn("_smppproxy_completion", made.output)


class StartTest(SynchronousTestCase):
    """What a command brings in before it does anything: at 0.5 s of it nobody would complete."""

    def modules(self, told: str, *arguments: str, **environ: str) -> set[str]:
        """All that is loaded in the end; ``told`` is among what it prints."""
        command = [sys.executable, "-c", TELL_MODULES, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        self.assertIn(told, ended.stdout + ended.stderr)
        return set(ended.stderr.split("\n"))

    def assert_cheap(self, loaded: set[str]) -> None:
        """Neither a dear library nor a room that the words do not need."""
        self.assertIn("smppproxy.cli.show", loaded)
        dear = [name for name in loaded if name.partition(".")[0] in DEAR]
        self.assertEqual(dear, [])
        rooms = {name.split(".")[1] for name in loaded if name.startswith("smppproxy.")}
        self.assertEqual(rooms - CHEAP, set())

    def test_help_brings_in_words_only(self) -> None:
        """``smppproxy --help`` loads no reactor, no relay, no store and no table drawer."""
        self.assert_cheap(self.modules("Usage: smppproxy", "--help"))

    def test_completion_brings_in_words_only(self) -> None:
        """So does a press of the tab key after ``smppproxy show``."""
        asked = {"COMP_WORDS": "smppproxy show ", "COMP_CWORD": "2"}
        environ = {"_SMPPPROXY_COMPLETE": "bash_complete", **asked}
        self.assert_cheap(self.modules("plain,binds", **environ))

    def test_show_brings_in_words_only(self) -> None:
        """So does a view, until there are rows to draw."""
        self.assert_cheap(self.modules("no node answers", "show", "binds", "--admin", "/nowhere"))
