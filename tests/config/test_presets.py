"""Presets: what the data say, how networks name and override them, and what is shown of it."""

import tomllib
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Network, load_network
from smppproxy.config.effective import account_lines, provider_lines, read_written, toml
from smppproxy.config.presets import (
    PROFILES,
    account_preset,
    account_presets,
    merged,
    provider_preset,
    provider_presets,
)
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider, SendProfile
from tests.config.files import HASH, FileCase

NINE = {0, 1, 2, 3, 4, 6, 8, 24, 240}
HOST = '[provider.x.host.a]\naddress = "::1"\ntls_port = 2776\nport = 2775\n'
SECRETS = {"X": "hunter2"}

values = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))
)


def provider_text(preset: str, more: str = "", host: str = "") -> str:
    """A network of one provider x."""
    return (
        f'[provider.x]\npreset = "{preset}"\nsystem_id = "us"\npassword = "env:X"\n{more}\n{host}'
    )


class PresetCase(FileCase):
    """A test that loads small networks."""

    def load(self, text: str) -> Network:
        """A network from its text."""
        return load_network(self.write(text), SECRETS)

    def account(self, options: str) -> Account:
        """An account with these lines."""
        return self.load(f'[account.x]\npassword = "{HASH}"\n{options}').accounts["x"]

    def provider(self, preset: str, more: str = "", host: str = "") -> Provider:
        """A provider with this preset and these lines."""
        return self.load(provider_text(preset, more, host)).providers["x"]


class DataTest(PresetCase):
    """The two files of presets."""

    def test_all_are_there(self) -> None:
        """Every preset of the mission, with a status."""
        self.assertEqual(
            account_presets(), ("default", "sendexa", "gatewayapi", "messangi", "ozeki")
        )
        self.assertEqual(len(provider_presets()), 32)
        for name in provider_presets():
            status = provider_preset(name)["status"]
            self.assertIn(status, ("base", "seed", "documented", "partial", "unverified"), name)

    def test_every_provider_preset_loads(self) -> None:
        """As it stands where it has hosts, in each of its regions, and with a host of one's own."""
        for name in provider_presets():
            preset = provider_preset(name)
            if preset["tls"] != "none":
                self.assertEqual(self.provider(name, host=HOST).hosts[0].address, "::1", name)
            for region, hosts in preset.get("regions", {}).items():
                provider = self.provider(name, f'region = "{region}"')
                self.assertEqual([host.address for host in provider.hosts], hosts)
            if preset["hosts"]:
                provider = self.provider(name)
                self.assertEqual([host.address for host in provider.hosts], preset["hosts"])
                self.assertEqual(provider.status, preset["status"])

    def test_every_account_preset_loads(self) -> None:
        """Each option of a preset reaches the account."""
        for name in account_presets():
            account = self.account(f'preset = "{name}"')
            for option, value in account_preset(name).items():
                found = getattr(account, option)
                self.assertEqual(found, frozenset(value) if option in _SETS else value, option)

    def test_default_account_is_the_class(self) -> None:
        """The preset default says nothing beyond routing/accounts.py, named or not."""
        self.assertEqual(self.account(""), Account("x", HASH))
        self.assertEqual(self.account('preset = "default"'), Account("x", HASH))

    def test_no_preset_is_transparent(self) -> None:
        """A provider without a preset is rewritten nowhere."""
        provider = self.load(
            '[provider.x]\nsystem_id = "us"\npassword = "env:X"\n' + HOST
        ).providers["x"]
        self.assertTrue(provider.text.transparent and provider.address.transparent)
        self.assertEqual(provider.send, SendProfile())
        self.assertEqual(provider.tls, "none")

    def test_copies(self) -> None:
        """Who changes what it was given changes no preset."""
        provider_preset("gatewayapi")["text"]["codings"].clear()
        account_preset("gatewayapi").clear()
        self.assertEqual(provider_preset("gatewayapi")["text"]["codings"]["ascii"], 1)
        self.assertTrue(account_preset("gatewayapi"))

    def test_merged(self) -> None:
        """Profiles are overridden option by option, other tables as a whole; nothing is changed."""
        under = {"a": 1, "text": {"x": 1, "codings": {"k": 1}}, "errors": {"k": 1}}
        over = {"text": {"codings": {"l": 2}}, "errors": {"l": 2}}
        both = merged(under, over)
        self.assertEqual(
            both, {"a": 1, "text": {"x": 1, "codings": {"l": 2}}, "errors": {"l": 2}}
        )
        self.assertEqual(under["errors"], {"k": 1})


