"""Providers as values."""

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.routing.providers import AnswersProfile, Host, Provider, SendProfile
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

    def test_transparent(self) -> None:
        """Without options nothing that goes there is rewritten or left out."""
        provider = Provider("acme", HOSTS, b"us", b"secret")
        self.assertTrue(provider.text.transparent and provider.address.transparent)
        self.assertEqual(provider.send, SendProfile(True, "pass", 255, None, 0))
        self.assertEqual((provider.preset, provider.status), ("", ""))

    def test_sx22_xc12_answers(self) -> None:
        """0x58 throttles, 0x08, 0x14 and 0x64 are trouble of the host, for every provider."""
        answers = AnswersProfile()
        self.assertEqual((answers.throttle, answers.temporary), ({0x58}, {0x08, 0x14, 0x64}))
        self.assertEqual((answers.bind_full, answers.bind_auth), ({5, 13}, {0x0E, 0x0F, 0x53}))

    def test_sx04_doors(self) -> None:
        """Which port is dialled, and whether with TLS."""
        plain, both, secure = Host("a", "x", 1), Host("b", "x", 1, 2), Host("c", "x", 0, 2)
        for tls, doors in {
            "none": [(1, False), (1, False), (0, False)],
            "preferred": [(1, False), (2, True), (2, True)],
            "required": [(1, True), (2, True), (2, True)],
        }.items():
            provider = Provider("acme", HOSTS, b"us", b"secret", tls=tls)
            self.assertEqual([provider.door(host) for host in (plain, both, secure)], doors)

    def test_rules_hold(self) -> None:
        """A value outside its rule makes neither host nor provider."""
        self.assertRaises(RuleError, Host, "a", "a.example.net", 65_536)
        self.assertRaises(RuleError, Provider, "acme", HOSTS, b"us", b"s", bind="both")
        self.assertRaises(RuleError, Provider, "acme", HOSTS, b"us", b"s", bind_address="localhost")
        self.assertEqual(
            Provider("acme", HOSTS, b"us", b"s", bind_address="::1").bind_address, "::1"
        )
        self.assertRaises(RuleError, SendProfile, tlvs=frozenset({0x10000}))
