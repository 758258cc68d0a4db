"""The run's own judges: what they must see, and what is no fault. The run is ``make chaos``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smppproxy.relay.retry import HOME
from tests.chaos.__main__ import parse
from tests.chaos.checker import ClientStory, Taken, Verdict, audit, books_of, check, taken_by
from tests.chaos.events import History, lines_of
from tests.chaos.faults import Happened
from tests.chaos.report import picture, rates, summary
from tests.chaos.wire import DIRECTIONS, Way
from tests.support.processes import reactor, until

ONE = "46701000000000"
"""Where the first message of the client goes."""
PROVIDER = {ONE: Taken(["p0"], ["north"])}


def story(*lines: str, name: str = "plain", prefix: str = "467010") -> ClientStory:
    """A client's story; its lines without their times."""
    return ClientStory(name, prefix).read(f"{line} 1.0".split() for line in lines)


class CheckerTests(SynchronousTestCase):
    """One client's history against a provider's."""

    def complaints(self, *lines: str, taken: dict[str, Taken] | None = None) -> list[str]:
        """What the checker says of one client."""
        return self.verdict(*lines, taken=taken).complaints

    def verdict(self, *lines: str, taken: dict[str, Taken] | None = None) -> Verdict:
        """All that it says."""
        return check([story(*lines)], PROVIDER if taken is None else taken)

    def wrong(self, what: str, *lines: str, taken: dict[str, Taken] | None = None) -> None:
        """It says just this."""
        (complaint,) = self.complaints(*lines, taken=taken)
        self.assertIn(what, complaint)

    def test_all_is_well(self) -> None:
        """An answer and its receipt, also when that comes twice."""
        lines = ["S 0 1 1", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1", f"R {ONE} c0 DELIVRD 2"]
        verdict = self.verdict(*lines)
        self.assertEqual(verdict.complaints, [])
        self.assertEqual(verdict.figures["repeated receipts"], 1)
        self.assertEqual((verdict.figures["submitted"], verdict.figures["accepted"]), (1, 1))

    def test_d1_a_lost_receipt(self) -> None:
        """P1, D1: OK, and nothing came."""
        self.wrong("1 accepted without a receipt", "S 0 1 1", "A 0 0 c0 1")

    def test_p1_no_provider_has_it(self) -> None:
        """OK for what nobody took."""
        self.wrong("at no provider", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1", taken={})

    def test_d7_somebody_elses_receipt(self) -> None:
        """Another client's number, or its id."""
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        self.wrong("somebody else's", *good, "R 46701100000000 c9 DELIVRD 1")
        other = story("A 0 0 d0 1", "R 46701100000000 d0 DELIVRD 1", name="wide", prefix="467011")
        thief = story(*good, f"R {ONE} d0 DELIVRD 1")
        taken = {**PROVIDER, "46701100000000": Taken(["p1"], ["north"])}
        found = check([thief, other], taken).complaints
        self.assertTrue(any("somebody else's" in each for each in found), found)

    def test_p6_an_id_that_was_not_given(self) -> None:
        """Wrong, unless the answer that would have given it was lost."""
        heard = "R 46701000000001 c1 DELIVRD 1"
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        taken = {**PROVIDER, "46701000000001": Taken(["p1"], ["north"])}
        self.wrong("not given", *good, "A 1 69 - 1", heard, taken=taken)
        self.assertEqual(self.complaints(*good, "L 1", heard, taken=taken), [])

    def test_answers_that_come_too_late_count(self) -> None:
        """What was given up and is answered after all is an ordinary message."""
        self.wrong("without a receipt", "L 0", "A 0 0 c0 1")

    def test_a_receipt_before_its_answer(self) -> None:
        """Wrong in one session; between two nobody can promise an order."""
        self.wrong("answered after", f"R {ONE} c0 DELIVRD 1", "A 0 0 c0 1")
        self.assertEqual(self.complaints(f"R {ONE} c0 DELIVRD 2", "A 0 0 c0 1"), [])

    def test_one_id_for_two(self) -> None:
        """Two messages under one id."""
        second = "46701000000001"
        lines = ["A 0 0 c0 1", "A 1 0 c0 1", f"R {ONE} c0 DELIVRD 1", f"R {second} c0 DELIVRD 1"]
        taken = {**PROVIDER, second: Taken(["p1"], ["north"])}
        self.wrong("given twice", *lines, taken=taken)

    def test_p4_a_third_copy(self) -> None:
        """Two copies are one too many at most; three are wrong."""
        lines = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        two, three = Taken(["a", "b"], ["north"]), Taken(["a", "b", "c"], ["north", "south"])
        self.assertEqual(self.complaints(*lines, taken={ONE: two}), [])
        self.wrong("more than twice", *lines, taken={ONE: three})

    def test_p4_another_provider_too_soon(self) -> None:
        """The second copy waits 5 s for its own provider before it goes to another one."""
        lines = ["S 0 1 1", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        for at, complaints in ((1.0 + HOME, 0), (0.5 + HOME, 1)):
            taken = {ONE: Taken(["a", "b"], ["north", "south"], [at, 1.2])}
            verdict = self.verdict(*lines, taken=taken)
            self.assertEqual(len(verdict.complaints), complaints)
            self.assertEqual(verdict.figures["of them at another provider"], 1)
        self.assertIn("too soon", verdict.complaints[0])

    def test_p2_fate_unknown_and_a_receipt(self) -> None:
        """0xFF that was told after 5 s without the store: its receipt may come, under one id only;
        0xFF that was told sooner has none."""
        good = ["S 0 2 1", "A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        other = "46701000000001"
        for waited, ids, complaints in ((5.0, "9", 0), (4.9, "9", 1), (5.0, "89", 1)):
            taken = {**PROVIDER, other: Taken(["p1"], ["north"], [1.0 - waited])}
            heard = [f"R {other} c{each} DELIVRD 1" for each in ids]
            verdict = self.verdict(*good, "A 1 255 - 1", *heard, taken=taken)
            self.assertEqual(len(verdict.complaints), complaints, verdict)
            self.assertEqual(verdict.figures["told that the fate is unknown"], 1)

    def test_p2_refused_and_sent(self) -> None:
        """0x08 says that no provider has it; a provider's own error, and 0xFF, do not."""
        good = ["A 0 0 c0 1", f"R {ONE} c0 DELIVRD 1"]
        taken = {**PROVIDER, "46701000000001": Taken(["p1"], ["north"])}
        self.wrong("refused by the node", *good, "A 1 8 - 1", taken=taken)
        self.assertEqual(self.complaints(*good, "A 1 255 - 1", taken=taken), [])

    def test_nothing_was_tried(self) -> None:
        """An empty run proves nothing."""
        self.wrong("nothing was tried", "B 1 2775")

    def test_many_of_a_kind(self) -> None:
        """A few examples stand for many."""
        verdict = Verdict()
        verdict.blame("wrong", [f"example{number}" for number in range(9)])
        self.assertEqual(verdict.complaints[0].count("example"), 5)
        self.assertTrue(verdict.complaints[0].endswith("..."))


class AuditTests(SynchronousTestCase):
    """A node's ledger against what its clients know."""

    def setUp(self) -> None:
        """Five submits to one node: OK, refused, 0xFF, and two without an answer."""
        self.known = story(
            "B 1 2775", "S 0 4 1", "A 0 0 c0 1", "A 1 8 - 1", "A 2 255 - 1", "L 3",
            "B 2 2776", "S 4 1 2", "A 4 0 c4 2", "B 3 2775", "S 5 1 3", "L 5",
        )  # fmt: skip
        self.books = books_of([self.known], {"one": (2775, 0.5), "two": (2776, 0.5)})

    def complaints(self, **row: int) -> list[str]:
        """What is said of a ledger that differs so from a good one."""
        good = {"submitted": 5, "accepted": 2, "refused": 1, "in_doubt": 2, "in_flight": 0}
        verdict = Verdict()
        audit(verdict, self.books["one"], {"node": "one", **good, **row})
        return verdict.complaints

    def test_by_node(self) -> None:
        """Each node has its own book; both together have the sum."""
        one = self.books["one"]
        self.assertEqual((one.submitted, one.accepted, one.unanswered), (5, 1, 2))
        one.add(self.books["two"])
        self.assertEqual((one.submitted, one.accepted, one.in_doubt), (6, 2, 1))

    def test_lives_that_are_over(self) -> None:
        """What an earlier life had on this port, or on another one, is not this life's."""
        books = books_of([self.known], {"one": (2775, 1.5), "two": (2777, 0.5)})
        self.assertEqual([book.submitted for book in books.values()], [0, 0])

    def test_it_balances(self) -> None:
        """What had no answer may be whatever the node says; it need not have come at all."""
        self.assertEqual(self.complaints(), [])
        self.assertEqual(self.complaints(submitted=3, accepted=1, in_doubt=1), [])

    def test_it_does_not(self) -> None:
        """More or less than clients know of, or something in flight when all is over."""
        for row in ({"accepted": 0}, {"accepted": 4}, {"refused": 0}, {"in_doubt": 4},
                    {"submitted": 6}, {"submitted": 2}, {"in_flight": 1}):  # fmt: skip
            (complaint,) = self.complaints(**row)
            self.assertIn("ledger of one", complaint)


class HistoryTests(SynchronousTestCase):
    """Files on disk."""

    def test_what_is_written_is_read(self) -> None:
        """Lines are complete, and come in their order."""
        path = Path(self.mktemp())
        history = History(path)
        for number in range(1200):
            history.add("P", f"46{number}", f"id{number}", "a")
        history.add("D", "460", "id0", "DELIVRD")
        history.close()
        lines = list(lines_of(path))
        self.assertEqual((len(lines), lines[-1][:4]), (1201, ["D", "460", "id0", "DELIVRD"]))
        self.assertLessEqual(float(lines[0][-1]), float(lines[-1][-1]))

    def test_what_providers_took(self) -> None:
        """A second copy, at another provider."""
        paths = {}
        for name in ("north", "south"):
            paths[name] = Path(self.mktemp())
            history = History(paths[name])
            history.add("P", ONE, name[0], "a")
            history.close()
        taken = taken_by(paths)[ONE]
        self.assertEqual((taken.ids, taken.providers), (["n", "s"], ["north", "south"]))
        self.assertTrue(taken.is_at_two)
        self.assertLessEqual(*taken.times)


class ReportTests(SynchronousTestCase):
    """What a run leaves behind."""

    def test_picture(self) -> None:
        """Well formed, with a bar for each fault, whatever it says of itself."""
        faults = [
            Happened("kill_node", "one", 1.0, 3.0),
            Happened("crash_host", "north.a", 2.0, 2.0, error="<&> not so"),
            Happened("kill_node", "two", 9.0),
        ]
        samples = [(0.0, 0), (5.0, 500), (10.0, 400)]
        root = ElementTree.fromstring(picture("<harm>", faults, samples, 10.0))
        titles = [element.text or "" for element in root.iter() if element.tag.endswith("title")]
        self.assertEqual((len(titles), titles[0]), (4, "<harm>"))
        self.assertTrue(any("<&> not so" in title for title in titles))
        texts = [element.text for element in root.iter() if element.tag.endswith("text")]
        self.assertEqual(texts.count("2"), 1)  # kill_node, at the end of its row
        self.assertIn("10 s", texts)

    def test_picture_of_nothing(self) -> None:
        """A run that ended before it began, and one of many hours."""
        ElementTree.fromstring(picture("", [], [], 0.0))
        self.assertIn(">600 min<", picture("", [], [], 36_000.0))

    def test_summary(self) -> None:
        """What a run did and found, in one line; also one that did nothing."""
        report: dict[str, Any] = {"complaints": [], "accepted": 1200}
        report["accepted without a receipt"] = 0
        self.assertIn("0 SIGKILLs", summary(report))
        report |= {"kills": {"node": 1, "store": 2}, "faults": 7}
        self.assertIn("3 SIGKILLs among 7 faults, 1,200 messages OK", summary(report))
        self.assertIn("kept", summary(report))
        self.assertIn("broken", summary(report | {"complaints": ["one lost"]}))

    def test_rates(self) -> None:
        """Messages a second between samples; two samples at once say nothing."""
        self.assertEqual(rates([(0.0, 0), (5.0, 500), (5.0, 510), (7.0, 700)]),
                         [(5.0, 100.0), (7.0, 95.0)])

    def test_command_line(self) -> None:
        """Bounds and goals."""
        options = parse("--minutes 2 --seed 5 --kills 50 --messages 1000 --every 1 2".split())
        self.assertEqual((options.minutes, options.seed, options.kills), (2.0, 5, 50))
        self.assertEqual((options.messages, options.every), (1000, [1.0, 2.0]))

    def test_a_new_seed(self) -> None:
        """By hand each run does other harm."""
        self.assertNotEqual(parse([]).seed, parse([]).seed)


class Rig:
    """A wire before a server that sends back what it gets, all in this process."""

    def __init__(self, test: TestCase) -> None:
        self.server = reactor.listenTCP(0, Echo(), interface="127.0.0.1")
        self.way = Way(self.server.getHost().port)
        self.port = reactor.listenTCP(0, self.way, interface="127.0.0.1")
        self._callers: list[Caller] = []
        test.addCleanup(self.close)

    async def connect(self) -> Caller:
        """A connection through the wire."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        caller: Caller = await connectProtocol(endpoint, Caller())
        self._callers.append(caller)
        return caller

    async def close(self) -> None:
        """Nothing stays open."""
        for port in (self.port, self.server):
            await maybeDeferred(port.stopListening)
        for caller in self._callers:
            caller.transport.abortConnection()
        await until(lambda: all(caller.ended is not None for caller in self._callers))
        await until(lambda: not self.way.ends)


class Echo(Factory):
    """Sends back what it gets."""

    noisy = False

    class protocol(Protocol):  # noqa: N801 - Twisted's name
        """One connection."""

        def dataReceived(self, data: bytes) -> None:
            """Part of Twisted's protocol interface."""
            assert self.transport is not None
            self.transport.write(data)
            if data.endswith(b"!"):
                self.transport.abortConnection()  # type: ignore[attr-defined]
            elif data.endswith(b"."):
                self.transport.loseConnection()


class Caller(Protocol):
    """Keeps what comes.

    :ivar ended: why its connection ended, when it has.
    """

    transport: Any

    def __init__(self) -> None:
        self.heard = b""
        self.ended: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Part of Twisted's protocol interface."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Part of Twisted's protocol interface."""
        self.ended = reason


class WireTests(TestCase):
    """The stretch of network that can swallow everything."""

    timeout = 120

    def setUp(self) -> None:
        """A wire, and who is behind it."""
        self.rig = Rig(self)

    async def caller(self) -> Caller:
        """A connection through it."""
        return await self.rig.connect()

    async def go_round(self, caller: Caller) -> None:
        """An octet there and back."""
        before = caller.heard
        caller.transport.write(b"1")
        await until(lambda: caller.heard == before + b"1")

    async def test_it_carries(self) -> None:
        """What one end says the other one hears, and how it ends as well."""
        for word, reason in ((b"bye.", ConnectionDone), (b"oh!", ConnectionLost)):
            caller = await self.caller()
            caller.transport.write(b"hello")
            await until(lambda: caller.heard == b"hello")  # noqa: B023 - awaited in its turn
            caller.transport.write(word)
            await until(lambda: caller.ended is not None)  # noqa: B023 - awaited in its turn
            assert caller.ended is not None
            self.assertTrue(caller.ended.check(reason), caller.ended)

    async def test_a_hole(self) -> None:
        """In either direction or both: nothing comes, nobody is told, and a connection made in the
        hole leads nowhere; afterwards everything arrives.
        """
        old, other = await self.caller(), await Rig(self).connect()
        await self.go_round(old)
        for direction in DIRECTIONS:
            before = old.heard
            self.rig.way.hole(direction, 600.0)
            new = await self.caller()
            old.transport.write(b"2")
            new.transport.write(b"3")
            for _ in range(3):
                await self.go_round(other)
            self.assertEqual((old.heard, new.heard), (before, b""))
            self.rig.way.heal()
            await until(lambda: old.heard == before + b"2")  # noqa: B023 - awaited in its turn
            await until(lambda: new.heard == b"3")  # noqa: B023 - awaited in its turn
            self.assertEqual((old.ended, new.ended), (None, None))

    async def test_nobody_is_there(self) -> None:
        """A host that does not listen: who comes is sent away."""
        await self.rig.server.stopListening()
        caller = await self.caller()
        await until(lambda: caller.ended is not None)
