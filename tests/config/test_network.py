"""The network file: what it gives, and every way to get it wrong."""

from ipaddress import ip_network
from pathlib import Path

import attrs

from smppproxy.config import load_network
from smppproxy.config.presets import PROFILES
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import AnswersProfile, Host, Provider, SendProfile
from smppproxy.text.profile import TextProfile
from tests.config.files import HASH, SCRYPT, FileCase

DEMO = f'[account.demo]\npassword = "{HASH}"'
LOGIN = 'system_id = "us"\npassword = "hunter2"'
HOST = '[provider.acme.host.a]\naddress = "127.0.0.1"\nport = 2775'
PROFILE_KINDS: tuple[type, ...] = (
    IdProfile, ReceiptProfile, TextProfile, AddressProfile, SendProfile, AnswersProfile,
)  # fmt: skip
WORDS = {
    "@ACME@": f"[provider.acme]\n{LOGIN}\n{HOST}",
    "@DEMO@": DEMO,
    "@HALF@": HASH[:50],
    "@HASH@": HASH,
    "@HOST@": HOST,
    "@LOGIN@": LOGIN,
    "@LONG@": "x" * 256,
}


def bad_networks() -> list[tuple[str, str, str]]:
    """The blocks of bad_networks.txt: (what is tried, the file, what is said about it)."""
    text = Path(__file__).with_name("bad_networks.txt").read_text()
    for word, meaning in WORDS.items():
        text = text.replace(word, meaning)
    blocks = text.split("\n=== ")[1:]
    found = []
    for block in blocks:
        what, _, rest = block.partition("\n")
        written, _, said = rest.rstrip("\n").partition("\n---\n")
        found.append((what, written, said))
    return found