class AccountTest(PresetCase):
    """What accounts promise by preset."""

    def test_strict_presets_know_a_bad_address(self) -> None:
        """Section 5, rows 19 and 21: every document's preset checks addresses, default does not."""
        for name in account_presets():
            strict = self.account(f'preset = "{name}"').strict_addresses
            self.assertEqual(strict, name != "default", name)

    def test_sx14_sx15_sx17_sendexa(self) -> None:
        """Addresses and payload are checked, 50 fit the window."""
        account = self.account('preset = "sendexa"')
        self.assertTrue(account.strict_addresses and account.strip_00 and account.strict_payload)
        self.assertEqual((account.window, account.tls), (50, "optional"))

    def test_gw_gatewayapi(self) -> None:
        """GW-18, 21, 22, 37, 39, 41, 44, 47, 48 as the document says; 3.3 and 5.0 may bind."""
        account = self.account('preset = "gatewayapi"')
        self.assertTrue(account.strict_ton and account.strict_payload)
        self.assertEqual(account.data_codings, NINE)
        self.assertEqual((account.dialect, account.schedule), ("gatewayapi", "refuse"))
        self.assertEqual((account.deliver_window, account.max_payload), (10, 39_015))
        self.assertEqual(account.max_payload, 153 * account.max_parts)
        self.assertEqual(set(account.message_classes), {"standard", "premium", "secret", "charge"})
        self.assertEqual((account.receipt_limit, account.receipt_keep), (25_000, 48 * 3600))
        self.assertEqual(account.versions, frozenset())

    def test_mg02_mg03_mg25_messangi(self) -> None:
        """3.4 only, TLS only, sources enforced once there are some."""
        account = self.account('preset = "messangi"')
        self.assertEqual((account.versions, account.tls), ({0x34}, "required"))
        self.assertEqual((account.source_policy, account.sources), ("enforce", ()))

    def test_oz08_oz12_ozeki(self) -> None:
        """UTF-8 by default, idle after five minutes."""
        account = self.account('preset = "ozeki"')
        self.assertEqual((account.default_alphabet, account.idle_timeout), ("utf-8", 300.0))

    def test_override(self) -> None:
        """Every option of every preset can be overridden, and only that one changes."""
        changes: dict[str, Any] = {
            "window": 7, "deliver_window": 7, "receipt_limit": 7, "receipt_keep": 7,
            "enquire_interval": 7.0, "idle_timeout": 70.0, "max_parts": 7, "max_payload": 7,
            "max_priority": 2, "strict_addresses": False, "strip_00": False, "strict_ton": False,
            "strict_fields": False, "strict_payload": False, "default_alphabet": "latin1",
            "data_codings": [8], "schedule": "ignore", "message_classes": {"gold": ""},
            "dialect": "default", "versions": [0x50], "tls": "optional", "source_policy": "any",
            "enroute_final_as": "DELIVRD", "on_no_receipt": "UNKNOWN",
            "bind_resp_system_id": "echo",
        }  # fmt: skip
        for name in account_presets():
            plain = attrs.asdict(self.account(f'preset = "{name}"'))
            for option in account_preset(name).keys() - {"message_log"}:
                line = f"{option} = {toml(changes[option])}"
                account = attrs.asdict(self.account(f'preset = "{name}"\n{line}'))
                self.assertNotEqual(account.pop(option), plain[option], line)
                left = {key: value for key, value in plain.items() if key != option}
                account.pop("text_settings")
                left.pop("text_settings")
                self.assertEqual(account, left, line)


