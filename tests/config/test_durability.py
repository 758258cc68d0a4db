"""Tests of what the node file says about the store's durability and the journal."""

from __future__ import annotations

from smppproxy.config import load_node

from .files import FileCase

HEAD = '[node]\nname = "n1"\n'
DOOR = "[[listener]]\nport = 2775\n"


class DurabilityTests(FileCase):
    """``durability``, ``journal`` and ``journal_max_size``."""

    def journal(self, text: str) -> str:
        """The folder that these lines mean."""
        return load_node(self.write(HEAD + text + DOOR), {}).journal

    def test_journal_of_an_embedded_store(self) -> None:
        """It lies in the store's folder, unless the file says where or that there is none."""
        self.assertEqual("/var/lib/smppproxy/journal", self.journal(""))
        self.assertEqual("/s/journal", self.journal('store = "embedded:///s"\n'))
        self.assertEqual("/s/journal", self.journal('store = "embedded:///s?deadline=2"\n'))
        self.assertEqual(f"{self.folder}/here", self.journal('journal = "here"\n'))
        self.assertEqual("", self.journal('journal = "off"\n'))

    def test_journal_of_a_shared_store(self) -> None:
        """There is none, unless the file says where."""
        store = 'store = "redis://127.0.0.1/0"\n'
        self.assertEqual("", self.journal(store))
        self.assertEqual("/j", self.journal(store + 'journal = "/j"\n'))

    def test_levels(self) -> None:
        """Three of them; process is the default; a replica needs a store that has one."""
        node = load_node(self.write(HEAD + DOOR), {})
        self.assertEqual(("process", 64), (node.durability, node.journal_max_size))
        self.assertEqual(60, node.store_fill_limit)
        text = HEAD + 'store = "redis://127.0.0.1"\ndurability = "replica"\n' + DOOR
        self.assertEqual("replica", load_node(self.write(text), {}).durability)
        self.assertIn(
            "an embedded store has no replica",
            self.problems(load_node, HEAD + 'durability = "replica" # <--\n' + DOOR),
        )
        self.assertIn(
            "durability", self.problems(load_node, HEAD + 'durability = "disk" # <--\n' + DOOR)
        )

    def test_l4_fill_limit(self) -> None:
        """Percent, from 10 to 100."""
        for wrong in ("0.6", "101", '"60"'):
            told = self.problems(load_node, HEAD + f"store_fill_limit = {wrong} # <--\n" + DOOR)
            self.assertIn("store_fill_limit", told)
