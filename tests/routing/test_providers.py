"""Providers as values."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.rules import RuleError

HOSTS = (Host("a", "a.example.net", 2775), Host("b", "b.example.net", 2775))


class ProviderTest(SynchronousTestCase):
    """What a provider promises by itself."""

    def test_defaults(self) -> None:
        """Without options: one transceiver per host, window 10, ids known for 72 h."""
        provider = Provider("acme", HOSTS, b"us", b"secret")
        self.assertEqual((provider.bind, provider.binds, provider.window), ("transceiver", 1, 10))
        self.assertEqual((provider.mapping_ttl, provider.final_ttl), (72 * 3600, 12 * 3600))
        self.assertEqual((provider.enquire_link, provider.enquire_answer), (30.0, 10.0))
        self.assertEqual(provider.key, b"acme")

    def test_f63_bind_timeout(self) -> None:
        """A bind that is not answered is given up after 10 s."""
        self.assertEqual(Provider("acme", HOSTS, b"us", b"secret").bind_timeout, 10.0)

    def test_password_is_not_shown(self) -> None:
        """repr never holds the password."""
        self.assertNotIn("hunter2", repr(Provider("acme", HOSTS, b"us", b"hunter2")))

    def test_sx05_one_host_is_enough(self) -> None:
        """One host makes a provider; none does not."""
        self.assertEqual(len(Provider("acme", HOSTS[:1], b"us", b"secret").hosts), 1)
        error = self.assertRaises(RuleError, Provider, "acme", (), b"us", b"secret")
        self.assertIn("[provider.acme.host.a]", error.mend)

    def test_sx06_long_credentials(self) -> None:
        """A system_id of 36 and a password of 64 octets pass as they are."""
        provider = Provider("acme", HOSTS, b"i" * 36, b"s" * 64)
        self.assertEqual((len(provider.system_id), len(provider.password)), (36, 64))

    def test_rules_hold(self) -> None:
        """A value outside its rule makes neither host nor provider."""
        self.assertRaises(RuleError, Host, "a", "a.example.net", 65_536)
        self.assertRaises(RuleError, Provider, "acme", HOSTS, b"us", b"s", bind="both")
