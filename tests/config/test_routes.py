"""Routes of the network file: what reaches them, and what is hardly meant."""

from smppproxy.config import load_network
from smppproxy.routing.route import Route
from smppproxy.routing.routes import Target
from smppproxy.smpp.constants import ESME_RINVDSTADR, ESME_RSUBMITFAIL
from tests.config.files import HASH, FileCase

HEAD = f"""\
[account.demo]
password = "{HASH}"
groups = ["retail"]
[account.shop]
password = "{HASH}"
groups = ["retail", "nordic"]
[account.bank]
password = "{HASH}"
[provider.acme]
system_id = "us"
password = "secret"
host.a = {{ address = "127.0.0.1", port = 2775 }}
[provider.beta]
system_id = "us"
password = "secret"
prices = "beta.csv"
host.a = {{ address = "127.0.0.1", port = 2776 }}
"""
EVERYTHING = """
[[route]]
name = "everything"
order = -3
accounts = ["bank"]
groups = ["retail"]
prefixes = ["45"]
prefix_file = "mobile.csv"
sources = ["Acme", "46*"]
source_tons = [1, 5]
dest_tons = [1]
data_codings = [0, 0xF5]
service_types = ["", "OTP"]
message_classes = ["premium"]
priorities = [3]
tlvs = { 0x1403 = "any", 5 = "01FF" }
text = ['(?i)code']
parts = "never"
days = ["mon", "sun"]
hours = "22:00-06:00"
tz = "Europe/Copenhagen"
select = "split"
overflow = "next"
throttled = "next"
failover = ["ESME_RSUBMITFAIL", 0x400]
[[route.targets]]
provider = "acme"
weight = 90
strip = "45"
prepend = "0"
plus = "add"
source = "1204"
source_ton = 3
source_npi = 0
[[route.targets]]
provider = "beta"
weight = 10
[[route]]
deny = "ESME_RINVDSTADR"
"""


