"""A provider's binds as its settings and its operator want them, with a clock."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.states import States, Wish
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_bind
from smppproxy.store.memory import MemoryStore
from smppproxy.store.world import World
from smppproxy.wire.leases import LEASE
from smppproxy.wire.places import EVERY, Places
from smppproxy.wire.pool import UpstreamPool
from tests.wire.binds import ClockCase, Endpoint, Link, good, provider


class PoolCase(ClockCase):
    """A provider with hosts a and b whose connections are made in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.states = States("here")
        self.endpoints: dict[tuple[str, int], Endpoint] = {}

    def pool(self, *ports: int, admitted: Places | None = None, **options: Any) -> UpstreamPool:
        """The binds to a provider with a host for each port; begun."""
        settings: dict[str, Any] = {"reconnect_min": 1.0, "reconnect_max": 30.0}
        pool = UpstreamPool(
            provider(*(ports or (1, 2)), **(settings | options)),
            self.clock,
            self.relay,
            self.ticker,
            self.connect,
            lambda: 0.0,
            self.states.of,
            admitted,
        )
        pool.start()
        return pool

    def part(self, first: int, step: int, *ports: int, **options: Any) -> UpstreamPool:
        """The part of the binds that a worker has."""
        pool = UpstreamPool(
            provider(*ports, **options),
            self.clock,
            self.relay,
            self.ticker,
            self.connect,
            share=(first, step),
        )
        self.addCleanup(pool.stop)
        return pool

    def connect(self, host: Host) -> Any:
        """Each host has an endpoint of its own, which connects."""
        endpoint = self.endpoints.get((host.name, host.port))
        if endpoint is None:
            endpoint = self.endpoints[host.name, host.port] = Endpoint(self.clock)
            endpoint.mode = "connect"
        return endpoint

    def links(self) -> dict[str, Any]:
        """The connections that stand, by host and place among its binds."""
        return {
            f"{name}{number}": link
            for (name, _), endpoint in self.endpoints.items()
            for number, link in enumerate(each for each in endpoint.links if each.connected)
        }

    def answer(self, *but: str) -> None:
        """Every host answers what it is asked, but those that are named."""
        for name, link in self.links().items():
            if name in but:
                continue
            for pdu in link.pdus():
                self.answer_one(link, pdu)

    def answer_one(self, link: Link, pdu: Any) -> None:
        """One answer of a host."""
        number = pdu.sequence_number
        if pdu.command_id in (c.BIND_TRANSCEIVER, c.BIND_TRANSMITTER, c.BIND_RECEIVER):
            reply = build.bind_resp(pdu.command_id, 0, number, b"smsc")
        elif pdu.command_id == c.UNBIND:
            reply = build.unbind_resp(number)
        elif pdu.command_id == c.ENQUIRE_LINK:
            reply = build.enquire_link_resp(number)
        else:
            reply = good(pdu)
        link.protocol.dataReceived(reply)

    def settle(self, seconds: float = 2.0) -> None:
        """Time passes, and everybody is answered."""
        for _ in range(round(seconds * 8)):
            self.answer()
            self.clock.advance(0.125)
        self.answer()

    def want(self, pool: UpstreamPool, state: str, host: str = "", bind: str = "") -> None:
        """An operator wants this."""
        taken: dict[Wish, str] = {("", "acme", host, bind): state}
        self.states.take(taken)
        pool.restate()

    def shown(self, pool: UpstreamPool) -> dict[str, str]:
        """State of each bind."""
        return {f"{each.host}/{each.number}": each.state for each in pool.states()}

    def bound(self, *ports: int, **options: Any) -> UpstreamPool:
        """A pool whose binds stand."""
        pool = self.pool(*ports, **options)
        self.settle(0.5)
        self.assertEqual({"Bound"}, set(self.shown(pool).values()))
        return pool

    def send(self, name: str, token: str = "token") -> Any:
        """A submit_sm goes out; the session and the link it is on."""
        link = self.links()[name]
        session = link.protocol
        number = session.session.window.open(token, self.clock.seconds())
        session.write(build.submit_sm(number, destination_addr=b"45"))
        return link


