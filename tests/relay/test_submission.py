"""Tests of ``relay.submission`` and of what an account's settings are for ``relay.submit``."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import constants as c
from tests.relay.presets import VECTORS, preset_account
from tests.support.memory_peers import (
    World,
    fields_of,
    make_account,
    make_provider,
    part,
    submit,
)


class VersionTests(SynchronousTestCase):
    """Ids and receipts of sessions bound below 3.4."""

    def test_gw02_ids_of_3_3_sessions(self) -> None:
        """GW-02: 8 hex digits in the answer, the same number in decimal in the receipt, no TLVs."""
        for form in ("decimal10", "decimal19", "uuid", "hex"):
            world = World([make_account(message_id_format=form)])
            client, upstream = world.client(interface_version=0x33), world.upstream()
            client.receive(submit(1))
            upstream.accept((upstream.submits()[0], b"x"))
            ((_, _, message_id),) = client.responses()
            self.assertRegex(message_id, b"^[0-9A-F]{8}$")
            upstream.receipt(b"x")
            (pdu,) = client.deliveries()
            fields = fields_of(pdu)
            self.assertEqual([], fields.tlvs)
            self.assertIn(b"id:%d " % int(message_id, 16), fields.short_message)

    def test_gw02_version_0_is_not_3_3(self) -> None:
        """Quirks 6: a client that says 0x00 is served as 3.4."""
        world = World()
        client, upstream = world.client(interface_version=0), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())


class RulesInTheJourneyTests(SynchronousTestCase):
    """Rules refuse before a number is taken, and change what everybody sees."""

    def test_refused_and_counted(self) -> None:
        """Row 22: V10 to a strict account is 0x50; the rest of the read goes on."""
        world = World([preset_account("gatewayapi")])
        client, upstream = world.client(), world.upstream()
        client.receive(VECTORS["V10"], submit(2))
        self.assertEqual([(4, c.ESME_RINVDSTTON, b"")], client.responses())
        self.assertEqual(1, len(upstream.submits()))
        self.assertEqual({}, world.ledger.imbalance())

    def test_gw19_receipt_carries_ton_1(self) -> None:
        """GW-19: V11's receipt comes from an address with TON 1."""
        world = World([preset_account("gatewayapi")])
        client, upstream = world.client(), world.upstream()
        client.receive(VECTORS["V11"])
        (pdu,) = upstream.submits()
        self.assertEqual((1, 1), (fields_of(pdu).dest_addr_ton, fields_of(pdu).dest_addr_npi))
        upstream.accept((pdu, b"x"))
        upstream.receipt(b"x", b"4510203040")
        (pdu,) = client.deliveries()
        fields = fields_of(pdu)
        self.assertEqual((1, b"4510203040"), (fields.source_addr_ton, fields.source_addr))

    def test_a_reload_brings_other_rules(self) -> None:
        """A reload changes the rules of bound sessions at once."""
        world = World([preset_account("gatewayapi")])
        client, upstream = world.client(), world.upstream()
        world.relay.use({"acme": make_account()}, world.routes, world.mo, world.now)
        client.receive(VECTORS["V10"])
        self.assertEqual(1, len(upstream.submits()))

    def test_gw47_premium_goes_to_b(self) -> None:
        """GW-47: class premium goes to provider B first, to A while B is away; A sees no 2900."""
        account = make_account(message_classes={"premium": "b", "standard": ""})
        providers = [make_provider("a"), make_provider("b")]
        routes = [Route("all", targets=(Target("a"),))]
        world = World([account], providers, routes)
        client, a = world.client(), world.upstream(provider="a")
        client.receive(VECTORS["V20"])
        self.assertEqual([], fields_of(a.submits()[0]).tlvs)
        b = world.upstream(provider="b")
        client.receive(VECTORS["V20"], submit(2, tlvs=[(0x2900, b"standard")]))
        self.assertEqual((1, 1), (len(a.submits()), len(b.submits())))

    def test_oz09_service_type_is_a_route(self) -> None:
        """OZ-09: a service_type that names a provider needs no route."""
        world = World(
            [make_account(service_types={"1": "b", "2": ""})],
            [make_provider("a"), make_provider("b")],
            [Route("46", prefixes=("46",), targets=(Target("a"),))],
        )
        client, b = world.client(), world.upstream(provider="b")
        client.receive(submit(1, service_type=b"1"), submit(2, service_type=b"2"))
        self.assertEqual(1, len(b.submits()))
        self.assertEqual([(2, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_account_errors_of_the_journey(self) -> None:
        """Rows 16, 21, 39, 41: an account may have other values for these too."""
        errors = {"no_route": 0x71, "throttled": 0x72, "no_provider": 0x73, "store_down": 0x74}
        errors["sm_length"] = 0x75
        errors["too_many_outstanding"] = 0x76
        account = make_account(errors=errors, tps=3)
        world = World([account], routes=[Route("45", prefixes=("45",), targets=(Target("p"),))])
        client = world.client()
        client.receive(submit(1, b"46123456"), submit(2), VECTORS["V33"], submit(4))
        answers = {number: status for number, status, _ in client.responses()}
        self.assertEqual({1: 0x71, 2: 0x73, 20: 0x75, 4: 0x72}, answers)
        world.store.go_away()
        client.receive(submit(5))
        self.assertEqual([(5, 0x74, b"")], client.responses())
        account = make_account(errors=errors, window=1, window_full="throttle")
        world = World([account])
        client, _ = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        self.assertEqual([(2, 0x76, b"")], client.responses())


class TogetherTests(SynchronousTestCase):
    """XC-06: parts of a concatenated message over sessions and nodes."""

    def test_xc06_over_sessions_and_nodes(self) -> None:
        """XC-06: 200 two-part messages over 2 sessions of 2 nodes: none has parts on two hosts."""
        first = World([make_account(window=1000)], [make_provider(window=1000)])
        second = World(beside=first, node="two")
        clients = [world.client() for world in (first, second)]
        upstreams = [world.upstream(host) for world in (first, second) for host in "ab"]
        for number in range(200):
            for place in (1, 2):
                client = clients[(number + place) % 2]
                client.receive(part(number * 2 + place, number, place))
        hosts: dict[int, set[str]] = {}
        for upstream in upstreams:
            for pdu in upstream.submits():
                reference = fields_of(pdu).short_message[3]
                hosts.setdefault(reference, set()).add(upstream.host.name)
        self.assertEqual(200, len(hosts))
        self.assertEqual({1}, {len(each) for each in hosts.values()})
        self.assertEqual({"a", "b"}, set().union(*hosts.values()))


class MapTests(SynchronousTestCase):
    """What the store is told of an account's wishes."""

    def test_late_and_remind(self) -> None:
        """MG-21 and mission 3.5: a map says whether late receipts and reminders are wanted."""
        cases: list[tuple[dict[str, Any], tuple[bool, bool]]] = [
            ({}, (False, False)),
            ({"late_delivery": True, "on_no_receipt": "UNKNOWN"}, (True, True)),
        ]
        for options, wanted in cases:
            world = World([make_account(**options)])
            client, upstream = world.client(), world.upstream()
            maps: list[tuple[bool, bool]] = []
            inner = world.store.inner.record

            def record(*given: Any, maps: Any = maps, inner: Any = inner, **more: Any) -> Any:
                maps.extend((each.late, each.remind) for each in given[1])
                return inner(*given, **more)

            self.patch(world.store.inner, "record", record)
            client.receive(submit(1))
            upstream.accept((upstream.submits()[0], b"x"))
            self.assertEqual([wanted], maps)
