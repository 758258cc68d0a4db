"""Cases of choices: routes, a message, the provider that is chosen and why."""

import json
from typing import Any, Unpack

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing import routes as module
from smppproxy.routing.prefixes import PrefixIndex
from smppproxy.routing.prices import NO_PRICE, PriceList
from smppproxy.routing.routes import Route, RouteTable, Target
from smppproxy.smpp.build import MessageFields
from tests.routing.messages import NOON, account, explain, pick, to

GROUPS = {"shop": frozenset({"retail"}), "bank": frozenset({"retail", "codes"})}
PRICES = {
    "a": PriceList(PrefixIndex([(b"45", 3.0), (b"4520", 1.0)], NO_PRICE)),
    "b": PriceList(PrefixIndex([(b"45", 2.0), (b"", 9.0)], NO_PRICE)),
}
UDH_PART = b"\x05\x00\x03\x01\x02\x01hello"


@attrs.define
class Case:
    """A message and what becomes of it: the route, the providers, and a word of the reason."""

    what: str
    routes: list[Route]
    fields: dict[str, Any]
    route: str | None
    names: tuple[str, ...] = ()
    why: str = ""
    account: str = "demo"
    wall: float = NOON
    message_class: bytes = b""


def case(
    what: str,
    routes: list[Route],
    route: str | None,
    names: str = "",
    why: str = "",
    *,
    account: str = "demo",
    wall: float = NOON,
    message_class: bytes = b"",
    **fields: Unpack[MessageFields],
) -> Case:
    """A case; one letter a provider."""
    said: dict[str, Any] = {"destination_addr": b"4520123456", **fields}
    return Case(what, routes, said, route, tuple(names), why, account, wall, message_class)


def against(**conditions: Any) -> list[Route]:
    """A route with conditions, and one for the rest."""
    return [Route("one", targets=to("a"), **conditions), Route("rest", targets=to("z"))]


HOUR = 3600.0
SATURDAY = NOON + 5 * 24 * HOUR
NORDIC = frozenset({"46*", "+4670", "Acme"})
WEEK = frozenset({"mon", "tue", "wed", "thu", "fri"})
PRICED = [Route("least", targets=(*to("a", "b"), Target("x", backup=True)), select="least_cost")]
SPLIT = [Route("split", targets=(Target("a", 30), Target("b", 70)), select="split")]