class StateTests(PoolCase):
    """up, isolate, drain, down."""

    def test_isolate_stays_bound(self) -> None:
        """Nothing changes on the wire."""
        pool = self.bound()
        self.want(pool, "isolate")
        self.settle()
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(pool))
        self.assertEqual({"isolate"}, {each.admin for each in pool.states()})

    def test_drain(self) -> None:
        """It is unbound once everything is answered, however long that takes, and stays unbound;
        the other host goes on."""
        pool = self.bound(response_timeout=60.0, enquire_link=0, drain=1.0)
        link = self.send("a0")
        self.want(pool, "drain", "a")
        (pdu,) = link.pdus()
        for _ in range(40):
            self.clock.advance(1.0)
            for each in self.links().values():
                for probe in each.pdus():
                    self.assertEqual(c.ENQUIRE_LINK, probe.command_id)
                    self.answer_one(each, probe)
        self.assertEqual({"a/1": "Stopping", "b/1": "Bound"}, self.shown(pool))
        link.protocol.dataReceived(good(pdu))
        (unbind,) = link.pdus()
        self.assertEqual(c.UNBIND, unbind.command_id)
        link.protocol.dataReceived(build.unbind_resp(unbind.sequence_number))
        self.settle(60)
        self.assertEqual({"a/1": "Stopped", "b/1": "Bound"}, self.shown(pool))
        self.want(pool, "up", "a")
        self.settle(1)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(pool))

    def test_down(self) -> None:
        """The unbind goes out at once; what is not answered within two seconds is in doubt."""
        pool = self.bound(enquire_link=0)
        link = self.send("a0")
        link.pdus()
        self.want(pool, "down", "a")
        self.clock.advance(0)
        (unbind,) = link.pdus()
        self.assertEqual(c.UNBIND, unbind.command_id)
        self.advance(2.5)
        self.assertEqual({"a/1": "Stopped", "b/1": "Bound"}, self.shown(pool))
        self.assertEqual(["token"], self.relay.of("upstream_lost")[0].what)

    def test_drain_then_down(self) -> None:
        """Who waits for answers waits no more."""
        pool = self.bound(enquire_link=0)
        link = self.send("a0")
        self.want(pool, "drain", "a")
        self.advance(2)
        self.want(pool, "down", "a")
        self.clock.advance(0)
        self.assertEqual(c.UNBIND, link.pdus()[-1].command_id)

    def test_up_while_it_leaves(self) -> None:
        """It leaves, and binds again."""
        pool = self.bound(enquire_link=0)
        link = self.send("a0")
        self.want(pool, "drain", "a")
        self.want(pool, "up", "a")
        self.assertEqual("Stopping", self.shown(pool)["a/1"])
        self.answer_one(link, link.pdus()[0])
        self.settle(1)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(pool))
        self.assertEqual(2, len(self.endpoints["a", 1].links))

    def test_up_and_down_while_it_leaves(self) -> None:
        """The last word counts."""
        pool = self.bound(enquire_link=0)
        link = self.send("a0")
        for state in ("drain", "up", "drain"):
            self.want(pool, state, "a")
        self.answer_one(link, link.pdus()[0])
        self.settle(2)
        self.assertEqual({"a/1": "Stopped", "b/1": "Bound"}, self.shown(pool))

    def test_down_from_the_beginning(self) -> None:
        """What is not wanted is never connected to; one bind can be meant."""
        self.states.take({("", "acme", "a", "1"): "down", ("", "acme", "b", ""): "drain"})
        pool = self.pool(binds=2)
        self.settle()
        self.assertEqual(
            {"a/1": "Stopped", "a/2": "Bound", "b/1": "Stopped", "b/2": "Stopped"},
            self.shown(pool),
        )
        self.assertEqual(1, len(self.endpoints["a", 1].attempts))

    def test_before_it_is_begun(self) -> None:
        """A pool that nobody has begun begins nothing."""
        pool = UpstreamPool(provider(1), self.clock, self.relay, self.ticker, self.connect)
        pool.restate()
        self.assertEqual({"a/1": "Idle"}, self.shown(pool))


