"""[hop]: a door for other nodes, which speaks mutual TLS wherever it is a port."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import ConfigError, Hop, load_node

START = '[node]\nname = "node1"\n[[listener]]\nport = 2775\n[hop]\n'


class HopTests(SynchronousTestCase):
    """What may stand there."""

    def setUp(self) -> None:
        # A Unix socket's path may not be long, so what is relative must begin nearby.
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        for name in ("crt", "key", "ca"):
            (self.folder / name).write_text("pem")

    def hop(self, text: str) -> Hop:
        """What the node file says."""
        file = self.folder / "node.toml"
        file.write_text(START + text)
        return load_node(file, {}).hop

    def problems(self, text: str) -> list[str]:
        """Where it is wrong, and how that is mended."""
        with self.assertRaises(ConfigError) as caught:
            self.hop(text)
        return [f"{each.option}: {each.mend}" for each in caught.exception.problems]

    def test_nothing_is_no_hop(self) -> None:
        """Without a path or a port a node takes no part."""
        self.assertFalse(self.hop("").is_on)

    def test_a_socket(self) -> None:
        """A path is taken as it is, or from the file's folder on."""
        self.assertEqual(self.hop('path = "/run/hop"'), Hop(path="/run/hop"))
        short = os.path.relpath("/hop", self.folder)
        self.assertTrue(self.hop(f'path = "{short}"').is_on)
        self.assertEqual(self.hop(f'path = "{short}"').path, "/hop")
        (problem,) = self.problems(f'path = "{"x" * 100}"')
        self.assertIn("hop.path", problem)

    def test_a_port_needs_all_of_mutual_tls(self) -> None:
        """No plain port, and none that lets everybody in."""
        found = self.problems('address = "127.0.0.1"\nport = 2780\nkey = "key"')
        self.assertEqual({each.split(":")[0] for each in found}, {"hop.certificate", "hop.ca"})
        files = 'certificate = "crt"\nkey = "key"\nca = "ca"\n'
        hop = self.hop(f'{files}address = "127.0.0.1"\nport = 2780')
        self.assertEqual(hop.ca, str(self.folder / "ca"))
        self.assertTrue(hop.is_on)

    def test_others_must_know_where(self) -> None:
        """Every address is none that somebody can connect to."""
        files = 'certificate = "crt"\nkey = "key"\nca = "ca"\nport = 2780\n'
        (problem,) = self.problems(files)
        self.assertIn("hop.advertise", problem)
        self.assertEqual(self.hop(files + 'advertise = "n1"').advertise, "n1")

    def test_what_has_no_effect(self) -> None:
        """A certificate without a port is no promise of TLS."""
        (problem,) = self.problems('path = "/run/hop"\nca = "ca"')
        self.assertIn("hop.ca", problem)

    def test_what_is_wrong_otherwise(self) -> None:
        """No table, no such option."""
        self.assertEqual(len(self.problems('sport = "x"')), 1)
