"""What an account's own settings say about its binds, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from smppproxy.routing.accounts import Account
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    ENQUIRE_LINK,
    ENQUIRE_LINK_RESP,
    SUBMIT_SM_RESP,
    UNBIND,
)
from smppproxy.smpp.fields import read_bind_resp
from smppproxy.store.interface import StoreUnavailable
from smppproxy.wire import authentication
from tests.smpp.samples import vectors
from tests.support.peers import FakeClient, reactor
from tests.wire.door import NAME, PASSWORD, STORED, Door, account

V = vectors()


def lone(**options: Any) -> Account:
    """Another account than the door's own, with the same password."""
    return Account(system_id="other", password=STORED, **options)


class BarTests(TestCase):
    """An account that an operator keeps out."""

    async def test_barred(self) -> None:
        """Whoever is bound is unbound once, nobody binds; let in again, everybody does."""
        door = Door(self)
        client = await door.bound()
        door.admission.bar({NAME.decode()}, 1.0)
        door.admission.bar({NAME.decode(), "another"}, 1.0)
        unbind = await client.expect(UNBIND)
        client.send(build.unbind_resp(unbind.sequence_number))
        await client.closed()
        self.assertEqual(client.pdus, [])
        self.assertEqual(await door.status(), 0x08)
        door.admission.bar(set(), 1.0)
        self.assertEqual(await door.status(), 0)


