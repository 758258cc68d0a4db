"""Text of the program becomes text of the manual: what is code looks like code, and nothing else is
markup."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from manual import words


class InlineTests(SynchronousTestCase):
    """One sentence."""

    def test_code_is_seen(self) -> None:
        """Names with underscores, numbers in hexadecimal, quoted words, tables, addresses."""
        for code in (
            "submit_sm", "0x58", '"resend"', 'window_full = "pause"', "[message_log]",
            "[[route]]", '["192.0.2.0/24", "2001:db8::7"]', "{ gsm7 = 0, ucs2 = 8 }",
            "ESME_RTHROTTLED", "redis://HOST:6379/0", "smppproxy check",
        ):  # fmt: skip
            self.assertEqual(words.inline(f"see {code}."), f"see ``{code}``.")

    def test_what_is_marked_already(self) -> None:
        """Backticks of a comment, one or two."""
        self.assertEqual(words.inline("run `smppproxy x -c F` now"), "run ``smppproxy x -c F`` now")
        self.assertEqual(words.inline("of ``a b``"), "of ``a b``")

    def test_nothing_else_is_markup(self) -> None:
        """Stars, bars and underscores of a sentence stay what they are."""
        self.assertEqual(words.inline("a*b | c_ d\\e"), "a\\*b \\| c\\_ d\\\\e")

    def test_letters_right_beside_code(self) -> None:
        """Code in the middle of a word is code all the same."""
        self.assertEqual(words.inline("0x1403=0a"), "``0x1403``\\ =0a")
        self.assertEqual(words.inline('x"y"'), 'x\\ ``"y"``')

    def test_links(self) -> None:
        """An option that is known leads to its description, quoted or not."""
        links = {"max_binds": ":conf:`max_binds <account.max_binds>`"}
        self.assertEqual(
            words.inline("with max_binds, and tps", links), f"with {links['max_binds']}, and tps"
        )


class BlockTests(SynchronousTestCase):
    """Comments of several lines."""

    def test_paragraphs(self) -> None:
        """Lines run together, and an indented list becomes a table of two columns."""
        text = [
            "One of:",
            "  memory    nothing survives; for tests",
            "  process   SIGKILL of any process,",
            "            the store's too",
            "  redis://A  rediss://...   both of them",
            "Default: process.",
        ]
        self.assertEqual(
            words.paragraphs(text),
            [
                "One of:", "",
                ".. list-table::", "   :class: words", "",
                "   * - ``memory``", "     - nothing survives; for tests",
                "   * - ``process``", "     - SIGKILL of any process, the store's too",
                "   * - ``redis://A``, ``rediss://...``", "     - both of them", "",
                "Default: process.", "",
            ],
        )  # fmt: skip

    def test_a_word_alone(self) -> None:
        """A row without a meaning has an empty cell."""
        self.assertEqual(
            words.two_columns(["  redis+unix:///run/redis.sock"])[-2:],
            ["   * - ``redis+unix:///run/redis.sock``", "     - "],
        )

    def test_literal(self) -> None:
        """An empty text is said to be one: two ticks with nothing between them are no markup."""
        self.assertEqual((words.literal("a"), words.literal("")), ("``a``", "``(empty)``"))

    def test_heading_and_table(self) -> None:
        """A heading is underlined to its end, a table has its heads in the first row."""
        self.assertEqual(words.heading("abcde", 2), ["abcde", "-----", ""])
        self.assertEqual(
            words.table(("x", "y"), [("1", "2")], "1 3"),
            [
                ".. list-table::", "   :header-rows: 1", "   :widths: 1 3", "",
                "   * - x", "     - y", "   * - 1", "     - 2", "",
            ],
        )  # fmt: skip

    def test_indent(self) -> None:
        """An empty line stays empty."""
        self.assertEqual(words.indent(["a", "", "b"]), ["   a", "", "   b"])
