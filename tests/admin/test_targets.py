"""How operators spell what a verb is done to."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.errors import ApiError, unknown
from smppproxy.admin.targets import Target, parse


class ParseTests(SynchronousTestCase):
    """From text to target and back."""

    def test_spellings(self) -> None:
        """Each spelling means one thing, and is told back in its short form."""
        for text, target, told in (
            ("acme", Target("provider", "acme"), "acme"),
            ("provider:acme", Target("provider", "acme"), "acme"),
            ("acme/a", Target("host", "acme", "a"), "acme/a"),
            ("acme/a/2", Target("bind", "acme", "a", "2"), "acme/a/2"),
            ("acme/a/2rx", Target("bind", "acme", "a", "2rx"), "acme/a/2rx"),
            ("account:shop", Target("account", "shop"), "account:shop"),
            ("account:shop#17", Target("session", "shop", session="17"), "account:shop#17"),
            ("account:a#b#17", Target("session", "a#b", session="17"), "account:a#b#17"),
            ("node:n2", Target("node", "n2"), "node:n2"),
        ):
            self.assertEqual(parse(text), target)
            self.assertEqual(str(parse(text)), told)

    def test_nothing(self) -> None:
        """What can be no name is told with what can."""
        for text in ("", "/", "acme/", "/a", "a/b/c/d"):
            error = self.assertRaises(ApiError, parse, text)
            self.assertEqual(error.status, 404)
            self.assertIn("write acme, acme/a, acme/a/2, account:shop or node:n2", error.text)


class UnknownTests(SynchronousTestCase):
    """What is said of a name that is not there."""

    def test_names(self) -> None:
        """The nearest one and all others, as long as there are few."""
        self.assertEqual(
            unknown("host", "acme/c", ["acme/b", "acme/a"]).text,
            'there is no host acme/c; did you mean "acme/b"? known are acme/a, acme/b',
        )
        self.assertEqual(unknown("node", "x", ["n1"]).text, "there is no node x; known are n1")
        text = "there is no node x, and no other one either"
        self.assertEqual(unknown("node", "x", []).text, text)

    def test_many_names(self) -> None:
        """Of many names only some are told."""
        names = [f"account{number:03}" for number in range(100)]
        near = unknown("account", "account05", names).text
        self.assertIn("did you mean", near)
        self.assertLess(len(near), 100)
        far = unknown("account", "x", names).text
        self.assertTrue(far.endswith("account019 and 80 more"), far)
