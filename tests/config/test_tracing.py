"""[tracing]: where spans go, and what is refused."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import ConfigError, load_node, tracing
from smppproxy.config.tracing import Tracing

START = '[node]\nname = "node1"\n[[listener]]\nport = 2775\n[tracing]\n'
HERE = 'endpoint = "http://127.0.0.1:4318/v1/traces"\n'


class TracingTests(SynchronousTestCase):
    """What may stand there."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        (self.folder / "ca.pem").write_text("pem")
        (self.folder / "token").write_text("Bearer of-a-file\n")

    def read(self, text: str) -> Tracing:
        """What the node file says."""
        file = self.folder / "node.toml"
        file.write_text(START + text)
        return load_node(file, {"OTLP": "Bearer x", "ODD": "a\nb"}).tracing

    def problems(self, text: str) -> str:
        """What is wrong, where, and how that is mended."""
        with self.assertRaises(ConfigError) as caught:
            self.read(text)
        return "\n".join(map(str, caught.exception.problems))

    def test_nothing(self) -> None:
        """Without an endpoint there are no spans."""
        self.assertEqual(self.read(""), Tracing())
        self.assertEqual(Tracing().endpoint, "")

    def test_whole(self) -> None:
        """Secrets are followed and never shown, the CA's file is found."""
        found = self.read(
            HERE + 'one_in = 5\ntimeout = 2.5\nca = "ca.pem"\n'
            'headers = { authorization = "env:OTLP", x-scope = "file:token" }\n'
        )
        self.assertEqual((found.one_in, found.timeout), (5, 2.5))
        self.assertEqual(found.ca, str(self.folder / "ca.pem"))
        self.assertEqual(
            found.headers, {"authorization": "Bearer x", "x-scope": "Bearer of-a-file"}
        )
        self.assertNotIn("Bearer", repr(found))

    def test_wrong(self) -> None:
        """Each problem has its line, its option and what would be right."""
        for text, part in (
            ('endpoint = "collector:4318"\n', "write the collector's URL with its path"),
            ('endpoint = "http://[::1/v1"\n', "write the collector's URL with its path"),
            ("one_in = 5\n", "one_in says nothing without an endpoint"),
            (HERE + "one_in = 0\n", "0 is out of range"),
            (HERE + 'headers = { "a b" = "x" }\n', '"a b" is no name of a header'),
            (HERE + 'headers = { a = "env:ODD" }\n', "does not fit into a line of HTTP"),
            (HERE + 'headers = { a = "env:GONE" }\n', "GONE is not set"),
            (HERE + 'ca = "gone.pem"\n', "tracing.ca"),
            ("nothing = 1\n", "there is no such option"),
        ):
            self.assertIn(part, self.problems(text), text)

    def test_without_the_extra(self) -> None:
        """A node that could send nothing does not start, and says what to install."""
        self.assertTrue(tracing.is_installed())
        self.patch(tracing, "find_spec", lambda name: None)
        self.assertIn("pip install 'smppproxy[tracing]'", self.problems(HERE))

        def missing(name: str) -> None:
            raise ModuleNotFoundError(name)

        self.patch(tracing, "find_spec", missing)
        self.assertFalse(tracing.is_installed())
        self.assertEqual(self.read("").endpoint, "")
