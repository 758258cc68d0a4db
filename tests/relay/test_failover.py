"""Tests of refusals after which the next target is asked, and of routes that change."""

from __future__ import annotations

from typing import Any

from smppproxy.relay.retry import BACKLOG_AGE, HOME, most_telling
from smppproxy.routing.route import Route
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.refusals import NO_REFUSAL, named
from tests.relay.presets import preset_provider
from tests.relay.route_case import OK, RouteCase, numbers, route, several
from tests.support.logs import logged
from tests.support.memory_peers import (
    FakeClient,
    FakeUpstream,
    World,
    make_account,
    make_provider,
    part,
    submit,
)


class RefusedTests(RouteCase):
    """``failover``: refusals after which the next target is asked."""

    def refusing(
        self, names: str = "pq", *codes: int, **options: Any
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        codes = codes or (c.ESME_RINVDSTADR,)
        return self.world(names, failover=frozenset(codes), **options)

    def test_next_target_takes_it(self) -> None:
        """A listed status: the next target has the message at once, and its verdict counts."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())
        q.accept((q.submits()[0], b"x"))
        self.assertEqual([OK], client.responses())
        self.assertEqual({("one", "p", "refused"): 1}, world.relay.reasons.counts)
        self.assertEqual(1, world.ledger.events["failed_over"])
        self.check(world)

    def test_it_is_an_event(self) -> None:
        """It tells who passed whom over on which route, and why."""
        _, client, (p, _) = self.refusing()
        found = logged(self)
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        (first,) = [event for event in found if event.get("event") == "failover"]
        self.assertEqual((first["account"], first["route"]), ("acme", "one"))
        self.assertEqual((first["provider"], first["reason"]), ("p", "refused"))
        self.assertEqual(first["command_status"], "ESME_RINVDSTADR")
        self.assertEqual(first["sequence_number"], 1)

    def test_generic_nack_with_the_status(self) -> None:
        """A generic_nack with a listed status is such a refusal."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        number = p.submits()[0].sequence_number
        p.receive(build.generic_nack(c.ESME_RINVDSTADR, number))
        self.assertEqual([1], numbers(q.submits()))

    def test_other_statuses_are_the_verdict(self) -> None:
        """A status that is not listed goes to the client."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVSRCADR, *p.submits())
        self.assertEqual([(1, c.ESME_RINVSRCADR, b"")], client.responses())
        self.assertEqual([], q.submits())

    def test_most_telling_verdict(self) -> None:
        """All have refused: the last verdict, but ESME_RSUBMITFAIL only when no other was told."""
        address, failed, source = c.ESME_RINVDSTADR, c.ESME_RSUBMITFAIL, c.ESME_RINVSRCADR
        for first, second, told in (
            (address, source, source),
            (address, failed, address),
            (failed, address, address),
            (failed, failed, failed),
            (address, 0x40D, address),
        ):
            world, client, (p, q) = self.refusing("pq", address, failed, source, 0x40D)
            client.receive(*several(1))
            p.refuse(first, *p.submits())
            q.refuse(second, *q.submits())
            self.assertEqual([(1, told, b"")], client.responses())
            self.check(world)

    def test_no_other_target_is_bound(self) -> None:
        """A target that is away cannot be asked: the verdict goes to the client."""
        world, client, (p, q) = self.refusing()
        q.lose()
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_next_target_goes_while_it_is_waited_for(self) -> None:
        """The message waits for the second target, which goes: the first one's verdict is told."""
        world, client, (p, q) = self.refusing(
            "pq", c.ESME_RINVDSTADR, providers=[make_provider("p"), make_provider("q", window=1)]
        )
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())
        q.lose()
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())

    def test_next_target_has_no_room_for_long(self) -> None:
        """The second target may have taken it later: the client hears of a full queue."""
        world, client, (p, q) = self.refusing()
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        world.advance(BACKLOG_AGE + 2)
        self.assertEqual([(1, c.ESME_RMSGQFUL, b"")], client.responses())

    def test_trouble_in_the_list(self) -> None:
        """Trouble that is listed: the next target at once; when all had it, a second of waiting."""
        world, client, (p, q) = self.refusing("pq", c.ESME_RSYSERR)
        client.receive(*several(1))
        p.refuse(c.ESME_RSYSERR, *p.submits())
        q.refuse(c.ESME_RSYSERR, *q.submits())
        self.assertEqual([], p.submits() + q.submits())
        world.advance(1.2)
        self.assertEqual(1, len(p.submits() + q.submits()))
        self.assertEqual(1, world.relay.reasons.counts["one", "q", "trouble"])

    def test_broken_bind_is_no_refusal(self) -> None:
        """0x04 in the list says nothing about the message: the provider's other bind is next."""
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVBNDSTS)
        b = world.upstream("b", "p")
        client.receive(*several(1))
        p.refuse(c.ESME_RINVBNDSTS, *p.submits())
        self.assertEqual([1], numbers(b.submits()))

    def test_client_gone(self) -> None:
        """Nothing is sent on for a client that has left."""
        world, client, (p, q) = self.refusing()
        client.receive(*several(1))
        client.lose()
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], q.submits())
        self.check(world)

    def test_throttle_account_waits(self) -> None:
        """An account that wants 0x58 for full windows does not get it after a failover."""
        account = make_account(window_full="throttle")
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVDSTADR, account=account)
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual([], client.responses())

    def test_part_goes_on_alone(self) -> None:
        """A part of a long message that a client cut is asked for at the next target."""
        world, client, (p, q) = self.refusing()
        client.receive(part(1, 42, 1), part(2, 42, 2))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        self.assertEqual(2, len(q.submits()))

    def test_second_copy_goes_on(self) -> None:
        """Reading 1: a refused second copy goes on, as the one copy that it is; else 0xFF."""
        for late in (False, True):
            world, client, (p, q, r) = self.refusing("pqr")
            client.receive(*several(1))
            p.lose()
            world.advance(HOME + 1)
            if late:
                world.advance(31)
            q.refuse(c.ESME_RINVDSTADR, *q.submits())
            if late:
                self.assertEqual([], r.submits())
            else:
                r.refuse(c.ESME_RINVDSTADR, *r.submits())
            self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
            self.check(world)

    def test_preferred_provider_first(self) -> None:
        """OZ-09: the provider that service_type selects is the first target, the others follow."""
        account = make_account(service_types={"X": "q", "": ""})
        world, client, (p, q) = self.refusing("pq", c.ESME_RINVDSTADR, account=account)
        client.receive(*several(1, service_type=b"X"))
        q.refuse(c.ESME_RINVDSTADR, *q.submits())
        self.assertEqual([1], numbers(p.submits()))
        client.receive(*several(2, service_type=b"X"))
        self.assertEqual([2], numbers(q.submits()))

    def test_most_telling_of_none(self) -> None:
        """The first verdict is the most telling one."""
        failed = named("refused_upstream", c.ESME_RSUBMITFAIL)
        self.assertIs(failed, most_telling(NO_REFUSAL, failed))


