"""kannel.conf becomes a network that does the same, and what cannot be carried has its line."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Network
from smppproxy.config.importers import Draft, import_kannel
from smppproxy.routing.providers import Provider
from tests.config.importers.support import SAMPLES, kannel, loaded, notes, smsc


def read(name: str, by: str) -> list[tuple[str, str]]:
    """Files beside the one that names them."""
    path = Path(by).parent / name
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return [(str(each), each.read_text()) for each in paths]


def sample() -> Draft:
    """The sample with all that occurs in the field."""
    path = SAMPLES / "kannel.conf"
    return import_kannel(str(path), path.read_text(), read)


class SampleTest(SynchronousTestCase):
    """A gateway with providers in files of their own, users and clients."""

    def setUp(self) -> None:
        self.draft = sample()
        self.network: Network = loaded(self.draft, Path(self.mktemp()))

    def test_provider(self) -> None:
        """Each option has its own of ours; two groups of one smsc-id are hosts a and b, and their
        throughput, which is each bind's own, is that of all four binds."""
        acme = self.network.providers["acme"]
        self.assertEqual((acme.system_id, acme.password), (b"our-id", b"secret1"))
        self.assertEqual(
            [(host.name, host.address, host.port) for host in acme.hosts],
            [("a", "smpp-a.example.net", 2775), ("b", "smpp-b.example.net", 2775)],
        )
        self.assertEqual((acme.bind, acme.binds, acme.window, acme.tps), ("transceiver", 2, 25, 50))
        self.assertEqual((acme.enquire_link, acme.response_timeout), (40, 30))
        self.assertEqual((acme.reconnect_delay, acme.interface_version), (20, 0x34))
        self.assertEqual((acme.system_type, acme.address_range), (b"VMA", b"^45"))
        self.assertEqual((acme.addr_ton, acme.addr_npi), (1, 1))
        self.assertEqual((acme.ids.resp, acme.ids.receipt_text), ("hex", "dec"))
        self.assertEqual((acme.address.alpha_ton, acme.address.msisdn_ton), (5, 1))
        self.assertEqual(acme.text.default_alphabet, "latin1")

    def test_tls(self) -> None:
        """use-ssl is TLS with the certificate checked, which Kannel does not do: that is told."""
        beta = self.network.providers["beta"]
        self.assertEqual(beta.door(beta.hosts[0]), (8775, True))
        self.assertEqual(beta.bind, "transmitter+receiver")
        self.assertEqual(beta.state, "down")
        self.assertIn("20-others.conf:7: the provider's certificate", notes(self.draft))

    def test_ports_of_their_own(self) -> None:
        """A receiver is a receiver; two ports for two ways are told."""
        self.assertEqual(self.network.providers["acme-3"].bind, "receiver")
        self.assertEqual(self.network.providers["gamma"].bind, "transmitter+receiver")
        self.assertIn("receive-port 2776 is another one than port 2775", notes(self.draft))

    def test_accounts(self) -> None:
        """sendsms-users and the logins of opensmppbox, with where they may come from."""
        accounts = self.network.accounts
        self.assertEqual([*accounts], ["tester", "limited", "shop", "cafe"])
        tester, shop = accounts["tester"], accounts["shop"]
        self.assertEqual((tester.tps, tester.sources, tester.source_policy),
                         (20, ("Acme",), "replace"))  # fmt: skip
        self.assertEqual([str(each) for each in tester.allow_from],
                         ["192.0.2.0/24", "198.51.100.7/32"])  # fmt: skip
        self.assertEqual(shop.require_system_type, "SHOP")
        self.assertEqual(accounts["cafe"].require_system_type, "")
        self.assertEqual(self.draft.accounts["tester"].password, 'foo"bar')

    def test_routes(self) -> None:
        """allowed, denied and preferred prefixes decide as they did there."""
        targets = self.network.routes.targets
        for number, wanted in {
            b"4512345678": ("acme", "gamma"),
            b"4590123456": ("gamma",),
            b"4612345678": ("acme", "beta", "gamma"),
            b"4712345678": ("acme", "beta", "gamma"),
            b"3312345678": ("acme", "gamma"),
        }.items():
            found = targets("shop", number, 0)
            self.assertEqual({*found}, {*wanted}, number)
        self.assertEqual(targets("shop", b"4612345678", 0)[0], "acme")

    def test_routes_of_users(self) -> None:
        """forced-smsc, and prefixes that one user may use or not."""
        targets = self.network.routes.targets
        self.assertEqual(targets("tester", b"3312345678", 0), ("beta",))
        self.assertEqual(targets("limited", b"4590123456", 0), ())
        self.assertEqual(targets("limited", b"3312345678", 0), ())
        self.assertEqual(targets("limited", b"4512345678", 0), ("acme", "gamma"))

    def test_mo(self) -> None:
        """smsbox-route brings the numbers of a box to the client with its system type."""
        self.assertEqual(self.network.mo.account("acme", b"1234"), "shop")
        self.assertIsNone(self.network.mo.account("gamma", b"1234"))

    def test_everything_else_is_told(self) -> None:
        """Each option that is not carried stands there with its file and line."""
        told = notes(self.draft)
        for part in (
            "kannel.conf:45: this is no option = value",
            "10-acme.conf:28: log-file: logs stand in the node file",
            "10-acme.conf:29: nobody-knows-this: it has no equivalent",
            "10-acme.conf:31: window is 10 here and 25 at",
            "20-others.conf:40: smsc = at: only smpp is carried",
            "20-others.conf:22: interface-version 99 is not known",
            "20-others.conf:23: msg-id-type = 9 is not known",
            "20-others.conf:24: alt-charset = KOI-8 is not known",
            "20-others.conf:25: reconnect-delay = soon is not carried",
            "20-others.conf:26: throughput = fast is not carried",
            "20-others.conf:14: the smsc-id acme of",
            "clients.txt:4: cafe binds with several system types",
            "clients.txt:5: the user shop stands at",
            "clients.txt:6: a login is: user password system-type",
            "allowed-prefix: local is no beginning of an international number",
            "smsbox-route: no client has the system type NOBODY",
            "clients bind to port 2345",
            "group core (admin-port, admin-password, smsbox-port)",
        ):
            self.assertIn(part, told)

    def test_no_secret_is_told(self) -> None:
        """No password of the old file is repeated in a note."""
        for secret in ("secret1", "secret2", "another-pw", "shop-pw", "foo"):
            self.assertNotIn(secret, notes(self.draft).replace("foot", ""))


