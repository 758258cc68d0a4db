"""The composition root: a whole node starts, carries messages, takes a new network and drains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import CannotListenError

from smppproxy.config import Listener
from smppproxy.relay import endings
from smppproxy.store.interface import StoreError
from smppproxy.store.memory import MemoryStore
from tests.support.authority import Authority, dns
from tests.support.doors import asynchronous, shown_name
from tests.support.nodes import NodeCase, reactor


class CarriesTests(NodeCase):
    """From a bind to the receipt."""

    @asynchronous
    async def test_message_and_receipt(self) -> None:
        """A client's messages are answered and each receipt comes home; the ledger balances."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        service = self.node()
        esme = self.client(service, count=40)
        ledger = service.relay.ledger
        await self.wait(lambda: esme.done and ledger.delivered == 40, "every receipt taken")
        self.assertEqual((ledger.submitted, ledger.accepted, ledger.delivered), (40, 40, 40))
        self.assertEqual(ledger.imbalance(), {})
        await self.wait(lambda: {bind.state for bind in service.binds()} == {"Bound"}, "every bind")

    @asynchronous
    async def test_mo_reaches_the_account_of_its_number(self) -> None:
        """An MO message goes to the account whose number it was sent to (SX-23)."""
        smsc = self.provider("a")
        self.write_network(smsc, more='[[mo_route]]\naccount = "demo"\nnumbers = ["1204"]\n')
        service = self.node()
        esme = self.client(service, count=1)
        await self.wait(lambda: esme.done, "bound and served")
        smsc.send_mo(b"node", b"1204", b"STOP")
        await self.wait(lambda: service.relay.ledger.mo_delivered == 1, "the MO message")

    @asynchronous
    async def test_clients_wait_for_the_store_at_a_start(self) -> None:
        """A connection made before the store is ready is served once it is, not refused."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node(start=False)
        held = self.stores[0]
        ready: Deferred[None] = Deferred()
        begin = held.start
        held.start = lambda: ready.addCallback(lambda _: begin())  # type: ignore[method-assign]
        service.startService()
        self.addCleanup(self.stop, service)
        esme = self.client(service, at_once=True, count=1)
        ready.callback(None)
        await self.wait(lambda: esme.done, "served")

    @asynchronous
    async def test_oz05_bind_without_the_store_gets_0x08(self) -> None:
        """OZ-05: while the store is away a bind gets ESME_RSYSERR, never a wrong-password code."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node()
        await self.wait(lambda: service.relay.directory.upstreams, "bound upstream")
        self.stores[0].go_away()
        esme = self.client(service, count=1)
        await self.wait(lambda: esme.tally.binds_refused, "a refusal")
        self.assertFalse(service.ready())
        self.stores[0].come_back()
        await self.wait(lambda: esme.done, "served after all")


class StartTests(NodeCase):
    """What can be wrong at a start."""

    def test_port_taken_is_told_at_once(self) -> None:
        """A listener's port that is in use ends the start with CannotListenError."""
        self.write_network(self.provider("a"))
        first = self.node()
        second = self.node(
            start=False,
            listeners=(
                Listener(port=first.listeners[0].port, address="127.0.0.1", name="taken"),
            ),
        )
        self.assertRaises(CannotListenError, second.startService)

    def test_store_that_can_never_work_ends_the_node(self) -> None:
        """A store of the wrong kind is told in the log and the process ends."""
        self.write_network(self.provider("a"))
        service = self.node(start=False)
        stopped: list[bool] = []

        class Stoppable:
            def __getattr__(self, name: str) -> Any:
                return getattr(reactor, name)

            def callWhenRunning(self, what: Callable[[], None]) -> None:
                what()

            def stop(self) -> None:
                stopped.append(True)

        service._reactor = Stoppable()
        broken = StoreError("version 6 is too old")
        self.stores[0].start = lambda: fail(broken)  # type: ignore[method-assign]
        service.startService()
        self.addCleanup(self.stop, service)
        self.assertEqual(stopped, [True])
        self.assertEqual(service.hindrance, ("store", "version 6 is too old"))