class GroupTests(RouteCase):
    """A message that goes as several submit_sm, and is refused."""

    def sent(
        self, parts: int = 2, window: int = 10
    ) -> tuple[World, FakeClient, list[FakeUpstream]]:
        """One on its way."""
        providers = [preset_provider("default", name, window=window) for name in "pq"]
        codes = frozenset({c.ESME_RINVDSTADR})
        world, client, upstreams = self.world(providers=providers, failover=codes)
        text = [(c.TLV_MESSAGE_PAYLOAD, b"x" * 153 * parts)]
        client.receive(submit(1, short_message=b"", tlvs=text))
        return world, client, upstreams

    def test_all_refused_goes_on_as_a_whole(self) -> None:
        """Each part was refused: all of them go to the next target."""
        world, client, (p, q) = self.sent()
        one, two = p.submits()
        p.refuse(c.ESME_RINVDSTADR, one)
        self.assertEqual([], q.submits())
        p.refuse(c.ESME_RINVDSTADR, two)
        pdus = q.submits()
        self.assertEqual(2, len(pdus))
        q.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([OK], client.responses())
        self.check(world)

    def test_parts_that_are_not_out_are_not_sent(self) -> None:
        """Parts that wait are not sent to who refused the first one; the next target gets all."""
        world, client, (p, q) = self.sent(6, 4)
        pdus = p.submits()
        self.assertEqual(4, len(pdus))
        p.refuse(c.ESME_RINVDSTADR, *pdus)
        self.assertEqual([], p.submits())
        self.assertEqual(4, len(q.submits()))

    def test_one_is_accepted(self) -> None:
        """A part was taken: nobody else gets the message, its client hears the refusal."""
        for accepted_first in (False, True):
            world, client, (p, q) = self.sent()
            one, two = p.submits()
            if accepted_first:
                p.accept((two, b"7"))
            p.refuse(c.ESME_RINVDSTADR, one)
            if not accepted_first:
                p.accept((two, b"7"))
            self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
            self.assertEqual([], q.submits())
            self.assertEqual(1, world.ledger.events["parts_in_vain"])
            self.check(world)

    def test_one_is_refused_otherwise(self) -> None:
        """The last answer is another refusal, or asks to wait: the message goes on all the same."""
        for status in (c.ESME_RINVSRCADR, c.ESME_RTHROTTLED):
            world, client, (p, q) = self.sent()
            one, two = p.submits()
            p.refuse(c.ESME_RINVDSTADR, one)
            p.refuse(status, two)
            self.assertEqual(([], 2), (p.submits(), len(q.submits())))

    def test_one_is_in_doubt(self) -> None:
        """A part may have been taken: its fate decides, and nobody else gets the message."""
        world, client, (p, q) = self.sent()
        one, two = p.submits()
        p.refuse(c.ESME_RINVDSTADR, one)
        b = world.upstream("b", "p")
        p.lose()
        b.refuse(c.ESME_RINVDSTADR, *b.submits())
        self.assertEqual([], q.submits())
        self.assertEqual([(1, c.ESME_RUNKNOWNERR, b"")], client.responses())
        self.check(world)

    def test_all_targets_refuse(self) -> None:
        """The verdict of the last one goes to the client."""
        world, client, (p, q) = self.sent()
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        q.refuse(c.ESME_RINVDSTADR, *q.submits())
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.check(world)


