"""The commands check, show and password."""

import json
import sys
from pathlib import Path

import argon2
import click
from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from smppproxy import cli
from smppproxy.config.presets import account_presets, provider_preset, provider_presets
from smppproxy.smpp.refusals import REFUSALS
from tests.config.files import HASH

ETC = Path(__file__).parent.parent / "etc"


def run(*arguments: str, stdin: str = "") -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(cli.main, arguments, input=stdin)


class GroupTest(SynchronousTestCase):
    """The command by itself."""

    def test_help(self) -> None:
        """It tells its commands, and how the server is started."""
        result = run("--help")
        self.assertEqual(result.exit_code, 0)
        for word in ("check", "password", "twistd -n smppproxy"):
            self.assertIn(word, result.output)

    def test_version(self) -> None:
        """It tells its version."""
        self.assertRegex(run("--version").output, r"smppproxy, version \d+\.\d+")


class ShowRefusalsTest(SynchronousTestCase):
    """smppproxy show refusals."""

    def test_table(self) -> None:
        """One line per refusal with its name, its answer in words, and what becomes of the bind."""
        result = run("show", "refusals")
        self.assertEqual(result.exit_code, 0)
        lines = result.output.splitlines()
        for name, refusal in REFUSALS.items():
            line = next(line for line in lines if line.split()[:2] == [str(refusal.row), name])
            for word in (refusal.rule, refusal.session, *refusal.ids):
                self.assertIn(word, line)
        self.assertRegex(result.output, r"throttled +submit_sm_resp +0x58 RTHROTTLED +keep")
        self.assertRegex(result.output, r"never_bound +nothing +- +close")
        self.assertRegex(result.output, r"refused_upstream +submit_sm_resp +the provider's")

    def test_json(self) -> None:
        """The same for programs, in the same order."""
        told = json.loads(run("show", "refusals", "--json").output)
        self.assertEqual([each["name"] for each in told], list(REFUSALS))
        self.assertEqual(told[0]["command_status"], 2)
        self.assertEqual(told[0]["ids"], ["OZ-15"])


class CheckTest(SynchronousTestCase):
    """smppproxy check."""

    def setUp(self) -> None:
        """An empty folder."""
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)

    def write(self, node: str, network: str) -> str:
        """A node file and its network file; the path of the first."""
        (self.folder / "network.toml").write_text(network)
        path = self.folder / "node.toml"
        path.write_text(node)
        return str(path)

    def test_ok(self) -> None:
        """A good pair of files is counted, exit status 0."""
        result = run("check", "-c", str(ETC / "smppproxy.toml"))
        self.assertEqual(
            result.output, "ok: 2 accounts, 2 providers, 2 routes, 1 MO route, 1 listener\n"
        )
        self.assertEqual(result.exit_code, 0)

    def test_network_only(self) -> None:
        """--network checks that file and asks for no node file."""
        result = run("check", "-c", "gone.toml", "--network", str(ETC / "loadtest-network.toml"))
        self.assertEqual(result.output, "ok: 1 account, 1 provider, 1 route, 1 MO route\n")
        self.assertEqual(result.exit_code, 0)

    def test_bad_network(self) -> None:
        """Every problem is a line with file, line, option and mend; exit status 1."""
        path = self.write(
            '[node]\nname = "n"\nnetwork_file = "network.toml"\n[[listener]]\nport = 2775\n',
            f'[account.demo]\npassword = "{HASH}"\nwindow = "ten"\ntsp = 5\n',
        )
        result = run("check", "-c", path)
        place = cli._shown(f"{self.folder}/network.toml")
        self.assertEqual(
            result.output.splitlines(),
            [
                f'{place}:3: account.demo.window: "ten" is not a whole number; '
                "write a number from 1 to 10000, e.g. window = 50",
                f'{place}:4: account.demo.tsp: there is no such option; did you mean "tps"?',
                "2 problems",
            ],
        )
        self.assertEqual(result.exit_code, 1)

    def test_bad_node(self) -> None:
        """A wrong node file is told as well, under the name it was given by."""
        path = self.write('[node]\nname = "n"\nnetwork_file = "network.toml"\n', "")
        result = run("check", "--config", path)
        self.assertEqual(
            result.output,
            f"{path}:1: listener: there is no listener; "
            'write [[listener]] with address = "127.0.0.1" and port = 2775\n1 problem\n',
        )
        self.assertEqual(result.exit_code, 1)

    def test_provider(self) -> None:
        """--provider prints what holds for it, each option with who says so."""
        result = run("check", "-c", str(ETC / "smppproxy.toml"), "--provider", "acme")
        self.assertEqual(result.exit_code, 0)
        lines = result.output.splitlines()
        self.assertEqual(lines[0], "[provider.acme]")
        for line in ("[provider.acme.host.b]", "[provider.acme.text]"):
            self.assertIn(line, lines)
        self.assertRegex(result.output, r"(?m)^window = 10 +# file$")
        self.assertNotIn("ok:", result.output)

    def test_account(self) -> None:
        """--account does the same for an account and its preset."""
        result = run("check", "--network", str(ETC / "network.toml"), "--account", "shop")
        self.assertEqual(result.exit_code, 0)
        self.assertRegex(result.output, r'(?m)^dialect = "gatewayapi" +# preset gatewayapi$')
        self.assertRegex(result.output, r"(?m)^max_binds = 4 +# file$")

    def test_nobody(self) -> None:
        """A name that the file does not have is told, with the nearest one."""
        place = str(ETC / "network.toml")
        result = run("check", "--network", place, "--provider", "amce")
        self.assertEqual(result.exit_code, 1)
        self.assertIn(f'there is no provider amce in {place}; did you mean "acme"?', result.output)

    def test_paths_as_people_write_them(self) -> None:
        """A network file below the working folder is named from there, another one in full."""
        self.assertEqual(cli._shown(str(Path.cwd() / "etc" / "x.toml")), "etc/x.toml")
        self.assertEqual(cli._shown("/elsewhere/x.toml"), "/elsewhere/x.toml")


