"""What operators want: kept, taken by every node, and still there after a restart."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import eventAsText
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.states import States
from smppproxy.store.interface import StoreUnavailable
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World
from smppproxy.wire.control import EVERY, MARK, TOPIC, Control
from tests.support.logs import logged
from tests.wire.binds import provider


class ControlTests(SynchronousTestCase):
    """Two nodes on one store, with a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock.seconds)
        self.changes: list[str] = []
        self.stores: dict[str, MemoryStore] = {}
        self.here, self.there = self.node("here"), self.node("there")

    def node(self, name: str) -> Control:
        """The wishes of one more node."""
        store = self.stores[name] = MemoryStore(self.clock, name, self.world)
        control = Control(store, self.clock, States(name), lambda: self.changes.append(name))
        store.start()
        control.start()
        control.start()
        self.addCleanup(control.stop)
        return control

    def want(self, control: Control, state: str, host: str = "", node: str = "") -> str:
        """Say so, on this node's door; what was wanted before."""
        return self.successResultOf(control.want(node, "acme", host, "", state))

    def holds(self, host: str = "a") -> tuple[str, str]:
        """What holds of a host here, and there, when every announcement has come."""
        self.clock.advance(0)
        return self.here.states.of("acme", host), self.there.states.of("acme", host)

    def test_every_node_at_once(self) -> None:
        """A wish holds on all nodes as soon as it is kept; the one before is told."""
        self.assertEqual("up", self.want(self.here, "isolate", "a"))
        self.assertEqual(("isolate", "isolate"), self.holds())
        self.assertEqual("isolate", self.want(self.there, "drain", "a"))
        self.assertEqual(("drain", "drain"), self.holds())
        self.assertEqual(("up", "up"), self.holds("b"))
        self.assertEqual("drain", self.want(self.here, "up", "a"))
        self.assertEqual(("up", "up"), self.holds())
        self.assertEqual({MARK: b"1"}, self.world.wishes)
        self.assertEqual(["here", "there", "there", "here", "here", "there"], self.changes)

    def test_it_is_told_in_words(self) -> None:
        """The log says what holds besides what the network says, also when that is nothing."""
        found = logged(self)
        self.want(self.here, "isolate", "a")
        self.want(self.here, "up", "a")
        changes = [event for event in found if event.get("event") == "states_changed"]
        texts = [eventAsText(event, False, False) for event in changes]
        self.assertEqual(
            [text.rpartition("changed: ")[2] for text in texts], ["acme/a isolate", "all up"]
        )

    def test_one_node(self) -> None:
        """What is wanted on one node holds there only, until it is up on all."""
        self.assertEqual("up", self.want(self.here, "down", node="there"))
        self.assertEqual(("up", "down"), self.holds())
        self.assertEqual("down", self.want(self.here, "isolate", node="there"))
        self.assertEqual(("up", "isolate"), self.holds())
        self.assertEqual("isolate", self.want(self.there, "isolate", node="there"))
        self.assertEqual("up", self.want(self.here, "up"))
        self.assertEqual(("up", "up"), self.holds())

    def test_survives_a_restart(self) -> None:
        """A node that starts reads what was said before it takes anything up."""
        self.want(self.here, "drain", "a")
        again = self.node("here")
        self.assertEqual("drain", again.states.of("acme", "a", "1"))

    def test_without_an_announcement(self) -> None:
        """The store is read now and then."""
        self.stores["here"].bus.announce = lambda topic, payload: None  # type: ignore[method-assign]
        self.want(self.here, "drain", "a")
        self.assertEqual(("drain", "up"), self.holds())
        self.clock.advance(EVERY)
        self.assertEqual(("drain", "drain"), self.holds())

    def test_store_away(self) -> None:
        """Nothing is changed while it cannot be kept; when the store is back it is read."""
        for store in self.stores.values():
            store.go_away()
        asked = self.here.want("", "acme", "a", "", "drain")
        self.clock.advance(10)
        self.failureResultOf(asked, StoreUnavailable)
        self.assertEqual(("up", "up"), self.holds())
        self.stores["here"].come_back()
        self.want(self.here, "down", "a")
        self.assertEqual(("down", "up"), self.holds())
        self.stores["there"].come_back()
        self.assertEqual(("down", "down"), self.holds())

    def test_the_file_and_the_wish(self) -> None:
        """A state of the network file holds until somebody wants another; that one is kept even
        if it is "up"."""
        acme = provider(1, state="isolate")
        for control in (self.here, self.there):
            control.use({"acme": acme})
        self.assertEqual(("isolate", "isolate"), self.holds())
        self.assertEqual("isolate", self.want(self.here, "up"))
        self.assertEqual(("up", "up"), self.holds())
        self.assertEqual(2, len(self.world.wishes))
        self.assertEqual("up", self.want(self.here, "isolate"))
        self.assertEqual({MARK: b"1"}, self.world.wishes)

    def test_a_store_that_forgets(self) -> None:
        """A store that was emptied gets back what the nodes know; nothing comes up by that."""
        self.want(self.here, "drain", "a")
        self.world.wishes.clear()
        self.clock.advance(EVERY)
        self.assertEqual(("drain", "drain"), self.holds())
        self.assertEqual("drain", self.node("third").states.of("acme", "a"))
        self.stores["here"].go_away()
        self.stores["there"].go_away()
        self.world.wishes.clear()
        self.stores["here"].come_back()
        self.assertEqual(2, len(self.world.wishes))

    def test_no_state(self) -> None:
        """What is none is refused before anything is kept."""
        self.assertRaises(ValueError, self.here.want, "", "acme", "", "", "asleep")

    def test_words_of_others(self) -> None:
        """An announcement is only a hint: what it says is read from the store."""
        self.stores["there"].bus.announce(TOPIC, b"drain everything")
        self.assertEqual(("up", "up"), self.holds())

    def test_stops(self) -> None:
        """Nothing is left on the clock."""
        for control in (self.here, self.there):
            control.stop()
            control.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
