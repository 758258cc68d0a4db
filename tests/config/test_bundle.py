"""A network file that travels: what goes with it, and what stays at home."""

import os
import zlib

import msgpack
from hypothesis import given
from hypothesis.strategies import binary, dictionaries, text

from smppproxy.config import ConfigError, load_network
from smppproxy.config import bundle as module
from smppproxy.config.bundle import Bundle, BundleError, unpack
from smppproxy.config.network import unbundle
from smppproxy.config.source import Source
from tests.config.files import HASH, FileCase

NETWORK = f"""\
[account.demo]
password = "{HASH}"

[provider.acme]
system_id = "us"
password = "file:acme.secret"
[provider.acme.host.a]
address = "127.0.0.1"
port = 2775

[[route]]
targets = ["acme"]
"""


class BundleTest(FileCase):
    """To a blob and back."""

    def test_a_network_is_the_same_at_the_other_end(self) -> None:
        """Its text travels, its secrets are those of where it is loaded."""
        path = self.write(NETWORK)
        (path.parent / "acme.secret").write_text("here")
        network = load_network(path)
        self.assertEqual(network.providers["acme"].password, b"here")
        there = path.parent / "there"
        there.mkdir()
        (there / "acme.secret").write_text("there")
        again = unbundle(unpack(network.bundle.pack()), there)
        self.assertEqual(again.providers["acme"].password, b"there")
        again.providers["acme"].password = b"here"
        home = load_network(path)
        for part in ("accounts", "providers"):
            self.assertEqual(getattr(again, part), getattr(home, part))
        self.assertEqual(again.routes.routes, home.routes.routes)

    def test_a_secret_that_is_missing_is_told(self) -> None:
        """With its line, under the name that the file had at home."""
        path = self.write(NETWORK)
        bundle = Bundle("network.toml", path.read_bytes())
        error = self.assertRaises(ConfigError, unbundle, bundle, path.parent)
        (problem,) = error.problems
        self.assertEqual(
            str(problem),
            f"network.toml:6: provider.acme.password: cannot read {path.parent}/acme.secret: No "
            "such file or directory; create it, or mend the path (relative to the file that names "
            "it)",
        )

    def test_a_variable_that_is_missing_is_told(self) -> None:
        """Each machine has its own."""
        octets = NETWORK.replace("file:acme.secret", "env:ACME").encode()
        bundle = Bundle("network.toml", octets)
        error = self.assertRaises(ConfigError, unbundle, bundle, "/", {})
        self.assertIn("the environment variable ACME is not set", str(error))
        self.assertEqual(unbundle(bundle, "/", {"ACME": "x"}).providers["acme"].password, b"x")

    def test_attached_files_travel(self) -> None:
        """Under the names that are written in the file; the disk is not asked at the other end."""
        path = self.write("a = 1\n")
        (path.parent / "prices.csv").write_bytes(b"46,1\n")
        source = Source(path, {})
        self.assertEqual(source.attached(("a",), "prices.csv"), b"46,1\n")
        self.assertEqual(source.files, {"prices.csv": b"46,1\n"})
        again = Source("/nowhere/network.toml", {}, source.octets, source.files)
        self.assertEqual(again.attached(("a",), "prices.csv"), b"46,1\n")
        self.assertEqual(again.problems, [])
        self.assertEqual(again.attached(("a",), "other.csv"), None)
        self.assertEqual(source.attached(("a",), "other.csv"), None)
        self.assertIn("other.csv was not sent along", str(again.problems[0]))
        self.assertIn("other.csv: No such file", str(source.problems[0]))

    @given(text(), binary(), dictionaries(text(), binary()))
    def test_whatever_it_holds(self, name: str, octets: bytes, files: dict[str, bytes]) -> None:
        """What is packed is unpacked; its digest does not ask for its name."""
        bundle = Bundle(name, octets, files)
        again = unpack(bundle.pack())
        self.assertEqual(again, bundle)
        self.assertEqual(again.sha256, Bundle("x", octets, dict(reversed(files.items()))).sha256)

    @given(binary())
    def test_noise(self, noise: bytes) -> None:
        """Octets that are none are refused, whatever they are."""
        self.assertRaises(BundleError, unpack, noise)
        head = Bundle("", b"").pack()[:9]
        self.assertRaises(BundleError, unpack, head + noise)
        self.assertRaises(BundleError, unpack, head + zlib.compress(noise))

    def test_every_damage_is_told(self) -> None:
        """Cut, longer, of another form, of another size, of other parts."""
        good = Bundle("network.toml", b"a = 1\n" * 99, {"x": b"y"}).pack()
        for place in range(len(good)):
            self.assertRaises(BundleError, unpack, good[:place])
        self.assertRaises(BundleError, unpack, good + b"x")
        self.assertRaises(BundleError, unpack, good[:4] + b"\2" + good[5:])
        self.assertRaises(BundleError, unpack, good[:5] + b"\xff" + good[6:])
        self.assertRaises(BundleError, unpack, good[:8] + b"\0" + good[9:])
        for parts in ([], [1, b"", {}], ["", "", {}], ["", b"", []], ["", b"", {"a": "b"}], 7):
            inner = msgpack.packb(parts)
            head = module._HEAD.pack(b"SPXN", 1, len(inner))
            self.assertRaises(BundleError, unpack, head + zlib.compress(inner))

    def test_what_is_too_large_is_refused(self) -> None:
        """Before it is sent, and before it is unzipped."""
        self.patch(module, "MOST_OCTETS", 1000)
        self.patch(module, "MOST_PACKED", 500)
        self.assertRaises(BundleError, Bundle("x", bytes(1000)).pack)
        self.assertRaises(BundleError, Bundle("x", os.urandom(900)).pack)
        Bundle("x", bytes(900)).pack()