class SettingsTests(TestCase):
    """Versions, system_type, bind types, and what the answers say."""

    async def test_sx01_gw01_mg02_oz04_v01_is_answered_by_v02(self) -> None:
        """Octet for octet, also by an account that takes 0x34 alone."""
        for versions in (frozenset[int](), frozenset({0x34})):
            client = await Door(self, versions=versions).client()
            client.send(V["V01"])
            self.assertEqual((await client.expect()).raw, V["V02"])

    async def test_gw02_v05_is_bound_without_a_tlv(self) -> None:
        """A bind of 3.3 is good; its answer is system_id alone, and it is never sent a TLV."""
        door = Door(self)
        client = await door.client()
        client.send(V["V05"])
        answer = await client.expect()
        self.assertEqual((answer.command_id, answer.command_status), (0x80000002, 0))
        self.assertEqual(answer.raw[16:], b"smppproxy\0")
        session = (await door.relay.called("client_bound")).peer.session
        self.assertFalse(session.takes_tlvs)
        self.assertEqual(session.interface_version, 0x33)

    async def test_gw02_which_versions_are_told_theirs(self) -> None:
        """Up to 0x33 none, from 0x34 on always 0x34; 0x00 says nothing and counts as 3.4."""
        door = Door(self)
        told = {0x00: 0x34, 0x10: 0, 0x33: 0, 0x34: 0x34, 0x4F: 0x34, 0x50: 0x34}
        for version, answered in told.items():
            client = await door.client()
            answer = await client.bind(NAME, PASSWORD, BIND_TRANSCEIVER, interface_version=version)
            self.assertEqual((answer.command_status, read_bind_resp(answer)[1]), (0, answered))

    async def test_mg02_only_the_versions_of_the_account(self) -> None:
        """versions [0x34]: V05 gets 0x0D and a close; [0x33, 0x34] takes both."""
        door = Door(self, versions=frozenset({0x34}))
        client = await door.client()
        client.send(V["V05"])
        answer = await client.expect()
        self.assertEqual((answer.command_id, answer.command_status), (0x80000002, 0x0D))
        await client.closed()
        for version in (0x00, 0x33, 0x50):
            self.assertEqual(await door.status(interface_version=version), 0x0D)
        door.accounts = {NAME.decode(): account(versions=frozenset({0x33, 0x34}))}
        for version in (0x33, 0x34):
            self.assertEqual(await door.status(interface_version=version), 0)

    async def test_sx07_gw12_system_type_of_no_account_matters(self) -> None:
        """V01 and V04 are both good where none is required."""
        door = Door(self)
        for name in ("V01", "V04"):
            client = await door.client()
            client.send(V[name])
            self.assertEqual((await client.expect()).command_status, 0)

    async def test_sx07_required_system_type(self) -> None:
        """require_system_type "sendexa": V04 is good, V01 gets 0x53 and a close."""
        door = Door(self, require_system_type="sendexa")
        for name, wanted in (("V04", 0), ("V01", 0x53)):
            client = await door.client()
            client.send(V[name])
            self.assertEqual((await client.expect()).command_status, wanted)
        await client.closed()

    async def test_gw14_distinct_auth_errors(self) -> None:
        """0x0F for a system_id nobody has, once an account asks for that; else 0x0E for both."""
        door = Door(self)

        async def both() -> tuple[int, int]:
            client = await door.client()
            unknown = (await client.bind(b"nobody", PASSWORD)).command_status
            return unknown, await door.status(b"wrong")

        self.assertEqual(await both(), (0x0E, 0x0E))
        door.accounts["other"] = lone(distinct_auth_errors=True)
        self.assertEqual(await both(), (0x0F, 0x0E))

    async def test_oz04_echo(self) -> None:
        """bind_resp_system_id "echo": the client's own system_id comes back."""
        door = Door(self, bind_resp_system_id="echo")
        client = await door.client()
        answer = await client.bind(NAME, PASSWORD)
        self.assertEqual(read_bind_resp(answer), (NAME, 0x34))

    async def test_mg04_mg16_bind_types(self) -> None:
        """["tx"]: bind_transmitter is good, the two others get 0x0D."""
        door = Door(self, bind_types=frozenset({"tx"}))
        wanted = {BIND_TRANSMITTER: 0, BIND_RECEIVER: 0x0D, BIND_TRANSCEIVER: 0x0D}
        for command_id, status in wanted.items():
            self.assertEqual(await door.status(command_id=command_id), status)

    async def test_mg18_account_for_mo_only(self) -> None:
        """Bound as a transceiver, its submit_sm get 0x04 and reach no journey; it stays bound."""
        door = Door(self, service="mo")
        client = await door.bound()
        client.send(V["V06"] + build.submit_sm(3) + build.enquire_link(4))
        kinds = [await client.expect() for _ in range(3)]
        for pdu in kinds:
            if pdu.command_id == SUBMIT_SM_RESP:
                self.assertEqual((pdu.command_status, len(pdu.raw)), (0x04, 16))
        self.assertEqual(
            sorted((pdu.command_id, pdu.sequence_number) for pdu in kinds),
            [(SUBMIT_SM_RESP, 2), (SUBMIT_SM_RESP, 3), (ENQUIRE_LINK_RESP, 4)],
        )
        self.assertEqual(door.relay.of("client_requests"), [])
        self.assertEqual(door.event("wrong_state"), 2)

    async def test_mg18_account_for_mt_and_both(self) -> None:
        """Their submit_sm go on."""
        for service in ("mt", "both"):
            door = Door(self, service=service)
            client = await door.bound()
            client.send(V["V06"])
            await door.relay.called("client_requests")

    async def test_refusals_as_the_account_wants_them(self) -> None:
        """`errors` gives a refusal another command_status, by the refusal's name."""
        errors = {"system_type": 0x0D, "bind_state": 0x45, "already_bound": 0x46}
        door = Door(self, service="mo", errors=errors)
        client = await door.bound()
        client.send(V["V06"] + V["V01"])
        answers = {(await client.expect()).command_status for _ in range(2)}
        self.assertEqual(answers, {0x45, 0x46})
        door.accounts[NAME.decode()].require_system_type = "x"
        self.assertEqual(await door.status(), 0x0D)