class ReloadTests(NodeCase):
    """SIGHUP: a new network, as a whole or not at all."""

    @asynchronous
    async def test_added_account_may_bind_and_the_others_stay(self) -> None:
        """A reload lets a new account in; the bound sessions of the others are not touched."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node()
        esme = self.client(service, count=1)
        await self.wait(lambda: esme.done, "the first account")
        binds = smsc.counts.binds
        options = "deliver_window = 7\nenquire_interval = 99\nidle_timeout = 300"
        self.write_network(smsc, ("demo", "other"), options)
        service.reload()
        other = self.client(service, count=1, system_id=b"other", password=b"other")
        await self.wait(lambda: other.done, "the second account")
        self.assertEqual(esme.bound, 1)
        self.assertEqual(smsc.counts.binds, binds)
        (session,) = service.relay.directory.clients["demo"]
        self.assertEqual(session.session.window.limit, 7)
        timers = session.session._timers
        self.assertEqual((timers.enquire_link, timers.idle), (99.0, 300.0))

    @asynchronous
    async def test_f97_removed_account_is_unbound_and_a_wrong_file_changes_nothing(self) -> None:
        """F97: a wrong network file is refused whole; a removed account is drained and unbound."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node()
        esme = self.client(service, count=1)
        await self.wait(lambda: esme.done, "bound")
        before = service.network
        self.network_file.write_text("[account.demo]\n")
        await service.reload()
        self.assertIs(service.network, before)
        self.assertEqual(esme.bound, 1)
        self.write_network(smsc, ("other",))
        service.reload()
        await self.wait(lambda: not service.relay.directory.clients, "unbound")

    @asynchronous
    async def test_certificates_are_read_again(self) -> None:
        """A renewed certificate is served from the reload on; a broken one changes nothing."""
        self.write_network(self.provider("a"))
        authority = Authority(self.network_file.parent)
        certificate, key = authority.issue("tls", [dns("one.example")], "one.example")
        service = self.node(listeners=(Listener(0, "127.0.0.1", "tls", True, certificate, key),))
        port = service.listeners[0].port
        self.assertEqual(await shown_name(port), "CN=one.example")
        authority.issue("tls", [dns("two.example")], "two.example")
        service.reload()
        self.assertEqual(await shown_name(port), "CN=two.example")
        Path(certificate).write_text("no certificate")
        service.reload()
        self.assertEqual(await shown_name(port), "CN=two.example")

    @asynchronous
    async def test_changed_provider_is_bound_anew(self) -> None:
        """A provider whose settings changed is drained and bound again with the new ones."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node()
        esme = self.client(service, count=1)
        await self.wait(lambda: esme.done, "bound")
        other = self.provider("c")
        self.write_network(other)
        service.reload()
        await self.wait(lambda: not smsc.links(bound=True), "the old host is left")
        await self.wait(lambda: other.links(bound=True), "the new host is bound")
        self.assertEqual([bind.host for bind in service.binds()], ["c"])


class StopTests(NodeCase):
    """SIGTERM drains."""

    @asynchronous
    async def test_gw04_what_is_in_flight_is_answered_before_the_unbind(self) -> None:
        """GW-04: a stop answers every submit that was taken, then unbinds both sides."""
        smsc = self.provider("a", "b", response_delay=0.2, receipts=False)
        self.write_network(smsc)
        service = self.node()
        esme = self.client(service, count=20)
        await self.wait(lambda: service.relay.ledger.submitted == 20, "taken")
        await service.stopService()
        self.assertEqual(service.relay.ledger.accepted, 20)
        self.assertEqual(esme.tally.accepted, 20)
        self.assertEqual(service.relay.ledger.in_doubt, 0)
        self.assertEqual(smsc.links(bound=True), [])
        self.assertFalse(service.ready())


class StoreTests(NodeCase):
    """What the composition root gives to the store."""

    @asynchronous
    async def test_queue_from_before_is_in_the_ledger(self) -> None:
        """Receipts that were queued when the process began count as queued before."""
        smsc = self.provider("a")
        self.write_network(smsc)
        first = self.node()
        esme = self.client(first, count=5, bind="tx")
        await self.wait(lambda: first.relay.ledger.matched == 5, "queued")
        await esme.stop()
        world = self.stores[0]._world
        await first.stopService()
        self.patch(
            self, "open_store", lambda url, name, clock: MemoryStore(clock, name, world)
        )
        second = self.node()
        await self.wait(lambda: second.relay.ledger.queued_before == 5, "seen again")
        self.assertEqual(second.relay.ledger.queued, 5)


class JournalTests(NodeCase):
    """What the composition root gives to the journal."""

    @asynchronous
    async def test_maps_go_to_the_journal_and_back(self) -> None:
        """Without the store an accepted message is in the journal, and in the store afterwards;
        a node that stops lets the next one have the folder.
        """
        smsc = self.provider("a", response_delay=0.2)
        self.write_network(smsc)
        folder = Path(self.mktemp())
        service = self.node(journal=str(folder))
        self.patch(endings, "PATIENCE", 0.1)
        esme = self.client(service, count=5)
        await self.wait(lambda: service.relay.ledger.submitted == 5, "submitted")
        self.stores[0].go_away()
        await self.wait(lambda: esme.tally.accepted == 5, "answered")
        self.assertEqual(service.relay.maps.state, "waiting")
        self.stores[0].come_back()
        await self.wait(lambda: service.relay.ledger.delivered == 5, "every receipt taken")
        await self.wait(lambda: service.relay.maps.state == "ready", "nothing left")
        await service.stopService()
        self.node(journal=str(folder))

    def test_folder_of_another_node(self) -> None:
        """A journal that cannot be used at all ends the process, as such a store does."""
        smsc = self.provider("a")
        self.write_network(smsc)
        folder = Path(self.mktemp())
        self.node(journal=str(folder))
        other = self.node(start=False, journal=str(folder))
        stopped = []

        class Stoppable:
            """The reactor, but that it stops for the test alone."""

            def __getattr__(self, name: str) -> Any:
                return getattr(reactor, name)

            def callWhenRunning(self, what: Callable[[], None]) -> None:
                what()

            def stop(self) -> None:
                stopped.append(True)

        other._reactor = Stoppable()
        other.startService()
        self.addCleanup(self.stop, other)
        self.assertEqual(stopped, [True])
        self.assertEqual(other.hindrance[0], "journal")