class AnewTests(PoolCase):
    """reconnect and kick."""

    def test_one_at_a_time(self) -> None:
        """Each bind is left and made again while the others stand."""
        pool = self.bound(binds=2)
        self.assertEqual(4, pool.reconnect())
        self.assertEqual(4, pool.reconnect())
        fewest = 4
        for _ in range(40):
            self.settle(0.125)
            states = [*self.shown(pool).values()]
            fewest = min(fewest, states.count("Bound"))
        self.assertEqual((3, {"Bound"}), (fewest, set(self.shown(pool).values())))
        attempts = [len(endpoint.attempts) for endpoint in self.endpoints.values()]
        self.assertEqual([4, 4], attempts)

    def test_a_host_or_a_bind(self) -> None:
        """Only what is meant."""
        pool = self.bound(binds=2)
        self.assertEqual(
            [2, 1, 0], [pool.reconnect("a"), pool.reconnect("b", "2"), pool.reconnect("c")]
        )
        self.settle(5)
        attempts = [len(endpoint.attempts) for endpoint in self.endpoints.values()]
        self.assertEqual([4, 3], attempts)

    def test_goes_on_past_one_that_does_not_come_back(self) -> None:
        """A bind that is refused, or is not to be bound any more, does not hold up the others."""
        pool = self.bound()
        self.endpoints["a", 1].mode = "refuse"
        pool.reconnect()
        self.settle(3)
        self.assertEqual(2, len(self.endpoints["b", 2].attempts))
        self.assertEqual("Bound", self.shown(pool)["b/1"])
        self.endpoints["a", 1].mode = "connect"
        self.settle(5)
        pool.reconnect()
        self.want(pool, "down", "a")
        self.settle(3)
        self.assertEqual({"a/1": "Stopped", "b/1": "Bound"}, self.shown(pool))
        self.assertEqual(3, len(self.endpoints["b", 2].attempts))

    def test_stopped_meanwhile(self) -> None:
        """A stop ends it."""
        pool = self.bound()
        pool.reconnect()
        stopped = pool.stop()
        self.settle(1)
        self.successResultOf(stopped)
        self.assertEqual({"a/1": "Stopped", "b/1": "Stopped"}, self.shown(pool))

    def test_kick(self) -> None:
        """The connection is gone at once; it is bound again soon. Nothing to kick is nothing."""
        pool = self.bound()
        link = self.links()["a0"]
        self.assertEqual(1, pool.kick("a", "1"))
        self.assertFalse(link.connected)
        self.settle(2)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(pool))
        self.want(pool, "down")
        self.settle(3)
        self.assertEqual(0, pool.kick())


class AddressTests(PoolCase):
    """How a host is reached."""

    def attempts(self, address: str, **options: Any) -> list[Any]:
        """What a bind to it asks of the reactor."""
        reactor = MemoryReactorClock()
        settings = provider(2775, address=address, connect_timeout=7.0, **options)
        pool = UpstreamPool(settings, reactor, self.relay, self.ticker)
        pool.start()
        self.addCleanup(pool.stop)
        return reactor.tcpClients

    def test_an_address_is_not_resolved(self) -> None:
        """It is connected to at once, in its time, from our address if there is one."""
        for address, ours in (("192.0.2.1", "192.0.2.9"), ("2001:db8::1", "")):
            ((host, port, _, timeout, bound),) = self.attempts(address, bind_address=ours)
            self.assertEqual((address, 2775, 7.0), (host, port, timeout))
            self.assertEqual((ours, 0) if ours else None, bound)

    def test_a_name_is_resolved_at_each_attempt(self) -> None:
        """By the reactor's resolver, which says that everything is here."""
        self.assertEqual("127.0.0.1", self.attempts("smsc.example")[0][0])


