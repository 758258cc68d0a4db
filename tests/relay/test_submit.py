"""Tests of ``relay.submit``: from a client's submit_sm to its answer."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.retry import BACKLOG_AGE
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import UNKNOWN
from tests.support.memory_peers import (
    DESTINATION,
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    part,
    receipt,
    submit,
)


def accept_all(*upstreams: FakeUpstream) -> None:
    """Every host accepts all it has got, with ids of its own."""
    for upstream in upstreams:
        pdus = upstream.submits()
        if pdus:
            upstream.accept(
                *((pdu, b"%b-%d" % (upstream.name.encode(), pdu.sequence_number)) for pdu in pdus)
            )


class AcceptedTests(SynchronousTestCase):
    """What ESME_ROK means."""

    def test_ok_with_our_id(self) -> None:
        """The client gets OK with its sequence_number and our id, ten decimal digits (XC-01)."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(77))
        upstream.accept((upstream.submits()[0], b"theirs"))
        self.assertEqual([(77, 0, b"1000000001")], client.responses())
        self.assertEqual({}, world.ledger.imbalance())
        self.assertEqual((1, 1), (world.ledger.submitted, world.ledger.accepted))

    def test_ok_only_after_the_map_is_durable(self) -> None:
        """P1: the client hears nothing while the store has not written the map, then OK."""
        world = World()
        client, upstream = world.client(), world.upstream()
        world.store.hold("record")
        client.receive(submit(1))
        accept_all(upstream)
        self.assertEqual([], client.responses())
        self.assertEqual(1, world.ledger.in_flight)
        world.store.release()
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_same_octets_with_another_sequence_number(self) -> None:
        """What the provider gets is what the client sent, but for the header (reading 2)."""
        world = World()
        client, upstream = world.client(), world.upstream()
        sent = submit(
            0x12345, short_message=bytes(range(100)), tlvs=[(0x1401, b"unknown"), (0x204, b"ab")]
        )
        client.receive(sent)
        (pdu,) = upstream.submits()
        self.assertEqual(sent[16:], pdu.raw[16:])
        self.assertEqual(2, pdu.sequence_number)

    def test_gw53_stray_nul_is_left_out(self) -> None:
        """GW-53: an uncounted NUL behind the text is taken, and not passed on to the provider."""
        world = World()
        client, upstream = world.client(), world.upstream()
        clean = submit(1, tlvs=[(0x1401, b"x")])
        at = clean.index(b"hello") + 5
        with_tlv = clean[:at] + b"\0" + clean[at:]
        for sent, wanted in ((with_tlv, clean), (submit(2) + b"\0", submit(2))):
            client.receive(len(sent).to_bytes(4, "big") + sent[4:])
            (pdu,) = upstream.submits()
            self.assertEqual(wanted[:4], pdu.raw[:4])
            self.assertEqual(wanted[16:], pdu.raw[16:])

    def test_gw53_nul_behind_message_payload_is_left_out(self) -> None:
        """An uncounted NUL behind the last TLV, as naz writes message_payload, goes no further."""
        world = World()
        client, upstream = world.client(), world.upstream()
        wanted = submit(1, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"long" * 80)])
        client.receive((len(wanted) + 1).to_bytes(4, "big") + wanted[4:] + b"\0")
        (pdu,) = upstream.submits()
        self.assertEqual(wanted[:4], pdu.raw[:4])
        self.assertEqual(wanted[16:], pdu.raw[16:])

    def test_gw52_other_octets_behind_the_tlvs(self) -> None:
        """GW-52: two NULs, any other octet, and a TLV that runs past the end stay 0xC0."""
        world = World()
        client, upstream = world.client(), world.upstream()
        clean = submit(1, tlvs=[(0x1401, b"x")])
        for tail in (b"\0\0", b"\xff", b"\x02\x04\0\x09\0"):
            sent = clean + tail
            client.receive(len(sent).to_bytes(4, "big") + sent[4:])
            self.assertEqual([(1, c.ESME_RINVOPTPARSTREAM, b"")], client.responses())
        self.assertEqual([], upstream.submits())

    def test_sx20_answers_in_any_order(self) -> None:
        """SX-20: answers are matched by sequence_number, whatever their order."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(10 + number) for number in range(5)))
        pdus = upstream.submits()
        for pdu in reversed(pdus):
            upstream.accept((pdu, b"id%d" % pdu.sequence_number))
        answers = client.responses()
        self.assertEqual([14, 13, 12, 11, 10], [number for number, _, _ in answers])
        for place, pdu in enumerate(pdus):
            upstream.receipt(b"id%d" % pdu.sequence_number)
            ours = answers[4 - place][2]
            self.assertIn(b"id:%b " % ours, client.texts()[0])

    def test_one_store_call_and_one_write_for_a_read(self) -> None:
        """A read of answers is one store call and one write per client."""
        world = World()
        one, two, upstream = world.client(), world.client(), world.upstream()
        one.receive(*(submit(number) for number in range(1, 5)))
        two.receive(*(submit(number) for number in range(1, 4)))
        self.assertEqual(2, upstream.writes)
        accept_all(upstream)
        self.assertEqual(1, world.store.calls.count("record"))
        self.assertEqual((1, 1), (one.writes, two.writes))
        self.assertEqual((4, 3), (len(one.responses()), len(two.responses())))

    def test_f22_empty_provider_id(self) -> None:
        """F22: OK without an id is OK with ours; there is no map and it is counted."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        first, second = upstream.submits()
        upstream.accept((first, b""), (second, b"x"))
        self.assertEqual(
            [(1, 0, b"1000000001"), (2, 0, b"1000000002")], sorted(client.responses())
        )
        self.assertEqual(1, world.ledger.no_provider_id)
        self.assertEqual([(b"p", b"x")], list(world.shared.maps))

    def test_f33_duplicate_sequence_numbers(self) -> None:
        """F33: two submits under one sequence_number are two messages, both answered with it."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(5), submit(5))
        pdus = upstream.submits()
        self.assertEqual(2, len({pdu.sequence_number for pdu in pdus}))
        accept_all(upstream)
        upstream.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual(
            [(5, 0, b"1000000001"), (5, 0, b"1000000002")], sorted(client.responses())
        )

    def test_client_gone_before_the_answer(self) -> None:
        """P6: an answer for a client that left makes the map; its next bind gets the receipt."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        client.lose()
        upstream.accept((pdu, b"x"))
        upstream.receipt(b"x")
        self.assertIn(b"id:1000000001 ", world.client().texts()[0])
        self.assertEqual({}, world.ledger.imbalance())

    def test_submit_date_is_when_it_came(self) -> None:
        """GW-27: the receipt's submit date is our time of the submit, not of its answer."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        world.advance(20)
        upstream.accept((pdu, b"x"))
        upstream.receipt(b"x")
        self.assertIn(b"submit date:2311142230 ", client.texts()[0])

    def test_reference_comes_back(self) -> None:
        """GW-32: user_message_reference of up to 255 octets comes back with the receipt."""
        world = World()
        client, upstream = world.client(), world.upstream()
        for number, reference in enumerate((b"\x12\x34", b"r" * 200, b"r" * 255), 1):
            client.receive(submit(number, tlvs=[(c.TLV_USER_MESSAGE_REFERENCE, reference)]))
            upstream.accept((upstream.submits()[0], b"x%d" % number))
            upstream.receipt(b"x%d" % number)
            (pdu,) = client.deliveries()
            client.acknowledge([pdu])
            value = fields_of(pdu).tlv(c.TLV_USER_MESSAGE_REFERENCE)
            self.assertEqual(reference, value)


class RefusedTests(SynchronousTestCase):
    """What is refused before any octet went to a provider (P2), and what providers refuse."""

    def refused(self, world: World, pdu: bytes) -> tuple[int, int]:
        client = world.client()
        client.receive(pdu)
        ((sequence_number, status, message_id),) = client.responses()
        self.assertEqual(b"", message_id)
        self.assertEqual(0, client.outstanding)
        self.assertEqual(1, world.ledger.refused)
        self.assertEqual({}, world.ledger.imbalance())
        return sequence_number, status

    def test_no_route(self) -> None:
        """Row 21: a destination without a route is 0x0B."""
        world = World(routes=[Route("46", prefixes=("46",), targets=(Target("p"),))])
        world.upstream()
        self.assertEqual((9, c.ESME_RINVDSTADR), self.refused(world, submit(9)))

    def test_to_nobody(self) -> None:
        """Row 21: no destination at all is 0x0B for the most tolerant account, whatever the
        routes say: nobody can carry it."""
        world = World()
        world.upstream()
        self.assertEqual((9, c.ESME_RINVDSTADR), self.refused(world, submit(9, b"")))
        self.assertEqual(0, world.ledger.accepted)

    def test_broken_body(self) -> None:
        """Rows 16 to 18: the first wrong field is named; the other submits of the read go on."""
        world = World()
        client, upstream = world.client(), world.upstream()
        broken = bytearray(submit(2))
        broken[-6] = 200
        client.receive(submit(1), bytes(broken), submit(3))
        self.assertEqual([(2, c.ESME_RINVMSGLEN, b"")], client.responses())
        self.assertEqual(2, len(upstream.submits()))
        self.assertEqual(2, world.ledger.in_flight)

    def test_store_away(self) -> None:
        """Reading 4: while the store is away new submits get 0x08 at once; then they go on."""
        world = World()
        upstream = world.upstream()
        world.store.go_away()
        self.assertEqual((9, c.ESME_RSYSERR), self.refused(world, submit(9)))
        self.assertEqual([], upstream.submits())
        world.store.come_back()
        world.client().receive(submit(10))
        self.assertEqual(1, len(upstream.submits()))

    def test_no_numbers(self) -> None:
        """Without a number in hand a submit is 0x08, and the next second it is not."""
        world = World()
        world.upstream()
        world.store.hold("take_numbers")
        world.relay._submits._numbers._next = world.relay._submits._numbers._end = 0
        world.relay._submits._numbers._spare = None
        self.assertEqual((9, c.ESME_RSYSERR), self.refused(world, submit(9)))
        world.store.fail_next("take_numbers")
        world.store.release()
        world.relay._submits._numbers._next = world.relay._submits._numbers._end
        world.relay._submits._numbers._spare = None
        world.advance(1)
        world.advance(1)
        client = world.client()
        client.receive(submit(10))
        self.assertEqual([], client.responses())

    def test_nobody_bound(self) -> None:
        """Row 41: no provider of the route is bound: 0x08 at once."""
        self.assertEqual((9, c.ESME_RSYSERR), self.refused(World(), submit(9)))

    def test_only_receivers_bound(self) -> None:
        """A provider bound as receiver only takes no submits."""
        world = World()
        world.upstream(command_id=c.BIND_RECEIVER)
        self.assertEqual((9, c.ESME_RSYSERR), self.refused(world, submit(9)))

    def test_sx21_tps(self) -> None:
        """SX-21: what is over the TPS is 0x58; the rate is the account's, not a bind's."""
        world = World([make_account(tps=10)], [make_provider(window=100)])
        one, two, upstream = world.client(), world.client(), world.upstream()
        one.receive(*(submit(number) for number in range(1, 9)))
        two.receive(*(submit(number) for number in range(1, 9)))
        self.assertEqual(10, len(upstream.submits()))
        self.assertEqual(
            [(number, c.ESME_RTHROTTLED, b"") for number in range(3, 9)], two.responses()
        )
        self.assertEqual([], one.responses())
        world.advance(1)
        two.receive(*(submit(number) for number in range(20, 40)))
        self.assertEqual(10, len(upstream.submits()))

    def test_reload_keeps_the_bucket(self) -> None:
        """A reload gives nobody its burst again, an account with other limits neither."""
        world = World([make_account(tps=5)])
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(number) for number in range(1, 10)))
        world.relay.use(world.accounts, world.routes, world.mo, world.now)
        client.receive(submit(10))
        self.assertEqual(5, len(upstream.submits()))
        accounts = {"acme": make_account(tps=5, burst=2)}
        world.relay.use(accounts, world.routes, world.mo, world.now)
        client.receive(submit(11))
        self.assertEqual(0, len(upstream.submits()))
        world.advance(1)
        client.receive(submit(12), submit(13), submit(14))
        self.assertEqual(2, len(upstream.submits()))

    def test_provider_refuses(self) -> None:
        """P3, rows 42 and 43: the provider's verdict with the client's sequence_number, at once."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(number) for number in range(1, 4)))
        one, two, three = upstream.submits()
        world.store.hold("record")
        upstream.refuse(c.ESME_RINVDSTADR, one)
        upstream.refuse(0x410, two)
        upstream.receive(build.generic_nack(c.ESME_RINVMSGLEN, three.sequence_number))
        self.assertEqual(
            [
                (1, c.ESME_RINVDSTADR, b""),
                (2, c.ESME_RSUBMITFAIL, b""),
                (3, c.ESME_RINVMSGLEN, b""),
            ],
            client.responses(),
        )
        self.assertEqual(3, world.ledger.refused)

    def test_generic_nack_with_status_zero_is_no_acceptance(self) -> None:
        """A generic_nack never means OK, whatever its status."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.receive(build.generic_nack(0, upstream.submits()[0].sequence_number))
        self.assertEqual([(1, c.ESME_RSUBMITFAIL, b"")], client.responses())


class StoreTroubleTests(SynchronousTestCase):
    """The provider has the message and the store fails."""

    def test_store_away_after_the_acceptance(self) -> None:
        """Reading 4: an accepted message waits for the store, up to 5 s; then OK."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        world.store.go_away()
        accept_all(upstream)
        world.advance(4)
        self.assertEqual([], client.responses())
        world.store.come_back()
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_store_away_for_long(self) -> None:
        """Reading 4: after 5 s without the store the client is told 0xFF."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        world.store.go_away()
        accept_all(upstream)
        world.advance(6)
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.assertEqual(1, world.ledger.in_doubt)
        self.assertEqual(1, world.ledger.events["unrecorded"])
        self.assertEqual({}, world.ledger.imbalance())

    def test_answer_of_the_store_lost(self) -> None:
        """P2: a map that was written without our knowing: 0xFF; a receipt that finds it comes, once
        and under the id that was not told, and the ledger still adds up."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        world.store.fail_next("record", UNKNOWN)
        upstream.accept((upstream.submits()[0], b"x"))
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        upstream.receipt(b"x")
        upstream.receipt(b"x")
        (text,) = client.texts()
        self.assertIn(b"id:1000000001 ", text)
        self.assertEqual({}, world.ledger.imbalance())


