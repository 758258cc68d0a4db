"""smppproxy password."""

import sys

import argon2
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli import main
from tests.cli.running import run


class PasswordTest(SynchronousTestCase):
    """smppproxy password."""

    def check_line(self, line: str, secret: str) -> None:
        """The line holds an argon2id string of the secret with moderate costs."""
        self.assertTrue(line.startswith('password = "$argon2id$v=19$m=19456,t=2,p=1$'), line)
        argon2.PasswordHasher().verify(line.split('"')[1], secret)

    def test_mg13_standard_input(self) -> None:
        """Without a terminal the first line of standard input is taken, whatever its length."""
        result = run("password", stdin="secret08\nmore\n")
        self.check_line(result.stdout, "secret08")
        self.assertEqual((result.stderr, result.exit_code), ("", 0))

    def test_terminal(self) -> None:
        """At a terminal it asks twice, again when the two differ, and shows neither."""
        runner = CliRunner()
        with runner.isolation("one\ntwo\nsecret\nsecret\n") as (out, err, _):
            self.patch(sys.stdin, "isatty", lambda: True)
            main(["password", "demo"], standalone_mode=False)
            shown = (out.getvalue().decode(), err.getvalue().decode())
        self.check_line(shown[0], "secret")
        self.assertIn("Password of demo: ", shown[1])
        self.assertIn("do not match", shown[1])
        self.assertNotIn("secret", "".join(shown))

    def test_terminal_without_name(self) -> None:
        """Without a system_id it asks for a password as such."""
        with CliRunner().isolation("secret\nsecret\n") as (out, err, _):
            self.patch(sys.stdin, "isatty", lambda: True)
            main(["password"], standalone_mode=False)
            shown = (out.getvalue().decode(), err.getvalue().decode())
        self.check_line(shown[0], "secret")
        self.assertTrue(shown[1].startswith("Password: "))

    def test_sx06_long(self) -> None:
        """What SMPP 3.4 has no room for is made all the same, with a warning."""
        result = run("password", "x" * 16, stdin="nine octe\n")
        self.check_line(result.stdout, "nine octe")
        warnings = result.stderr.splitlines()
        self.assertIn("a password of 8 octets, this one has 9", warnings[0])
        self.assertIn("a system_id of 15 octets, this one has 16", warnings[1])

    def test_empty(self) -> None:
        """No password is an error."""
        result = run("password", "demo", stdin="\n")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("the password is empty", result.output)