class UseTests(PoolCase):
    """Settings that change while traffic goes on."""

    def change(self, pool: UpstreamPool, **options: Any) -> Provider:
        """The same provider with other options."""
        changed = attrs.evolve(pool.provider, **options)
        pool.use(changed)
        return changed

    def test_nothing_changes(self) -> None:
        """The same settings, as another object, touch nothing."""
        pool = self.bound()
        before = pool.provider
        pool.use(attrs.evolve(before))
        self.assertIs(before, pool.provider)

    def test_what_a_bind_can_take(self) -> None:
        """Window, timers and profile hold at once, on the same connections."""
        pool = self.bound(window=10)
        links = self.links()
        self.change(pool, window=25, enquire_link=7.0, tps=5, reconnect_min=4.0)
        self.settle(1)
        self.assertEqual(links, self.links())
        session = links["a0"].protocol
        self.assertEqual((25, 7.0), (session.session.window.limit, session._timers.enquire_link))
        self.assertIs(pool.provider, session.provider)
        self.assertEqual(4.0, pool.binds[0]._core.pauses.provider.reconnect_min)
        self.assertEqual([25, 25], [each.window for each in pool.states()])

    def test_a_window_on_trial(self) -> None:
        """A window that somebody else has set for a while is left to him."""
        pool = self.bound(1, window=10)
        self.links()["a0"].protocol.session.window.limit = 1
        self.change(pool, window=25)
        self.assertEqual([1], [each.window for each in pool.states()])

    def test_hosts_and_binds_come_and_go(self) -> None:
        """What is new is bound, what is gone is drained; the rest is not touched."""
        pool = self.bound()
        link = self.links()["a0"]
        gone = self.send("b0")
        hosts = (pool.provider.hosts[0], Host("c", "127.0.0.1", 3))
        changed = self.change(pool, hosts=hosts, binds=2)
        self.settle(1)
        self.assertEqual(dict.fromkeys(("a/1", "a/2", "c/1", "c/2"), "Bound"), self.shown(pool))
        self.assertIs(link, self.links()["a0"])
        self.assertFalse(gone.connected)
        self.assertIs(changed, gone.protocol.provider)
        self.assertEqual(
            ["token"], [token for token, _ in self.relay.of("upstream_responses")[0].what]
        )
        self.change(pool, hosts=hosts[:1], binds=1)
        self.settle(1)
        self.assertEqual({"a/1": "Bound"}, self.shown(pool))
        self.assertIs(link, self.links()["a0"])

    def test_leaving_while_more_changes(self) -> None:
        """A host that drains still hears of new settings, and is stopped with the rest."""
        pool = self.bound(enquire_link=0)
        link = self.send("b0")
        self.change(pool, hosts=pool.provider.hosts[:1])
        changed = self.change(pool, window=3)
        self.assertIs(changed, link.protocol.provider)
        stopped = pool.stop()
        self.assertNoResult(stopped)
        self.settle(1)
        self.successResultOf(stopped)

    def test_another_password(self) -> None:
        """Binds whose credentials or address change are made again, one at a time."""
        pool = self.bound(password=b"old-one")
        hosts = (pool.provider.hosts[0], Host("b", "127.0.0.1", 22))
        self.change(pool, password=b"new-one", hosts=hosts)
        self.clock.advance(0)
        self.assertEqual(["Stopping", "Bound"], [*self.shown(pool).values()])
        seen = []
        for _ in range(24):
            for link in self.links().values():
                for pdu in link.pdus():
                    if pdu.command_id == c.BIND_TRANSCEIVER:
                        seen.append(read_bind(pdu).password)
                    self.answer_one(link, pdu)
            self.clock.advance(0.125)
        self.assertEqual([b"new-one"] * 2, seen)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(pool))
        self.assertEqual(1, len(self.endpoints["b", 22].attempts))

    def test_changed_twice(self) -> None:
        """Changed again before its turn came: it ends as the last settings say."""
        pool = self.bound()
        self.change(pool, system_id=b"one")
        self.change(pool, system_id=b"two")
        self.change(pool, system_id=b"three", hosts=pool.provider.hosts[1:])
        self.settle(6)
        self.assertEqual({"b/1": "Bound"}, self.shown(pool))
        self.assertEqual([b"three"], [bind.provider.system_id for bind in pool.binds])
        self.assertEqual(1, len(self.links()))

    def test_the_state_it_begins_with(self) -> None:
        """A host's state in the network file is what holds of it."""
        pool = self.bound()
        hosts = (pool.provider.hosts[0], attrs.evolve(pool.provider.hosts[1], state="down"))
        self.states.use({"acme": attrs.evolve(pool.provider, hosts=hosts)})
        self.change(pool, hosts=hosts)
        self.settle(3)
        self.assertEqual({"a/1": "Bound", "b/1": "Stopped"}, self.shown(pool))


class CountTests(PoolCase):
    """What is known of a bind."""

    def test_counts_and_rates(self) -> None:
        """What went out and came back, over its sessions; means of what went out."""
        pool = self.bound(1, enquire_link=0)
        for number in range(60):
            self.send("a0", f"{number}")
            self.answer()
            self.clock.advance(1.0)
            pool.tick(self.clock.seconds())
        link = self.links()["a0"]
        link.protocol.dataReceived(build.deliver_sm(1) + build.deliver_sm(2))
        self.send("a0", "never answered")
        (state,) = pool.states()
        self.assertEqual(
            (61, 60, 2, 1), (state.submitted, state.answered, state.receipts, state.outstanding)
        )
        self.assertTrue(0.5 < state.rates[0] < 1.0 and state.rates[1] < state.rates[0])
        pool.tick(self.clock.seconds())
        pool.kick()
        self.settle(2)
        (state,) = pool.states()
        self.assertEqual(
            (61, 60, 2, 0), (state.submitted, state.answered, state.receipts, state.outstanding)
        )


