"""Accounts as values."""

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.accounts import Account
from smppproxy.routing.rules import RuleError


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
        self.assertRaises(RuleError, Account, "demo", "x", window=0)
