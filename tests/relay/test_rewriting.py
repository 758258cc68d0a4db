"""Numbers as a route's target wants them: what the provider gets, how receipts come home."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.retry import HOME
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message
from tests.relay.presets import preset_provider
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

SOURCE, DESTINATION = b"shop", b"4512345678"


class Case(SynchronousTestCase):
    """A client and a bind to host a of each of the providers."""

    def world(
        self, *targets: Target, providers: Any = None, account: Any = None, **options: Any
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        names = [target.provider for target in targets]
        world = World(
            [account or make_account()],
            providers or [make_provider(name) for name in names],
            [Route("one", targets=targets, select="ordered", **options)],
        )
        return world, world.client(), [world.upstream("a", name) for name in names]

    def told(self, target: Target, provider: Any = None, **fields: Any) -> Message:
        """What a provider is told of one message."""
        providers = None if provider is None else [provider]
        _, client, (upstream,) = self.world(target, providers=providers)
        client.receive(submit(1, **fields))
        (pdu,) = upstream.submits()
        return fields_of(pdu)

    def check_home(self, client: FakeClient, **fields: bytes) -> None:
        """The client's one receipt speaks of its own addresses."""
        (pdu,) = client.deliveries()
        found = fields_of(pdu)
        self.assertEqual(
            (DESTINATION, SOURCE), (found.source_addr, found.destination_addr)
        )
        self.assertEqual((1, 1), (found.source_addr_ton, found.source_addr_npi))
        self.assertEqual(5, found.dest_addr_ton)
        client.acknowledge([pdu])


class ToldTests(Case):
    """What the provider gets."""

    def test_destination(self) -> None:
        """Digits off, digits on, the plus; nothing else changes."""
        for target, given, told in (
            (Target("p", strip="45"), b"4512345678", b"12345678"),
            (Target("p", strip="45"), b"+4512345678", b"+12345678"),
            (Target("p", strip="46"), b"4512345678", b"4512345678"),
            (Target("p", prepend="00"), b"4512345678", b"004512345678"),
            (Target("p", strip="45", prepend="0", plus="strip"), b"+4512345678", b"012345678"),
            (Target("p", plus="add"), b"4512345678", b"+4512345678"),
            (Target("p", plus="strip"), b"+4512345678", b"4512345678"),
        ):
            found = self.told(target, destination=given)
            self.assertEqual(told, found.destination_addr)
            self.assertEqual((1, 1), (found.dest_addr_ton, found.dest_addr_npi))
            self.assertEqual((SOURCE, b"hello"), (found.source_addr, found.short_message))
            self.assertEqual(1, found.registered_delivery)

    def test_source(self) -> None:
        """Another source, with its TON and NPI or the client's."""
        found = self.told(Target("p", source="1204"))
        self.assertEqual((5, 0, b"1204"), (
            found.source_addr_ton, found.source_addr_npi, found.source_addr
        ))
        found = self.told(Target("p", source="1204", source_ton=3, source_npi=1))
        self.assertEqual((3, 1, b"1204"), (
            found.source_addr_ton, found.source_addr_npi, found.source_addr
        ))
        found = self.told(Target("p", source_ton=1))
        self.assertEqual((1, SOURCE), (found.source_addr_ton, found.source_addr))

    def test_on_top_of_the_profile(self) -> None:
        """The profile's TON and NPI follow the new source; the target's own win over them."""
        profile = AddressProfile(plus="keep", dest_ton=1, short_ton=3, short_npi=1, alpha_max=4)
        provider = make_provider("p", address=profile)
        target = Target("p", source="1204", strip="45", plus="strip")
        found = self.told(target, provider, source_addr=b"A long name", source_addr_ton=0)
        self.assertEqual((3, 1, b"1204"), (
            found.source_addr_ton, found.source_addr_npi, found.source_addr
        ))
        self.assertEqual(b"12345678", found.destination_addr)
        target = Target("p", source="1204", source_ton=0)
        found = self.told(target, provider, source_addr_ton=0)
        self.assertEqual((0, 1), (found.source_addr_ton, found.source_addr_npi))
        self.assertEqual(b"+4512345678", found.destination_addr)

    def test_other_octets_pass_untouched(self) -> None:
        """Reading 2: to a provider that takes what comes, all but the addresses is the client's."""
        world, client, (upstream,) = self.world(Target("p", strip="45"))
        sent = submit(
            1, registered_delivery=0x11, esm_class=0x80, protocol_id=3, tlvs=[(0x1403, b"x")]
        )
        client.receive(sent)
        (pdu,) = upstream.submits()
        self.assertEqual(
            sent[16:].replace(b"4512345678", b"12345678"), pdu.raw[16:]
        )

    def test_nothing_to_change(self) -> None:
        """A message that is as the target wants it goes as it came."""
        world, client, (upstream,) = self.world(Target("p", strip="46"))
        sent = submit(1)
        client.receive(sent)
        self.assertEqual(sent[16:], upstream.submits()[0].raw[16:])

    def test_what_is_left_is_no_number(self) -> None:
        """Nothing is left, or too much: that target cannot carry it, the next one can."""
        for target, destination in (
            (Target("p", strip="4512345678"), DESTINATION),
            (Target("p", prepend="00000000000000"), DESTINATION),
        ):
            _, client, (p, q) = self.world(target, Target("q"))
            client.receive(submit(1, destination))
            self.assertEqual((0, 1), (len(p.submits()), len(q.submits())))
            _, client, (p,) = self.world(target)
            client.receive(submit(1, destination))
            self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_source_that_the_profile_refuses(self) -> None:
        """A source that the provider does not take, though it was put in by us, is refused."""
        provider = make_provider("p", address=AddressProfile(alpha_max=4))
        _, client, _ = self.world(Target("p", source="A long name"), providers=[provider])
        client.receive(submit(1))
        self.assertEqual([(1, c.ESME_RINVSRCADR, b"")], client.responses())