class PlacesTests(PoolCase):
    """binds_total: one number for all nodes."""

    def setUp(self) -> None:
        super().setUp()
        self.world = World(self.clock.seconds)
        self.stores: list[MemoryStore] = []

    def node(self, **options: Any) -> tuple[UpstreamPool, Places]:
        """One more node on the same store, and its binds."""
        store = MemoryStore(self.clock, f"node{len(self.stores)}", self.world)
        store.start()
        self.stores.append(store)
        places = Places(store, self.clock)
        places.start()
        places.start()
        self.addCleanup(places.stop)
        self.addCleanup(places.stop)
        pool = self.pool(admitted=places, **options)
        self.settle(0.5)
        return pool, places

    def test_shared(self) -> None:
        """Three places: a bind to each host first, then the second to one; the other node has
        what is left, and more when it becomes free."""
        one, _ = self.node(binds=1, binds_total=3)
        two, _ = self.node(binds=2, binds_total=3)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(one))
        self.assertEqual(
            {"a/1": "Bound", "a/2": "Unadmitted", "b/1": "Unadmitted", "b/2": "Unadmitted"},
            self.shown(two),
        )
        self.want(one, "down", "a")
        self.settle(3)
        self.assertEqual(["Bound", "Bound"], sorted(self.shown(two).values())[:2])
        self.assertEqual("Stopped", self.shown(one)["a/1"])

    def test_kept_over_losses(self) -> None:
        """A bind that is lost, or made anew, keeps its place; leases are renewed."""
        one, _ = self.node(binds_total=2)
        two, _ = self.node(binds_total=2)
        one.kick()
        one.reconnect()
        self.settle(2.0 * LEASE)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(one))
        self.assertEqual({"Unadmitted"}, set(self.shown(two).values()))
        one.use(attrs.evolve(one.provider, password=b"another"))
        self.settle(5)
        self.assertEqual({"a/1": "Bound", "b/1": "Bound"}, self.shown(one))

    def test_a_killed_node(self) -> None:
        """Its places are free half a minute later."""
        one, places = self.node(binds_total=2)
        places.stop()
        two, _ = self.node(binds_total=2)
        self.assertEqual({"Unadmitted"}, set(self.shown(two).values()))
        self.settle(LEASE + 2 * EVERY)
        self.assertEqual({"Bound"}, set(self.shown(two).values()))

    def test_store_away(self) -> None:
        """Nobody takes a new place, who has one keeps it, and when the store is back it goes on."""
        one, _ = self.node(binds_total=2)
        self.stores[0].go_away()
        self.settle(15)
        self.assertEqual({"Bound"}, set(self.shown(one).values()))
        pool = self.pool(admitted=None)
        self.settle(1)
        pool.stop()
        self.want(one, "down", "a")
        self.settle(3)
        self.want(one, "up", "a")
        self.settle(3)
        self.assertEqual("Unadmitted", self.shown(one)["a/1"])
        self.stores[0].come_back()
        self.settle(EVERY + 1)
        self.assertEqual({"Bound"}, set(self.shown(one).values()))

    def test_no_longer_wanted(self) -> None:
        """Who waits and is stopped waits no more, and takes nothing that becomes free."""
        one, _ = self.node(binds_total=2)
        two, _ = self.node(binds_total=2)
        self.want(two, "down")
        self.settle(1)
        self.states.take({})
        self.assertEqual({"Idle"}, set(self.shown(two).values()) - {"Stopped"} or {"Idle"})
        stopped = one.stop()
        self.settle(EVERY + 1)
        self.successResultOf(stopped)
        self.assertEqual(0, len(self.links()))

    def test_an_answer_that_comes_too_late(self) -> None:
        """A place that is given to who does not want it any more is free again."""
        _, places = self.node(binds_total=2)
        asked: Deferred[bool] = Deferred()
        self.stores[0].take_bind = lambda *lease: asked  # type: ignore[method-assign]
        held = dict(self.world.binds)
        pool = self.pool(1, admitted=places, binds_total=3, binds=1)
        bind = pool.binds[0]
        places.gone(bind)
        bind._core.number = 9
        places.ask(bind)
        bind.stop()
        asked.callback(True)
        self.settle(1)
        self.assertEqual(set(held), set(self.world.binds))
        self.assertNotIn("acme/a/9", places._running)

    def test_without_a_limit(self) -> None:
        """Nobody is asked."""
        one, places = self.node()
        self.assertEqual({"Bound"}, set(self.shown(one).values()))
        self.assertEqual({}, self.world.binds)
        self.advance(2 * EVERY)
        one.stop()
        self.settle(1)
        self.assertEqual(0, len(self.links()))


class ClockTests(PoolCase):
    """Nothing is left behind."""

    def test_no_timers_are_left(self) -> None:
        """After a stop nothing is on the clock but the tick."""
        pool = self.bound()
        pool.reconnect()
        self.settle(5)
        pool.stop()
        self.settle(3)
        self.ticker.stop()
        clock: Clock = self.clock
        self.assertEqual([], clock.getDelayedCalls())