class DetailTests(SynchronousTestCase):
    """Single groups."""

    def network(self, draft: Draft) -> Network:
        return loaded(draft, Path(self.mktemp()))

    def test_nothing(self) -> None:
        """A file without a provider says so."""
        self.assertIn("there is no group smsc with smsc = smpp", notes(kannel("")))

    def test_include(self) -> None:
        """A file is included where it stands, its end ends a group; a missing one is told."""
        draft = kannel('include = "other.conf"\ninclude = gone.conf\n', other_conf=smsc())
        self.assertEqual([*draft.providers], ["acme"])
        self.assertIn("kannel.conf:2: cannot read gone.conf: No such file", notes(draft))

    def test_includes_end(self) -> None:
        """A file that includes itself is told, once it is ten deep."""
        draft = kannel("include = a.conf\n", a_conf="include = a.conf\n")
        self.assertIn("a.conf:1: includes are nested more than 10 deep", notes(draft))

    def test_groups_without_empty_line(self) -> None:
        """A new group ends the one before; options outside of groups and twice are told."""
        text = "stray = 1\n" + smsc().rstrip() + "\ngroup = nothing\nx = 1\nx = 2"
        draft = kannel(text)
        self.assertEqual([*draft.providers], ["acme"])
        told = notes(draft)
        self.assertIn("kannel.conf:1: stray stands in no group", told)
        self.assertIn("x stands twice in this group", told)
        self.assertIn("group nothing (x): such groups are not known", told)

    def test_incomplete(self) -> None:
        """A group without a host or a user is told."""
        self.assertIn("smsc-username is missing", notes(kannel(smsc(smsc_username=""))))
        self.assertIn("host is missing", notes(kannel(smsc(host="", smsc_id="x"))))

    def test_no_smsc_id(self) -> None:
        """The host names a provider that has no smsc-id."""
        draft = kannel(smsc(smsc_id=""))
        self.assertEqual([*draft.providers], ["192.0.2.1"])
        self.assertEqual([*self.network(draft).providers], ["192.0.2.1"])

    def test_both_lists_of_prefixes(self) -> None:
        """With both lists, what is denied and not allowed is refused: all else passes."""
        network = self.network(kannel(smsc(allowed_prefix="4590", denied_prefix="45")))
        targets = network.routes.targets
        self.assertEqual(targets("x", b"4590123456", 0), ("acme",))
        self.assertEqual(targets("x", b"4512345678", 0), ())
        self.assertEqual(targets("x", b"4612345678", 0), ("acme",))

    def test_only_allowed(self) -> None:
        """Nothing else goes there, and there is no route for it."""
        network = self.network(kannel(smsc(allowed_prefix="45")))
        self.assertEqual(network.routes.targets("x", b"4612345678", 0), ())

    def test_receivers_are_no_targets(self) -> None:
        """Only receivers: there is no route at all."""
        text = smsc(transceiver_mode="no", port="0", receive_port="2775", window="9")
        draft = kannel(text)
        self.assertEqual(draft.routes, [])
        self.assertEqual(self.network(draft).providers["acme"].bind, "receiver")

    def test_users(self) -> None:
        """What is wrong with users is told; default-sender stands in for an empty source."""
        text = smsc() + (
            "group = sendsms-user\nusername = a\npassword = b\ndefault-sender = 1204\n"
            "throughput = x\nuser-allow-ip = *.*.*.*;10.*.1.2;nonsense\ndefault-smsc = gone\n\n"
            "group = sendsms-user\nusername = nopass\n"
        )
        draft = kannel(text)
        account = self.network(draft).accounts["a"]
        self.assertEqual((account.sources, account.source_policy), (("1204",), "any"))
        self.assertEqual(account.allow_from, ())
        told = notes(draft)
        for part in ("throughput = x", "10.*.1.2 is not carried", "nonsense is not carried",
                     "there is no smsc gone", "without username and password"):  # fmt: skip
            self.assertIn(part, told)

    def test_box_without_logins(self) -> None:
        """No file of logins, or one that cannot be read: no client is carried, and that is told."""
        draft = kannel("group = opensmppbox\n\ngroup = opensmppbox\nsmpp-logins = gone\n")
        self.assertIn("opensmppbox has no smpp-logins", notes(draft))
        self.assertIn("kannel.conf:4: cannot read gone", notes(draft))

    def test_route_for_several_clients(self) -> None:
        """A box with several clients of one system type: each gets a copy."""
        text = smsc() + (
            "group = opensmppbox\nsmpp-logins = logins\n\n"
            "group = smsbox-route\nsmsbox-id = T\n"
        )
        network = self.network(kannel(text, logins="a pw T\nb pw T\n"))
        self.assertEqual(network.mo.routes[0].accounts, ("a", "b"))


