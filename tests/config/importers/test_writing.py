"""A draft is written as TOML that reads back as it was."""

import tomllib
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config.importers.draft import whole
from smppproxy.config.importers.writing import key, letters, value

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class WritingTests(SynchronousTestCase):
    """Keys and values."""

    @given(TEXT, VALUES)
    def test_reads_back(self, name: str, written: object) -> None:
        """Whatever somebody's user or password is called."""
        self.assertEqual(tomllib.loads(f"{key(name)} = {value(written)}"), {name: written})

    def test_letters(self) -> None:
        """Hosts beyond the alphabet have names too."""
        self.assertEqual([*islice(letters(), 25, 28)], ["z", "a1", "b1"])

    def test_whole(self) -> None:
        """Decimal or hexadecimal, not below the least."""
        self.assertEqual(whole("0x34"), 0x34)
        self.assertEqual(whole("12", 1), 12)
        self.assertIsNone(whole("0", 1))
        self.assertIsNone(whole("x"))