class OrderTests(TestCase):
    """XC-14: what is wrong first is what is answered."""

    async def test_xc14_every_step(self) -> None:
        """Address, TLS, version, credentials, system_type, bind type, limit, draining."""
        door = Door(self)
        door.relay.may = lambda _: False
        wrong = account(
            allow_from=(ip_network("192.0.2.0/24"),),
            tls="required",
            versions=frozenset({0x34}),
            require_system_type="sendexa",
            bind_types=frozenset({"rx"}),
            # Each refusal with a value of its own, so that the answer says which it was.
            errors={
                "address_not_allowed": 0x401,
                "tls_required": 0x402,
                "version_not_allowed": 0x403,
                "system_type": 0x405,
                "bind_type_not_allowed": 0x406,
                "too_many_binds": 0x407,
            },
        )
        door.ready = False
        door.accounts = {NAME.decode(): wrong}

        async def answer(password: bytes = b"wrong") -> int:
            return await door.status(password, interface_version=0x33)

        def mend_version() -> None:
            wrong.versions = frozenset()

        mends: list[tuple[int, Callable[[], None]]] = [
            (0x401, lambda: setattr(wrong, "allow_from", ())),
            (0x402, lambda: setattr(wrong, "tls", "optional")),
            (0x403, mend_version),
        ]
        for status, mend in mends:
            # The password is not looked at yet, right or wrong.
            self.assertEqual((await answer(), await answer(PASSWORD)), (status, status))
            mend()
        self.assertEqual(await answer(), 0x0E)
        mends = [
            (0x405, lambda: setattr(wrong, "require_system_type", "")),
            (0x406, lambda: setattr(wrong, "bind_types", frozenset({"trx"}))),
            (0x407, lambda: setattr(door.relay, "may", lambda _: True)),
            (0x08, lambda: setattr(door, "ready", True)),
            (0, lambda: None),
        ]
        for status, mend in mends:
            self.assertEqual(await answer(PASSWORD), status)
            mend()
        # And without values of its own.
        wrong.errors = {}
        wrong.allow_from = (ip_network("192.0.2.0/24"),)
        self.assertEqual(await answer(), 0x0D)

    async def test_xc14_draining_comes_last(self) -> None:
        """An account at its limit hears of the limit, even from a node that drains."""
        door = Door(self)
        client = await door.client()
        client.send(build.enquire_link(1))
        await client.expect(ENQUIRE_LINK_RESP)
        door.relay.may = lambda _: False
        door.admission.draining = True
        self.assertEqual((await client.bind(NAME, PASSWORD)).command_status, 0x0D)


class Places:
    """The places of all nodes, in the hands of a test."""

    def __init__(self, answers: list[Deferred[bool]]) -> None:
        self.answers = answers
        self.asked: list[Any] = []
        self.given_back: list[Any] = []

    def take(self, account: Account, client: Any) -> Deferred[bool]:
        """Part of admission.Leases."""
        self.asked.append(client)
        return self.answers.pop(0) if self.answers else succeed(True)

    def give_back(self, account: Account, client: Any) -> None:
        """Part of admission.Leases."""
        self.given_back.append(client)


