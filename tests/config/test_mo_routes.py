"""MO routes in the network file."""

from smppproxy.config import load_network
from smppproxy.routing.mo import MoRoute, MoSettings
from tests.config.files import HASH, FileCase

ACCOUNTS = f"""
[account.demo]
password = "{HASH}"
[account.shop]
password = "{HASH}"
[provider.acme]
system_id = "us"
password = "env:ACME"
host.a = {{ address = "smpp.example.net", port = 2775 }}
"""

EXAMPLE = 'write account = "demo", accounts = ["demo", "shop"] for a copy each, or drop = true'

BAD = (
    (
        "two ways to say who",
        'account = "demo"\naccounts = ["shop"] # <--',
        "mo_route[1].accounts: account says already who gets the message; "
        "write them all in accounts",
    ),
    (
        "somebody and nobody",
        'accounts = ["shop"]\ndrop = true # <--',
        "mo_route[1].drop: a route that drops has no accounts; remove drop, or accounts",
    ),
    (
        "drop that is false",
        "drop = false",
        f"mo_route[1].account: the route says nobody who gets the message; {EXAMPLE}",
    ),
    (
        "one account twice",
        'accounts = ["shop", "shop"] # <--',
        'mo_route[1].accounts: "shop" stands there twice; name each account once',
    ),
    (
        "an account nobody knows",
        'accounts = ["shop", "dem"] # <--',
        'mo_route[1].accounts[2]: there is no account "dem"; did you mean "demo"?',
    ),
    (
        "two words",
        'account = "demo"\nkeywords = ["WIN A"] # <--',
        'mo_route[1].keywords: "WIN A" is not a single word; write "win"',
    ),
    (
        "no letter",
        'account = "demo"\nkeywords = ["?"] # <--',
        'mo_route[1].keywords: "?" is not a single word; write a word, e.g. "STOP"',
    ),
    (
        "a star in the middle",
        'account = "demo"\nsources = ["4*6"] # <--',
        'mo_route[1].sources: "4*6" has its * before the end; '
        'write a list of senders, e.g. sources = ["Acme", "1204", "46*"]',
    ),
    (
        "a misspelt option",
        'account = "demo"\nkeyword = ["STOP"] # <--',
        'mo_route[1].keyword: there is no such option; did you mean "keywords"?',
    ),
)


class MoRoutesTest(FileCase):
    """[[mo_route]] and [mo]."""

    def test_every_option(self) -> None:
        """All that a route may say reaches it; the first form stays as it was."""
        network = load_network(
            self.write(
                ACCOUNTS
                + """
                [[mo_route]]
                account = "demo"
                numbers = ["1234"]
                prefixes = ["45"]
                providers = ["acme"]
                keywords = ["WIN"]
                sources = ["46*", "Shop"]
                order = -5
                [[mo_route]]
                accounts = ["shop", "demo"]
                [[mo_route]]
                drop = true
                [mo]
                unrouted = "refuse"
                unrouted_limit = 5
                unrouted_keep = 60
                first_part_wait = 1
                """
            ),
            {"ACME": "x"},
        )
        self.assertEqual(
            network.mo.routes,
            (
                MoRoute(
                    "demo",
                    frozenset({"1234"}),
                    ("45",),
                    frozenset({"acme"}),
                    keywords=frozenset({"WIN"}),
                    sources=frozenset({"46*", "Shop"}),
                    order=-5,
                ),
                MoRoute(accounts=("shop", "demo")),
                MoRoute(drop=True),
            ),
        )
        self.assertEqual(network.mo.settings, MoSettings("refuse", 5, 60, 1.0))

    def test_defaults(self) -> None:
        """Without [mo] messages for nobody are kept: 10,000 of them for 48 h."""
        mo = load_network(self.write(ACCOUNTS), {"ACME": "x"}).mo
        self.assertEqual(mo.settings, MoSettings("keep", 10_000, 172_800, 3.0))

    def test_bad(self) -> None:
        """Each wrong route is told with its line, its option, what is wrong and what to write."""
        for what, text, said in BAD:
            start = "[[mo_route]]" if "# <--" in text else "[[mo_route]] # <--"
            written = f"{ACCOUNTS}{start}\n{text}\n"
            self.assertEqual(self.problems(load_network, written, {"ACME": "x"}), said, what)

    def test_bad_settings(self) -> None:
        """So is [mo], whatever it is instead of a table."""
        for text, said in (
            ("mo = 1 # <--\n" + ACCOUNTS, "mo: this is not a table; write its options below [mo]"),
            (
                ACCOUNTS + '[mo]\nunrouted = "drop" # <--\n',
                'mo.unrouted: "drop" is not a word known here; write one of "keep", "refuse"',
            ),
            (
                ACCOUNTS + "[mo]\nunrouted_limit = 0 # <--\n",
                "mo.unrouted_limit: 0 is out of range; "
                "write a number from 1 to 1000000, e.g. unrouted_limit = 10000",
            ),
        ):
            self.assertEqual(self.problems(load_network, text, {"ACME": "x"}), said)
