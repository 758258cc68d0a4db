"""What the supervisor and its workers are, made of one node file."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Admin, Hop, Listener, MessageLog, Node
from smppproxy.config.workers import Part
from smppproxy.workers.nodes import of_supervisor, of_worker


def node(**options: object) -> Node:
    """A node with three workers."""
    made = Node(
        "n1",
        workers=3,
        network_file="/etc/net/network.toml",
        listeners=(Listener(port=0, accept_rate=100), Listener(port=8775, accept_rate=0)),
        admin=Admin(port=8080, tokens={"read": b"x" * 16}),
        journal="/var/journal",
        message_log=MessageLog(folder="/var/messages", keep_days=7),
        **options,  # type: ignore[arg-type]
    )
    made.own_folder = "/etc"
    return made


class NodeTests(SynchronousTestCase):
    """The one is told by its file, the others by it."""

    def test_the_supervisor_is_the_node(self) -> None:
        """It has everything of the file, but neither clients nor binds."""
        whole = node(hop=Hop(path="/run/hop"))
        made = of_supervisor(whole)
        self.assertEqual(made, whole)
        self.assertEqual((made.own_folder, made.part.has_doors), ("/etc", False))
        self.assertTrue(whole.part.has_doors)

    def test_a_worker(self) -> None:
        """It has the ports that were taken, its part of the binds, folders and sockets of its own,
        and the store of its supervisor; the network it follows, and secrets beside the file are
        found."""
        made = of_worker(node(), 2, [2775, 8775], "redis+unix:///s", "/run/x")
        self.assertEqual((made.name, made.workers, made.store), ("n1.2", 1, "redis+unix:///s"))
        self.assertEqual(made.part, Part("n1", 1, 3))
        self.assertEqual([each.port for each in made.listeners], [2775, 8775])
        self.assertEqual((made.journal, made.message_log.folder), ("/var/journal/2",
                                                                   "/var/messages/2"))  # fmt: skip
        self.assertEqual(made.message_log.keep_days, 7)
        self.assertEqual(made.admin, Admin(path="/run/x/2"))
        self.assertEqual(made.hop, Hop(path="/run/x/2.hop"))
        self.assertEqual((made.network_file, made.folder), ("", "/etc/net"))

    def test_connections_are_accepted_as_fast_as_written(self) -> None:
        """accept_rate is divided among the workers, upwards; none stays none."""
        made = of_worker(node(), 1, [1, 2], "", "/run/x")
        self.assertEqual([each.accept_rate for each in made.listeners], [34, 0])

    def test_without_folders(self) -> None:
        """No journal and no message log: a worker has none either."""
        made = of_worker(Node("n1", workers=2), 1, [], "", "/run/x")
        self.assertEqual((made.journal, made.message_log.folder), ("", ""))

    def test_the_door_for_other_nodes(self) -> None:
        """Each worker has its own: the node's socket with its number, the node's port and those
        after it."""
        hop = Hop(path="/run/hop", port=2780, certificate="c", key="k", ca="a")
        made = of_worker(node(hop=hop), 3, [1, 2], "", "/run/x").hop
        self.assertEqual((made.path, made.port, made.ca), ("/run/hop.3", 2782, "a"))
