"""The rules of settings: what they take, and what they say about the rest."""

from ipaddress import ip_network
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing import rules


@attrs.define
class Sample:
    """Every rule once."""

    window: int = attrs.field(default=10, validator=rules.Whole(1, 10_000))
    size: int = attrs.field(kw_only=True, default=None, validator=rules.Whole(1, 9))
    wait: float = attrs.field(default=1.5, validator=rules.Seconds(0.5, 60))
    on: bool = attrs.field(default=True, validator=rules.Flag())
    mode: str = attrs.field(default="pause", validator=rules.OneOf(("pause", "throttle")))
    types: frozenset[str] = attrs.field(
        default=frozenset({"tx"}), validator=rules.SomeOf(("tx", "rx"))
    )
    title: str = attrs.field(default="x", validator=rules.Text(1, 5, "acme"))
    octets: bytes = attrs.field(default=b"x", validator=rules.Text(0, 5))
    password: str = attrs.field(default="", validator=rules.Secret(8))
    names: tuple[str, ...] = attrs.field(default=(), validator=rules.Names("demo"))
    prefixes: tuple[str, ...] = attrs.field(default=(), validator=rules.Digits("45"))
    allow: tuple[Any, ...] = attrs.field(default=(), validator=rules.Networks())
    address: str = attrs.field(default="::", validator=rules.Address())
    parts: tuple[int, ...] = attrs.field(default=(1,), validator=rules.Several(int, "parts = [1]"))
    numbers: frozenset[int] = attrs.field(
        default=frozenset(), validator=rules.Numbers(0, 255, 8)
    )
    table: dict[Any, Any] = attrs.field(
        factory=dict,
        validator=rules.Table(rules.Whole(1, 9), rules.OneOf(("a", "b")), '{ 1 = "a" }'),
    )
    source: str = attrs.field(default="", validator=rules.OptionalAddress())
    tags: Any = attrs.field(default=None, validator=rules.AllOr(rules.Numbers(0, 9, 1)))


GOOD: dict[str, list[object]] = {
    "window": [1, 10_000],
    "wait": [0.5, 60, 60.0],
    "on": [True, False],
    "mode": ["throttle"],
    "types": [frozenset({"tx", "rx"}), ("rx",)],
    "title": ["a", "æøb"],
    "octets": [b"", b"12345", "\u00e6"],
    "password": ["12345678", b"\xff"],
    "names": [(), ("a", "b"), frozenset({"a"})],
    "prefixes": [(), ("0", "45", "12345678901234567890")],
    "allow": [(), (ip_network("192.0.2.0/24"), ip_network("::1"))],
    "address": ["127.0.0.1", "0.0.0.0", "::1"],
    "parts": [(1, 2)],
    "numbers": [frozenset(), frozenset({0, 255})],
    "table": [{}, {1: "a", 9: "b"}],
    "source": ["", "192.0.2.1", "::1"],
    "tags": [None, frozenset({9})],
}

MENDS = {
    "window": "write a number from 1 to 10000, e.g. window = 10",
    "size": "write a number from 1 to 9, e.g. size = 1",
    "wait": "write seconds from 0.5 to 60, e.g. wait = 1.5",
    "on": "write on = true or on = false, without quotes",
    "mode": 'write one of "pause", "throttle"',
    "types": 'write a list of "tx", "rx", e.g. types = ["tx"]',
    "title": 'write text in quotes, e.g. title = "acme"',
    "octets": 'write text in quotes, e.g. octets = "octets"',
    "password": "write text in quotes",
    "names": 'write a list of names, e.g. names = ["demo"]',
    "prefixes": 'write digits only, without + or 00, e.g. prefixes = ["45"]',
    "allow": "write addresses or networks without host bits, "
    'e.g. allow = ["192.0.2.0/24", "2001:db8::1"]',
    "address": 'write address = "127.0.0.1", or "0.0.0.0" or "::" for every address',
    "parts": "write at least one, e.g. parts = [1]",
    "numbers": "write a list of numbers from 0 to 255, e.g. numbers = [8]",
    "table": 'write a table, e.g. table = { 1 = "a" }',
    "source": 'write source = "192.0.2.1", an address of this machine',
    "tags": "write a list of numbers from 0 to 9, e.g. tags = [1]",
}

