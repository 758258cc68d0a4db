"""workers = N in the node file: what a node with workers cannot be, and where that is told."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import ConfigError, Node, load_node
from smppproxy.config.workers import Part

DOOR = "[[listener]]\nport = 2775\n"


class WorkersTests(SynchronousTestCase):
    """The file is read whole, and every problem is told with its line and its mend."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        for name in ("crt", "key", "ca"):
            (self.folder / name).write_text("pem")

    def node(self, name: str, options: str = "", tables: str = "") -> Node:
        """What the file says."""
        file = self.folder / "node.toml"
        file.write_text(f'[node]\nname = "{name}"\n{options}\n{DOOR}{tables}')
        return load_node(file, {})

    def problem(self, name: str, options: str = "", tables: str = "") -> str:
        """The one problem: line, option, what is wrong and what to write."""
        with self.assertRaises(ConfigError) as caught:
            self.node(name, options, tables)
        (found,) = caught.exception.problems
        return f"{found.line} {found.option}: {found.text}; {found.mend}"

    def test_a_node_with_workers(self) -> None:
        """It is one node; what a process is of it is no option."""
        node = self.node("n1", "workers = 4")
        self.assertEqual((node.workers, node.part), (4, Part()))
        self.assertTrue(node.part.has_doors)
        with self.assertRaises(ConfigError):
            self.node("n1", "part = 1")

    def test_the_longest_name(self) -> None:
        """A worker has its number behind the node's name, and a name has 64 characters."""
        self.assertEqual(self.node("n" * 61, "workers = 64").workers, 64)
        self.assertEqual(self.node("n" * 64).workers, 1)
        self.assertEqual(
            self.problem("n" * 62, "workers = 2"),
            "2 node.name: the name is too long for a node with workers; "
            "take at most 61 characters: a worker has its number behind them",
        )

    def test_the_longest_socket(self) -> None:
        """Each worker has a socket of its own for the others, with its number behind the name."""
        path = "/" + "h" * 104
        self.assertEqual(self.node("n1", "", f'[hop]\npath = "{path}"').hop.path, path)
        self.assertEqual(
            self.problem("n1", "workers = 2", f'[hop]\npath = "{path}"'),
            "7 hop.path: the path is too long for a node with workers; "
            "take at most 104 octets: each worker has a socket with its number",
        )

    def test_the_last_port(self) -> None:
        """Each worker has a port of its own for other nodes, from the one that is written on."""
        files = 'certificate = "crt"\nkey = "key"\nca = "ca"\naddress = "127.0.0.1"\n'
        tables = f"[hop]\n{files}port = 65533\n"
        self.assertEqual(self.node("n1", "workers = 3", tables).hop.port, 65533)
        self.assertEqual(
            self.problem("n1", "workers = 4", tables),
            "11 hop.port: the last of 4 workers has port 65536; "
            "take 65532 at most: each worker has a port of its own",
        )