EVERYTHING = f"""
[account.demo]
password = "{HASH}"
bind_types = ["trx"]
max_binds = 1
tps = 2
burst = 3
window = 4
window_full = "throttle"
deliver_window = 5
max_outstanding = 6
tls = "required"
allow_from = ["192.0.2.0/24", "2001:db8::1"]
in_doubt = "answer"
message_id_format = "uuid"
receipts = true
intermediate = "never"
receipt_limit = 7
receipt_keep = 8
mo_limit = 9
mo_keep = 10
enabled = false
preset = "messangi"
versions = [0x33, 0x34]
service = "both"
require_system_type = "shop"
distinct_auth_errors = true
bind_resp_system_id = "echo"
max_binds_scope = "node"
idle_timeout = 100
enquire_interval = 40
sources = ["1204", "Acme"]
source_policy = "replace"
source_ton = 1
source_npi = 2
dest_ton = 3
dest_npi = 4
strict_addresses = true
strip_00 = false
strict_ton = false
strict_npi = true
strict_fields = false
strict_payload = true
default_alphabet = "latin1"
alphabets = {{ 1 = "gsm7", 0xF5 = "binary" }}
data_codings = [0, 1, 0xF5]
dcs_extra = true
strict_gsm7 = true
strict_latin1 = true
strict_utf16 = true
shrink_ucs2 = true
schedule = "ignore"
max_priority = 2
priority_lane = true
max_parts = 20
max_payload = 1000
service_types = {{ "1" = "acme", "2" = "" }}
message_classes = {{ premium = "acme", plain = "" }}
default_message_class = "plain"
dialect = "gatewayapi"
receipt_tz = "Europe/Copenhagen"
enroute_final_as = "DELIVRD"
late_delivery = true
on_no_receipt = "EXPIRED"
pass_vendor_status = true
errors = {{ throttled = 0x14 }}
message_log = "off"
mask_numbers = true
groups = ["retail"]
client_certificates = ["esme01.example.net", "sha256:{"0f" * 32}"]
second_password = "{HASH}"

[provider.acme]
system_id = "æ"
password = "env:ACME"
system_type = "SMPP"
bind = "transmitter+receiver"
binds = 2
binds_total = 8
window = 3
tps = 4
pace = "adaptive"
state = "isolate"
mo_dedupe = 60
prices = "acme.csv"
tls = "required"
tls_name = "smpp.example.net"
tls_ca = "ca.pem"
connect_timeout = 1
bind_timeout = 2
response_timeout = 3
enquire_link = 6
enquire_answer = 5
reconnect_min = 6
reconnect_max = 7
auth_retry_delay = 8
drain = 9
mapping_ttl = 11
final_ttl = 10
temp_answer = 0x08
preset = "sinch"
region = ""
hosts_mode = "all"
tls_min = "1.3"
bind_address = "192.0.2.9"
allow_from_needed = false
interface_version = 0x50
addr_ton = 1
addr_npi = 2
address_range = "^45"
max_password = 12
max_binds = 4
idle_timeout = 20
reconnect_delay = 0
retry_for = 13
reference_echo = true
reference_max = 14
reference_text = true
per_segment = true
host.a = {{ address = "a.example.net", port = 2775, tls_port = 2777 }}
host.b = {{ address = "b.example.net", port = 2776 }}

[provider.acme.ids]
resp = "hex"
receipt_text = "dec"
receipt_tlv = "dec"
strip_zeros = true
fold_case = true

[provider.acme.receipt]
final = ["DELIVRD"]
final_for = [{{ prefix = "57", states = ["ENROUTE", "REJECTD"] }}]
detect_by_text = true
prefer = "text"
tz = "Europe/Copenhagen"
err = "hex"
addresses = "as_submitted"

[provider.acme.text]
transparent = false
default_alphabet = "ascii"
gsm7 = "packed"
join = false
codings = {{ gsm7 = 0 }}
flash = "none"
long = "sar"
udh = false
udh_ref = 16
max_parts = 5
max_octets = 130
shrink = true

[provider.acme.address]
dest_ton = 0
dest_npi = 1
plus = "keep"
alpha_ton = 2
alpha_npi = 3
short_ton = 4
short_npi = 5
msisdn_ton = 6
msisdn_npi = 7
alpha_max = 8

[provider.acme.send]
schedule = true
validity = "absolute"
priority_max = 1
tlvs = [0x1403]
message_class = 0x2901

[provider.acme.answers]
throttle = [1]
temporary = [2]
bind_full = [3]
bind_auth = []

[[route]]
name = "denmark"
accounts = ["demo"]
prefixes = ["45"]
targets = [{{ provider = "acme", weight = 3, backup = true }}]

[[route]]
targets = ["acme"]

[[mo_route]]
account = "demo"
numbers = ["1234"]
prefixes = ["4570"]
providers = ["acme"]
"""