class WindowTests(SynchronousTestCase):
    """Full windows: of the client, and of the provider."""

    def test_f36_client_that_ignores_its_window(self) -> None:
        """F36: reading stops with two windows unanswered, and goes on below one."""
        world = World([make_account(window=20)], [make_provider(window=1000)])
        client, upstream = world.client(), world.upstream()
        for number in range(1, 1001):
            client.receive(submit(number))
        self.assertTrue(client.held)
        self.assertEqual(41, client.outstanding)
        answered: list[int] = []
        while len(answered) < 1000:
            accept_all(upstream)
            answers = client.responses()
            self.assertEqual({0}, {status for _, status, _ in answers})
            answered += [number for number, _, _ in answers]
            client.read_on()
        self.assertEqual(list(range(1, 1001)), answered)
        self.assertFalse(client.held)
        self.assertEqual(0, client.outstanding)

    def test_xc16_read_while_the_window_is_full(self) -> None:
        """XC-16: a client up to a window beyond its window is read: its answers are heard."""
        world = World([make_account(window=20)], [make_provider(window=1000)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        upstream.receipt(b"x")
        client.receive(*(submit(number) for number in range(2, 42)))
        self.assertFalse(client.held)
        client.acknowledge(client.deliveries())
        self.assertEqual(1, world.ledger.delivered)
        client.receive(submit(42))
        self.assertTrue(client.held)

    def test_window_full_throttle(self) -> None:
        """With window_full = throttle a client hears 0x58 beyond its window and is always read."""
        world = World(
            [make_account(window=3, window_full="throttle")], [make_provider(window=100)]
        )
        client, upstream = world.client(), world.upstream()
        client.receive(*(submit(number) for number in range(1, 6)))
        self.assertEqual(
            [(4, c.ESME_RTHROTTLED, b""), (5, c.ESME_RTHROTTLED, b"")], client.responses()
        )
        client.receive(submit(6))
        self.assertEqual([(6, c.ESME_RTHROTTLED, b"")], client.responses())
        self.assertFalse(client.held)
        upstream.accept((upstream.submits()[0], b"x"))
        client.receive(submit(7))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())

    def test_max_outstanding_counts_all_binds(self) -> None:
        """Row 39: max_outstanding is of the account, over all its binds."""
        world = World(
            [make_account(max_outstanding=5, window_full="throttle")],
            [make_provider(window=100)],
        )
        one, two = world.client(), world.client()
        world.upstream()
        one.receive(*(submit(number) for number in range(1, 4)))
        two.receive(*(submit(number) for number in range(1, 4)))
        self.assertEqual([], one.responses())
        self.assertEqual([(3, c.ESME_RTHROTTLED, b"")], two.responses())

    def test_provider_window_full(self) -> None:
        """A provider never has more than its window; what waits goes out in order (P8)."""
        world = World(providers=[make_provider(window=4)])
        client, upstream = world.client(), world.upstream()
        client.receive(
            *(submit(number, short_message=b"%d" % number) for number in range(1, 11))
        )
        got: list[Pdu] = []
        while len(got) < 10:
            pdus = upstream.submits()
            self.assertLessEqual(len(upstream.session.window), 4)
            got += pdus
            upstream.accept(*((pdu, b"%d" % len(got)) for pdu in pdus))
        self.assertEqual(
            [b"%d" % number for number in range(1, 11)],
            [fields_of(pdu).short_message for pdu in got],
        )
        self.assertEqual(10, len(client.responses()))

    def test_provider_window_full_throttle(self) -> None:
        """With window_full = throttle a submit without room upstream is 0x58, not queued."""
        world = World([make_account(window_full="throttle")], [make_provider(window=2)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2), submit(3))
        self.assertEqual([(3, c.ESME_RTHROTTLED, b"")], client.responses())
        self.assertEqual(2, len(upstream.submits()))

    def test_unwritable_bind_is_left_alone(self) -> None:
        """F37: a bind whose write buffer is full gets nothing; another one does."""
        world = World()
        client, a, b = world.client(), world.upstream("a"), world.upstream("b")
        a.writable = False
        client.receive(*(submit(number) for number in range(1, 6)))
        self.assertEqual((0, 5), (len(a.submits()), len(b.submits())))

    def test_backlog_too_old(self) -> None:
        """Row 40: a submit that found no room in 30 s is 0x14; younger ones wait on."""
        world = World(providers=[make_provider(window=1, response_timeout=300)])
        client = world.client()
        world.upstream()
        client.receive(submit(1), submit(2))
        world.advance(10)
        client.receive(submit(3))
        world.advance(BACKLOG_AGE - 9)
        self.assertEqual([(2, c.ESME_RMSGQFUL, b"")], client.responses())
        world.advance(11)
        self.assertEqual([(3, c.ESME_RMSGQFUL, b"")], client.responses())
        self.assertEqual(1, world.ledger.in_flight)
        self.assertEqual({}, world.ledger.imbalance())

    def test_client_gone_while_waiting(self) -> None:
        """A submit whose client left before it was sent is never sent."""
        world = World(providers=[make_provider(window=1)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2), submit(3))
        client.lose()
        accept_all(upstream)
        self.assertEqual([], upstream.submits())
        self.assertEqual(2, world.ledger.events["abandoned"])
        self.assertEqual((1, 2), (world.ledger.accepted, world.ledger.refused))

    def test_client_gone_and_no_room_ever(self) -> None:
        """What waits for a client that left is forgotten when it is too old."""
        world = World(providers=[make_provider(window=1, response_timeout=300)])
        client = world.client()
        world.upstream()
        client.receive(submit(1), submit(2))
        client.lose()
        world.advance(31)
        self.assertEqual(1, world.ledger.events["abandoned"])
        self.assertEqual(1, world.ledger.in_flight)


class SpreadTests(SynchronousTestCase):
    """Which bind takes a message."""

    def test_gw03_spread_over_hosts(self) -> None:
        """GW-03: submits are spread over the binds to both hosts."""
        world = World(providers=[make_provider(window=10)])
        client = world.client()
        a, b = world.upstream("a"), world.upstream("b")
        for number in range(1, 101):
            client.receive(submit(number))
            if number % 10 == 0:
                accept_all(a, b)
        self.assertEqual(100, len(client.responses()))
        counts = [upstream.session.window.next_sequence_number() for upstream in (a, b)]
        self.assertLessEqual(abs(counts[0] - counts[1]), 10)

    def test_gw03_every_bind_takes_part(self) -> None:
        """Two binds on each of two hosts: all four carry submits."""
        world = World(providers=[make_provider(window=10)])
        client = world.client()
        binds = [world.upstream(host) for host in "aabb"]
        client.receive(*(submit(number) for number in range(1, 41)))
        self.assertEqual([10, 10, 10, 10], [len(bind.submits()) for bind in binds])

    def test_next_provider_of_the_route(self) -> None:
        """The first provider of the route that is bound takes the message."""
        world = World(
            providers=[make_provider("p"), make_provider("q")],
            routes=[Route("all", targets=(Target("p"), Target("q", backup=True)))],
        )
        client = world.client()
        q = world.upstream(provider="q")
        client.receive(submit(1))
        self.assertEqual(1, len(q.submits()))
        p = world.upstream(provider="p")
        client.receive(submit(2))
        self.assertEqual((1, 0), (len(p.submits()), len(q.submits())))

    def test_xc06_parts_go_to_one_host(self) -> None:
        """XC-06: 200 messages of two parts over two sessions and two hosts: none is torn apart."""
        world = World([make_account(window=10_000)], [make_provider(window=1000)])
        clients = [world.client(), world.client()]
        binds = [world.upstream(host) for host in "aabb"]
        for reference in range(200):
            for number in (1, 2):
                clients[number - 1].receive(
                    part(reference + 1, reference, number, destination=b"4512%06d" % reference)
                )
        where: dict[bytes, set[str]] = {}
        for bind in binds:
            for pdu in bind.submits():
                fields = fields_of(pdu)
                where.setdefault(fields.destination_addr, set()).add(bind.name)
        self.assertEqual(200, len(where))
        self.assertEqual({1}, {len(names) for names in where.values()})
        self.assertEqual(4, len(set.union(*where.values())))

    def test_xc06_a_part_waits_for_its_host_and_nobody_else_does(self) -> None:
        """A part whose host is full waits; what came behind it goes to the other host at once."""
        world = World(providers=[make_provider(window=1)])
        client = world.client()
        a, b = world.upstream("a"), world.upstream("b")
        client.receive(part(1, 7, 1))
        full, free = (a, b) if len(a.session.window) else (b, a)
        client.receive(part(2, 7, 2), submit(3))
        self.assertEqual(1, len(full.submits()))
        (other,) = free.submits()
        self.assertEqual(b"hello", fields_of(other).short_message)
        client.receive(submit(4))
        self.assertEqual(2, len(world.relay.directory.pools["p"].backlog))
        free.accept((other, b"x"))
        self.assertEqual(1, len(free.submits()))
        self.assertEqual(0, len(full.submits()))
        self.assertEqual([(3, 0, b"1000000003")], client.responses())

    def test_f53_host_lost_next_goes_to_b(self) -> None:
        """F53: with host a gone, the next submit is on b in the same turn."""
        world = World()
        client = world.client()
        a, b = world.upstream("a"), world.upstream("b")
        a.lose()
        client.receive(*(submit(number) for number in range(1, 6)))
        self.assertEqual(5, len(b.submits()))

    def test_gw04_draining_host_gets_nothing_new(self) -> None:
        """GW-04: a host that asked to unbind gets no new submits, its answers still count."""
        world = World()
        client = world.client()
        a = world.upstream("a")
        client.receive(submit(1))
        (pdu,) = a.submits()
        b = world.upstream("b")
        a.drain()
        a.drain()
        client.receive(*(submit(number) for number in range(2, 12)))
        self.assertEqual((0, 10), (len(a.submits()), len(b.submits())))
        a.accept((pdu, b"x"))
        self.assertEqual([(1, 0, b"1000000001")], client.responses())
        a.lose()
        self.assertEqual(0, world.ledger.lost_responses)

    def test_last_bind_drains_with_a_backlog(self) -> None:
        """What waited for a provider whose last bind drains is refused with 0x08, not kept."""
        world = World(providers=[make_provider(window=1)])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1), submit(2))
        upstream.drain()
        self.assertEqual([(2, c.ESME_RSYSERR, b"")], client.responses())

    def test_last_bind_lost_with_a_backlog(self) -> None:
        """What waited goes to the next provider of its route, in order, or is 0x08."""
        world = World(
            [make_account(in_doubt="answer")],
            providers=[make_provider("p", window=1), make_provider("q", window=2)],
            routes=[
                Route("45", prefixes=("45",), targets=(Target("p"), Target("q", backup=True))),
                Route("46", prefixes=("46",), targets=(Target("p"),)),
            ],
        )
        client = world.client()
        p, q = world.upstream(provider="p"), world.upstream(provider="q")
        client.receive(
            submit(1), submit(2), submit(3, b"46123456"), submit(4), submit(5, DESTINATION)
        )
        p.lose()
        self.assertEqual(
            [(1, c.ESME_RUNKNOWNERR, b""), (3, c.ESME_RSYSERR, b"")], client.responses()
        )
        self.assertEqual(2, len(q.submits()))
        gone = world.client()
        gone.receive(submit(1))
        gone.lose()
        q.lose()
        self.assertEqual(
            [(2, 0xFF, b""), (4, 0xFF, b""), (5, 8, b"")], client.responses()
        )
        self.assertEqual(1, world.ledger.events["abandoned"])
        self.assertEqual(0, world.ledger.in_flight)


