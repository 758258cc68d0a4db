"""Beginnings of numbers: the longest one of a number is found in a bounded number of look-ups.

A table of prefixes is kept once, whoever asks for it. There is a dict for each length of prefix,
tried from the longest; where there are many lengths, the first digits of a number say which of them
are worth trying. No prefix has more than 20 digits, so no search takes more than 20 look-ups.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Value = TypeVar("Value")
#: (length, {prefix of that length: value}), longest first.
Levels = tuple[tuple[int, dict[bytes, Value]], ...]

#: Digits that say which lengths are worth trying, and the number of lengths that makes it worth it.
STEM = 3
MANY = 4
_ONE = 0x31
_NINE = 0x39


def bare(address: bytes) -> bytes:
    """An address without what people write before an international number: + or 00 (SX-15)."""
    if address[:1] == b"+":
        return address[1:]
    if address[:2] == b"00":
        return address[2:]
    return address


class PrefixIndex(Generic[Value]):
    """Values by prefix. What is given twice keeps its first value.

    :ivar stems: by the first digits of a number, the levels in which it may be found.
    :ivar others: the levels of a number whose first digits are not among `stems`.
    """

    __slots__ = ("_levels", "others", "root", "stems")

    def __init__(self, pairs: Iterable[tuple[bytes, Value]], root: Value) -> None:
        """
        :param root: the value of numbers without any prefix; a pair for b"" wins over it.
        """
        tables: dict[int, dict[bytes, Value]] = {}
        for prefix, value in pairs:
            table = tables.get(len(prefix))
            if table is None:
                table = tables[len(prefix)] = {}
            table.setdefault(prefix, value)
        self._use(tables, root)

    def _use(self, tables: dict[int, dict[bytes, Value]], root: Value) -> None:
        self.root: Value = tables.pop(0, {}).get(b"", root)
        self._levels: Levels[Value] = tuple(sorted(tables.items(), reverse=True))
        self.stems: dict[bytes, Levels[Value]] = {}
        self.others = self._levels
        if len(tables) > MANY:
            self.others = tuple(level for level in self._levels if level[0] < STEM)
            self.stems = _stems(self._levels)

    @classmethod
    def of_tables(
        cls, tables: dict[int, dict[bytes, Value]], root: Value
    ) -> "PrefixIndex[Value]":
        """An index of these dicts, by the length of the prefixes; they are not copied."""
        index = cls((), root)
        index._use(tables, root)
        return index

    def __len__(self) -> int:
        """How many prefixes there are, b"" not counted."""
        return sum(len(table) for _, table in self._levels)

    def find(self, number: bytes) -> Value:
        """The value of the longest prefix of a number, `root` where it has none."""
        for length, table in self.stems.get(number[:STEM], self.others):
            value = table.get(number[:length])
            if value is not None:
                return value
        return self.root

    def levels(self, lengths: int) -> Levels[Value]:
        """The levels of these lengths, which are bits: bit 3 for prefixes of three digits."""
        return tuple(level for level in self._levels if lengths >> level[0] & 1)

    def longest(self, number: bytes) -> bytes:
        """The longest prefix of a number itself, b"" where it has none."""
        for length, table in self.stems.get(number[:STEM], self.others):
            if number[:length] in table:
                return number[:length]
        return b""

    def items(self) -> Iterator[tuple[bytes, Value]]:
        """All pairs but that of b"", longest prefixes first."""
        for _, table in self._levels:
            yield from table.items()


def _stems(levels: Levels[Value]) -> dict[bytes, Levels[Value]]:
    """For each STEM digits that prefixes begin with, the levels of these prefixes and shorter ones.

    Stems with the same levels share one tuple.
    """
    lengths: dict[bytes, int] = {}
    for length, table in levels:
        bit = 1 << length
        if length >= STEM:
            for stem in {prefix[:STEM] for prefix in table}:
                lengths[stem] = lengths.get(stem, 0) | bit
    short = tuple(level for level in levels if level[0] < STEM)
    shared: dict[int, Levels[Value]] = {}
    for bits in lengths.values():
        if bits not in shared:
            shared[bits] = tuple(level for level in levels if bits >> level[0] & 1) + short
    return {stem: shared[bits] for stem, bits in lengths.items()}


class Classes:
    """Who has a prefix of a number, for all numbers at once.

    Owners are bits of a number. Numbers of one class have the same owners, the ones with the
    longest prefixes first; class 0 has no prefix but b"".

    :ivar index: gives each number its class.
    """

    __slots__ = ("_steps", "index")

    def __init__(self, owners: Iterable[tuple[int, Iterable[bytes]]]) -> None:
        """
        :param owners: (the owner's bit, its prefixes); b"" is a prefix of every number.
        """
        tables = _owned(owners)
        # By class: that of the next shorter prefix, and who owns this one.
        self._steps: list[tuple[int, int]] = [(0, tables.pop(0).get(b"", 0))]
        known: dict[tuple[int, int], int] = {}
        # Sorted, a prefix follows those that it begins with.
        above: list[tuple[bytes, int]] = []
        for prefix in sorted(prefix for table in tables.values() for prefix in table):
            while above and not prefix.startswith(above[-1][0]):
                above.pop()
            shorter = above[-1][1] if above else 0
            table = tables[len(prefix)]
            number = self._class(known, shorter, table[prefix])
            table[prefix] = number
            above.append((prefix, number))
        self.index: PrefixIndex[int] = PrefixIndex.of_tables(tables, 0)

    def _class(self, known: dict[tuple[int, int], int], shorter: int, owners: int) -> int:
        if shorter and self._steps[shorter][1] == owners:
            # The owners of a prefix own a longer one too: that changes nothing.
            return shorter
        step = (shorter, owners)
        number = known.get(step)
        if number is None:
            number = known[step] = len(self._steps)
            self._steps.append(step)
        return number

    def __len__(self) -> int:
        """How many classes there are."""
        return len(self._steps)

    def chain(self, number: int, left: int = -1) -> list[int]:
        """The owners of a class, longest prefixes first: each where its longest prefix puts it.

        :param left: the owners that matter.
        """
        found: list[int] = []
        steps = self._steps
        while True:
            shorter, owners = steps[number]
            owners &= left
            if owners:
                found.append(owners)
                left ^= owners
            if not number:
                return found
            number = shorter


def _owned(owners: Iterable[tuple[int, Iterable[bytes]]]) -> dict[int, dict[bytes, int]]:
    """By the length of prefixes, who owns each."""
    tables: dict[int, dict[bytes, int]] = {0: {}}
    sets: dict[int, int] = {}
    for bit, prefixes in owners:
        for prefix in prefixes:
            table = tables.get(len(prefix))
            if table is None:
                table = tables[len(prefix)] = {}
            already = table.get(prefix)
            if already is None:
                table[prefix] = bit
            else:
                # One object for each set: the same prefixes may be those of many routes.
                both = already | bit
                table[prefix] = sets.setdefault(both, both)
    return tables