class LoadNetworkTest(FileCase):
    """load_network."""

    def test_empty(self) -> None:
        """An empty file is a network of nobody."""
        network = load_network(self.write(""), {})
        self.assertEqual((network.accounts, network.providers), ({}, {}))
        self.assertEqual((network.routes.routes, network.mo.routes), ((), ()))

    def test_account(self) -> None:
        """Every option of an account reaches its attribute."""
        self.write("", "ca.pem")
        self.write("prefix,price\n45,0.1\n", "acme.csv")
        network = load_network(self.write(EVERYTHING), {"ACME": "secret"})
        allowed = (ip_network("192.0.2.0/24"), ip_network("2001:db8::1"))
        account = network.accounts["demo"]
        expected = Account(
            "demo", HASH, frozenset({"trx"}), 1, 2, 3, 4, "throttle", 5, 6, "required",
            allowed, "answer", "uuid", True, "never", 7, 8, 9, 10, False,
            "messangi", frozenset({0x33, 0x34}), "both", "shop", True, "echo", "node", 100.0, 40.0,
            ("1204", "Acme"), "replace", 1, 2, 3, 4, True, False, False, True, False, True,
            "latin1", {1: "gsm7", 0xF5: "binary"}, frozenset({0, 1, 0xF5}), True, True, True, True,
            True, "ignore", 2, True, 20, 1000, {"1": "acme", "2": ""},
            {"premium": "acme", "plain": ""}, "plain", "gatewayapi", "Europe/Copenhagen", "DELIVRD",
            True, "EXPIRED", True, {"throttled": 0x14}, "off", True,
            groups=frozenset({"retail"}),
            client_certificates=("esme01.example.net", "sha256:" + "0f" * 32),
            second_password=HASH,
        )  # fmt: skip
        self.assertEqual(attrs.asdict(account), attrs.asdict(expected))
        self.assertEqual(account.text_settings, expected.text_settings)

    def test_what_leaves_others_without_effect(self) -> None:
        """Options beside which others would say nothing reach their attributes too."""
        text = f"""
            [account.demo]
            password = "{HASH}"
            bind_types = ["tx"]
            receipts = false
            service = "mt"
            [provider.acme]
            system_id = "us"
            password = "secret"
            reconnect_delay = 12
            host.a = {{ address = "localhost", port = 2775 }}
        """
        network = load_network(self.write(text), {})
        account = network.accounts["demo"]
        self.assertEqual(
            (account.bind_types, account.receipts, account.service), ({"tx"}, False, "mt")
        )
        self.assertEqual(network.providers["acme"].reconnect_delay, 12.0)

    def test_provider(self) -> None:
        """Every option of a provider reaches its attribute; a secret is read, a path absolute."""
        self.write("", "ca.pem")
        self.write("prefix,price\n45,0.1\n", "acme.csv")
        network = load_network(self.write(EVERYTHING), {"ACME": "secret"})
        hosts = (Host("a", "a.example.net", 2775, 2777), Host("b", "b.example.net", 2776))
        expected = Provider(
            "acme", hosts, "æ".encode(), b"secret", b"SMPP", "transmitter+receiver",
            2, 3, 4, "required", "smpp.example.net", str(self.folder / "ca.pem"),
            1.0, 2.0, 3.0, 6.0, 5.0, 6.0, 7.0, 8.0, 9.0, 11, 10, 8,
            IdProfile("hex", "dec", "dec", True, True),
            ReceiptProfile(
                frozenset({"DELIVRD"}), (("57", frozenset({"ENROUTE", "REJECTD"})),),
                True, "text", "Europe/Copenhagen", "hex", "as_submitted",
            ),
            "sinch", "", "partial", "all", "1.3", "192.0.2.9", False, 0x50, 1, 2, b"^45", 12, 4,
            20.0, 0.0, 13.0, True, 14, True, True,
            TextProfile(
                False, "ascii", "packed", False, {"gsm7": 0}, "none", "sar", False, 16, 5, 130,
                True,
            ),
            AddressProfile(0, 1, "keep", 2, 3, 4, 5, 6, 7, 8),
            SendProfile(True, "absolute", 1, frozenset({0x1403}), 0x2901),
            AnswersProfile(frozenset({1}), frozenset({2}), frozenset({3}), frozenset()),
            8, "adaptive", "isolate", mo_dedupe=60,
            prices="acme.csv",
        )  # fmt: skip
        self.assertEqual(attrs.asdict(network.providers["acme"]), attrs.asdict(expected))

    def test_two_providers_with_one_login(self) -> None:
        """Receipts of a login may come on any of its binds: two providers with one are told of,
        those that differ in system_id, host or port are not.
        """
        lines = "".join(
            f'[provider.{name}]\nsystem_id = "{login}"\npassword = "env:SECRET"\n'
            f'host.a = {{ address = "{address}", port = {port} }}\n'
            for name, login, address, port in (
                ("first", "us", "a.example.net", 2775),
                ("login", "them", "a.example.net", 2775),
                ("host", "us", "b.example.net", 2775),
                ("port", "us", "a.example.net", 2776),
                ("same", "us", "a.example.net", 2775),
            )
        )
        (warning,) = load_network(self.write(lines), {"SECRET": "x"}).warnings
        self.assertEqual((warning.option, warning.line), ("provider.same", 17))
        self.assertIn('a.example.net:2775 as "us", as provider first does', warning.text)

    def test_everything_means_everything(self) -> None:
        """The file above sets every option that an account, a provider and its profiles have."""
        by_name = {"system_id", "name", "hosts", "status", *PROFILES}
        for kind in (Account, Provider, *PROFILE_KINDS):
            for field in attrs.fields(kind):
                if field.init and field.name not in by_name:
                    self.assertIn(f"\n{field.name} = ", EVERYTHING)

    def test_defaults(self) -> None:
        """What a file leaves out is as the classes say."""
        text = f"""
            account.demo.password = "{SCRYPT}"
            [provider.acme]
            system_id = "us"
            password = "secret"
            host.a = {{ address = "localhost", port = 2775 }}
            host.b = {{ address = "::1", port = 2775 }}
        """
        network = load_network(self.write(text), {})
        hosts = (Host("a", "localhost", 2775), Host("b", "::1", 2775))
        provider = Provider(
            "acme", hosts, b"us", b"secret", ids=IdProfile(), receipt=ReceiptProfile()
        )
        self.assertEqual(network.providers, {"acme": provider})
        self.assertEqual(network.accounts, {"demo": Account("demo", SCRYPT)})

    def test_routes(self) -> None:
        """Routes choose as they are written; one without a name is called by its place."""
        self.write("", "ca.pem")
        self.write("prefix,price\n45,0.1\n", "acme.csv")
        network = load_network(self.write(EVERYTHING), {"ACME": "secret"})
        self.assertEqual(network.routes.targets("demo", b"4512345678", 0), ("acme",))
        self.assertEqual([route.name for route in network.routes.routes], ["denmark", "route 2"])
        (target,) = network.routes.routes[0].targets
        self.assertEqual((target.weight, target.backup), (3, True))

    def test_mo_routes(self) -> None:
        """MO routes find the account."""
        self.write("", "ca.pem")
        self.write("prefix,price\n45,0.1\n", "acme.csv")
        network = load_network(self.write(EVERYTHING), {"ACME": "secret"})
        self.assertEqual(network.mo.account("acme", b"1234"), "demo")
        self.assertIsNone(network.mo.account("acme", b"12345"))

    def test_references(self) -> None:
        """Passwords may stand in variables and in files, those of accounts as hashes."""
        self.write(HASH + "\n", "demo.hash")
        self.write(b"\xff\xfe\r\n", "acme.secret")
        text = """
            account.demo.password = "file:demo.hash"
            account.shop.password = "env:SHOP"
            [provider.acme]
            system_id = "us"
            password = "file:acme.secret"
            host.a = { address = "smpp.example.net", port = 2775 }
        """
        network = load_network(self.write(text), {"SHOP": SCRYPT})
        self.assertEqual(network.accounts["demo"].password, HASH)
        self.assertEqual(network.accounts["shop"].password, SCRYPT)
        self.assertEqual(network.providers["acme"].password, b"\xff\xfe")

    def test_environment_of_the_process(self) -> None:
        """Without another one the process's own environment is asked."""
        self.patch(__import__("os"), "environ", {"SMPPPROXY_TEST": HASH})
        path = self.write('account.demo.password = "env:SMPPPROXY_TEST"')
        self.assertEqual(load_network(path).accounts["demo"].password, HASH)

    def test_bad(self) -> None:
        """Each wrong file is told with its line, its option, what is wrong and what to write."""
        bad = bad_networks()
        self.assertEqual(len(bad), 150)
        self.write("hunter2\n", "plain.secret")
        for what, text, said in bad:
            found = self.problems(load_network, text, {"PLAIN": "hunter2"})
            self.assertEqual(found, said, what)

    def test_secrets_stay_secret(self) -> None:
        """No problem repeats a password or the content of a file."""
        self.write("hunter2\n", "plain.secret")
        for what, text, _ in bad_networks():
            said = self.problems(load_network, text, {"PLAIN": "hunter2"})
            self.assertNotIn("hunter2", said, what)
