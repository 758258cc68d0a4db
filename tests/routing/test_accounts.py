"""Accounts as values."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.accounts import Account
from smppproxy.routing.rules import RuleError
from smppproxy.text.profile import TextSettings


class AccountTest(SynchronousTestCase):
    """What an account promises by itself."""

    def test_defaults(self) -> None:
        """Without options: all binds, no TPS limit, 50 each way, 25,000 receipts for 48 h."""
        account = Account("demo", "$argon2id$...")
        self.assertEqual(account.bind_types, {"tx", "rx", "trx"})
        self.assertEqual((account.tps, account.burst, account.max_binds), (0, 0, 10))
        self.assertEqual((account.window, account.deliver_window), (50, 50))
        self.assertEqual((account.receipt_limit, account.receipt_keep), (25_000, 48 * 3600))
        self.assertEqual((account.in_doubt, account.message_id_format), ("resend", "decimal10"))
        self.assertTrue(account.enabled)

    def test_default_is_tolerant(self) -> None:
        """Without options nothing is refused for its form and nothing is rewritten."""
        account = Account("demo", "x")
        for name in ("addresses", "ton", "npi", "fields", "payload", "gsm7", "latin1", "utf16"):
            self.assertFalse(getattr(account, f"strict_{name}"), name)
        self.assertEqual((account.versions, account.data_codings), (frozenset(), frozenset()))
        self.assertEqual((account.schedule, account.source_policy), ("pass", "any"))
        self.assertEqual((account.dialect, account.on_no_receipt), ("default", "nothing"))

    def test_text_settings(self) -> None:
        """What the room text needs of an account is made once, and is the account's."""
        account = Account("demo", "x", default_alphabet="utf-8", max_parts=3, strict_gsm7=True)
        settings = account.text_settings
        self.assertEqual((settings.default_alphabet, settings.max_parts), ("utf-8", 3))
        self.assertTrue(settings.strict_gsm7)
        self.assertEqual(Account("demo", "x").text_settings, TextSettings())
        changed = attrs.evolve(account, max_parts=4)
        self.assertEqual(changed.text_settings.max_parts, 4)

    def test_key(self) -> None:
        """key is the octets of system_id, and follows it in a changed copy."""
        account = Account("dæmo", "x")
        self.assertEqual(account.key, "dæmo".encode())
        self.assertEqual(attrs.evolve(account, system_id="other").key, b"other")

    def test_password_is_not_shown(self) -> None:
        """repr never holds the password string."""
        self.assertNotIn("hunter2", repr(Account("demo", "hunter2")))

    def test_sx06_long_names(self) -> None:
        """A system_id of 255 octets is fine, one more is not."""
        self.assertEqual(len(Account("x" * 255, "x").key), 255)
        self.assertRaises(RuleError, Account, "x" * 256, "x")

    def test_rules_hold(self) -> None:
        """A value outside its rule makes no account."""
        for options in (
            {"window": 0},
            {"versions": frozenset({256})},
            {"source_ton": 7},
            {"default_alphabet": "ucs2"},
            {"alphabets": {0: "gsm7"}},
            {"alphabets": {1: "ebcdic"}},
            {"service_types": {"toolong": ""}},
            {"errors": {"throttled": 0}},
            {"message_log": "all"},
            {"max_priority": 4},
        ):
            self.assertRaises(RuleError, Account, "demo", "x", **options)
