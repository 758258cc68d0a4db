"""The command by itself."""

from collections.abc import Iterator

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.program import program
from smppproxy.cli import main
from tests.cli.running import run


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
