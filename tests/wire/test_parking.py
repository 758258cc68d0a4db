"""XC-16: the submits of a client that exceeds its windows wait, with a bound; the rest does not."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    ENQUIRE_LINK_RESP,
    MAX_PDU,
    SUBMIT_SM_RESP,
    UNBIND,
    UNBIND_RESP,
)
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.wire import parking
from smppproxy.wire.parking import Parking, Yard
from tests.support.memory_peers import submit
from tests.wire.door import Door, account

WINDOW = 5


def pdu(number: int) -> Pdu:
    """A submit_sm."""
    (found,), _ = Framer(MAX_PDU).feed(submit(number))
    return found


class ParkingTests(SynchronousTestCase):
    """What waits at one session, and at all of them."""

    def test_in_order(self) -> None:
        """First in, first out; no more than there are."""
        place = Parking(Yard())
        place.put([pdu(1), pdu(2)])
        place.put([pdu(3)])
        self.assertEqual([each.sequence_number for each in place.take(2)], [1, 2])
        self.assertEqual([each.sequence_number for each in place.take(9)], [3])
        self.assertEqual(len(place), 0)

    def test_full(self) -> None:
        """By number, by octets, and by the octets of all sessions, if this one has some of them."""
        yard = Yard()
        one, other = Parking(yard), Parking(yard)
        one.put([pdu(1), pdu(2)])
        self.assertFalse(one.full)
        for name, limit in (("MOST_PDUS", 1), ("MOST_OCTETS", 100), ("MOST_OCTETS_OF_ALL", 100)):
            with mock.patch.object(parking, name, limit):
                self.assertTrue(one.full, name)
                self.assertFalse(other.full, name)
        with mock.patch.object(parking, "MOST_OCTETS_OF_ALL", 140):
            self.assertFalse(one.full)
            other.put([pdu(1)])
            self.assertTrue(one.full and other.full)
            other.take(1)
            self.assertFalse(one.full)
        one.take(2)
        self.assertEqual(yard.octets, 0)


class HeldTests(TestCase):
    """A bound client of window 5 whose submits the relay does not answer at once."""

    async def start(self, **options: Any) -> None:
        """A relay that holds a client with two windows unanswered, as the real one does."""
        self.door = Door(self)
        self.door.accounts = {"esme01": account(window=WINDOW, **options)}
        self.taken: list[int] = []
        self.refusing = False
        self.door.relay.on["client_requests"] = self.take
        self.client = await self.door.bound()
        self.session: Any = self.door.relay.peers("client_bound")[0]

    def take(self, session: Any, pdus: list[Pdu]) -> None:
        self.taken += [each.sequence_number for each in pdus]
        if self.refusing:
            self.answer(*[each.sequence_number for each in pdus])
        if session.outstanding > 2 * WINDOW:
            session.hold()

    def answer(self, *numbers: int) -> None:
        """The relay answers."""
        octets = [build.submit_sm_resp(number, b"id") for number in numbers]
        self.session.answer(b"".join(octets), len(numbers))

    async def submits(self, first: int, last: int) -> None:
        """The client sends these, and an enquire_link that is answered at once."""
        await self.say(b"".join([submit(number) for number in range(first, last + 1)]))

    async def say(self, octets: bytes) -> None:
        """The client sends this, and it is read."""
        self.client.send(build.enquire_link(9_000) + octets)
        await self.client.expect(ENQUIRE_LINK_RESP)

    async def answers(self, count: int) -> list[int]:
        """The sequence_numbers of so many answers."""
        pdus = await self.client.expect_many(count, SUBMIT_SM_RESP)
        return [each.sequence_number for each in pdus]

    async def test_xc16_answers_pass_submits_wait(self) -> None:
        """enquire_link and deliver_sm_resp are heard while submits wait; those go on in order, two
        windows at a time, and the client is read all the while.
        """
        await self.start()
        await self.submits(1, 2 * WINDOW + 1)
        await self.submits(12, 40)
        number = self.session.session.window.open("token", self.session.clock.seconds())
        self.client.send(build.deliver_sm_resp(number))
        await self.door.relay.called("client_responses")
        self.assertEqual(self.taken, list(range(1, 12)))
        self.assertFalse(self.session.held)
        self.answer(*range(1, 7))
        await self.answers(6)
        await self.door.relay.called("client_requests", 2)
        self.assertEqual(self.taken, list(range(1, 18)))
        while len(self.taken) < 40 or self.session.outstanding:
            count = self.session.outstanding
            first = self.taken[-count]
            self.answer(*range(first, first + count))
            await self.answers(count)
        self.assertEqual(self.taken, list(range(1, 41)))
        await self.submits(41, 42)
        self.assertEqual(self.taken, list(range(1, 43)))

    async def test_xc16_bounded(self) -> None:
        """With more than the bound waiting the client is not read; with less it is again."""
        self.patch(parking, "MOST_PDUS", 30)
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 42)
        self.assertTrue(self.session.held)
        self.client.send(build.enquire_link(1))
        self.answer(*range(1, 12))
        await self.client.expect(ENQUIRE_LINK_RESP)
        self.assertFalse(self.session.held)
        self.assertEqual(self.taken, list(range(1, 23)))

    async def test_xc16_all_refused_at_once(self) -> None:
        """However many wait, refusing them all is no recursion."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 1011)
        self.refusing = True
        self.answer(*range(1, 12))
        self.assertEqual(await self.answers(1011), list(range(1, 1012)))
        self.assertEqual(self.session.outstanding, 0)

    async def test_f30_unbind_behind_what_waits(self) -> None:
        """A client that unbinds gets its answers first, also to what waited."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 20)
        await self.say(build.unbind(50))
        self.refusing = True
        self.answer(*range(1, 12))
        self.assertEqual(await self.answers(20), list(range(1, 21)))
        await self.client.expect(UNBIND_RESP)

    async def test_f30_unbind_when_all_is_answered_but_held(self) -> None:
        """A client that was held, with nothing waiting, is not kept from leaving."""
        await self.start()
        await self.submits(1, 11)
        await self.say(build.unbind(50))
        self.answer(*range(1, 12))
        await self.client.expect(UNBIND_RESP)

    async def test_gw04_drained_while_submits_wait(self) -> None:
        """Our own stop refuses what waited for now (0x08): the client may send it elsewhere."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 13)
        gone = self.session.drain(5.0)
        refused = await self.client.expect_many(2, SUBMIT_SM_RESP)
        self.assertEqual([each.command_status for each in refused], [8, 8])
        self.answer(*range(1, 12))
        await self.answers(11)
        unbind = await self.client.expect(UNBIND)
        self.client.send(build.unbind_resp(unbind.sequence_number))
        await gone
        self.assertEqual(self.taken, list(range(1, 12)))

    async def test_lost_with_submits_waiting(self) -> None:
        """They go with the session, whatever the relay answers later."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 13)
        self.answer(*range(1, 12))
        self.client.reset()
        await self.door.relay.called("client_lost")
        self.assertEqual(self.door.admission.yard.octets, 0)
        self.assertIsNone(self.session._feeder)

    async def test_lost_before_they_go_on(self) -> None:
        """A session that ends in the moment between an answer and what waited: nothing is left."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 13)
        self.answer(*range(1, 12))
        self.answer()
        self.session.abort("test")
        self.assertIsNone(self.session._feeder)
        self.session.release()
        self.assertIsNone(self.session._feeder)
        self.assertEqual(self.taken, list(range(1, 12)))

    async def test_closing_before_they_go_on(self) -> None:
        """A session that closes takes no more submits to the relay."""
        await self.start()
        await self.submits(1, 11)
        await self.submits(12, 13)
        self.answer(*range(1, 12))
        self.session.close("test")
        await self.door.relay.called("client_lost")
        self.assertEqual(self.taken, list(range(1, 12)))
