"""Files of TLS that cannot be used, told with their places."""

from __future__ import annotations

from pathlib import Path

from smppproxy.config import ConfigError, load_network, load_node
from smppproxy.wire.certificates import check_network, check_node
from tests.config.files import FileCase
from tests.support.certificates import make

HEAD = '[node]\nname = "n1"\n'
ACME = """
[provider.acme]
system_id = "us"
password = "x"
tls = "required"
OPTION
[provider.acme.host.a]
address = "localhost"
tls_port = 8775
[provider.plain]
system_id = "us"
password = "x"
[provider.plain.host.a]
address = "localhost"
port = 2775
"""


class CertificateTests(FileCase):
    """Each place of a file that names one."""

    def setUp(self) -> None:
        super().setUp()
        self.good = make(Path(self.folder))
        self.other = make(Path(self.folder) / "other")
        self.write("hello", "bad.pem")

    def told(self, text: str) -> list[str]:
        """What is wrong with the certificates of a node file: the options with their lines."""
        path = self.write(text)
        try:
            check_node(str(path), load_node(path, {}))
        except ConfigError as error:
            return [f"{each.line} {each.option}: {each.mend}" for each in error.problems]
        return []

    def test_good_ones(self) -> None:
        """Nothing is said."""
        files = f'certificate = "{self.good.certificate}"\nkey = "{self.good.key}"\n'
        door = f'[[listener]]\nport = 0\ntls = true\nclient_ca = "{self.good.ca}"\n{files}'
        hop = f'[hop]\naddress = "::1"\nport = 2\nca = "{self.good.ca}"\n{files}'
        self.assertEqual(self.told(f"{HEAD}{door}[admin]\nport = 1\n{files}{hop}"), [])
        self.assertEqual(self.told(HEAD + "[[listener]]\nport = 0\n"), [])

    def test_each_file_is_blamed_for_itself(self) -> None:
        """No certificate, another one's key, no CAs: the option of that file."""
        good = [f'certificate = "{self.good.certificate}"', f'key = "{self.good.key}"']
        for place, option, wrong in (
            (0, "certificate", "bad.pem"),
            (1, "key", str(self.other.key)),
            (2, "client_ca", "bad.pem"),
        ):
            files = [*good, f'client_ca = "{self.good.ca}"']
            files[place] = f'{option} = "{wrong}"'
            (said,) = self.told(HEAD + "[[listener]]\nport = 0\ntls = true\n" + "\n".join(files))
            self.assertTrue(said.startswith(f"{place + 6} listener[1].{option}: name "), said)

    def test_the_other_doors(self) -> None:
        """The admin door and the door for other nodes."""
        door = "[[listener]]\nport = 0\n"
        files = 'certificate = "bad.pem"\nkey = "bad.pem"\n'
        hop = f'[hop]\naddress = "::1"\nport = 2\nca = "{self.good.ca}"\n'
        found = self.told(f"{HEAD}{door}[admin]\nport = 1\n{files}{hop}{files}")
        options = [said.split()[1] for said in found]
        self.assertEqual(options, ["admin.certificate:", "hop.certificate:"])

    def test_cas_of_a_provider(self) -> None:
        """A provider without TLS is asked nothing; good CAs say nothing; bad ones are blamed."""
        good = self.write(ACME.replace("OPTION", f'tls_ca = "{self.good.ca}"'), "good.toml")
        check_network(str(good), load_network(good, {}))
        bad = self.write(ACME.replace("OPTION", 'tls_ca = "bad.pem"'), "network.toml")
        with self.assertRaises(ConfigError) as caught:
            check_network(str(bad), load_network(bad, {}))
        (problem,) = caught.exception.problems
        self.assertEqual((problem.line, problem.option), (6, "provider.acme.tls_ca"))
        self.assertIn("CAs to trust", problem.mend)
