"""Tests of ``relay.messages``: an MO message from a provider's read to everybody's queue."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay import messages
from smppproxy.routing.mo import MoRoute, MoSettings, MoTable
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.store.interface import UNKNOWN
from smppproxy.store.leftovers import UNROUTED
from tests.support.memory_peers import (
    DESTINATION,
    FakeClient,
    World,
    make_account,
    make_provider,
    mo,
)

ROUTES = [
    MoRoute("one", frozenset({"1234"})),
    MoRoute("two", frozenset({"1234"}), keywords=frozenset({"WIN"})),
    MoRoute(accounts=("one", "two"), prefixes=("99",)),
    MoRoute(drop=True, numbers=frozenset({"666"})),
    MoRoute(drop=True, numbers=frozenset({"1234"}), keywords=frozenset({"SPAM"})),
]


def part(number: int, text: bytes, reference: int = 7, total: int = 2, **fields: Any) -> bytes:
    """A part of a long MO by header; its sequence_number is 10 more than its place."""
    header = bytes((5, 0, 3, reference, total, number))
    return mo(10 + number, esm_class=0x40, short_message=header + text, **fields)


class MessagesCase(SynchronousTestCase):
    """Two accounts, one provider, and the routes above."""

    fields: dict[str, Any] = {}
    settings = MoSettings()

    def setUp(self) -> None:
        self.world = self.build()
        self.one, self.two = self.world.client("one"), self.world.client("two")
        self.upstream = self.world.upstream()
        self.ledger = self.world.ledger

    def build(self, **more: Any) -> World:
        world = World(
            [make_account("one"), make_account("two")],
            [make_provider(**self.fields)],
            mo_routes=ROUTES,
            **more,
        )
        table = MoTable(ROUTES, self.settings)
        world.relay.use(world.accounts, world.routes, table, world.now, world.providers)
        return world

    def texts(self) -> tuple[list[bytes], list[bytes]]:
        """What the two clients got since, without headers."""

        def bare(client: FakeClient) -> list[bytes]:
            return [text[6:] if text[:3] == b"\5\0\3" else text for text in client.texts()]

        return bare(self.one), bare(self.two)

    def answers(self) -> list[tuple[int, int]]:
        return sorted(self.upstream.answers())


class RouteTests(MessagesCase):
    """Who gets what."""

    def test_keyword(self) -> None:
        """The first word decides where the number has keywords; the text passes untouched."""
        self.upstream.receive(
            mo(1, short_message=b"win it"),
            mo(2, short_message=b"hello"),
            mo(3, short_message="Win".encode("utf-16-be"), data_coding=8),
        )
        self.assertEqual(([b"hello"], [b"win it", b"\0W\0i\0n"]), self.texts())
        self.assertEqual([(1, 0), (2, 0), (3, 0)], self.answers())

    def test_keyword_in_data_sm(self) -> None:
        """An MO in data_sm is read in the same way."""
        self.upstream.receive(
            build.data_sm(3, source_addr=DESTINATION, destination_addr=b"1234",
                          short_message=b"WIN")
        )  # fmt: skip
        self.assertEqual(1, len(self.two.deliveries()))

    def test_copies(self) -> None:
        """Each account gets the message; one store call and one answer for the read."""
        before = self.world.store.calls.count("put_messages")
        self.upstream.receive(mo(1, b"991"), mo(2, b"1234"))
        self.assertEqual(before + 1, self.world.store.calls.count("put_messages"))
        self.assertEqual(([b"STOP", b"STOP"], [b"STOP"]), self.texts())
        self.assertEqual([(1, 0), (2, 0)], self.answers())
        self.assertEqual((2, 3), (self.ledger.mo_in, self.ledger.mo_delivered))

    def test_m1_copies_are_all_there_or_none(self) -> None:
        """The provider is answered once all copies are stored; a failure leaves none."""
        self.world.store.hold("put_messages")
        self.upstream.receive(mo(1, b"991"))
        self.assertEqual([], self.upstream.unseen)
        self.assertEqual(([], []), self.texts())
        self.world.store.release()
        self.assertEqual([(1, 0)], self.answers())
        self.world.store.fail_next("put_messages")
        self.upstream.receive(mo(2, b"992"))
        self.assertEqual([], self.upstream.unseen)
        self.assertEqual(1, self.ledger.events["deliver_sm_not_stored"])
        self.assertEqual(([b"STOP"], [b"STOP"]), self.texts())

    def test_mg18_a_copy_less(self) -> None:
        """MG-18: an account for submits only gets none; with nobody else the message is kept."""
        world = World([make_account("one"), make_account("two", service="mt")], mo_routes=ROUTES)
        one, upstream = world.client("one"), world.upstream()
        upstream.receive(mo(1, b"991"), mo(2, short_message=b"win"))
        self.assertEqual(1, len(one.texts()))
        self.assertEqual(1, len(world.shared.queues[UNROUTED]))
        self.assertEqual(1, world.ledger.mo_unrouted)

    def test_dropped(self) -> None:
        """drop = true: answered OK, kept nowhere, counted."""
        self.upstream.receive(mo(1, b"666"), mo(2, short_message=b"Spam!"))
        self.assertEqual([(1, 0), (2, 0)], self.answers())
        self.assertEqual(([], []), self.texts())
        self.assertEqual({}, self.world.shared.queues)
        self.assertEqual(2, self.ledger.events["mo_forgotten"])

    def test_unrouted_limit(self) -> None:
        """The newest so many messages for nobody are kept; the others are counted."""
        table = MoTable(ROUTES, MoSettings(unrouted_limit=2))
        self.world.relay.use(self.world.accounts, self.world.routes, table, self.world.now)
        self.upstream.receive(*(mo(number, b"5") for number in range(1, 4)))
        self.assertEqual(2, len(self.world.shared.queues[UNROUTED]))
        self.assertEqual(1, self.ledger.events["mo_dropped"])


class RefusingTests(MessagesCase):
    """unrouted = "refuse"."""

    settings = MoSettings("refuse")

    def test_m2_refused(self) -> None:
        """M2: the provider hears 0x0B and nothing is kept; others of the read go their way."""
        self.upstream.receive(mo(1, b"5"), mo(2))
        self.assertEqual([(1, c.ESME_RINVDSTADR), (2, 0)], self.answers())
        self.assertEqual(([b"STOP"], []), self.texts())
        self.assertNotIn(UNROUTED, self.world.shared.queues)
        self.assertEqual(1, self.ledger.mo_unrouted)


class PartTests(MessagesCase):
    """Long messages to a number with keywords."""

    def test_later_parts_follow(self) -> None:
        """All parts go where the first one's keyword leads, in one read or in many."""
        self.upstream.receive(part(1, b"WIN one"), part(2, b"two"))
        self.upstream.receive(part(1, b"hello", 8), part(2, b"there", 8))
        self.assertEqual(([b"hello", b"there"], [b"WIN one", b"two"]), self.texts())
        self.assertEqual(4, len(self.answers()))

    def test_parts_of_a_dropped_message(self) -> None:
        """They are dropped with it."""
        self.upstream.receive(part(1, b"spam"), part(2, b"and eggs"))
        self.assertEqual(([], []), self.texts())
        self.assertEqual(2, self.ledger.events["mo_forgotten"])

    def test_a_part_before_the_first_one_waits(self) -> None:
        """It is not answered until the first one is there, then it follows at once."""
        self.upstream.receive(part(2, b"two"))
        self.world.advance(2)
        self.assertEqual([], self.answers())
        self.upstream.receive(part(1, b"WIN one"))
        self.assertEqual(([], [b"WIN one", b"two"]), self.texts())
        self.assertEqual([(11, 0), (12, 0)], self.answers())

    def test_a_part_whose_first_one_does_not_come(self) -> None:
        """After first_part_wait it goes as a message without keyword, and the others follow it."""
        self.upstream.receive(part(2, b"two", total=3))
        self.world.advance(4)
        self.assertEqual([(12, 0)], self.answers())
        self.upstream.receive(part(1, b"WIN one", total=3), part(3, b"three", total=3))
        self.assertEqual(([b"two", b"WIN one", b"three"], []), self.texts())

    def test_the_first_part_came_to_another_node(self) -> None:
        """The store knows; within a second the part follows."""
        other = self.build(beside=self.world, node="other")
        self.upstream.receive(part(2, b"two"))
        other.upstream("b").receive(part(1, b"WIN one"))
        self.world.advance(1)
        self.assertEqual([(12, 0)], self.answers())
        self.assertEqual(([], [b"WIN one", b"two"]), self.texts())

    def test_the_bind_is_lost_while_a_part_waits(self) -> None:
        """Nothing was stored: the provider sends it again, and then it is stored once."""
        self.upstream.receive(part(2, b"two"))
        self.upstream.lose()
        self.world.advance(5)
        self.assertEqual({}, self.world.shared.queues)
        self.upstream = self.world.upstream()
        self.upstream.receive(part(1, b"WIN one"), part(2, b"two"))
        self.assertEqual(([], [b"WIN one", b"two"]), self.texts())

    def test_the_bind_is_lost_while_the_store_is_asked(self) -> None:
        """As before, when the answer of the store finds it gone."""
        self.world.store.hold("put_messages")
        self.upstream.receive(part(2, b"two"))
        self.upstream.lose()
        self.world.store.release()
        self.world.advance(5)
        self.assertEqual({}, self.world.shared.queues)

    def test_nobody_waits(self) -> None:
        """first_part_wait = 0: a later part goes at once as a message without keyword."""
        table = MoTable(ROUTES, MoSettings(first_part_wait=0.0))
        self.world.relay.use(self.world.accounts, self.world.routes, table, self.world.now)
        self.upstream.receive(part(2, b"two"))
        self.assertEqual([(12, 0)], self.answers())
        self.assertEqual(([b"two"], []), self.texts())

    def test_too_many_wait(self) -> None:
        """Beyond a bound a part goes at once as a message without keyword."""
        self.patch(messages, "MOST_EARLY", 1)
        self.upstream.receive(part(2, b"a", 1), part(2, b"b", 2))
        self.assertEqual(([b"b"], []), self.texts())
        self.world.advance(4)
        self.assertEqual(([b"a"], []), self.texts())

    def test_a_number_without_keywords_waits_for_nothing(self) -> None:
        """Its parts need no first one."""
        self.upstream.receive(part(2, b"two", destination=b"991"))
        self.assertEqual([(12, 0)], self.answers())
        self.assertEqual({}, self.world.shared.longs)