class ShowPresetsTest(SynchronousTestCase):
    """smppproxy show presets."""

    def test_table(self) -> None:
        """One line per preset with its status, hosts and ports, and the accounts' below."""
        result = run("show", "presets")
        self.assertEqual(result.exit_code, 0)
        for name in provider_presets():
            status = provider_preset(name)["status"]
            self.assertRegex(result.output, rf"(?m)^ +{name} +{status} ")
        self.assertRegex(result.output, r"messangi +seed +required +- +- +10 +- +\(yours\)")
        self.assertRegex(result.output, r"cm +documented +preferred +30006 +30007 +10 +- +smpp_gw")
        self.assertIn("eu: a.smpp.gatewayapi.eu b.smpp.gatewayapi.eu", result.output)
        self.assertRegex(result.output, r"(?m)^ +default +nothing +$")
        self.assertRegex(result.output, r"(?m)^ +messangi +versions, tls, ")

    def test_json(self) -> None:
        """Every option of every preset for programs."""
        told = json.loads(run("show", "presets", "--json").output)
        self.assertEqual(list(told["providers"]), list(provider_presets()))
        self.assertEqual(list(told["accounts"]), list(account_presets()))
        self.assertEqual(told["providers"]["sendexa"]["address"]["alpha_max"], 11)
        self.assertEqual(told["accounts"]["messangi"]["versions"], [0x34])

    def test_terminal(self) -> None:
        """At a terminal the table is as wide as that, and at least 120."""
        with CliRunner().isolation(env={"COLUMNS": "90"}) as (out, _, _):
            self.patch(sys.stdout, "isatty", lambda: True)
            cli.main(["show", "presets"], standalone_mode=False)
            shown = click.unstyle(out.getvalue().decode())
        self.assertLessEqual(max(map(len, shown.splitlines())), 120)


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
            cli.main(["password", "demo"], standalone_mode=False)
            shown = (out.getvalue().decode(), err.getvalue().decode())
        self.check_line(shown[0], "secret")
        self.assertIn("Password of demo: ", shown[1])
        self.assertIn("do not match", shown[1])
        self.assertNotIn("secret", "".join(shown))

    def test_terminal_without_name(self) -> None:
        """Without a system_id it asks for a password as such."""
        with CliRunner().isolation("secret\nsecret\n") as (out, err, _):
            self.patch(sys.stdin, "isatty", lambda: True)
            cli.main(["password"], standalone_mode=False)
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
