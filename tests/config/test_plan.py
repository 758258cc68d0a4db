"""What one network makes different from another, in words and in messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import permutations

from smppproxy.config import Network, load_network
from smppproxy.config import plan as module
from smppproxy.config.plan import Change, Shift, compare, shift
from smppproxy.smpp import build
from tests.config.files import HASH, FileCase

HEAD = f"""\
[account.demo]
password = "{HASH}"
[account.shop]
password = "{HASH}"
"""
ACME = """\
[provider.acme]
system_id = "us"
password = "hunter2"
[provider.acme.host.a]
address = "127.0.0.1"
port = 2775
"""
BETA = ACME.replace("acme", "beta")
ROUTE = '[[route]]\nname = "all"\ntargets = ["acme"]\n'
BASE = HEAD + ACME + BETA + ROUTE


class PlanCase(FileCase):
    """Networks of texts."""

    def network(self, text: str) -> Network:
        return load_network(self.write(text), {})

    def changes(self, old: str, new: str) -> list[Change]:
        return compare(self.network(old), self.network(new))

    def check(self, new: str, *changes: Change, old: str = BASE) -> None:
        self.assertEqual(self.changes(old, new), [*changes])


class CompareTest(PlanCase):
    """Every kind of difference."""

    def test_nothing(self) -> None:
        """The same, however it is written."""
        self.check(BASE)
        self.check(BASE.replace('["acme"]', '[{ provider = "acme" }]') + "# nothing\n")

    def test_accounts(self) -> None:
        """Added, removed, option by option; secrets are not shown."""
        more = BASE + f'[account.new]\npassword = "{HASH}"\n'
        self.check(more, Change("account", "new", "added"))
        gone = Change("account", "new", "removed", closes="every session of it")
        self.check(BASE, gone, old=more)
        head = BASE.replace(
            "[account.shop]", '[account.shop]\ntps = 5\nallow_from = ["10.0.0.0/8"]'
        )
        self.check(
            head,
            Change("account", "shop", "changed", "tps", "0", "5"),
            Change("account", "shop", "changed", "allow_from", "[]", '["10.0.0.0/8"]'),
        )
        off = BASE.replace("[account.shop]", "[account.shop]\nenabled = false")
        closes = "every session of it"
        self.check(off, Change("account", "shop", "changed", "enabled", "true", "false", closes))
        self.check(BASE, Change("account", "shop", "changed", "enabled", "false", "true"), old=off)
        other = HASH.replace("t=2", "t=3")
        self.assertNotEqual(other, HASH)
        self.check(
            BASE.replace(HASH, other, 1),
            Change("account", "demo", "changed", "password", "(not shown)", "(another one)"),
        )
        self.check(
            BASE.replace("[account.shop]", f'[account.shop]\nsecond_password = "{HASH}"'),
            Change("account", "shop", "changed", "second_password", "(not shown)", "(another one)"),
        )

    def test_providers(self) -> None:
        """What closes binds is said, what does not is not."""
        gone = HEAD + ACME + ROUTE
        closes = "every bind to it"
        self.check(gone, Change("provider", "beta", "removed", closes=closes))
        self.check(BASE, Change("provider", "beta", "added"), old=gone)
        more = 'window = 7\nsystem_type = "x"\nbinds = 2'
        self.check(
            BASE.replace("[provider.acme]", f"[provider.acme]\n{more}"),
            Change(
                "provider", "acme", "changed", "system_type", '""', '"x"',
                "every bind to it, one after the other",
            ),
            Change(
                "provider", "acme", "changed", "binds", "1", "2",
                "binds that are not wanted any more",
            ),
            Change("provider", "acme", "changed", "window", "10", "7"),
        )  # fmt: skip

    def test_profiles(self) -> None:
        """Option by option too."""
        text = BASE.replace(
            "[provider.acme.host", "[provider.acme.send]\npriority_max = 3\n[provider.acme.host"
        )
        self.check(text, Change("provider", "acme", "changed", "send.priority_max", "255", "3"))

    def test_hosts(self) -> None:
        """Each of its own."""
        host = '[provider.acme.host.b]\naddress = "127.0.0.2"\nport = 2775\n'
        closes = "every bind to it"
        self.check(BASE + host, Change("provider", "acme/b", "added"))
        self.check(BASE, Change("provider", "acme/b", "removed", closes=closes), old=BASE + host)
        self.check(
            BASE + host.replace("2775", "2776"),
            Change(
                "provider", "acme/b", "changed", "port", "2775", "2776",
                "every bind to it, one after the other",
            ),
            old=BASE + host,
        )  # fmt: skip

    def test_routes(self) -> None:
        """By name; what a new one asks, and where it sends to."""
        more = BASE + '[[route]]\nname = "dk"\nprefixes = ["45"]\ntargets = ["beta", "acme"]\n'
        said = 'prefixes = ["45"], to beta, acme'
        self.check(more, Change("route", "dk", "added", now=said))
        self.check(BASE, Change("route", "dk", "removed", was=said), old=more)
        self.check(
            more.replace('"beta", "acme"', '{ provider = "beta", weight = 3 }, "acme"'),
            Change(
                "route", "dk", "changed", "targets",
                '[{provider = "beta"}, {provider = "acme"}]',
                '[{provider = "beta", weight = 3}, {provider = "acme"}]',
            ),
            old=more,
        )  # fmt: skip

    def test_long_lists(self) -> None:
        """Of many prefixes only those are told that come and go."""

        def with_prefixes(*prefixes: str) -> str:
            return BASE.replace('name = "all"', f'name = "all"\nprefixes = {[*prefixes]}')

        many = [str(4500 + number) for number in range(100)]
        self.check(
            with_prefixes(*many[1:], "46", "47", "48", "49"),
            Change(
                "route", "all", "changed", "prefixes",
                '100 items, without "4500" now',
                '103 items, new "46", "47", "48" and 1 more',
            ),
            old=with_prefixes(*many),
        )  # fmt: skip
        (change,) = self.changes(with_prefixes(*many), with_prefixes(*reversed(many)))
        self.assertTrue(change.was.endswith("...") and len(change.was) == 60)

    def test_mo(self) -> None:
        """MO routes have no names: they go by their places."""
        mo = '[[mo_route]]\naccount = "demo"\nnumbers = ["1204"]\n'
        self.check(
            BASE + mo,
            Change(
                "mo_route", "mo_route 1", "added", now='account = "demo", numbers = ["1204"]'
            ),
        )  # fmt: skip
        self.check(
            BASE + mo.replace("1204", "1205"),
            Change("mo_route", "mo_route 1", "changed", "numbers", '["1204"]', '["1205"]'),
            old=BASE + mo,
        )

    def test_places(self) -> None:
        """A route of which only the place is another one is moved, and the others are not."""
        one, two, three = (ROUTE.replace("all", name) for name in ("one", "two", "three"))
        head = HEAD + ACME
        self.check(
            head + three + one + two,
            Change("route", "three", "moved", was="place 3", now="place 1"),
            old=head + one + two + three,
        )
        self.check(
            head + two + three + one,
            Change("route", "one", "moved", was="place 1", now="place 3"),
            old=head + one + two + three,
        )

    @given(permutations(list("abcdef")))
    def test_the_rest_keeps_its_order(self, names: list[str]) -> None:
        """Whatever is moved, the others stand as before."""
        moved = module._moved(list("abcdef"), names)
        rest = [name for name in names if name not in moved]
        self.assertEqual(rest, sorted(rest))
        self.assertEqual(moved == [], names == sorted(names))

    def test_tables(self) -> None:
        """CSV files by their rows."""
        folder = self.write(BASE).parent
        text = BASE.replace("[provider.acme]", '[provider.acme]\nprices = "prices.csv"')
        table = folder / "prices.csv"
        table.write_text("prefix,price\n45,1\n46,2\n")
        old = self.network(text)
        table.write_text("prefix,price\n45,1\n47,2\n48,2\n")
        new = self.network(text)
        self.assertEqual(
            [change for change in compare(old, new) if change.kind == "file"],
            [
                Change(
                    "file", "prices.csv", "changed", "rows", "3 rows", "4 rows: 2 new, 1 gone"
                )
            ],
        )  # fmt: skip
        plain = self.network(BASE)
        self.assertIn(Change("file", "prices.csv", "added", now="4 rows"), compare(plain, new))
        self.assertIn(Change("file", "prices.csv", "removed", was="4 rows"), compare(new, plain))


class ShiftTest(PlanCase):
    """Where real messages would go."""

    def message(self, destination: bytes) -> bytes:
        return build.submit_sm(1, destination_addr=destination, short_message=b"hello")

    def test_the_share_that_goes_elsewhere(self) -> None:
        """By the first provider, or why there is none; what cannot be read does not count."""
        old = self.network(BASE)
        new = self.network(
            HEAD.replace("[account.shop]", "[account.shop]\nenabled = false")
            + ACME
            + BETA
            + '[[route]]\nname = "dk"\nprefixes = ["45"]\ntargets = ["beta"]\n'
            + '[[route]]\nname = "no"\nprefixes = ["47"]\ndeny = 0x45\n'
            + '[[route]]\nname = "se"\nprefixes = ["46"]\ntargets = ["acme"]\n'
        )
        messages = [
            ("demo", self.message(b"4511111111")),
            ("demo", self.message(b"4522222222")),
            ("demo", self.message(b"4611111111")),
            ("demo", self.message(b"4711111111")),
            ("demo", self.message(b"4911111111")),
            ("shop", self.message(b"4611111111")),
            ("gone", self.message(b"4611111111")),
            ("demo", b"\0\0\0\x10noise"),
        ]
        found = shift(old, new, messages, 0.0)
        self.assertEqual((found.messages, found.elsewhere), (7, 5))
        self.assertEqual(
            found.ways,
            {
                ("acme", "beta"): 2,
                ("acme", "refused with 0x45"): 1,
                ("acme", "no route"): 1,
                ("acme", "no account"): 1,
            },
        )
        self.assertEqual(shift(old, old, messages, 0.0).elsewhere, 0)

    def test_what_is_taken_down_gets_nothing(self) -> None:
        """A provider, or all of its hosts, that are not to be up: messages go to the next one."""
        route = '[[route]]\ntargets = ["acme", { provider = "beta", backup = true }]\n'
        old = self.network(HEAD + ACME + BETA + route)
        isolated = ACME.replace("port = 2775", 'port = 2775\nstate = "isolate"')
        down = ACME.replace("[provider.acme]", '[provider.acme]\nstate = "down"')
        messages = [("demo", self.message(b"4511111111"))]
        for acme in (down, isolated):
            self.assertNotEqual(acme, ACME)
            new = self.network(HEAD + acme + BETA + route)
            self.assertEqual(shift(old, new, messages, 0.0).ways, {("acme", "beta"): 1})
        beta = BETA.replace("[provider.beta]", '[provider.beta]\nstate = "drain"')
        new = self.network(HEAD + down + beta + route)
        ways = shift(old, new, messages, 0.0).ways
        self.assertEqual(ways, {("acme", "no provider of route 1 that is up"): 1})

    def test_several_nodes_are_added_up(self) -> None:
        """Way by way."""
        one = Shift(3, 2, {("a", "b"): 2})
        one.add(Shift(4, 3, {("a", "b"): 1, ("a", "c"): 2}))
        self.assertEqual(one, Shift(7, 5, {("a", "b"): 3, ("a", "c"): 2}))
