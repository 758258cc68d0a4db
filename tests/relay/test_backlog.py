"""Whose turn it is in the line before a provider's windows."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.backlog import Backlog
from smppproxy.relay.submission import Submit
from tests.support.memory_peers import World, make_account, make_provider, submit

NAMES = ("loud", "quiet", "third")


class Waiting:
    """What a backlog asks of a submit."""

    def __init__(self, number: int, name: str, urgent: bool = False) -> None:
        self.number = number
        self.urgent = urgent
        self.account = make_account(name)

    def __repr__(self) -> str:
        return f"{self.account.system_id}{self.number}"


def waiting(backlog: Backlog, number: int, name: str, urgent: bool = False) -> Submit:
    """One more waits."""
    made = cast(Submit, Waiting(number, name, urgent))
    backlog.wait(made)
    return made


class TurnTests(SynchronousTestCase):
    """The accounts take turns."""

    def test_nobody_is_behind_a_thousand(self) -> None:
        """One of a quiet account is next but one; each account keeps its own order."""
        backlog = Backlog()
        loud = [waiting(backlog, number, "loud") for number in range(1000)]
        quiet = waiting(backlog, 1000, "quiet")
        third = [waiting(backlog, number, "third") for number in (1001, 1002)]
        order = [loud[0], quiet, third[0], loud[1], third[1], *loud[2:]]
        self.assertEqual(order, [*backlog])
        self.assertEqual(order, [backlog.popleft() for _ in range(len(backlog))])
        self.assertEqual(0, len(backlog))
        self.assertRaises(IndexError, backlog.popleft)

    def test_those_that_come_back_have_had_their_turn(self) -> None:
        """They go before all turns, in their order, urgent ones first."""
        backlog = Backlog()
        one, two = (waiting(backlog, number, "loud") for number in (1, 2))
        three = waiting(backlog, 3, "quiet")
        self.assertEqual([one, three], [backlog.popleft(), backlog.popleft()])
        backlog.put_back(three)
        backlog.put_back(one)
        urgent = waiting(backlog, 4, "loud", True)
        later = waiting(backlog, 5, "quiet", True)
        self.assertEqual([urgent, later, one, three, two], [*backlog])
        backlog.extendleft([backlog.popleft(), backlog.popleft()])
        self.assertEqual([urgent, later, one, three, two], [*backlog])

    def test_taken_out(self) -> None:
        """Wherever they wait; who does not wait is told so."""
        backlog = Backlog()
        loud = [waiting(backlog, number, "loud") for number in range(4)]
        quiet = waiting(backlog, 4, "quiet")
        backlog.put_back(backlog.popleft())
        self.assertEqual([loud[0], quiet, loud[2]], backlog.take(lambda each: not each.number % 2))
        self.assertEqual([loud[1], loud[3]], [*backlog])
        self.assertRaises(ValueError, backlog.remove, quiet)
        self.assertEqual(2, len(backlog))
        backlog.clear()
        self.assertEqual((0, []), (len(backlog), [*backlog]))

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from(NAMES), st.booleans()),
                st.sampled_from(["pop", "back", "remove", "stuck"]),
            )
        )
    )
    def test_whatever_happens(self, steps: list[Any]) -> None:
        """What is told to wait is what comes out, in the order told, and each account's in its."""
        backlog = Backlog()
        numbers = count()
        here: set[Submit] = set()
        for step in steps:
            if isinstance(step, tuple):
                here.add(waiting(backlog, next(numbers), *step))
            elif backlog:
                first = [*backlog][0]
                got = backlog.popleft()
                self.assertIs(first, got)
                if step == "back":
                    backlog.put_back(got)
                elif step == "stuck":
                    stuck = [got, backlog.popleft()] if backlog else [got]
                    backlog.extendleft(stuck)
                else:
                    here.discard(got)
                if step == "remove" and backlog:
                    last = [*backlog][-1]
                    backlog.remove(last)
                    here.discard(last)
            self.assertEqual(len(here), len(backlog))
        told = [*backlog]
        self.assertEqual(here, {*told})
        self.assertEqual(told, [backlog.popleft() for _ in told])
        for name in NAMES:
            ordinary = [each.number for each in told if each.account.system_id == name
                        and not each.urgent]  # fmt: skip
            self.assertEqual(sorted(ordinary), ordinary)


class JourneyTests(SynchronousTestCase):
    """What it means to a client."""

    def test_a_quiet_client_beside_a_greedy_one(self) -> None:
        """Its message goes out with the second place that is free, whoever waits for longer."""
        world = World(
            [make_account("loud", window=1000), make_account("quiet")],
            [make_provider(window=2)],
        )
        loud, quiet = world.client("loud"), world.client("quiet")
        upstream = world.upstream()
        loud.receive(*(submit(number) for number in range(1, 501)))
        quiet.receive(submit(1000))
        self.assertEqual(499, len(world.relay.directory.pools["p"].backlog))
        for _ in range(3):
            upstream.accept(
                *((pdu, b"%d" % pdu.sequence_number) for pdu in upstream.submits())
            )
        self.assertEqual([1000], [number for number, _, _ in quiet.responses()])
