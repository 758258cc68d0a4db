"""The limit of binds over several nodes, with a store that both share."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.routing.accounts import Account
from smppproxy.smpp import build
from smppproxy.smpp.constants import ENQUIRE_LINK
from smppproxy.store.interface import StoreUnavailable
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World
from smppproxy.wire.leases import EVERY, LEASE, RENEW, StoreLeases
from tests.support.memory_peers import ControlledStore
from tests.support.peers import reactor
from tests.wire.door import NAME, PASSWORD, Door, account


class LeaseTests(SynchronousTestCase):
    """One lease at a time, with a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.world = World(self.clock.seconds)
        self.told: list[str] = []
        self.asking: Deferred[None] | None = None
        self.stores: list[MemoryStore] = []

    def node(self, name: str) -> StoreLeases:
        """The leases of one more node."""
        store = MemoryStore(self.clock, name, self.world)
        self.successResultOf(store.start())
        self.stores.append(store)
        leases = StoreLeases(
            store, self.clock, self.joined, lambda account: self.told.append(f"{name} left")
        )
        leases.start()
        leases.start()
        return leases

    def joined(self, account: Account) -> Deferred[None]:
        """The first bind of an account."""
        self.told.append("joined")
        return self.asking or succeed(None)

    def take(self, leases: StoreLeases, client: object, limit: int = 2) -> bool:
        """Take a place for this client."""
        session: Any = client
        return self.successResultOf(leases.take(account(max_binds=limit), session))

    def test_mg28_two_over_two_nodes(self) -> None:
        """The third is refused wherever it comes; after one has closed it is taken."""
        here, there = self.node("here"), self.node("there")
        self.assertTrue(self.take(here, "one"))
        self.assertTrue(self.take(there, "two"))
        self.assertFalse(self.take(here, "three"))
        self.assertFalse(self.take(there, "three"))
        two: Any = "two"
        there.give_back(account(), two)
        self.clock.advance(0)
        self.assertTrue(self.take(here, "three"))
        self.assertEqual((len(here), len(there)), (2, 0))

    def test_mg28_a_killed_node_holds_its_places_for_a_lease(self) -> None:
        """Renewed they are held for good; the node gone, they are free after 30 s."""
        here, there = self.node("here"), self.node("there")
        self.assertTrue(self.take(here, "one", 1))
        self.clock.pump([RENEW / 2] * 12)
        self.assertFalse(self.take(there, "two", 1))
        here.stop()
        here.stop()
        self.clock.pump([1.0] * (LEASE + 1))
        self.assertTrue(self.take(there, "two", 1))

    def test_f98_thousands_are_renewed_a_few_at_a_time(self) -> None:
        """Taken in one moment, they are renewed in good time in many calls, none of them long;
        from then on each has its own moment.
        """
        here = self.node("here")
        renewed: dict[bytes, list[float]] = {}
        sizes = []

        def keep(held: list[tuple[bytes, bytes]], ttl: int) -> Deferred[None]:
            sizes.append(len(held))
            for _, session in held:
                renewed.setdefault(session, []).append(self.clock.seconds())
            return succeed(None)

        self.patch(self.stores[0], "keep_binds", keep)
        for number in range(5000):
            shop = attrs.evolve(account(max_binds=100), system_id=f"shop{number % 50}")
            client: Any = f"client {number}"
            self.assertTrue(self.successResultOf(here.take(shop, client)))
        self.clock.pump([EVERY] * int(2.6 * RENEW / EVERY))
        self.assertEqual((125, 5000), (max(sizes), len(renewed)))
        self.assertEqual({2}, {len(moments) for moments in renewed.values()})
        for first, second in renewed.values():
            self.assertLessEqual(RENEW, first)
            self.assertLess(first, 1.5 * RENEW + 2 * EVERY)
            self.assertLess(second - first, RENEW + 2 * EVERY)

    def test_who_has_left_is_renewed_no_more(self) -> None:
        """Its place stays free; the others keep theirs, whenever each of them came."""
        here, there = self.node("here"), self.node("there")
        self.assertTrue(self.take(here, "one"))
        self.clock.advance(RENEW / 2)
        self.assertTrue(self.take(here, "two"))
        one: Any = "one"
        here.give_back(account(), one)
        self.clock.pump([RENEW / 4] * 40)
        self.assertTrue(self.take(there, "three"))
        self.assertFalse(self.take(there, "four"))

    def test_f100_thousands_are_given_back_in_one_call(self) -> None:
        """Those of one turn go together, and before anything is taken."""
        here = self.node("here")
        clients: list[Any] = [f"client {number}" for number in range(1000)]
        for client in clients:
            self.assertTrue(self.take(here, client, 1000))
        store = ControlledStore(self.stores[0])
        self.patch(here, "_store", store)
        for client in clients[:600]:
            here.give_back(account(), client)
        self.assertEqual([], store.calls)
        self.assertTrue(self.take(here, "another", 401))
        self.assertEqual(["drop_binds", "take_bind"], store.calls)
        for client in clients[600:]:
            here.give_back(account(), client)
        here.stop()
        self.clock.advance(1)
        self.assertEqual(["drop_binds", "take_bind", "drop_binds"], store.calls)
        self.assertEqual(1, len(self.world.leases(account().key)))

    def test_sx21_first_and_last(self) -> None:
        """The first bind of an account waits for its part of the TPS; the last one's end is told;
        so for an account whose binds are limited on each node."""
        here, there = self.node("here"), self.node("there")
        self.asking = Deferred()
        one: Any = "one"
        scope = account(max_binds=1, max_binds_scope="node")
        taken = here.take(scope, one)
        self.assertNoResult(taken)
        self.asking.callback(None)
        self.assertTrue(self.successResultOf(taken))
        self.assertEqual(self.told, ["joined"])
        for number in (2, 3):
            session: Any = number
            self.assertTrue(self.successResultOf(here.take(scope, session)))
            here.give_back(scope, session)
        self.assertEqual(self.told, ["joined"])
        here.give_back(scope, one)
        self.assertEqual(self.told, ["joined", "here left"])
        self.asking = None
        self.clock.advance(0)
        self.assertTrue(self.take(there, "four"))
        self.clock.advance(RENEW)
        self.assertEqual(self.told[2:], ["joined"])

    def test_mg28_store_away(self) -> None:
        """No new one is taken, those that are held stay held, and are free once given back."""
        here = self.node("here")
        self.assertTrue(self.take(here, "one", 1))
        self.stores[0].go_away()
        two: Any = "two"
        self.failureResultOf(here.take(account(max_binds=2), two), StoreUnavailable)
        self.clock.advance(RENEW)
        self.assertEqual(len(here), 1)
        one: Any = "one"
        here.give_back(account(), one)
        self.clock.advance(RENEW)
        self.stores[0].come_back()
        self.clock.advance(LEASE)
        self.assertTrue(self.take(here, "two", 1))


class NodeTests(TestCase):
    """Two nodes, over real sockets."""

    async def test_mg28_gw05_third_bind_on_another_node(self) -> None:
        """max_binds 2: the third bind, on the other node, gets 0x0D; after one is reset, OK."""
        world = World(reactor.seconds)
        doors = []
        for name in ("here", "there"):
            store = MemoryStore(reactor, name, world)
            await store.start()
            self.addCleanup(store.stop)
            door = Door(self, linger=0.2, leases=StoreLeases(store, reactor), max_binds=2)
            door.count_binds()
            doors.append(door)
        here, there = doors
        first, second = await here.bound(), await there.bound()
        third = await there.client()
        third.send_bind(NAME, PASSWORD)
        probe = await second.expect(ENQUIRE_LINK)
        second.send(build.enquire_link_resp(probe.sequence_number))
        self.assertEqual((await third.expect()).command_status, 0x0D)
        self.assertFalse(first.is_closed or second.is_closed)
        first.reset()
        await here.relay.called("client_lost")
        self.assertEqual(await there.status(), 0)
