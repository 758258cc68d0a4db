"""Never more than one provider accepts a message, whatever providers answer and whoever goes.

Random providers: each submit_sm that reaches one is accepted, refused with one of many
command_status, or not answered before its bind is lost or its time is over. Random routes over
them. What an in-doubt message may have beside that is one second copy (decisions, reading 1).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.journal import ACCEPTED, Fact
from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from tests.relay.presets import preset_provider
from tests.support.memory_peers import (
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    part,
    submit,
)

STATUSES = (
    c.ESME_RTHROTTLED,
    c.ESME_RSYSERR,
    c.ESME_RMSGQFUL,
    c.ESME_RINVDSTADR,
    c.ESME_RINVSRCADR,
    c.ESME_RSUBMITFAIL,
    0x40D,
)
ANSWERS = st.sampled_from(("accept", "accept", "refuse", "refuse", "refuse", "keep"))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("submit", "submit", "answer", "answer", "answer", "lose", "bind", "time")),
        st.integers(0, 5),
        ANSWERS,
        st.sampled_from(STATUSES),
    ),
    max_size=60,
)
ROUTES = st.builds(
    lambda select, overflow, throttled, failover: Route(
        "one",
        targets=(Target("p"), Target("q"), Target("r")),
        select=select,
        overflow=overflow,
        throttled=throttled,
        failover=failover,
    ),
    st.sampled_from(("ordered", "weighted")),
    st.sampled_from(("wait", "next")),
    st.sampled_from(("wait", "next")),
    st.frozensets(st.sampled_from(STATUSES)),
)


class Run:
    """One world under random events.

    :ivar accepted: by message, the providers that accepted it or a part of it.
    :ivar silent: messages of which a submit_sm was not answered in time, or its bind was lost.
    """

    def __init__(self, route: Route, in_doubt: str) -> None:
        self.world = World(
            [make_account(in_doubt=in_doubt, window=1000)],
            [
                make_provider("p", window=1, response_timeout=5.0),
                make_provider("q", window=2, response_timeout=5.0),
                preset_provider("default", "r", window=3, response_timeout=5.0),
            ],
            [route],
        )
        self.facts: list[Fact] = []
        self.world.relay.journal.open(self.facts.append)
        self.client = self.world.client()
        self.count = 0
        self.ids = 0
        self.accepted: dict[bytes, list[tuple[str, bytes]]] = {}
        self.silent: set[bytes] = set()
        self.on: dict[FakeUpstream, list[Any]] = {}
        for name in "pqr":
            self.bind(name)

    def bind(self, name: str) -> None:
        """A bind to a host of this provider stands, if none does."""
        if not any(each.provider.name == name for each in self.world.upstreams):
            self.on[self.world.upstream("ab"[self.count % 2], name)] = []

    def step(self, what: str, which: int, answer: str, status: int) -> None:
        """One event."""
        if what == "submit":
            self.submit(which)
        elif what == "time":
            self.time(which)
        elif what == "bind":
            self.bind("pqr"[which % 3])
        elif self.world.upstreams:
            upstream = self.world.upstreams[which % len(self.world.upstreams)]
            if what == "lose":
                self.lose(upstream)
            else:
                self.answer(upstream, answer, status)

    def submit(self, which: int) -> None:
        """A short message, a long one, or both parts of one that the client has cut."""
        self.count += 1
        destination = b"45%08d" % self.count
        if which == 0:
            for at in range(2):
                destination = b"46%08d" % self.count
                numbers = (2 * self.count + at, self.count, at + 1)
                self.client.receive(part(*numbers, destination=destination))
            return
        fields: dict[str, Any] = {}
        if which == 1:
            text = [(c.TLV_MESSAGE_PAYLOAD, b"x" * 300)]
            fields = {"short_message": b"", "tlvs": text}
        self.client.receive(submit(2 * self.count, destination, **fields))

    def time(self, which: int) -> None:
        """Time passes: pauses end, and the time of what nobody answers."""
        for _ in range(which + 1):
            self.world.advance(1)
            for upstream in self.world.upstreams:
                self.note(upstream)

    def lose(self, upstream: FakeUpstream) -> None:
        """A bind is lost with all that it holds."""
        self.note(upstream)
        self.silent.update(map(message_of, self.on.pop(upstream)))
        upstream.lose()

    def note(self, upstream: FakeUpstream) -> None:
        """What a host has been sent and not answered."""
        self.on[upstream] += upstream.submits()
        late = {number for number, _ in upstream.session.window.remembered()}
        found = [pdu for pdu in self.on[upstream] if pdu.sequence_number in late]
        self.silent.update(map(message_of, found))

    def answer(self, upstream: FakeUpstream, answer: str, status: int) -> None:
        """The host answers the first submit_sm that it holds, or keeps it."""
        self.note(upstream)
        if not self.on[upstream] or answer == "keep":
            return
        pdu = self.on[upstream].pop(0)
        if answer == "refuse":
            upstream.refuse(status, pdu)
            return
        octets = fields_of(pdu).short_message
        who = (upstream.provider.name, octets)
        self.accepted.setdefault(message_of(pdu), []).append(who)
        self.ids += 1
        upstream.accept((pdu, b"%d" % self.ids))

    def end(self) -> None:
        """Everybody is bound and accepts, or a minute passes."""
        for name in "pqr":
            self.bind(name)
        for _ in range(80):
            for upstream in [*self.world.upstreams]:
                self.note(upstream)
                while self.on[upstream]:
                    self.answer(upstream, "accept", 0)
            self.world.advance(1)


def message_of(pdu: Pdu) -> bytes:
    """Which of the client's messages this is, or is a part of."""
    fields = fields_of(pdu)
    cut = fields.destination_addr.startswith(b"46")
    return fields.destination_addr + (fields.short_message[5:6] if cut else b"")


class OneProviderTests(SynchronousTestCase):
    """See above."""

    @settings(max_examples=150, deadline=None)
    @given(ROUTES, STEPS, st.sampled_from(("resend", "answer")))
    def test_one_provider_accepts_a_message(
        self, route: Route, steps: list[tuple[str, int, str, int]], in_doubt: str
    ) -> None:
        """At most one acceptance, and one more for a message whose answer was lost; every client
        is answered once, and the ledger balances.
        """
        run = Run(route, in_doubt)
        for step in steps:
            run.step(*step)
        run.end()
        for message, taken in run.accepted.items():
            copies = max(Counter(taken).values()) + len({name for name, _ in taken}) - 1
            again = in_doubt == "resend" and message in run.silent
            self.assertLessEqual(copies, 2 if again else 1, (message, taken))
        self.check_reasons(run)
        responses = [number for number, _, _ in run.client.responses()]
        self.assertEqual(sorted(set(responses)), sorted(responses))
        self.assertEqual(run.world.ledger.submitted, len(responses))
        self.assertEqual({}, run.world.ledger.imbalance())
        self.assertEqual(0, run.world.ledger.in_flight)
        self.assertEqual(
            [], [pool for pool in run.world.relay.directory.pools.values() if pool.backlog]
        )

    def check_reasons(self, run: Run) -> None:
        """No target before the one that accepted a message was passed over without a reason."""
        for message in [each for fact in run.facts if fact[0] == ACCEPTED for each in fact[2]]:
            names = message.pick.names
            taken = {name for name, _ in run.accepted[message_of(message.pdu)]}
            first = min(names.index(name) for name in taken)
            reasons = {provider for provider, _, _ in message.skipped}
            self.assertLessEqual({*names[:first]}, reasons)