class ProviderTest(PresetCase):
    """What provider presets give."""

    def test_sx04_sx07_sx16_sx19_sendexa(self) -> None:
        """One host with a TLS port, its system_type, a window of 25, safe characters only."""
        provider = self.provider("sendexa")
        (host,) = provider.hosts
        self.assertEqual((host.address, provider.door(host)), ("smpp.sendexa.co", (2776, True)))
        self.assertEqual((provider.system_type, provider.window), (b"sendexa", 25))
        self.assertEqual(provider.text.default_alphabet, "ascii-gsm-safe")
        self.assertEqual(provider.text.codings, {"gsm7": 0, "ucs2": 8})
        self.assertFalse(provider.text.transparent)

    def test_gw08_regions(self) -> None:
        """The four names, by region or by the preset of the region."""
        com = ["a.smpp.gatewayapi.com", "b.smpp.gatewayapi.com"]
        eu = ["a.smpp.gatewayapi.eu", "b.smpp.gatewayapi.eu"]
        for preset, more, hosts in (
            ("gatewayapi", "", com),
            ("gatewayapi", 'region = "com"', com),
            ("gatewayapi", 'region = "eu"', eu),
            ("gatewayapi-eu", "", eu),
        ):
            provider = self.provider(preset, more)
            self.assertEqual([host.address for host in provider.hosts], hosts)
            self.assertEqual([host.name for host in provider.hosts], ["a", "b"])
            self.assertEqual(provider.door(provider.hosts[0]), (8775, True))

    def test_gw06_gw34_gw38_gatewayapi(self) -> None:
        """Reconnects, err and finality of the document."""
        provider = self.provider("gatewayapi")
        self.assertEqual((provider.reconnect_delay, provider.auth_retry_delay), (30.0, 300.0))
        self.assertEqual(provider.receipt.err, "gatewayapi")
        self.assertTrue(provider.receipt.is_final("ACCEPTD", b"45"))
        self.assertEqual((provider.reference_max, provider.send.message_class), (20, 0x2900))

    def test_mg12_mg22_messangi(self) -> None:
        """Host and port are the operator's; ENROUTE is final in Colombia only."""
        provider = self.provider("messangi", host=HOST)
        self.assertEqual(provider.tls, "required")
        self.assertEqual(provider.door(provider.hosts[0]), (2776, True))
        self.assertTrue(provider.receipt.is_final("ENROUTE", b"573001234567"))
        self.assertFalse(provider.receipt.is_final("ENROUTE", b"4512345678"))

    def test_mg12_one_port_is_enough(self) -> None:
        """A port that the operator wrote is the port, with TLS where TLS is required."""
        host = '[provider.x.host.a]\naddress = "::1"\nport = 3600\n'
        provider = self.provider("messangi", host=host)
        self.assertEqual(provider.door(provider.hosts[0]), (3600, True))
        provider = self.provider("gatewayapi", host=host)
        self.assertEqual(provider.door(provider.hosts[0]), (3600, False))

    def test_a_host_has_the_ports_of_its_preset(self) -> None:
        """Where the operator writes none."""
        provider = self.provider("gatewayapi", host='[provider.x.host.a]\naddress = "::1"\n')
        self.assertEqual((provider.hosts[0].port, provider.hosts[0].tls_port), (2775, 8775))

    def test_oz11_ozeki(self) -> None:
        """The + is kept."""
        self.assertEqual(self.provider("ozeki", host=HOST).address.plus, "keep")

    def test_xc02_auto(self) -> None:
        """Vonage and the generic preset learn how ids are spelled."""
        self.assertEqual(self.provider("vonage").ids.resp, "auto")
        self.assertEqual(self.provider("generic", host=HOST).ids.receipt_tlv, "auto")

    def test_override(self) -> None:
        """An option of a profile changes alone; lists and tables change as a whole."""
        provider = self.provider(
            "gatewayapi",
            'window = 3\ntext.long = "sar"\ntext.codings = { gsm7 = 0 }\n'
            'address.plus = "as_is"\nsend.tlvs = "all"\nanswers.throttle = []\nids.resp = "hex"\n'
            'receipt.final = ["DELIVRD"]\ntls = "required"',
        )
        self.assertEqual((provider.window, provider.tls), (3, "required"))
        self.assertEqual((provider.text.long, provider.text.max_parts), ("sar", 255))
        self.assertEqual(provider.text.codings, {"gsm7": 0})
        self.assertEqual((provider.address.plus, provider.address.dest_ton), ("as_is", 1))
        self.assertEqual((provider.send.tlvs, provider.send.message_class), (None, 0x2900))
        self.assertEqual((provider.answers.throttle, provider.ids.resp), (frozenset(), "hex"))
        receipt = provider.receipt
        self.assertEqual((receipt.final, receipt.err), ({"DELIVRD"}, "gatewayapi"))

    def test_pauses_that_are_written(self) -> None:
        """reconnect_min or reconnect_max is meant, so the preset's reconnect_delay gives way."""
        provider = self.provider("gatewayapi", "reconnect_min = 0.5")
        self.assertEqual((provider.reconnect_min, provider.reconnect_delay), (0.5, 0.0))

    def test_all_hosts_of_all_regions(self) -> None:
        """Who wants every region says hosts_mode = "all"."""
        provider = self.provider("melrose", 'hosts_mode = "all"')
        self.assertEqual(len(provider.hosts), 4)

    def test_one_line_about_text(self) -> None:
        """A text profile without a preset holds from its first line on, or not if it says so."""
        text = '[provider.x]\nsystem_id = "us"\npassword = "env:X"\n'
        sar = self.load(text + 'text.long = "sar"\n' + HOST).providers["x"]
        self.assertFalse(sar.text.transparent)
        off = self.load(text + 'text.long = "sar"\ntext.transparent = true\n' + HOST)
        self.assertTrue(off.providers["x"].text.transparent)