class RoutesTest(FileCase):
    """[[route]] and what it refers to."""

    def setUp(self) -> None:
        """The tables that the files name."""
        super().setUp()
        self.write("prefix\n4670\n", "mobile.csv")
        self.write("prefix,price\n45,1\n", "beta.csv")

    def warnings(self, text: str) -> list[str]:
        """What is said about routes that are allowed."""
        network = load_network(self.write(HEAD + text), {})
        lines = HEAD.count("\n")
        return [f"{each.line - lines}: {each.option}: {each.text}" for each in network.warnings]

    def test_every_option_reaches_its_attribute(self) -> None:
        """All of them, and names of command_status as numbers."""
        network = load_network(self.write(HEAD + EVERYTHING), {})
        expected = Route(
            "everything", -3, frozenset({"bank"}), frozenset({"retail"}), ("45",), "mobile.csv",
            frozenset({"Acme", "46*"}), frozenset({1, 5}), frozenset({1}), frozenset({0, 0xF5}),
            frozenset({"", "OTP"}), frozenset({"premium"}), frozenset({3}),
            {0x1403: "any", 5: "01FF"}, ("(?i)code",), "never", frozenset({"mon", "sun"}),
            "22:00-06:00", "Europe/Copenhagen",
            (Target("acme", 90, False, "45", "0", "add", "1204", 3, 0), Target("beta", 10)), 0,
            "split", "next", "next", frozenset({ESME_RSUBMITFAIL, 0x400}),
        )  # fmt: skip
        expected.listed = (b"4670",)
        first, second = network.routes.routes
        self.assertEqual(first, expected)
        self.assertEqual(second.deny, ESME_RINVDSTADR)
        self.assertEqual(network.routes.groups["shop"], {"retail", "nordic"})
        self.assertEqual([*network.routes.prices], ["beta"])
        self.assertEqual(network.warnings, [])

    def test_a_route_that_no_message_comes_to(self) -> None:
        """One before it takes all of them: it is wider in every condition, and asked first."""
        wide = '[[route]]\nname = "wide"\ntargets = ["acme"]\n'
        said = 'no message ever comes here: "wide" takes all of them before'
        for before, behind in (
            ("", ""),
            ("", 'accounts = ["demo"]'),
            ('groups = ["retail"]', 'accounts = ["demo", "shop"]'),
            ('groups = ["retail"]', 'groups = ["nordic"]'),
            ('accounts = ["demo", "shop"]', 'groups = ["nordic"]'),
            ('prefixes = ["45", "46"]', 'prefixes = ["46"]'),
            ('prefixes = ["4"]\norder = -1', 'prefixes = ["45", "46"]'),
            ("order = -1", 'prefix_file = "mobile.csv"'),
            ('sources = ["46*", "A"]', 'sources = ["4670*", "467", "A"]'),
            ("data_codings = [0, 8]", "data_codings = [8]\npriorities = [3]"),
            ('tlvs = { 5 = "any" }', 'tlvs = { 5 = "01", 6 = "any" }'),
            ('tlvs = { 5 = "aB" }', 'tlvs = { 5 = "Ab" }'),
            ("text = ['a', 'b']", "text = ['b']"),
            ('parts = "only"', 'parts = "only"'),
            ('days = ["mon", "tue"]\nhours = "00:00-08:00"',
             'days = ["mon"]\nhours = "00:00-08:00"'),
        ):  # fmt: skip
            text = f'{wide}{before}\n[[route]]\ntargets = ["beta"]\n{behind}\n'
            line = 4 + before.count("\n") + 1
            self.assertEqual(self.warnings(text), [f"{line}: route[2]: {said}"], (before, behind))

    def test_routes_that_are_reached(self) -> None:
        """What the first does not take comes to the second."""
        for before, behind in (
            ('accounts = ["demo"]', ""),
            ('groups = ["retail"]', 'accounts = ["demo", "bank"]'),
            ('prefixes = ["45"]', ""),
            ("", 'prefixes = ["45"]'),
            ('prefixes = ["4"]', 'prefixes = ["45", "46"]'),
            ('prefixes = ["45"]\norder = -1', 'prefixes = ["4"]'),
            ('sources = ["46*"]', ""),
            ('sources = ["46"]', 'sources = ["46*"]'),
            ('sources = ["46*"]', 'sources = ["46*", "47"]'),
            ("data_codings = [8]", "data_codings = [0, 8]"),
            ("priorities = [3]", "data_codings = [8]"),
            ('tlvs = { 5 = "01" }', 'tlvs = { 5 = "02" }'),
            ('tlvs = { 5 = "01" }', 'tlvs = { 6 = "01" }'),
            ("text = ['a']", "text = ['a', 'b']"),
            ("text = ['a']", ""),
            ('parts = "only"', ""),
            ('days = ["mon"]', 'hours = "08:00-20:00"'),
            ('hours = "08:00-20:00"', 'hours = "08:00-19:00"'),
            ('hours = "08:00-20:00"', 'hours = "08:00-20:00"\ntz = "Europe/Copenhagen"'),
        ):
            route = '[[route]]\ntargets = ["acme"]'
            text = f"{route}\n{before}\n{route}\n{behind}\n"
            self.assertEqual(self.warnings(text), [], (before, behind))

    def test_some_prefixes_that_nothing_comes_by(self) -> None:
        """Several routes may take them, one prefix each; the others are reached."""
        text = """\
[[route]]
name = "a"
prefixes = ["45"]
targets = ["acme"]
[[route]]
name = "b"
prefixes = ["4"]
order = -1
data_codings = [8]
targets = ["acme"]
[[route]]
name = "c"
prefixes = ["45", "46", "47"]
targets = ["acme"]
[[route]]
name = "d"
order = -2
prefixes = ["47"]
targets = ["acme"]
"""
        self.assertEqual(
            self.warnings(text),
            ['11: route[3]: 2 of its 3 prefixes never come here (45, 47): "a", "d" takes them'],
        )

    def test_a_provider_without_prices(self) -> None:
        """By price it always comes last, which its owner may want to know; as backup it does
        anyway."""
        text = """\
[[route]]
targets = ["beta", "acme"]
select = "least_cost"
[[route]]
prefixes = ["45"]
targets = ["beta", { provider = "acme", backup = true }]
select = "least_cost"
"""
        said = "provider acme has no prices and always comes last"
        self.assertEqual(self.warnings(text), [f"2: route[1].targets[2]: {said}"])