CASES = [
    # -- order, prefix, place
    case("no routes", [], None, "", "no route fits"),
    case("only others", [Route("se", prefixes=("46",), targets=to("a"))], None, "", "no route"),
    case("longest prefix", [Route("45", prefixes=("45",), targets=to("a")),
                            Route("452", prefixes=("452", "46"), targets=to("b"))], "452", "b"),
    case("order before prefix", [Route("452", prefixes=("452",), targets=to("a")),
                                 Route("first", order=-1, targets=to("b"))], "first", "b"),
    case("a lower order that does not fit", [
        Route("all", targets=to("a")),
        Route("se", order=-5, prefixes=("46",), targets=to("b")),
        Route("45", order=-1, prefixes=("45",), targets=to("c"))], "45", "c"),
    case("first of equals", [Route("x", targets=to("a")), Route("y", targets=to("b"))], "x", "a"),
    case("a longer prefix whose conditions do not fit", [
        Route("45", prefixes=("45",), targets=to("a")),
        Route("452", prefixes=("452",), data_codings=frozenset({8}), targets=to("b"))],
        "45", "a", "data_codings: 0, wanted 8"),
    case("orders of two prefixes mixed", [
        Route("45a", prefixes=("45",), order=1, data_codings=frozenset({8}), targets=to("a")),
        Route("452", prefixes=("452",), order=2, targets=to("b")),
        Route("45b", prefixes=("45",), order=1, targets=to("c"))], "45b", "c"),
    # -- accounts
    case("not its account", against(accounts=frozenset({"shop"})), "rest", "z", "accounts: demo"),
    case("its account", against(accounts=frozenset({"demo"})), "one", "a", "accounts"),
    case("by group", against(groups=frozenset({"retail"})), "one", "a", "groups", account="shop"),
    case("no group", against(groups=frozenset({"retail"})), "rest", "z", "groups: demo"),
    case("a group or the account", against(groups=frozenset({"codes"}),
         accounts=frozenset({"shop"})), "one", "a", "accounts", account="shop"),
    case("the other of both", against(groups=frozenset({"codes"}),
         accounts=frozenset({"shop"})), "one", "a", "accounts", account="bank"),
    # -- addresses
    case("whole source", against(sources=NORDIC), "one", "a", "sources", source_addr=b"Acme"),
    case("another source", against(sources=NORDIC), "rest", "z", "sources: acme",
         source_addr=b"acme"),
    case("beginning", against(sources=NORDIC), "one", "a", "sources", source_addr=b"46123"),
    case("beginning with +", against(sources=NORDIC), "one", "a", "sources",
         source_addr=b"+46123"),
    case("beginning with 00", against(sources=NORDIC), "one", "a", "sources",
         source_addr=b"0046123"),
    case("source with + in the file", against(sources=frozenset({"+4670"})), "one", "a", "sources",
         source_addr=b"4670"),
    case("no source", against(sources=NORDIC), "rest", "z", "sources: empty"),
    case("longer and shorter beginnings", [
        Route("467", sources=frozenset({"467*"}), data_codings=frozenset({8}), targets=to("a")),
        Route("46", sources=frozenset({"46*"}), targets=to("b"))], "46", "b", "",
        source_addr=b"4670"),
    case("any source that begins with nothing", against(sources=frozenset({"*"})), "one", "a"),
    case("source TON", against(source_tons=frozenset({5})), "one", "a", "source_tons",
         source_addr_ton=5),
    case("other source TON", against(source_tons=frozenset({5})), "rest", "z", "source_tons: 1",
         source_addr_ton=1),
    case("destination TON", against(dest_tons=frozenset({1, 2})), "one", "a", "dest_tons",
         dest_addr_ton=2),
    # -- fields
    case("data_coding", against(data_codings=frozenset({0xF5})), "one", "a", "data_codings",
         data_coding=0xF5),
    case("service_type", against(service_types=frozenset({"OTP", ""})), "one", "a", "service_types",
         service_type=b"OTP"),
    case("no service_type", against(service_types=frozenset({"OTP", ""})), "one", "a",
         "service_types"),
    case("another service_type", against(service_types=frozenset({"OTP"})), "rest", "z",
         "service_types: WAP, wanted OTP", service_type=b"WAP"),
    case("priority", against(priorities=frozenset({3})), "one", "a", "priorities", priority_flag=3),
    case("class of the account", against(message_classes=frozenset({"premium"})), "one", "a",
         "message_classes", message_class=b"premium"),
    case("class in its TLV", against(message_classes=frozenset({"premium"})), "one", "a",
         "message_classes", tlvs=[(0x2900, b"premium\0")]),
    case("no class", against(message_classes=frozenset({"premium"})), "rest", "z",
         "message_classes: empty"),
    # -- TLVs
    case("any TLV", against(tlvs={0x1403: "any"}), "one", "a", "tlvs.0x1403",
         tlvs=[(0x1403, b"x")]),
    case("another TLV", against(tlvs={0x1403: "any"}), "rest", "z", "tlvs.0x1403: not there",
         tlvs=[(0x1404, b"x")]),
    case("value of a TLV", against(tlvs={0x1403: "01FF"}), "one", "a", "tlvs",
         tlvs=[(0x1403, b"\x01\xff")]),
    case("another value", against(tlvs={0x1403: "01FF"}), "rest", "z",
         "tlvs.0x1403: 02, wanted 01FF", tlvs=[(0x1403, b"\x02")]),
    case("the first of two TLVs counts", against(tlvs={0x1403: "01"}), "rest", "z", "tlvs",
         tlvs=[(0x1403, b"\x02"), (0x1403, b"\x01")]),
    case("one of two TLVs", against(tlvs={0x1403: "any", 0x1404: "any"}), "rest", "z", "0x1404",
         tlvs=[(0x1403, b"x")]),
    case("no TLVs at all", against(tlvs={0x1403: "any"}), "rest", "z", "not there"),
    # -- text and parts
    case("text", against(text=(r"(?i)\bcode\b", "pin")), "one", "a", "text",
         short_message=b"Your CODE is 1234"),
    case("other text", against(text=(r"(?i)\bcode\b",)), "rest", "z", "text: a text of 9",
         short_message=b"recoded !"),
    case("text in UCS2", against(text=("кód",)), "one", "a", "text", data_coding=8,
         short_message="кód".encode("utf-16-be")),
    case("text that does not decode", against(text=(".",)), "rest", "z", "text: no text",
         data_coding=8, short_message=b"odd"),
    case("no text", against(text=("^$",)), "one", "a", "text"),
    case("text in message_payload", against(text=("hello",)), "one", "a", "text",
         tlvs=[(0x0424, b"hello")]),
    case("text behind a header", against(text=("^hello",)), "one", "a", "text",
         short_message=UDH_PART, esm_class=0x40),
    case("two routes by text", [Route("x", text=("x",), targets=to("a")),
                                Route("y", text=("y",), targets=to("b"))], "y", "b", "text",
         short_message=b"y"),
    case("binary is no text", against(text=(".",)), "rest", "z", "no text", data_coding=4,
         short_message=b"hello"),
    case("a part", against(parts="only"), "one", "a", "parts", short_message=UDH_PART,
         esm_class=0x40),
    case("no part", against(parts="only"), "rest", "z", "parts: whole, wanted a part"),
    case("never a part", against(parts="never"), "rest", "z", "parts: a part, wanted whole",
         tlvs=[(0x020C, b"\0\1"), (0x020E, b"\2"), (0x020F, b"\1")]),
    case("no part, never a part", against(parts="never"), "one", "a", "parts"),
    # -- time
    case("on a Monday", against(days=WEEK), "one", "a", "days"),
    case("on a Saturday", against(days=WEEK), "rest", "z", "days: sat 12:00 UTC", wall=SATURDAY),
    case("office hours", against(hours="08:00-12:00"), "rest", "z",
         "hours: mon 12:00 UTC, wanted 08:00-12:00 UTC"),
    case("a minute before", against(hours="08:00-12:00"), "one", "a", "hours", wall=NOON - 1),
    case("noon in Denmark", against(hours="12:59-13:01", tz="Europe/Copenhagen"), "one", "a"),
    # -- what comes out
    case("denied", [Route("no", deny=0x0B)], "no", "", "denies it with ESME_RINVDSTADR"),
    case("denied by its number", [Route("no", deny=0x401)], "no", "", "0x00000401"),
    case("ordered", [Route("o", targets=(Target("b"), Target("x", backup=True), Target("a", 9)),
                           select="ordered")], "o", "bax", "order of the file"),
    case("least cost", PRICED, "least", "abx", "by price"),
    case("least cost of a shorter prefix", PRICED, "least", "bax", "by price",
         destination_addr=b"4530123456"),
    case("no price comes last", PRICED, "least", "bax", "by price", destination_addr=b"4612"),
    case("split, the first share", SPLIT, "split", "ab", "has place",
         destination_addr=b"4520000001"),
    case("split, the second share", SPLIT, "split", "ba", "has place",
         destination_addr=b"4520000002"),
    case("quality without a measure", [Route("q", targets=to("b", "a"), select="quality")], "q",
         "ba", "by quality"),
    case("one target by price", [Route("p", targets=to("b"), select="least_cost")], "p", "b",
         "order of the file"),
    case("all drained", [Route("d", targets=(Target("a", 0),))], "d", ""),
]  # fmt: skip