#: (option, value, what is wrong with it); the mend is the option's.
BAD: list[tuple[str, object, str]] = [
    ("window", "ten", '"ten" is not a whole number'),
    ("window", True, "true is not a whole number"),
    ("window", 0, "0 is out of range"),
    ("window", 10_001, "10001 is out of range"),
    ("size", 2.5, "2.5 is not a whole number"),
    ("wait", "1", '"1" is not a number of seconds'),
    ("wait", False, "false is not a number of seconds"),
    ("wait", float("nan"), "nan is not a number of seconds"),
    ("wait", float("inf"), "inf is out of range"),
    ("on", "yes", '"yes" is neither true nor false'),
    ("on", 1, "1 is neither true nor false"),
    ("mode", "stop", '"stop" is not a word known here'),
    ("mode", {}, "a table is not a word known here"),
    ("types", "tx", '"tx" is not a list'),
    ("types", (), "the list is empty"),
    ("types", ("tx", "x"), '"x" is not a word known here'),
    ("title", 5, "5 is not text"),
    ("title", "", "the text is empty"),
    ("octets", [], "a list is not text"),
    ("password", 12345, "the value is not text"),
    ("names", "demo", '"demo" is not a list'),
    ("names", ("",), '"" is not a name'),
    ("names", (7,), "7 is not a name"),
    ("prefixes", ("+45",), '"+45" is not made of digits'),
    ("prefixes", ("",), '"" is not made of digits'),
    ("prefixes", ("\u0664\u0665",), '"\u0664\u0665" is not made of digits'),
    ("prefixes", (45,), "45 is not made of digits"),
    ("prefixes", ("0045",), '"0045" begins with 00'),
    ("prefixes", ("1" * 21,), f'"{"1" * 21}" has more than 20 digits'),
    ("allow", ("10.0.0.1/8",), '"10.0.0.1/8" is not an IP network'),
    ("address", "localhost", '"localhost" is not an IP address'),
    ("address", 1, "1 is not an IP address"),
    ("parts", (), "there is none"),
    ("parts", ("1",), '"1" is not of the right shape'),
    ("numbers", 8, "8 is not a list"),
    ("numbers", frozenset({"8"}), '"8" is not a whole number'),
    ("numbers", (True,), "true is not a whole number"),
    ("numbers", (256,), "256 is out of range"),
    ("table", [], "a list is not a table"),
    ("table", {0: "a"}, "at 0: 0 is out of range"),
    ("table", {1: "c"}, 'at 1: "c" is not a word known here'),
    ("source", "localhost", '"localhost" is not an IP address'),
    ("tags", (10,), "10 is out of range"),
    ("tags", "most", '"most" is not a list'),
]

#: The same with a mend of its own.
OTHER: list[tuple[str, object, str]] = [
    ("title", "æøå", "the text has 6 octets; write at most 5 octets"),
    ("title", "a\0b", '"a\\u0000b" holds a control character; write visible text only'),
    ("octets", b"a\x7f", '"a\x7f" holds a control character; write visible text only'),
    ("password", "123456789", "the secret is too long or holds a NUL; write at most 8 octets"),
    ("names", ("x" * 256,), f'"{"x" * 40}..." is too long; write at most 255 octets'),
    ("password", b"a\0", "the secret is too long or holds a NUL; write at most 8 octets"),
]


class RulesTest(SynchronousTestCase):
    """Each rule alone."""

    def test_good(self) -> None:
        """What a rule allows, up to both of its ends, makes an object."""
        for name, values in GOOD.items():
            for value in values:
                arguments: dict[str, Any] = {"size": 5, name: value}
                self.assertEqual(getattr(Sample(**arguments), name), value)

    def test_bad(self) -> None:
        """What it does not allow is refused with the value, what is wrong and what to write."""
        plain = [(name, value, f"{text}; {MENDS[name]}") for name, value, text in BAD]
        for name, value, said in plain + OTHER:
            arguments: dict[str, Any] = {"size": 5, name: value}
            error = self.assertRaises(rules.RuleError, Sample, **arguments)
            self.assertEqual(str(error), said)
            self.assertEqual(f"{error.text}; {error.mend}", said)

    def test_secret_stays_secret(self) -> None:
        """A rule about a password never repeats the value."""
        for value in (12345, "hunter2-hunter2", b"hunter2\0"):
            arguments: dict[str, Any] = {"size": 5, "password": value}
            error = self.assertRaises(rules.RuleError, Sample, **arguments)
            self.assertNotIn("hunter2", str(error))
            self.assertNotIn("12345", str(error))

    def test_long_values_are_cut(self) -> None:
        """A message repeats at most 40 characters of a wrong value."""
        self.assertEqual(rules.show("x" * 100), '"' + "x" * 40 + '..."')