class EffectiveTest(PresetCase):
    """What `smppproxy check` prints."""

    def lines(self, kind: str, text: str) -> tuple[Any, list[tuple[str, str]]]:
        """The value named x of a network, and its lines with their origins."""
        network = self.load(text)
        values: dict[str, Any] = {"provider": network.providers, "account": network.accounts}
        value = values[kind]["x"]
        written = read_written(self.folder / "file.toml", kind, "x")
        told = (provider_lines if kind == "provider" else account_lines)(value, written)
        return value, [(line.text, line.origin) for line in told]

    def test_origins(self) -> None:
        """Each option says whether the file, the preset or nobody gave it."""
        more = 'region = "eu"\nwindow = 25\ntext.long = "udh"'
        _, lines = self.lines("provider", provider_text("gatewayapi", more))
        for line in (
            ("window = 25", "file"),
            ("max_binds = 2", "preset gatewayapi"),
            ("tps = 0", "default"),
            ('address = "b.smpp.gatewayapi.eu"', "preset gatewayapi"),
            ("# status: seed", "preset gatewayapi"),
            ("# region: eu", "file"),
            ('long = "udh"', "file"),
            ("message_class = 0x2900", "preset gatewayapi"),
            ("temporary = [0x08, 0x14, 0x64]", "preset gatewayapi"),
        ):
            self.assertIn(line, lines)

    def test_mg13_no_password(self) -> None:
        """Neither a provider's password nor an account's hash is shown."""
        for kind, text in (
            ("provider", provider_text("sendexa")),
            ("account", f'[account.x]\npassword = "{HASH}"'),
            ("account", f'[account.x]\npassword = "{HASH}"\nsecond_password = "{HASH}"'),
        ):
            _, lines = self.lines(kind, text)
            self.assertNotIn("hunter2", str(lines))
            self.assertNotIn("argon2", str(lines))

    def test_every_preset_comes_back(self) -> None:
        """The lines are a network file that means the same."""
        for name in provider_presets():
            preset = provider_preset(name)
            region = f'region = "{next(iter(preset["regions"]))}"' if preset.get("regions") else ""
            host = "" if preset["hosts"] or region else HOST
            value, lines = self.lines("provider", provider_text(name, region, host))
            text = "\n".join(line for line, _ in lines)
            text = text.replace("# password: not shown", 'password = "env:X"', 1)
            again = self.load(text).providers["x"]
            again.region = value.region
            self.assertEqual(attrs.asdict(again), attrs.asdict(value), name)

    def test_every_account_comes_back(self) -> None:
        """The same for accounts, also for one of whom every option is written."""
        odd = 'alphabets = { 1 = "gsm7" }\nservice_types = { "" = "", "a b" = "" }\n'
        odd += 'allow_from = ["192.0.2.0/24"]\nerrors = { throttled = 0x14 }\nsources = ["Ü"]'
        presets = [f'preset = "{name}"' for name in account_presets()]
        for options in (*presets, odd):
            value, lines = self.lines("account", f'[account.x]\npassword = "{HASH}"\n{options}')
            text = "\n".join(line for line, _ in lines)
            text = text.replace("# password: not shown", f'password = "{HASH}"', 1)
            self.assertEqual(self.load(text).accounts["x"], value, options)

    def test_names_in_quotes(self) -> None:
        """Names that need quotes have them."""
        account = Account("a b", HASH)
        self.assertEqual(account_lines(account, {})[0].text, '[account."a b"]')


class TomlTest(SynchronousTestCase):
    """toml()."""

    @given(st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    def test_comes_back(self, value: Any) -> None:
        """What is written is what tomllib reads."""
        written = f"x = {toml(value)}"
        self.assertEqual(tomllib.loads(written)["x"], value, written)

    def test_kinds(self) -> None:
        """Octets are text, sets are sorted, numbers may be hexadecimal, None is all."""
        self.assertEqual(toml(b"x"), '"x"')
        self.assertEqual(toml(frozenset({2, 1})), "[1, 2]")
        self.assertEqual(toml({"a": 88}, True), "{ a = 0x58 }")
        self.assertEqual(toml(None), '"all"')

    def test_profiles_are_fields(self) -> None:
        """Each profile table is an attribute of a provider."""
        self.assertLessEqual(set(PROFILES), {field.name for field in attrs.fields(Provider)})


_SETS = frozenset({"versions", "data_codings"})
