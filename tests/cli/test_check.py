"""smppproxy check."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli.check import _shown
from tests.cli.running import run
from tests.config.files import HASH

ETC = Path(__file__).parent.parent.parent / "etc"


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
            result.output, "ok: 2 accounts, 2 providers, 3 routes, 3 MO routes, 1 listener\n"
        )
        self.assertEqual(result.exit_code, 0)

    def test_node_file_of_the_environment(self) -> None:
        """SMPPPROXY_CONFIG names the node file, as it does for every command."""
        self.patch(os, "environ", os.environ | {"SMPPPROXY_CONFIG": str(ETC / "loadtest.toml")})
        result = run("check")
        self.assertIn("ok: 1 account, 1 provider", result.output)

    def test_network_only(self) -> None:
        """--network checks that file and asks for no node file."""
        result = run("check", "-c", "gone.toml", "--network", str(ETC / "loadtest-network.toml"))
        self.assertEqual(result.output, "ok: 1 account, 1 provider, 1 route, 1 MO route\n")
        self.assertEqual(result.exit_code, 0)

    def test_warnings(self) -> None:
        """A route that no message comes to is told, and is no reason to refuse the file."""
        routes = "".join(f'[[route]]\nname = "{name}"\ntargets = ["p"]\n' for name in "ab")
        path = self.write(
            "",
            f'[account.demo]\npassword = "{HASH}"\n[provider.p]\nsystem_id = "us"\n'
            f'password = "x"\nhost.a = {{ address = "127.0.0.1", port = 2775 }}\n{routes}',
        )
        result = run("check", "--network", path.replace("node.toml", "network.toml"))
        place = f"{self.folder}/network.toml"
        self.assertEqual(
            result.output.splitlines(),
            [
                f'warning: {place}:10: route[2]: no message ever comes here: "a" takes all of them '
                "before; put it before them, give it a lower order, or remove it",
                "ok: 1 account, 1 provider, 2 routes, 0 MO routes",
            ],
        )
        self.assertEqual(result.exit_code, 0)

    def test_secrets_that_everybody_may_read(self) -> None:
        """A file with a password, a token or a key is for its owner, and for a group at most."""
        for name, mode in (("pw", 0o644), ("token", 0o604), ("mine", 0o600), ("ours", 0o640)):
            (self.folder / name).write_text("a-secret-of-24-octets-xy")
            (self.folder / name).chmod(mode)
        tokens = 'read = "file:token", operate = "file:missing"'
        (self.folder / "missing").write_text("a-secret-of-25-octets-xyz")
        (self.folder / "missing").chmod(0o600)
        provider = '[provider.{0}]\nsystem_id = "{0}"\npassword = "file:{0}"\nhost.a = {1}\n'
        host = '{ address = "127.0.0.1", port = 2775 }'
        network = "".join(provider.format(each, host) for each in ("pw", "mine", "ours"))
        head = '[node]\nname = "n1"\n'
        door = f"[[listener]]\nport = 0\n[admin]\nport = 1\ntokens = {{ {tokens} }}\n"
        path = self.write(f'{head}network_file = "network.toml"\n{door}', network)
        result = run("check", "-c", path)
        self.assertEqual(result.exit_code, 0)
        told = [line.split(": ")[2] for line in result.output.splitlines() if "everybody" in line]
        self.assertEqual(told, ["admin.tokens.read", "provider.pw.password"])
        self.assertIn(f"{path}:8: admin", result.output)
        self.assertIn(f"run chmod o= {self.folder}/pw", result.output)
        result = run("check", "-c", self.write(f"{head}{door}", ""))
        self.assertIn("warning: ", result.output)

    def test_a_certificate_that_is_none(self) -> None:
        """What a file holds is looked at too."""
        (self.folder / "bad.pem").write_text("hello")
        files = 'tls = true\ncertificate = "bad.pem"\nkey = "bad.pem"\n'
        path = self.write(f'[node]\nname = "n1"\n[[listener]]\nport = 0\n{files}', "")
        result = run("check", "-c", path)
        self.assertEqual(result.exit_code, 1)
        self.assertIn(f"{path}:6: listener[1].certificate: ", result.output)

    def test_an_address_of_a_store_that_is_none(self) -> None:
        """All of it is read, not only its kind; a password in it is not shown."""
        for address, what in (
            ("redis+cluster://u:hush@h1,h2", "ends with the network's name"),
            ("redis+cluster://u:hush@h1,h2/net?db=1", "no databases"),
            ("redis://u:hush@h1?colour=red", "unknown option: colour"),
        ):
            node = f'[node]\nname = "n1"\nstore = "{address}"\n[[listener]]\nport = 0\n'
            path = self.write(node, "")
            result = run("check", "-c", path)
            self.assertEqual(result.exit_code, 1)
            self.assertIn(f"{path}:3: node.store: ", result.output)
            self.assertIn(what, result.output)
            self.assertNotIn("hush", result.output)

    def test_mg03_nowhere_to_bind(self) -> None:
        """An account that may bind with TLS only, at a node whose listeners are all plain, is
        told; another node may have the listener, so it is no reason to refuse the file."""
        node = '[node]\nname = "n"\nnetwork_file = "network.toml"\n[[listener]]\nport = 2775\n'
        path = self.write(node, f'[account.demo]\npassword = "{HASH}"\npreset = "messangi"\n')
        warning, last = run("check", "-c", path).output.splitlines()
        self.assertIn("network.toml: account.demo.tls: it may bind with TLS only", warning)
        self.assertTrue(last.startswith("ok: 1 account"))
        Path(self.folder, "network.toml").write_text(
            f'[account.demo]\npassword = "{HASH}"\npreset = "messangi"\nenabled = false\n'
        )
        self.assertEqual(len(run("check", "-c", path).output.splitlines()), 1)

    def test_workers_without_a_bind(self) -> None:
        """A provider with fewer binds than workers is told: some of them hand on to others. With
        enough of them, or without workers, nothing is said."""
        node = '[node]\nname = "n"\nnetwork_file = "network.toml"\n[[listener]]\nport = 2775\n'
        host = 'host.NAME = { address = "127.0.0.1", port = 2775 }\n'
        start = '[provider.p]\nsystem_id = "us"\npassword = "x"\n'
        hosts = host.replace("NAME", "a") + host.replace("NAME", "b").replace("2775", "2776")
        both = 'bind = "transmitter+receiver"\n'
        for workers, options, binds in (
            (3, "", "2 binds"),
            (2, "", ""),
            (1, "binds_total = 1\n", ""),
            (2, "binds_total = 1\n", "1 bind"),
            (2, f"{both}binds_total = 2\n", "1 bind"),
            (4, f"{both}binds = 2\n", ""),
        ):
            text = node.replace('"n"\n', f'"n"\nworkers = {workers}\n')
            path = self.write(text, f"{start}{options}{hosts}")
            *warnings, last = run("check", "-c", path).output.splitlines()
            self.assertTrue(last.startswith("ok: 0 accounts"), (options, warnings, last))
            told = [line for line in warnings if "provider.p.binds" in line]
            self.assertEqual(len(told), bool(binds), (workers, options, warnings))
            for line in told:
                self.assertIn(f": provider.p.binds: {binds} for {workers} workers", line)
                self.assertIn("write binds so that", line)

    def test_bad_network(self) -> None:
        """Every problem is a line with file, line, option and mend; exit status 1."""
        path = self.write(
            '[node]\nname = "n"\nnetwork_file = "network.toml"\n[[listener]]\nport = 2775\n',
            f'[account.demo]\npassword = "{HASH}"\nwindow = "ten"\ntsp = 5\n',
        )
        result = run("check", "-c", path)
        place = _shown(f"{self.folder}/network.toml")
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
        self.assertEqual(_shown(str(Path.cwd() / "etc" / "x.toml")), "etc/x.toml")
        self.assertEqual(_shown("/elsewhere/x.toml"), "/elsewhere/x.toml")