class CaseTest(SynchronousTestCase):
    """The table above."""

    def test_cases(self) -> None:
        """Each message goes where it should, and `explain` says the same and why."""
        for each in CASES:
            table = RouteTable(each.routes, GROUPS, PRICES)
            said = (table, each.account, each.wall, each.message_class)
            found = pick(*said, **each.fields)
            self.assertEqual(found and found.route.name, each.route, each.what)
            self.assertEqual(() if found is None else found.names, each.names, each.what)
            told = explain(*said, **each.fields)
            self.assertIs(told.pick, found, each.what)
            self.assertEqual(json.loads(json.dumps(told.as_json()))["route"], each.route)
            reasons = " | ".join([told.because, *(asked.why for asked in told.asked)])
            self.assertIn(each.why, reasons, each.what)

    def test_again(self) -> None:
        """The second message gets what the first one got: what is remembered changes nothing."""
        for each in CASES:
            table = RouteTable(each.routes, GROUPS, PRICES)
            said = (table, each.account, each.wall, each.message_class)
            first = pick(*said, **each.fields)
            self.assertIs(pick(*said, **each.fields), first, each.what)

    def test_all_at_once(self) -> None:
        """The same cases in one table, each behind an account of its own."""
        routes: list[Route] = []
        groups: dict[str, frozenset[str]] = {}
        for number, each in enumerate(CASES):
            groups[f"{each.account} {number}"] = GROUPS.get(each.account, frozenset())
            for route in each.routes:
                mine = {f"{name} {number}" for name in route.accounts or {each.account}}
                if route.groups and not route.accounts:
                    mine = {f"{name} {number}" for name, its in GROUPS.items()
                            if its & route.groups}  # fmt: skip
                elif route.groups:
                    mine |= {f"{name} {number}" for name, its in GROUPS.items()
                             if its & route.groups}  # fmt: skip
                if mine:
                    routes.append(attrs.evolve(route, accounts=frozenset(mine), groups=frozenset()))
        table = RouteTable(routes, groups, PRICES)
        for number, each in enumerate(CASES):
            found = pick(table, f"{each.account} {number}", each.wall, each.message_class,
                         **each.fields)  # fmt: skip
            self.assertEqual(found and found.route.name, each.route, each.what)
            self.assertEqual(() if found is None else found.names, each.names, each.what)


