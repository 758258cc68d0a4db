"""The command by itself."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.program import program
from tests.cli.running import run


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
