"""Jasmin's console becomes a network that does the same, and what cannot be carried is told."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Network
from smppproxy.config.importers import Draft
from smppproxy.config.importers.jasmin_routes import alternatives
from tests.config.importers.support import SAMPLES, jasmin, loaded, notes


def sample(name: str = "jcli.txt") -> Draft:
    """A session of the console."""
    return jasmin((SAMPLES / name).read_text())


CONNECTOR = "smppccm -a\ncid acme\nsubmit_throughput 0\nok\n"


class SampleTest(SynchronousTestCase):
    """A script with prompts and all that the console says in between."""

    def setUp(self) -> None:
        self.draft = sample()
        self.network: Network = loaded(self.draft, Path(self.mktemp()))

    def test_connector(self) -> None:
        """Each setting has its own of ours."""
        acme = self.network.providers["acme"]
        self.assertEqual((acme.system_id, acme.password), (b"our-id", b"secret1"))
        self.assertEqual((acme.system_type, acme.address_range), (b"VMA", b"^45"))
        self.assertEqual((acme.tps, acme.enquire_link, acme.bind_timeout), (50, 25, 20))
        self.assertEqual((acme.response_timeout, acme.mapping_ttl), (40, 100_000))
        self.assertEqual((acme.reconnect_min, acme.reconnect_max), (5, 5))
        self.assertEqual((acme.ids.resp, acme.ids.receipt_text), ("hex", "dec"))
        self.assertEqual((acme.address.alpha_ton, acme.address.dest_ton), (1, 1))
        self.assertEqual(acme.door(acme.hosts[0]), (2775, False))

    def test_stopped_connector(self) -> None:
        """-0 is down, ssl is TLS, a receiver is a receiver; one that was cancelled is none."""
        beta = self.network.providers["beta"]
        self.assertEqual((beta.state, beta.bind), ("down", "receiver"))
        self.assertEqual(beta.door(beta.hosts[0]), (8775, True))
        self.assertNotIn("gamma", self.network.providers)

    def test_users(self) -> None:
        """Users and their groups, with what they may."""
        shop, late = self.network.accounts["shop"], self.network.accounts["late"]
        self.assertEqual((shop.tps, shop.max_binds), (25, 3))
        self.assertEqual((shop.sources, shop.source_policy), (("Acme", "1204"), "enforce"))
        self.assertEqual(shop.groups, frozenset({"retail"}))
        self.assertEqual((late.enabled, late.service), (False, "mo"))
        self.assertEqual(self.draft.accounts["shop"].password, "shop-pw")

    def test_routes(self) -> None:
        """The highest order is asked first there, the lowest here; filters are conditions."""
        table = sorted(self.network.routes.routes, key=lambda route: route.order)
        routes = {route.name: route for route in table}
        self.assertEqual(
            [*routes],
            ["StaticMTRoute 43", "StaticMTRoute 30", "RandomRoundrobinMTRoute 20",
             "FailoverMTRoute 15", "DefaultRoute 0"],
        )  # fmt: skip
        static = routes["StaticMTRoute 30"]
        self.assertEqual((static.accounts, static.hours), (frozenset({"shop"}), "08:00-18:00"))
        self.assertEqual(static.prefixes, ("45", "46"))
        failover = routes["FailoverMTRoute 15"]
        self.assertEqual((failover.select, failover.sources), ("ordered", frozenset({"Acme"})))
        self.assertEqual(failover.text, (r"^(?:code \d+)",))

    def test_mo(self) -> None:
        """What went to a client of the SMPP server still does; what went to HTTP is told."""
        self.assertEqual(self.network.mo.account("beta", b"1234"), "shop")
        self.assertIn("DefaultRoute 0 is left out: nobody takes it who speaks SMPP (http(web))",
                      notes(self.draft))  # fmt: skip

    def test_everything_else_is_told(self) -> None:
        """Each with its line; a route whose filter has no equivalent is left out whole."""
        told = notes(self.draft)
        for part in (
            "jcli.txt:52: trx_to: see enquire_link",
            "jcli.txt:60: nobody_knows_this: it has no equivalent",
            "submit_throughput 50.5 became tps = 50",
            "con_fail_delay soon is not carried",
            "beta: Jasmin sends 1 message a second where submit_throughput is not written",
            "quota balance 10.2: it has no equivalent",
            "the filter ^46 of source addresses is not carried",
            "rate 0.02: messages are not charged here",
            "StaticMTRoute 40 is left out: its filter f-code-run is a EvalPyFilter",
            "StaticMTRoute 41 is left out: there is no connector nobody",
            "StaticMTRoute 42 is left out: there is no filter f-gone",
            "StaticMTRoute 44 is left out: its filter f-dk asks a second time for prefixes",
            "StaticMTRoute 46 is left out: its filter f-classes says more than a route can ask",
            "beta only receives: it is no target of a route",
            "SomethingElse 45 is left out: such routes are not known",
            "of the clients shop, late only the first gets these",
            "StaticMORoute 6 is left out: its filter f-short says more",
            "httpccm is not carried: clients speak SMPP",
            "stats --users is not carried",
        ):
            self.assertIn(part, told)


class ListTests(SynchronousTestCase):
    """What user -l, group -l, smppccm -l, mtrouter -l and morouter -l print, saved as text."""

    def setUp(self) -> None:
        self.draft = sample("lists.txt")
        self.network: Network = loaded(self.draft, Path(self.mktemp()))

    def test_users(self) -> None:
        """With their groups and rates; one that is disabled, or whose group is, may not bind."""
        accounts = self.network.accounts
        self.assertEqual({*accounts}, {"shop", "gone-one", "old", "longer"})
        self.assertEqual((accounts["shop"].tps, accounts["longer"].tps), (25, 2))
        self.assertEqual(accounts["shop"].groups, frozenset({"retail"}))
        off = {name for name, account in accounts.items() if not account.enabled}
        self.assertEqual(off, {"gone-one", "old"})

    def test_connectors(self) -> None:
        """Of those that smppccm -s shows the list tells whether they run; the rest is told."""
        providers = self.network.providers
        self.assertEqual({*providers}, {"acme", "beta"})
        self.assertEqual((providers["acme"].state, providers["beta"].state), ("up", "down"))
        self.assertIn("jcli.txt:19: nobody: a list shows nothing of a "
                      "connector but its name; add what smppccm -s nobody shows",
                      notes(self.draft))  # fmt: skip

    def test_routes(self) -> None:
        """Filters count as they are shown."""
        routes = {route.name: route for route in self.network.routes.routes}
        self.assertEqual(
            {*routes}, {"RandomRoundrobinMTRoute 40", "StaticMTRoute 35", "DefaultRoute 0"}
        )
        first = routes["RandomRoundrobinMTRoute 40"]
        self.assertEqual((first.accounts, first.prefixes), (frozenset({"shop"}), ("45", "46")))
        self.assertEqual(first.hours, "08:00-18:00")
        self.assertEqual([target.provider for target in first.targets], ["acme", "beta"])
        self.assertEqual(routes["StaticMTRoute 35"].text, ("^(a, b)>c;d",))
        self.assertEqual(self.network.mo.account("acme", b"1234"), "shop")

    def test_everything_else_is_told(self) -> None:
        """Each with its line."""
        told = notes(self.draft)
        for part in (
            "jcli.txt:12: mt_messaging_cred quota balance 10.2: it has no equivalent",
            "StaticMTRoute 30 is left out: there is no connector nobody",
            "StaticMTRoute 25 is left out: its filter <Ev (pyCode=import re ..)> is a EvalPyFilter",
            "rate 0.02: messages are not charged here",
            "DefaultRoute 0 is left out: nobody takes it who speaks SMPP (http(web))",
            "httpccm is not carried: clients speak SMPP",
            "keeps only an MD5 of it",
        ):
            self.assertIn(part, told)

    def test_a_script_says_more_than_a_list(self) -> None:
        """Of the same user, filter and route the script counts, wherever it stands."""
        draft = jasmin(
            "#User id   Group id   Username Balance MT SMS Throughput\n#u g u ND ND ND/7\n"
            "Total Users: 1\nuser -a\nuid u\ngid g\nusername u\npassword pw\nok\n" + CONNECTOR
        )
        self.assertEqual(draft.accounts["u"].password, "pw")
        self.assertNotIn("tps", draft.accounts["u"].options)

    def test_rows_that_are_none(self) -> None:
        """They are told, and comments of other people are no rows."""
        draft = jasmin(
            "# a comment\n#Order Type Rate Connector ID(s) Filter(s)\n#what is this\n\n"
            "#User id Group id Username\n#only two\n#Group id\n#a b\n"
            "#Connector id Service Session\n#acme\nTotal\n# another one\n" + CONNECTOR
        )
        told = notes(draft)
        for part in ("mtrouter: what is this", "user: only two", "group: a b", "smppccm: acme"):
            self.assertIn(part, told)
        self.assertNotIn("comment", told)
        self.assertNotIn("another", told)


class DetailTests(SynchronousTestCase):
    """Listings, and what is odd."""

    def network(self, draft: Draft) -> Network:
        return loaded(draft, Path(self.mktemp()))

    def test_listing(self) -> None:
        """What smppccm -s and user -s show: all but passwords, whose place is told."""
        draft = sample("listing.txt")
        network = self.network(draft)
        self.assertEqual(network.providers["acme"].bind, "transmitter")
        self.assertEqual(network.providers["acme"].mapping_ttl, 86_400)
        self.assertEqual([*network.accounts], ["foo"])
        self.assertIsNone(draft.accounts["foo"].password)
        self.assertIn("acme: its password is not shown", notes(draft))
        self.assertIn("keeps only an MD5 of it", notes(draft))

    def test_pickles_are_not_read(self) -> None:
        """Jasmin's own files run what they hold: they are refused by their looks (reading 13)."""
        for text in ("(lp0\n.", "Persisted on 2026-11-23\n\x80\x04.", "\x80\x04]", "a\0b"):
            draft = jasmin(text)
            self.assertIn("a pickle: they are never read", notes(draft))
            self.assertEqual((draft.accounts, draft.providers), ({}, {}))

    def test_nothing(self) -> None:
        """A script without a connector says so, and what stands outside of objects is told."""
        told = notes(jasmin("persist\nnonsense here\n"))
        self.assertIn("jcli.txt:2: nonsense stands outside of any object", told)
        self.assertIn("there is no smppccm", told)

    def test_bad_values(self) -> None:
        """Unknown forms are told and left out."""
        draft = jasmin(
            "smppccm -a\ncid acme\nsubmit_throughput x\ndlr_msgid 7\nsrc_ton x\nbind_ton None\nok\n"
            "user --add\nusername u\npassword p\nnickname x\nok\nuser --disable u\n"
            "mtinterceptor -a\ntype X\nok\nmtrouter -l\n"
        )
        network = self.network(draft)
        self.assertFalse(network.accounts["u"].enabled)
        told = notes(draft)
        for part in ("submit_throughput x is not carried", "dlr_msgid 7 is not known",
                     "nickname: it has no equivalent", "no code runs on messages"):  # fmt: skip
            self.assertIn(part, told)

    def test_twice(self) -> None:
        """-u after -a: later settings count; -1 after -0 is up; who may not bind is disabled."""
        draft = jasmin(
            CONNECTOR + "smppccm -u acme\ncid acme\nport 2776\nsubmit_throughput 5\nok\n"
            "smppccm -0 acme\nsmppccm -1 acme\n"
            "user -a\nuid a\nusername a\npassword p\nsmpps_cred authorization bind no\nok\n"
        )
        network = self.network(draft)
        self.assertEqual(network.providers["acme"].hosts[0].port, 2776)
        self.assertEqual(network.providers["acme"].state, "up")
        self.assertFalse(network.accounts["a"].enabled)

    def test_filters_that_say_more(self) -> None:
        """National numbers, broken patterns and unknown users: such a route is left out."""
        for kind, setting in (
            ("DestinationAddrFilter", "destination_addr ^0\\d+"),
            ("DestinationAddrFilter", "destination_addr ^45$"),
            ("ShortMessageFilter", "short_message ("),
            ("UserFilter", "uid nobody"),
            ("SourceAddrFilter", "source_addr a.b"),
            ("TimeIntervalFilter", "timeInterval soon"),
        ):
            draft = jasmin(
                f"{CONNECTOR}filter -a\ntype {kind}\nfid f\n{setting}\nok\n"
                "mtrouter -a\ntype StaticMTRoute\norder 1\nconnector smppc(acme)\nfilters f\nok\n"
            )
            self.assertEqual(draft.routes, [], setting)
            self.assertIn("its filter f says more than a route can ask", notes(draft))

    def test_mo_filters(self) -> None:
        """Numbers, prefixes and sources; all else leaves the route out."""
        base = CONNECTOR + "user -a\nusername u\npassword p\nok\n"
        for kind, setting, wanted in (
            ("DestinationAddrFilter", "destination_addr ^12$|^13$", None),
            ("DestinationAddrFilter", "destination_addr ^(12|13)$", {"numbers": ["12", "13"]}),
            ("DestinationAddrFilter", "destination_addr ^12", {"prefixes": ["12"]}),
            ("SourceAddrFilter", "source_addr ^46\\d+", {"sources": ["46*"]}),
            ("SourceAddrFilter", "source_addr a.b", None),
            ("ConnectorFilter", "cid gone", None),
            ("TransparentFilter", "x", {}),
            ("TagFilter", "tag 1", None),
        ):
            draft = jasmin(
                f"{base}filter -a\ntype {kind}\nfid f\n{setting}\nok\n"
                "morouter -a\ntype StaticMORoute\norder 1\nconnector smpps(u)\nfilters f\nok\n"
            )
            if wanted is None:
                self.assertEqual(draft.mo_routes, [], setting)
                continue
            self.assertEqual(draft.mo_routes, [{"account": "u", "order": -1, **wanted}])
        route = "morouter -a\ntype StaticMORoute\nconnector smpps(u)\nfilters g\nok\n"
        draft = jasmin(base + route)
        self.assertIn("there is no filter g", notes(draft))

    def test_alternatives(self) -> None:
        """What a pattern names, or None where it says more than that."""
        for pattern, wanted in {
            "^46$": ["46"],
            "46": ["46*"],
            "^46\\d+$": ["46*"],
            "^46.*": ["46*"],
            "^(45|46)": ["45*", "46*"],
            "^(?:45|46)\\d{8}$": ["45*", "46*"],
            "^\\+?45": ["45*"],
            "^\\+45": ["45*"],
            "^(45)x": None,
            "^4[56]": None,
            "a.b": None,
            "^(4(5|6))": None,
        }.items():
            self.assertEqual(alternatives(pattern), wanted, pattern)