class PickTest(SynchronousTestCase):
    """What a choice carries."""

    def test_options(self) -> None:
        """What B does after the choice stands on the pick; it is shared by all messages."""
        table = RouteTable([
            Route("x", targets=(Target("a", strip="45", prepend="0"), Target("b")),
                  failover=frozenset({8}), overflow="next", throttled="next", select="ordered"),
        ])  # fmt: skip
        found = pick(table, destination_addr=b"4520")
        assert found is not None
        self.assertIs(pick(table, destination_addr=b"4699", short_message=b"else"), found)
        self.assertEqual((found.overflow, found.throttled, found.failover), ("next", "next", {8}))
        self.assertEqual([*found.rewrites], ["a"])
        self.assertEqual(repr(found), "<Pick x: a, b>")
        self.assertEqual(repr(pick(RouteTable([Route("no", deny=8)]))), "<Pick no: 8>")

    def test_text_is_read_as_the_account_means_it(self) -> None:
        """data_coding 0 of an account whose default alphabet is Latin 1."""
        table = RouteTable([Route("x", text=("é",), targets=to("a"))])
        latin = account("latin", default_alphabet="latin1")
        self.assertIsNone(pick(table, short_message=b"\xe9"))
        self.assertIsNotNone(pick(table, latin, short_message=b"\xe9"))

    def test_arranged(self) -> None:
        """A route by quality asks for the order of its providers, with the prefix it found."""
        asked: list[tuple[tuple[str, ...], bytes]] = []

        def arrange(names: tuple[str, ...], prefix: bytes) -> tuple[str, ...]:
            asked.append((names, prefix))
            return names[::-1]

        targets = (*to("a", "b"), Target("x", backup=True))
        table = RouteTable([Route("q", prefixes=("45", "4520"), targets=targets, select="quality")])
        table.arrange = arrange
        found = pick(table, destination_addr=b"+4520123456")
        self.assertEqual(found and found.names, ("b", "a", "x"))
        self.assertEqual(asked, [(("a", "b"), b"4520")])
        assert table.zones is not None
        self.assertEqual(table.zones.find(b"4530"), b"45")

    def test_much_is_not_remembered(self) -> None:
        """What is remembered is bounded; choices are the same when it is forgotten."""
        self.patch(module, "REMEMBERED", 3)
        routes = [Route(str(n), prefixes=(str(n),), targets=to(f"p{n}")) for n in range(1, 10)]
        table = RouteTable(routes)
        for _ in range(2):
            for n in range(1, 10):
                found = pick(table, destination_addr=b"%d" % n)
                self.assertEqual(found and found.names, (f"p{n}",))