class LimitTests(TestCase):
    """MG-28: how many binds."""

    async def test_mg28_max_binds(self) -> None:
        """The third of two gets 0x0D, whatever its kind; after one has closed it is good."""
        door = Door(self, linger=0.2, max_binds=2)
        door.count_binds()
        first = await door.bound(BIND_TRANSMITTER)
        second = await door.bound(BIND_RECEIVER)
        third = await door.client()
        third.send_bind(NAME, PASSWORD)
        for other in (first, second):
            probe = await other.expect(ENQUIRE_LINK)
            other.send(build.enquire_link_resp(probe.sequence_number))
        self.assertEqual((await third.expect()).command_status, 0x0D)
        self.assertFalse(first.is_closed or second.is_closed)
        first.hang_up()
        await door.relay.called("client_lost")
        await door.bound()

    async def test_mg28_listeners_count_together(self) -> None:
        """One account over two listeners has one limit."""
        door = Door(self, linger=0.2, max_binds=1)
        door.count_binds()
        other = door.listen()
        held = await door.bound()
        client = await FakeClient.connect(self, other.port)
        client.send_bind(NAME, PASSWORD)
        probe = await held.expect(ENQUIRE_LINK)
        held.send(build.enquire_link_resp(probe.sequence_number))
        self.assertEqual((await client.expect()).command_status, 0x0D)

    async def test_gw05_only_the_dead_make_room(self) -> None:
        """Two are bound, one is dead: the new one is in, the one that answers stays."""
        door = Door(self, linger=0.2, max_binds=2)
        door.count_binds()
        dead, alive = await door.bound(), await door.bound()
        new = await door.client()
        new.send_bind(NAME, PASSWORD)
        probe = await alive.expect(ENQUIRE_LINK)
        alive.send(build.enquire_link_resp(probe.sequence_number))
        self.assertEqual((await new.expect()).command_status, 0)
        await dead.closed()
        self.assertFalse(alive.is_closed)

    async def test_mg28_place_over_all_nodes(self) -> None:
        """A bind takes a place of all nodes, and gives it back when its session ends."""
        places = Places([])
        door = Door(self, leases=places)
        client = await door.bound()
        self.assertEqual(len(places.asked), 1)
        client.hang_up()
        await door.relay.called("client_lost")
        self.assertEqual(places.given_back, places.asked)

    async def test_mg28_no_place_on_any_node(self) -> None:
        """All places are taken elsewhere: 0x0D, and nothing to give back."""
        places = Places([succeed(False)])
        door = Door(self, leases=places)
        self.assertEqual(await door.status(), 0x0D)
        self.assertEqual(places.given_back, [])

    async def test_mg28_gw05_place_of_a_dead_session(self) -> None:
        """No place on any node, a dead session here: it ends, and its place is asked for again."""
        places = Places([succeed(True), succeed(False)])
        door = Door(self, leases=places)
        dead = await door.bound()
        self.assertEqual(await door.status(), 0)
        await dead.closed()
        self.assertEqual(len(places.asked), 3)
        self.assertEqual(len(places.given_back), 1)

    async def test_mg28_scope_node(self) -> None:
        """max_binds_scope "node": the other nodes are not asked."""
        places = Places([succeed(False)])
        door = Door(self, leases=places, max_binds_scope="node")
        client = await door.bound()
        client.hang_up()
        await door.relay.called("client_lost")
        self.assertEqual((places.asked, places.given_back), ([], []))

    async def test_mg28_oz05_nobody_can_say(self) -> None:
        """The store goes away with the question: 0x08, which makes no client stop for good."""
        door = Door(self, leases=Places([fail(StoreUnavailable("unknown"))]))
        self.assertEqual(await door.status(), 0x08)

    async def test_mg28_client_gone_before_the_answer(self) -> None:
        """A place that comes for somebody who has left is given back."""
        asked: Deferred[bool] = Deferred()
        places = Places([asked])
        door = Door(self, leases=places)
        client = await door.client()
        client.send_bind(NAME, PASSWORD)
        while not places.asked:
            await deferLater(reactor, 0)
        places.asked[0].abort("gone")
        asked.callback(True)
        self.assertEqual(places.given_back, places.asked)
        self.assertEqual(door.relay.calls, [])

    async def test_mg28_place_of_a_bind_that_is_refused_after_it(self) -> None:
        """The node is not ready: the place is given back at once."""
        places = Places([])
        door = Door(self, leases=places)
        door.ready = False
        self.assertEqual(await door.status(), 0x08)
        self.assertEqual(places.given_back, places.asked)


class GuessingTests(TestCase):
    """XC-15, on the wire."""

    async def test_xc15_twenty_wrong_binds(self) -> None:
        """The later ones are answered late, none is refused for good; another address is not."""
        self.patch(authentication, "DELAY", 0.2)
        door = Door(self)
        waits: list[float] = []
        for _ in range(20):
            began = reactor.seconds()
            self.assertEqual(await door.status(b"guess"), 0x0E)
            waits.append(reactor.seconds() - began)
        self.assertTrue(all(wait >= 0.2 for wait in waits[10:]), waits)
        self.assertEqual(door.event("bind_delayed"), 10)
        other = await door.client(address="127.0.0.2")
        self.assertEqual((await other.bind(NAME, PASSWORD)).command_status, 0)
        self.assertEqual(door.event("bind_delayed"), 10)
        self.assertEqual(await door.status(), 0)