class JoiningTest(SynchronousTestCase):
    """Several groups of one smsc-id."""

    def provider(self, *groups: str) -> Provider:
        """What they become; the file is good."""
        self.draft = kannel("".join(groups))
        return loaded(self.draft, Path(self.mktemp())).providers["acme"]

    def test_binds_to_one_host(self) -> None:
        """As many groups as binds, each with its own throughput: tps is the sum."""
        acme = self.provider(smsc(throughput="50"), smsc(throughput="20", instances="2"))
        self.assertEqual([host.name for host in acme.hosts], ["a"])
        self.assertEqual((acme.binds, acme.tps), (3, 90))
        self.assertEqual(notes(self.draft), "")

    def test_a_bind_for_each_way(self) -> None:
        """A group that sends and one that receives, whichever stands first, are pairs."""
        way = {"transceiver_mode": "false"}
        sender = smsc(throughput="30", max_pending_submits="7", **way)
        receiver = smsc(port="0", receive_port="2775", **way)
        for groups in ((sender, receiver), (receiver, sender)):
            acme = self.provider(*groups)
            self.assertEqual((acme.bind, acme.binds, len(acme.hosts)),
                             ("transmitter+receiver", 1, 1))  # fmt: skip
            self.assertEqual((acme.tps, acme.window), (30, 7))
            self.assertEqual(notes(self.draft), "")

    def test_other_numbers_of_binds(self) -> None:
        """binds is the same for each host."""
        acme = self.provider(smsc(), smsc(host="192.0.2.2", instances="3"))
        self.assertEqual((acme.binds, len(acme.hosts)), (3, 2))
        self.assertIn("kannel.conf:1: binds = 3 to each host: some had 1 only", notes(self.draft))

    def test_a_group_without_throughput(self) -> None:
        """It has no limit, so that all together have none."""
        acme = self.provider(smsc(throughput="5"), smsc())
        self.assertEqual(acme.tps, 0)
        self.assertIn("tps is for all binds of a provider, and kannel.conf:11 has no limit",
                      notes(self.draft))  # fmt: skip

    def test_a_sum_that_is_not_whole(self) -> None:
        """It is rounded down, and told."""
        self.assertEqual(self.provider(smsc(throughput="2.4"), smsc(throughput="2.4")).tps, 4)
        self.assertIn("throughput of all binds, 4.8, became tps = 4", notes(self.draft))

    def test_what_differs_is_told(self) -> None:
        """In words that stand in the file."""
        self.provider(smsc(), smsc(interface_version="33", host="192.0.2.2"))
        self.assertIn("interface_version is 0x33 here and not set at", notes(self.draft))
