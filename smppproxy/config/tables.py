"""Tables of prefixes and of prices, as CSV files that the network file names.

The first row names the columns: `prefix`, for prices `price` too; others are not read. Commas
between the columns, a full stop in a price; a byte order mark and Windows line ends do no harm.
Every bad row is told with its line. A file of a million good rows is read in seconds.
"""

import csv
import re
from collections.abc import Iterable, Iterator

from smppproxy.config.lines import Path
from smppproxy.config.problems import Problem
from smppproxy.config.source import Source
from smppproxy.routing.prefixes import PrefixIndex
from smppproxy.routing.prices import NO_PRICE, PriceList
from smppproxy.routing.rules import show

#: Rows of one file, and bad rows that are told one by one.
MOST_ROWS = 1_000_000
MOST_TOLD = 50

_BOM = b"\xef\xbb\xbf"
_PREFIX = re.compile(rb"(?!00)[0-9]{1,20}")
_PRICE = re.compile(rb"[0-9]{1,9}(?:\.[0-9]{1,9})?")
#: Whole files of which nothing can be said: no quotes, no spaces, no other columns.
_PLAIN_PREFIXES = re.compile(rb"(?:(?!00)[0-9]{1,20}\n)*+")
_PLAIN_PRICES = re.compile(rb"(?:(?!00)[0-9]{1,20},[0-9]{1,9}(?:\.[0-9]{1,9})?\n)*+")

#: (line, prefix, price as it is written).
Row = tuple[int, bytes, bytes]


