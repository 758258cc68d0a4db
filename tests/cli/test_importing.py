"""`smppproxy import`: files written, secrets kept, trouble told."""

import stat
import tomllib
from pathlib import Path

import argon2
from twisted.trial.unittest import SynchronousTestCase

from tests.cli.running import run
from tests.config.importers.support import SAMPLES

KANNEL, JASMIN = str(SAMPLES / "kannel.conf"), str(SAMPLES / "jcli.txt")


class ImportTests(SynchronousTestCase):
    """Both gateways."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        self.out, self.secrets = self.folder / "network.toml", self.folder / "secrets"

    def arguments(self) -> tuple[str, ...]:
        """Where things go."""
        return "-o", str(self.out), "--secrets-folder", str(self.secrets)

    def test_kannel(self) -> None:
        """The result passes `smppproxy check`; what is not carried is told, and stands in it."""
        result = run("import", "kannel", KANNEL, *self.arguments())
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn("not carried: ", result.output)
        self.assertIn("# Not carried:", self.out.read_text())
        checked = run("check", "--network", str(self.out))
        self.assertEqual(checked.exit_code, 0, checked.output)
        self.assertIn("4 accounts, 4 providers", checked.output)

    def test_jasmin(self) -> None:
        """The same for a script of the console."""
        result = run("import", "jasmin", JASMIN, *self.arguments())
        self.assertEqual(result.exit_code, 0, result.output)
        checked = run("check", "--network", str(self.out))
        self.assertEqual(checked.exit_code, 0, checked.output)

    def test_names_of_variables(self) -> None:
        """Each password has a variable that a shell takes, and no other one's."""
        group = "group = smsc\nsmsc = smpp\nsmsc-username = us\ntransceiver-mode = yes\n"
        path = self.folder / "kannel.conf"
        path.write_text(
            f"{group}host = 192.0.2.1\nsmsc-password = p1\n\n"
            f"{group}host = h\nsmsc-id = a-b\nsmsc-password = p2\n\n"
            f"{group}host = h\nsmsc-id = a_b\nsmsc-password = p3\n"
        )
        told = run("import", "kannel", str(path)).output
        for name in ("PROVIDER_192_0_2_1_PASSWORD", "A_B_PASSWORD", "A_B_PASSWORD_"):
            self.assertIn(f'password = "env:{name}"', told)
            self.assertIn(f"secret: set {name} (", told)

    def test_secrets(self) -> None:
        """Clients' passwords are hashes, providers' are files that only their owner reads."""
        result = run("import", "kannel", KANNEL, *self.arguments())
        text = self.out.read_text()
        network = tomllib.loads(text)
        argon2.PasswordHasher().verify(network["account"]["shop"]["password"], "shop-pw")
        self.assertIn("passwords of clients stood there in clear", result.output)
        for secret in ("shop-pw", "secret1", "secret2"):
            self.assertNotIn(secret, text + result.output)
        file = self.secrets / "acme"
        self.assertEqual(file.read_text(), "secret1\n")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.secrets.stat().st_mode), 0o700)

    def test_one_password(self) -> None:
        """One of them is told as one."""
        path = self.folder / "kannel.conf"
        path.write_text("group = sendsms-user\nusername = shop\npassword = shop-pw\n")
        told = run("import", "kannel", str(path)).output
        self.assertIn("warning: 1 password of a client stood there in clear", told)

    def test_variables(self) -> None:
        """Without a folder the passwords come from the environment; the names are told."""
        result = run("import", "kannel", KANNEL)
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn('password = "env:ACME_3_PASSWORD"', result.output)
        self.assertIn("secret: set ACME_PASSWORD (a provider's password)", result.output)
        self.assertNotIn("secret1", result.output)

    def test_listing(self) -> None:
        """What a listing does not show is asked for, and the rest is good."""
        result = run("import", "jasmin", str(SAMPLES / "listing.txt"))
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertIn("set FOO_ACCOUNT_PASSWORD (a secret that was not shown)", result.output)

    def test_nothing_is_overwritten(self) -> None:
        """Neither a secret nor a network file."""
        run("import", "kannel", KANNEL, *self.arguments())
        elsewhere = ("-o", str(self.folder / "other.toml"), "--secrets-folder", str(self.secrets))
        again = run("import", "kannel", KANNEL, *elsewhere)
        self.assertEqual(again.exit_code, 1)
        self.assertIn("is there already; remove it", again.output)
        again = run("import", "jasmin", JASMIN, "-o", str(self.out))
        self.assertEqual(again.exit_code, 1)
        self.assertIn("is there already; give another name", again.output)

    def test_nowhere_to_write(self) -> None:
        """A folder that is not there."""
        result = run("import", "jasmin", JASMIN, "-o", str(self.folder / "gone" / "x.toml"))
        self.assertEqual(result.exit_code, 1)
        self.assertIn("No such file or directory", result.output)

    def test_pickle(self) -> None:
        """Jasmin's own files are not read; nothing is written."""
        path = self.folder / "jasmin.pickle"
        path.write_bytes(b"\x80\x04\x95")
        result = run("import", "jasmin", str(path), *self.arguments())
        self.assertEqual(result.exit_code, 1)
        self.assertIn("nothing in it that could be carried", result.output)
        self.assertFalse(self.out.exists())

    def test_result_that_is_not_good(self) -> None:
        """What cannot be as it stands is told with its line; exit status 1."""
        path = self.folder / "kannel.conf"
        path.write_text(
            "group = smsc\nsmsc = smpp\nsmsc-id = a\nhost = x.example.net\nport = 2775\n"
            "transceiver-mode = 1\nsmsc-username = u\nsmsc-password = p\n"
            "max-pending-submits = 9999999\n"
        )
        result = run("import", "kannel", str(path), *self.arguments())
        self.assertEqual(result.exit_code, 1, result.output)
        self.assertIn("the new file:", result.output)
        self.assertIn("window", result.output)