class ReceiptTests(Case):
    """How receipts find their way back."""

    def test_receipt_of_a_rewritten_number(self) -> None:
        """The provider knows another number than the client; each sees its own."""
        for target, told in (
            (Target("p", strip="4512"), b"345678"),
            (Target("p", prepend="00"), b"004512345678"),
            (Target("p", strip="45123456", prepend="99999999"), b"9999999978"),
            (Target("p", source="1204", source_ton=3, source_npi=1), DESTINATION),
        ):
            world, client, (upstream,) = self.world(target)
            client.receive(submit(1))
            (pdu,) = upstream.submits()
            self.assertEqual(told, fields_of(pdu).destination_addr)
            upstream.accept((pdu, b"77"))
            upstream.receipt(b"77", told)
            self.check_home(client)
            self.assertEqual((1, 0), (world.ledger.matched, world.ledger.quarantined))

    def test_receipt_before_the_answer(self) -> None:
        """A receipt that comes before its submit_sm_resp is parked under the same number."""
        world, client, (upstream,) = self.world(Target("p", strip="4512"))
        client.receive(submit(1))
        upstream.receipt(b"77", b"345678")
        upstream.accept((upstream.submits()[0], b"77"))
        self.check_home(client)

    def test_receipt_of_another_number(self) -> None:
        """Reading 18: a receipt with a number that the provider never got goes to quarantine."""
        world, client, (upstream,) = self.world(Target("p", strip="45123456", prepend="99999999"))
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"77"))
        upstream.receipt(b"77", DESTINATION)
        self.assertEqual(([], 1), (client.deliveries(), world.ledger.quarantined))

    def test_second_copy_as_the_other_target_wants_it(self) -> None:
        """In doubt: the copy has the other target's numbers, and each receipt fits its copy."""
        world, client, (p, q) = self.world(
            Target("p", strip="45123456", prepend="99999999"), Target("q", prepend="00")
        )
        client.receive(submit(1))
        self.assertEqual(b"9999999978", fields_of(p.submits()[0]).destination_addr)
        p.lose()
        world.advance(HOME)
        (pdu,) = q.submits()
        self.assertEqual(b"004512345678", fields_of(pdu).destination_addr)
        q.accept((pdu, b"88"))
        q.receipt(b"88", b"004512345678")
        self.check_home(client)

    def test_late_answer_of_the_first_copy(self) -> None:
        """P5: the first copy's answer comes late: its map has the number that its provider got."""
        world, client, (p, q) = self.world(
            Target("p", strip="45123456", prepend="99999999"), Target("q", prepend="00"),
            providers=[make_provider("p", response_timeout=5.0), make_provider("q")],
        )
        client.receive(submit(1))
        (first,) = p.submits()
        world.advance(6 + HOME)
        self.assertEqual(1, len(q.submits()))
        p.accept((first, b"77"))
        p.receipt(b"77", b"9999999978")
        self.check_home(client)

    def test_refused_and_sent_on(self) -> None:
        """failover: the next target gets the client's message as that one wants it."""
        world, client, (p, q) = self.world(
            Target("p", strip="45", source="1204"), Target("q"), failover=frozenset({0x0B})
        )
        client.receive(submit(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        (pdu,) = q.submits()
        found = fields_of(pdu)
        self.assertEqual((DESTINATION, SOURCE), (found.destination_addr, found.source_addr))
        q.accept((pdu, b"88"))
        q.receipt(b"88")
        self.check_home(client)

    def test_parts_of_a_message(self) -> None:
        """A message that goes in parts: each part has the number, one receipt comes home."""
        world, client, (p,) = self.world(
            Target("p", strip="45123456", prepend="99999999"),
            providers=[preset_provider("default", window=10)],
        )
        client.receive(
            submit(1, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"x" * 300)])
        )
        pdus = p.submits()
        self.assertEqual(2, len(pdus))
        self.assertEqual(
            {b"9999999978"}, {fields_of(pdu).destination_addr for pdu in pdus}
        )
        p.accept((pdus[0], b"71"), (pdus[1], b"72"))
        for message_id in (b"71", b"72"):
            p.receipt(message_id, b"9999999978")
        self.check_home(client)

    def test_gw47_preset_provider(self) -> None:
        """A provider with wishes of its own gets both: its wishes and the target's numbers."""
        world, client, (p,) = self.world(
            Target("p", strip="45", plus="add"), providers=[preset_provider("default")]
        )
        client.receive(submit(1, registered_delivery=0x11))
        (pdu,) = p.submits()
        self.assertEqual(b"+12345678", fields_of(pdu).destination_addr)
        p.accept((pdu, b"77"))
        p.receipt(b"77", b"12345678")
        self.check_home(client)

    def test_xc05_proved_by_our_reference(self) -> None:
        """XC-05: in doubt, and proved by a receipt with the number that the provider got."""
        world, client, (p,) = self.world(
            Target("p", strip="45123456", prepend="99999999"),
            providers=[make_provider("p", reference_echo=True)],
        )
        client.receive(submit(1))
        (pdu,) = p.submits()
        (reference,) = [
            value for tag, value in fields_of(pdu).tlvs if tag == c.TLV_USER_MESSAGE_REFERENCE
        ]
        p.lose()
        again = world.upstream("b", "p")
        again.receipt(
            b"77", b"9999999978", tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, reference)]
        )
        self.assertEqual([(1, 0)], [answer[:2] for answer in client.responses()])
        self.check_home(client)