class Tables:
    """The tables that one network file names, each read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._prefixes: dict[str, tuple[bytes, ...]] = {}
        self._prices: dict[str, PriceList] = {}

    def prefixes(self, path: Path, written: str) -> tuple[bytes, ...]:
        """The prefixes of a file; what is wrong with it is noted as problems."""
        if written not in self._prefixes:
            octets = self._source.attached(path, written)
            found: tuple[bytes, ...] = ()
            if octets is not None:
                found = self._read_prefixes(written, _plain(octets))
            self._prefixes[written] = found
        return self._prefixes[written]

    def prices(self, path: Path, written: str) -> PriceList:
        """The prices of a file; what is wrong with it is noted as problems."""
        if written not in self._prices:
            octets = self._source.attached(path, written)
            pairs: Iterable[tuple[bytes, float]] = ()
            if octets is not None:
                pairs = self._read_prices(written, _plain(octets))
            self._prices[written] = PriceList(PrefixIndex(pairs, NO_PRICE))
        return self._prices[written]

    def _read_prefixes(self, written: str, octets: bytes) -> tuple[bytes, ...]:
        head, _, body = octets.partition(b"\n")
        if head == b"prefix" and _PLAIN_PREFIXES.fullmatch(body):
            rows = tuple(body.split())
            if len(set(rows)) == len(rows) and 0 < len(rows) <= MOST_ROWS:
                return rows
        return tuple(prefix for _, prefix, _ in self._rows(written, octets, ("prefix",)))

    def _read_prices(self, written: str, octets: bytes) -> Iterable[tuple[bytes, float]]:
        head, _, body = octets.partition(b"\n")
        if head == b"prefix,price" and _PLAIN_PRICES.fullmatch(body):
            cells = body.replace(b"\n", b",").split(b",")
            prefixes, prices = cells[0:-1:2], cells[1::2]
            if len(set(prefixes)) == len(prefixes) and 0 < len(prefixes) <= MOST_ROWS:
                # Few prices differ: those that do not are one object.
                values = {price: float(price) for price in set(prices)}
                return zip(prefixes, map(values.__getitem__, prices), strict=True)
        rows = self._rows(written, octets, ("prefix", "price"))
        return [(prefix, float(price)) for _, prefix, price in rows]

    def _rows(self, written: str, octets: bytes, columns: tuple[str, ...]) -> list[Row]:
        """The good rows of a file; each bad one becomes a problem."""
        reader = _Reader(str(self._source.folder / written), columns)
        rows = list(reader.rows(octets))
        if not rows and not reader.problems:
            reader.problem(1, "the table is empty", "write at least one row below its head")
        if reader.more:
            text = f"{reader.more} more rows are as bad"
            reader.problems.append(Problem(reader.name, 0, "", text, "mend those above first"))
        self._source.problems += reader.problems
        return rows


def _plain(octets: bytes) -> bytes:
    """Without a byte order mark, lines that end in \\n, the last one too."""
    octets = octets.removeprefix(_BOM).replace(b"\r\n", b"\n")
    return octets if octets.endswith(b"\n") or not octets else octets + b"\n"


class _Reader:
    """A file row by row, for whatever is not quite plain.

    :ivar more: bad rows that are not among `problems`.
    """

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self.more = 0
        self._columns = columns
        self._width = 0
        self._seen: dict[bytes, int] = {}

    def problem(self, line: int, text: str, mend: str) -> None:
        if len(self.problems) < MOST_TOLD:
            self.problems.append(Problem(self.name, line, "", text, mend))
        else:
            self.more += 1

    def rows(self, octets: bytes) -> Iterator[Row]:
        try:
            text = octets.decode()
        except UnicodeDecodeError as error:
            line = octets.count(b"\n", 0, error.start) + 1
            self.problem(line, "this is not UTF-8", "save the file as UTF-8")
            return
        lines = csv.reader(text.split("\n"))
        places = self._head([cell.strip() for cell in next(lines, [])])
        if places is None:
            return
        count = 0
        try:
            for cells in lines:
                if not any(map(str.strip, cells)):
                    continue
                count += 1
                if count > MOST_ROWS:
                    text = f"the table has more than {MOST_ROWS:,} rows"
                    self.problem(lines.line_num, text, "split it")
                    return
                row = self._row(lines.line_num, cells, places)
                if row is not None:
                    yield row
        except csv.Error as error:
            self.problem(lines.line_num, f"this is no CSV: {error}", "mend the quotes of the row")

    def _head(self, names: list[str]) -> list[int] | None:
        """Where the columns stand; None, and a problem, when one is missing or stands twice."""
        wanted = ",".join(self._columns)
        for column in self._columns:
            if names.count(column) != 1:
                often = "twice" if column in names else "not"
                text = f"the column {column} is {often} in the first row"
                mend = f"begin the file with the row {wanted}, with commas between its columns"
                self.problem(1, text, mend)
                return None
        self._width = len(names)
        return [names.index(column) for column in self._columns]

    def _row(self, line: int, cells: list[str], places: list[int]) -> Row | None:
        if len(cells) <= max(places):
            number = f"{len(cells)} column{'s' if len(cells) > 1 else ''}"
            self.problem(line, f"the row has only {number}", f"write {','.join(self._columns)}")
            return None
        if any(map(str.strip, cells[self._width :])):
            text = f"the row has {len(cells)} columns, the first one {self._width}"
            mend = "take the comma out; prices have a full stop, texts with commas have quotes"
            self.problem(line, text, mend)
            return None
        values = [cells[place].strip().encode() for place in places]
        prefix = values[0]
        if not _PREFIX.fullmatch(prefix):
            self.problem(
                line,
                f"{show(prefix)} is no prefix",
                "write 1 to 20 digits, without + or 00",
            )
            return None
        if len(values) > 1 and not _PRICE.fullmatch(values[1]):
            text = f"{show(values[1])} is no price"
            self.problem(line, text, "write a number such as 0.0125, with a full stop")
            return None
        if prefix in self._seen:
            text = f"prefix {prefix.decode()} stands on line {self._seen[prefix]} already"
            self.problem(line, text, "remove one of the two")
            return None
        self._seen[prefix] = line
        return line, prefix, values[-1]