class AgainTests(MessagesCase):
    """What a provider sends again."""

    fields = {"temp_answer": c.ESME_RSYSERR}

    def test_m1_stored_and_never_answered(self) -> None:
        """The bind was lost before the answer: the same octets are known when they come again."""
        self.world.store.hold("put_messages")
        self.upstream.receive(mo(1, b"991"), mo(2, b"992"))
        self.upstream.lose()
        self.world.store.release()
        self.upstream = self.world.upstream("b")
        self.upstream.receive(mo(7, b"991"), mo(8, b"992"))
        self.assertEqual([(7, 0), (8, 0)], self.answers())
        self.assertEqual(2, self.ledger.events["mo_repeated"])
        self.upstream.receive(mo(9, b"991"))
        self.assertEqual(([b"STOP"] * 3, [b"STOP"] * 3), self.texts())

    def test_m1_remembered_for_a_while(self) -> None:
        """Ten minutes later it is another message."""
        self.world.store.hold("put_messages")
        self.upstream.receive(mo(1))
        self.upstream.lose()
        self.world.store.release()
        self.world.advance(messages.UNHEARD_FOR + 2)
        self.world.upstream("b").receive(mo(7))
        self.assertEqual(0, self.ledger.events["mo_repeated"])
        self.assertEqual(2, len(self.world.shared.queues[b"m:one"]))

    def test_m1_no_more_than_a_bound(self) -> None:
        """What is remembered is bounded."""
        self.patch(messages, "UNHEARD", 1)
        self.world.store.hold("put_messages")
        self.upstream.receive(mo(1), mo(2, b"991"))
        self.upstream.lose()
        self.world.store.release()
        self.world.upstream("b").receive(mo(7), mo(8, b"991"))
        self.assertEqual(1, self.ledger.events["mo_repeated"])

    def test_m3_equal_messages_are_two(self) -> None:
        """Without mo_dedupe a text may be sent twice."""
        self.upstream.receive(mo(1), mo(2))
        self.assertEqual([b"STOP"] * 2, self.texts()[0])


class OnceTests(MessagesCase):
    """mo_dedupe."""

    fields = {"temp_answer": c.ESME_RSYSERR, "mo_dedupe": 60}

    def test_m3_once(self) -> None:
        """The same octets within its seconds are stored once, and answered OK each time."""
        self.upstream.receive(mo(1), mo(2))
        self.assertEqual([(1, 0), (2, 0)], self.answers())
        self.assertEqual(1, self.ledger.events["mo_repeated"])
        self.assertEqual([b"STOP"], self.texts()[0])
        self.world.advance(61)
        self.upstream.receive(mo(3))
        self.assertEqual([b"STOP"], self.texts()[0])

    def test_m3_stored_and_the_store_s_answer_was_lost(self) -> None:
        """The provider got the temp_answer and sends again: stored once, over all nodes."""
        self.world.store.fail_next("put_messages", UNKNOWN)
        self.upstream.receive(mo(1))
        self.assertEqual([(1, c.ESME_RSYSERR)], self.answers())
        other = self.build(beside=self.world, node="other")
        there = other.upstream("b")
        there.receive(mo(5))
        self.assertEqual([(5, 0)], there.answers())
        self.world.advance(1)
        self.assertEqual([b"STOP"], self.texts()[0])