class NewRoutesTests(RouteCase):
    """Messages that wait while the routes change."""

    def test_goes_where_the_new_routes_say(self) -> None:
        """Its only target is taken away: what waited for it goes where the new routes say."""
        world, client, (p, q) = self.world(providers=[make_provider("p", window=1),
                                                      make_provider("q")])
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        client.receive(*several(1, 2, 3))
        world.relay.use(world.accounts, type(world.routes)((route("q"),)), world.mo, world.now)
        p.drain()
        self.assertEqual([2, 3], numbers(q.submits()))
        self.assertEqual([], client.responses())

    def test_no_new_routes(self) -> None:
        """No route, the same one, or one that denies: the client hears that nobody is bound."""
        for routes in ((), (route("p"),), (Route("no", deny=0x0B),)):
            world, client, (p,) = self.world("p", None, [make_provider("p", window=1)])
            client.receive(*several(1, 2))
            world.relay.use(world.accounts, type(world.routes)(routes), world.mo, world.now)
            p.drain()
            self.assertEqual([(2, c.ESME_RSYSERR, b"")], client.responses())

    def test_not_to_who_refused_it(self) -> None:
        """Who refused a message is not asked again, whatever the new routes say."""
        codes = frozenset({c.ESME_RINVDSTADR})
        world, client, (p, q) = self.world(failover=codes)
        q.session.window.limit = 0
        client.receive(*several(1))
        p.refuse(c.ESME_RINVDSTADR, *p.submits())
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        q.drain()
        self.assertEqual([(1, c.ESME_RINVDSTADR, b"")], client.responses())
        self.assertEqual([], p.submits())

    def test_second_copy_goes_where_the_new_routes_say(self) -> None:
        """In doubt, and its provider is taken away: the copy goes to who is there now."""
        world, client, (p, q) = self.world(providers=[make_provider("p"), make_provider("q")])
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        client.receive(*several(1))
        world.relay.use(world.accounts, type(world.routes)((route("q"),)), world.mo, world.now)
        p.lose()
        world.advance(HOME)
        (pdu,) = q.submits()
        q.accept((pdu, b"x"))
        self.assertEqual([OK], client.responses())

    def test_second_try_goes_where_the_new_routes_say(self) -> None:
        """Trouble, and its provider is taken away: the next try is with who is there now."""
        world, client, (p, q) = self.world(providers=[make_provider("p"), make_provider("q")])
        world.relay.use(world.accounts, type(world.routes)((route("p"),)), world.mo, world.now)
        client.receive(*several(1))
        p.refuse(c.ESME_RSYSERR, *p.submits())
        world.relay.use(world.accounts, type(world.routes)((route("q"),)), world.mo, world.now)
        p.drain()
        world.advance(1.2)
        self.assertEqual([1], numbers(q.submits()))
