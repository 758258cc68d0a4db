"""Tests of ``relay.moving``: nothing overtakes, and nobody waits while there is room for it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.route import Route
from smppproxy.routing.targets import Target
from smppproxy.smpp.build import submit_sm_resp
from smppproxy.smpp.constants import ESME_RTHROTTLED, SUBMIT_SM
from tests.support.memory_peers import (
    FakeUpstream,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

ROUTES = st.lists(
    st.tuples(
        st.lists(st.sampled_from("pqr"), min_size=1, max_size=3, unique=True),
        st.sampled_from(("ordered", "weighted")),
        st.sampled_from(("next", "next", "wait")),
    ),
    min_size=1,
    max_size=3,
)
STEPS = st.lists(
    st.tuples(st.sampled_from("sssaaat"), st.integers(0, 5), st.integers(1, 4)), max_size=60
)


class MovingTests(SynchronousTestCase):
    """Random routes over three providers with small windows, and random moments of answers."""

    @settings(max_examples=150, deadline=None)
    @given(ROUTES, st.lists(st.integers(1, 3), min_size=3, max_size=3), STEPS)
    def test_order_of_a_session_towards_each_bind(
        self,
        routes: list[tuple[list[str], str, str]],
        windows: list[int],
        steps: list[tuple[str, int, int]],
    ) -> None:
        """Reading 15: of one client's messages none overtakes another one on its way to a bind,
        whatever their routes; none waits while a target that it may go to has room.
        """
        world = self.world(routes, windows)
        client = world.client()
        binds = [world.upstream("a", name) for name in "pqr"]
        seen: dict[FakeUpstream, list[int]] = {bind: [] for bind in binds}
        sent = 0
        for what, which, count in steps:
            if what == "s":
                numbers = range(sent + 1, sent + 1 + count)
                sent += count
                prefix = b"4%d" % (which % len(routes))
                client.receive(*(self.message(prefix, number) for number in numbers))
            elif what == "a":
                self.answer(binds[which % 3], seen, count)
            else:
                world.advance(0.1 * count)
            self.check_nobody_waits(world)
        for _ in range(sent):
            for bind in binds:
                self.answer(bind, seen, 9)
        for numbers_seen in seen.values():
            self.assertEqual(sorted(numbers_seen), numbers_seen)
        self.assertEqual(sent, sum(map(len, seen.values())))

    def world(self, routes: list[tuple[list[str], str, str]], windows: list[int]) -> World:
        """Three providers, and a route for the destinations that begin with 40, with 41 ..."""
        return World(
            [make_account(window=1000)],
            [
                make_provider(name, window=window)
                for name, window in zip("pqr", windows, strict=True)
            ],
            [
                Route(
                    f"route {at}",
                    prefixes=(f"4{at}",),
                    targets=tuple(map(Target, names)),
                    select=select,
                    overflow=overflow,
                )
                for at, (names, select, overflow) in enumerate(routes)
            ],
        )

    def answer(self, bind: FakeUpstream, seen: dict[FakeUpstream, list[int]], count: int) -> None:
        """A host accepts so many of what it holds."""
        for _ in range(count):
            seen[bind] += [int(fields_of(pdu).short_message) for pdu in bind.look(SUBMIT_SM)]
            waiting = [number for number, _ in bind.session.window.waiting()]
            if waiting:
                message_id = b"%d" % bind.next_sequence_number()
                bind.receive(submit_sm_resp(waiting[0], message_id))

    def message(self, prefix: bytes, number: int) -> bytes:
        """A submit_sm whose text is its number."""
        return submit(number, b"%b%06d" % (prefix, number), short_message=b"%d" % number)

    def check_nobody_waits(self, world: World) -> None:
        """A message that waits may go to nobody at this moment."""
        pools = world.relay.directory.pools
        free = {name for name, pool in pools.items() if pool.open[0].session.window.room > 0}
        for pool in pools.values():
            for waiting in pool.backlog:
                moves = waiting.pick.overflow == "next"
                where = {*waiting.targets} if moves else {pool.provider.name}
                self.assertEqual(set(), where & free)

    def test_throttled_ones_move_in_order(self) -> None:
        """Messages that a provider throttled go to who has room first, the earlier ones before."""
        world = World(
            providers=[make_provider("p", window=4), make_provider("q", window=1)],
            routes=[
                Route(
                    "one",
                    targets=(Target("p"), Target("q")),
                    select="ordered",
                    throttled="next",
                )
            ],
        )
        client, p, q = world.client(), world.upstream("a", "p"), world.upstream("a", "q")
        client.receive(*(submit(number, short_message=b"%d" % number) for number in range(1, 5)))
        p.refuse(ESME_RTHROTTLED, *p.submits())
        sent = []
        while pdus := q.submits():
            sent += [int(fields_of(pdu).short_message) for pdu in pdus]
            q.accept(*((pdu, b"%d" % pdu.sequence_number) for pdu in pdus))
        self.assertEqual([1, 2, 3, 4], sent)