class ParkedTests(SynchronousTestCase):
    """Receipts that overtake the answer to their submit_sm, seen from the answer's side."""

    def test_f71_receipt_before_the_answer(self) -> None:
        """F71: a receipt that came first reaches the client, after its submit_sm_resp."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        (pdu,) = upstream.submits()
        upstream.receipt(b"x")
        self.assertEqual([(1, 0)], upstream.answers())
        self.assertEqual([], client.unseen)
        self.assertEqual((1, 1), (world.ledger.parked_in, world.ledger.parked))
        upstream.accept((pdu, b"x"))
        self.assertEqual(
            [c.SUBMIT_SM_RESP, c.DELIVER_SM], [pdu.command_id for pdu in client.unseen]
        )
        self.assertIn(b"id:1000000001 ", client.texts()[0])
        self.assertEqual((1, 0), (world.ledger.parked_out, world.ledger.parked))
        self.assertEqual({}, world.ledger.imbalance())

    def test_f71_both_in_one_read(self) -> None:
        """F71: receipt and answer in one read, in either order: OK first, then the receipt."""
        for first in (True, False):
            world = World()
            client, upstream = world.client(), world.upstream()
            client.receive(submit(1))
            (pdu,) = upstream.submits()
            both = [receipt(1, b"x"), build.submit_sm_resp(pdu.sequence_number, b"x")]
            upstream.receive(*(both if first else reversed(both)))
            self.assertEqual(
                [c.SUBMIT_SM_RESP, c.DELIVER_SM], [pdu.command_id for pdu in client.unseen]
            )
            self.assertEqual([(1, 0)], upstream.answers())
            self.assertEqual({}, world.ledger.imbalance())

    def test_parked_by_an_earlier_process(self) -> None:
        """What was parked before a restart is found after it, and the ledger says so."""
        before = World()
        before.upstream().receipt(b"x")
        world = World(after=before)
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1))
        upstream.accept((upstream.submits()[0], b"x"))
        self.assertEqual(1, len(client.texts()))
        self.assertEqual((1, 1), (world.ledger.parked_before, world.ledger.delivered))
        self.assertEqual({}, world.ledger.imbalance())

    def test_parked_and_not_wanted(self) -> None:
        """A parked receipt that nobody asked for is matched and goes nowhere."""
        world = World()
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, registered_delivery=0))
        (pdu,) = upstream.submits()
        upstream.receipt(b"x")
        upstream.accept((pdu, b"x"))
        self.assertEqual([], client.texts())
        self.assertEqual((1, 1), (world.ledger.matched, world.ledger.unwanted))
        self.assertEqual({}, world.ledger.imbalance())
