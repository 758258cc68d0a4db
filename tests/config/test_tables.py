"""Tables of prefixes and prices: what is taken, and every way to get them wrong."""

import time

from smppproxy.config import ConfigError, load_network
from smppproxy.config import tables as module
from smppproxy.config.network import Network, unbundle
from smppproxy.routing.prices import NO_PRICE
from tests.config.files import HASH, FileCase

NETWORK = f"""\
[account.demo]
password = "{HASH}"

[provider.acme]
system_id = "us"
password = "secret"
prices = "acme.csv"
host.a = {{ address = "127.0.0.1", port = 2775 }}

[provider.beta]
system_id = "us"
password = "secret"
prices = "acme.csv"
host.a = {{ address = "127.0.0.1", port = 2776 }}

[[route]]
prefix_file = "mobile.csv"
targets = ["acme", "beta"]
select = "least_cost"
"""
PREFIXES = "prefix\n45\n4670\n"
PRICES = "prefix,price\n45,0.5\n4670,1\n"


class TablesTest(FileCase):
    """Files that a network file names."""

    def load(self, prefixes: str | bytes = PREFIXES, prices: str | bytes = PRICES) -> Network:
        """The network with these tables."""
        self.write(prefixes, "mobile.csv")
        self.write(prices, "acme.csv")
        return load_network(self.write(NETWORK), {})

    def said(self, prefixes: str | bytes = PREFIXES, prices: str | bytes = PRICES) -> list[str]:
        """What is wrong with them, less the folder."""
        error = self.assertRaises(ConfigError, self.load, prefixes, prices)
        return [str(problem).replace(f"{self.folder}/", "") for problem in error.problems]

    def listed(self, prefixes: str | bytes) -> tuple[bytes, ...]:
        """The prefixes of such a file."""
        return self.load(prefixes).routes.routes[0].listed

    def test_plain(self) -> None:
        """A column of prefixes, two of prices; a table named twice is read once."""
        network = self.load()
        (route,) = network.routes.routes
        self.assertEqual(route.listed, (b"45", b"4670"))
        self.assertEqual([*network.bundle.files], ["acme.csv", "mobile.csv"])
        acme, beta = (network.routes.prices[name] for name in ("acme", "beta"))
        self.assertIs(acme, beta)
        self.assertEqual(
            [acme.price(number) for number in (b"4512", b"46709", b"46")], [0.5, 1.0, NO_PRICE]
        )

    def test_two_routes_share_a_list(self) -> None:
        """The prefixes of a file stand in memory once, whoever names it."""
        self.write(PREFIXES, "mobile.csv")
        self.write(PRICES, "acme.csv")
        more = '[[route]]\naccounts = ["demo"]\norder = -1\nprefix_file = "mobile.csv"\ndeny = 8\n'
        first, second = load_network(self.write(NETWORK + more), {}).routes.routes
        self.assertIs(first.listed, second.listed)

    def test_what_spreadsheets_make_of_it(self) -> None:
        """Byte order mark, Windows line ends, quotes, spaces, empty rows, other columns."""
        wanted = (b"45", b"4670")
        for text in (
            "\ufeffprefix\r\n45\r\n4670\r\n",
            "prefix\n45\n4670",
            '"prefix"\n"45"\n"4670"\n',
            " prefix \n 45\n4670 \n\n\n",
            "name,prefix,note\nDenmark,45,\nSweden,4670,mobile\n",
            'note,prefix\n"a, b",45\n,4670\n',
        ):
            self.assertEqual(self.listed(text), wanted, text)
        network = self.load(prices="\ufeffprice,prefix\r\n0.5,45\r\n")
        self.assertEqual(network.routes.prices["acme"].price(b"45"), 0.5)

    def test_every_bad_row_with_its_line(self) -> None:
        """All of them at once, the good ones do not hide them."""
        self.assertEqual(
            self.said("prefix\n45\n+46\n00471\n45\n\nx\n123456789012345678901\n"),
            [
                'mobile.csv:3: "+46" is no prefix; write 1 to 20 digits, without + or 00',
                'mobile.csv:4: "00471" is no prefix; write 1 to 20 digits, without + or 00',
                "mobile.csv:5: prefix 45 stands on line 2 already; remove one of the two",
                'mobile.csv:7: "x" is no prefix; write 1 to 20 digits, without + or 00',
                'mobile.csv:8: "123456789012345678901" is no prefix; '
                "write 1 to 20 digits, without + or 00",
            ],
        )

    def test_every_bad_price_with_its_line(self) -> None:
        """Commas, signs, words and columns that are missing."""
        mend = "write a number such as 0.0125, with a full stop"
        self.assertEqual(
            self.said(prices='prefix,price\n45,"0,5"\n46,-1\n47,free\n48\n49,\n45,nan\n50,1\n50,2\n'),
            [
                f'acme.csv:2: "0,5" is no price; {mend}',
                f'acme.csv:3: "-1" is no price; {mend}',
                f'acme.csv:4: "free" is no price; {mend}',
                "acme.csv:5: the row has only 1 column; write prefix,price",
                f'acme.csv:6: "" is no price; {mend}',
                f'acme.csv:7: "nan" is no price; {mend}',
                "acme.csv:9: prefix 50 stands on line 8 already; remove one of the two",
            ],
        )

    def test_a_comma_too_many(self) -> None:
        """A price with a comma is no price of 0 and a remark; columns that are empty do no harm."""
        self.assertEqual(
            self.said(prices="prefix,price\n45,0,018\n46,1,,\n"),
            [
                "acme.csv:2: the row has 3 columns, the first one 2; take the comma out; "
                "prices have a full stop, texts with commas have quotes"
            ],
        )

    def test_a_wrong_head(self) -> None:
        """Columns that are missing, or there twice; semicolons; no head at all."""
        mend = "begin the file with the row prefix, with commas between its columns"
        for text, said in (
            ("45\n46\n", "not"), ("prefix;name\n45;x\n", "not"), ("prefix,prefix\n4,4\n", "twice"),
            ("", "not"),
        ):  # fmt: skip
            wanted = f"mobile.csv:1: the column prefix is {said} in the first row; {mend}"
            self.assertEqual(self.said(text), [wanted])

    def test_nothing_in_it(self) -> None:
        """An empty table would let no number through, which nobody means."""
        said = ["mobile.csv:1: the table is empty; write at least one row below its head"]
        self.assertEqual(self.said("prefix\n"), said)
        self.assertEqual(self.said("prefix\n\n"), said)

    def test_not_text(self) -> None:
        """The line that is not UTF-8, and quotes without end."""
        self.assertEqual(
            self.said(b"prefix\n45\n4\xe6\n"),
            ["mobile.csv:3: this is not UTF-8; save the file as UTF-8"],
        )
        (said,) = self.said("prefix\n45\n" + '"' + "4" * 200_000 + '"\n')
        self.assertIn("this is no CSV", said)

    def test_many_bad_rows(self) -> None:
        """Fifty are told, the others counted."""
        rows = "".join(f"x{n}\n" for n in range(60))
        said = self.said("prefix\n" + rows)
        self.assertEqual(len(said), 51)
        self.assertEqual(said[0], "mobile.csv: 10 more rows are as bad; mend those above first")

    def test_too_many_rows(self) -> None:
        """A million rows, no more."""
        self.patch(module, "MOST_ROWS", 2)
        self.assertEqual(self.listed(PREFIXES), (b"45", b"4670"))
        self.assertEqual(
            self.said(PREFIXES + "47\n"), ["mobile.csv:4: the table has more than 2 rows; split it"]
        )
        self.assertEqual(
            self.said(prices=PRICES + "47,1\n"),
            ["acme.csv:4: the table has more than 2 rows; split it"],
        )

    def test_a_file_that_is_not_there(self) -> None:
        """The network file says who asks for it; other problems are told too."""
        self.write(PREFIXES, "mobile.csv")
        self.write(PRICES, "acme.csv")
        text = NETWORK.replace('"acme.csv"', '"gone.csv" # <--', 1)
        said = self.problems(load_network, text)
        self.assertIn("provider.acme.prices: cannot read DIR/gone.csv: No such file", said)

    def test_a_table_that_two_providers_miss(self) -> None:
        """One problem, at the first who asks for it."""
        self.write(PREFIXES, "mobile.csv")
        text = NETWORK.replace('prices = "acme.csv"', 'prices = "acme.csv" # <--', 1)
        said = self.problems(load_network, text)
        self.assertEqual(said.count("acme.csv"), 1)

    def test_it_travels(self) -> None:
        """Another node has the same tables without having the files."""
        bundle = self.load().bundle
        (self.folder / "mobile.csv").unlink()
        (self.folder / "acme.csv").unlink()
        network = unbundle(bundle, self.folder, {})
        self.assertEqual(network.routes.routes[0].listed, (b"45", b"4670"))

    def test_a_large_table(self) -> None:
        """A hundred thousand rows are read at once."""
        rows = "".join(f"{n},0.{n % 9}\n" for n in range(100_000, 200_000))
        began = time.monotonic()
        network = self.load(prices="prefix,price\n" + rows)
        self.assertLess(time.monotonic() - began, 10)
        prices = network.routes.prices["acme"].prices
        self.assertEqual(len(prices), 100_000)
        self.assertIs(prices.find(b"100001"), prices.find(b"100010"))
