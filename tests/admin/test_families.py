"""Tests of ``admin.families`` and ``admin.scrape``: metrics as text, in pieces."""

from __future__ import annotations

from itertools import count
from math import inf
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.families import Family, buckets, number, times, value, values
from smppproxy.admin.metric_table import METRICS
from smppproxy.admin.scrape import AT_ONCE, Scrape
from smppproxy.store.times import Times
from tests.support.doors import DoorCase, ask, asynchronous
from tests.support.metrics import samples


class TextTests(SynchronousTestCase):
    """What Prometheus reads."""

    def test_lines(self) -> None:
        """HELP and TYPE, then a line for each; labels in the order of their names."""
        made = values("host_refused", {("p", "a", "ESME_RTHROTTLED"): 3})
        name = "smppproxy_host_refused_total"
        self.assertEqual(
            "".join(made.text()),
            f"# HELP {name} {METRICS['host_refused'].text}\n# TYPE {name} counter\n"
            f'{name}{{command_status="ESME_RTHROTTLED",host="a",provider="p"}} 3.0\n',
        )
        self.assertEqual([*value("queued", 2).text()][1:], ["smppproxy_queued 2.0\n"])

    def test_any_label(self) -> None:
        """Quotes, backslashes and new lines in a name come back as they were."""
        for name in ('a"b', "a\\b", "a\nb", "\u00e6\u20ac", ""):
            (sample,) = samples([values("client_binds", {(name,): 1})])
            self.assertEqual(sample.labels, {"account": name})

    def test_numbers(self) -> None:
        """Whole ones, parts, truths, and what has no end."""
        told = [number(each) for each in (1, 0.25, True, inf, -inf, 1e20)]
        self.assertEqual(told, ["1.0", "0.25", "1.0", "+Inf", "-Inf", "1e+20"])

    def test_histograms(self) -> None:
        """With labels and without: cumulative buckets, count and sum; each is one piece."""
        took = Times((0.5, 1.0))
        for seconds in (0.1, 0.7, 0.7, 9.0):
            took.add(seconds)
        made = times("account_answer_seconds", {("x",): took})
        alone = buckets("reactor_lag_seconds", (0.5, 1.0), took.buckets, took.total)
        took.add(0.1)  # what comes later is of the next scrape
        self.assertEqual((len([*made.text()]), len([*alone.text()])), (2, 2))
        for family in (made, alone):
            (read,) = text_string_to_metric_families("".join(family.text()))
            found = {each.labels.get("le", each.name[-5:]): each.value for each in read.samples}
            self.assertEqual(
                {key: round(each, 1) for key, each in found.items()},
                {"0.5": 1, "1.0": 3, "+Inf": 4, "count": 4, "s_sum": 10.5},
            )

    def test_unknown(self) -> None:
        """What is not in the table cannot be told."""
        self.assertRaises(KeyError, Family, "whatever")


class FakeRequest:
    """One that is written to."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.finished = False
        self.done: Deferred[None] = Deferred()

    def notifyFinish(self) -> Deferred[None]:  # noqa: N802 - Twisted's name
        return self.done

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def finish(self) -> None:
        self.finished = True


class ScrapeTests(SynchronousTestCase):
    """A page in pieces."""

    def test_f100_a_long_page_holds_nobody_up(self) -> None:
        """So much of it is made in a turn of the reactor, and the rest in the next ones."""
        clock, request = Clock(), FakeRequest()
        made = count(1)
        text = (f"{next(made)}:".ljust(1024, "x") for _ in range(200))
        Scrape(request, text, clock).write()
        self.assertEqual((len(request.written), next(made)), (1, 65))
        self.assertEqual(len(request.written[0]), AT_ONCE)
        while not request.finished:
            clock.advance(0)
        self.assertEqual(([len(each) for each in request.written][-1], len(request.written)),
                         (8 * 1024, 4))  # fmt: skip

    def test_whoever_leaves(self) -> None:
        """Nothing more is made for a scrape that was given up."""
        clock, request = Clock(), FakeRequest()
        rest: Any = iter(["x" * AT_ONCE] * 5)
        Scrape(request, rest, clock).write()
        request.done.errback(Failure(ConnectionDone()))
        clock.pump([0] * 9)
        self.assertEqual((len(request.written), request.finished, len([*rest])), (1, False, 4))


class PageTests(DoorCase):
    """Over a socket."""

    @asynchronous
    async def test_many_accounts(self) -> None:
        """A page of a megabyte comes whole; HEAD has none, and POST is told so."""
        self.write_network(self.provider("a"))
        node = self.with_socket()
        for each in range(500):
            node.relay.counts.account(f"a{each}").accept(0.0)
        reply = await ask(node, "metrics")
        self.assertTrue(len(reply.body) > 1_000_000)
        self.assertIn(b'smppproxy_account_accepted_total{account="a499"} 1.0\n', reply.body)
        self.assertTrue(reply.body.endswith(b"\n"))
        self.assertEqual(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual((await ask(node, "metrics", method="HEAD")).body, b"")
        refused = await ask(node, "metrics", {})
        self.assertEqual((refused.status, refused.header("allow")), (405, "GET, HEAD"))
