"""The files in etc/ work as they stand, and explain every option there is."""

import re
import tomllib
from pathlib import Path
from typing import Any

import argon2
import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import Admin, Listener, Network, Node, load_network, load_node
from smppproxy.config.message_log import MessageLog
from smppproxy.config.node import Log
from smppproxy.config.presets import PROFILES
from smppproxy.config.tracing import Tracing
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.mo import MoRoute, MoSettings
from smppproxy.routing.providers import AnswersProfile, Host, Provider, SendProfile
from smppproxy.routing.routes import Route, Target
from smppproxy.text.profile import TextProfile
from tests.etc.composition import DOCKER
from tests.etc.monitoring import ALERTS, DASHBOARD
from tests.etc.packaging import DEBIAN

ETC = Path(__file__).parent.parent.parent / "etc"
PROFILE_KINDS = (
    IdProfile, ReceiptProfile, TextProfile, AddressProfile, SendProfile, AnswersProfile,
)  # fmt: skip


def options(*kinds: Any) -> set[str]:
    """The options of attrs classes that a file gives by their names."""
    elsewhere = {"listeners", "admin", "hosts", "status", *PROFILES}
    elsewhere |= {"log_level", "log_format", "log_rooms"}
    # Refused but for its default: nobody is told to write it.
    elsewhere.add("join")
    names = {field.name for kind in kinds for field in attrs.fields(kind) if field.init}
    return names - elsewhere


def load(name: str, **environ: str) -> tuple[Node, Network]:
    """A node file of etc/ and its network file."""
    node = load_node(ETC / name, environ)
    return node, load_network(node.network_file, environ)


class EtcTest(SynchronousTestCase):
    """All of etc/."""

    def test_every_file_is_tested(self) -> None:
        """Nothing lies in etc/ that no test here loads."""
        files = {path.name for path in ETC.rglob("*") if path.is_file()}
        tested = {"smppproxy.toml", "network.toml", "loadtest.toml", "loadtest-network.toml"}
        tested |= {"mobile.csv", "prices.csv", "smppproxy.service"}
        tested |= {DASHBOARD.name, ALERTS.name}
        # tests.etc.test_debian
        tested |= {path.name for path in DEBIAN.iterdir()}
        tested |= {"smppproxy@.service", "smppproxy.conf", "smppproxy"}
        # tests.etc.test_docker
        tested |= {path.name for path in DOCKER.rglob("*") if path.is_file()}
        self.assertEqual(files, tested)

    def test_ascii_and_width(self) -> None:
        """Plain ASCII lines of at most 100 characters, hashes and JSON's strings aside."""
        for path in filter(Path.is_file, ETC.rglob("*")):
            for line in path.read_text("ascii").splitlines():
                long = "$argon2id$" in line or path.suffix == ".json"
                self.assertTrue(len(line) <= 100 or long, f"{path}: {line}")


class SampleTest(SynchronousTestCase):
    """etc/smppproxy.toml and etc/network.toml."""

    def test_node(self) -> None:
        """One plain listener on 127.0.0.1:2775, an embedded store beside the checkout."""
        node, _ = load("smppproxy.toml")
        self.assertEqual(node.listeners, (Listener(2775, "127.0.0.1", "plain"),))
        self.assertEqual(node.store, f"embedded://{ETC.parent}/var/store")
        self.assertEqual(node.journal, f"{ETC.parent}/var/store/journal")
        self.assertEqual(node.network_file, str(ETC / "network.toml"))
        self.assertEqual(node.admin, Admin("127.0.0.1", 8080, f"{ETC.parent}/var/admin"))

    def test_values_are_the_defaults(self) -> None:
        """What the node file says about timers and limits is what holds without it."""
        node, _ = load("smppproxy.toml")
        plain = Node(name=node.name, network_file=node.network_file)
        for field in attrs.fields(Node):
            own = ("store", "journal", "listeners", "admin", "message_log")
            if field.init and field.name not in own:
                self.assertEqual(getattr(node, field.name), getattr(plain, field.name), field.name)

    def test_message_log(self) -> None:
        """The message log lies beside the checkout, and is the default one in all the rest."""
        node, _ = load("smppproxy.toml")
        self.assertEqual(node.message_log, MessageLog(f"{ETC.parent}/var/messages"))

    def test_account_demo(self) -> None:
        """The account demo has the password demo and defaults throughout."""
        _, network = load("smppproxy.toml")
        demo = network.accounts["demo"]
        argon2.PasswordHasher().verify(demo.password, "demo")
        self.assertEqual(demo, Account("demo", demo.password))

    def test_provider(self) -> None:
        """The provider acme has hosts a and b and defaults throughout."""
        _, network = load("smppproxy.toml")
        hosts = (Host("a", "127.0.0.1", 2901), Host("b", "127.0.0.1", 2902))
        profiles = (IdProfile(), ReceiptProfile())
        plain = Provider("acme", hosts, b"smppproxy", b"smppproxy")
        plain.ids, plain.receipt = profiles
        self.assertEqual(network.providers["acme"], plain)

    def test_account_by_preset(self) -> None:
        """The account shop is GatewayAPI's but for what its table says itself."""
        _, network = load("smppproxy.toml")
        shop = network.accounts["shop"]
        self.assertEqual((shop.preset, shop.dialect), ("gatewayapi", "gatewayapi"))
        self.assertTrue(shop.strict_ton)
        self.assertEqual(shop.data_codings, {0, 3, 8})

    def test_routes(self) -> None:
        """Messages of demo go to acme and then to the reserve, MO messages to 1234 to demo."""
        _, network = load("smppproxy.toml")
        self.assertEqual(network.routes.targets("demo", b"4512345678", 1), ("acme", "reserve"))
        self.assertEqual(network.mo.account("acme", b"1234"), "demo")

    def test_every_option_stands_there(self) -> None:
        """Each option is written in the files, at work or behind a #."""
        for name, kinds in {
            "smppproxy.toml": (Node, Listener, Admin, Log, MessageLog, Tracing),
            "network.toml": (Account, Provider, Host, Route, MoRoute, MoSettings, *PROFILE_KINDS),
        }.items():
            text = (ETC / name).read_text()
            written = set(re.findall(r"^#?([a-z0-9_]+) = ", text, re.MULTILINE))
            written |= set(re.findall(r"^\[([a-z_]+)\]$", text, re.MULTILINE))
            self.assertEqual(options(*kinds) - written - {"system_id", "name"}, set())
        for option in options(Target):
            self.assertRegex(text, rf"\b{option} = ")

    def test_commented_parts_are_good_too(self) -> None:
        """The TLS listener and the providers behind # load once the # is taken away."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        names = ["tls.crt", "tls.key", "acme-ca.pem", "clients-ca.pem"]
        for name in (*names, "hop.crt", "hop.key", "hop-ca.pem", "collector-ca.pem"):
            (folder / name).touch()
        for name in ("mobile.csv", "prices.csv"):
            (folder / name).write_bytes((ETC / name).read_bytes())
        for name in ("smppproxy.toml", "network.toml"):
            text = (ETC / name).read_text()
            text = re.sub(r"^#(?=\[|[a-z0-9_]+ = )", "", text, flags=re.MULTILINE)
            # A test's folder may be deeper than a socket's name may be long.
            text = text.replace('"../var/admin"', '"/run/smppproxy/admin"')
            tomllib.loads(text)
            (folder / name).write_text(text)
        secrets = ("SMPPPROXY_READ", "SMPPPROXY_ALICE", "SMPPPROXY_OTLP")
        environ = {name: f"{name}-of-the-test" for name in secrets}
        node = load_node(folder / "smppproxy.toml", environ)
        self.assertEqual(node.admin.tokens.keys(), {"read", "operate:alice"})
        self.assertEqual([listener.port for listener in node.listeners], [2775, 8775])
        self.assertEqual(node.admin.path, "/run/smppproxy/admin")
        self.assertTrue(node.hop.is_on)
        self.assertEqual(node.tracing.headers, {"authorization": "SMPPPROXY_OTLP-of-the-test"})
        passwords = dict.fromkeys(("BETA_PASSWORD", "GATEWAY_PASSWORD", "LATAM_PASSWORD"), "x")
        network = load_network(node.network_file, passwords)
        self.assertEqual(network.providers["beta"].bind, "transmitter+receiver")
        gateway, latam = network.providers["gateway"], network.providers["latam"]
        self.assertEqual(gateway.hosts[1].address, "b.smpp.gatewayapi.eu")
        self.assertEqual((latam.door(latam.hosts[0]), latam.text.max_parts), ((3601, True), 6))
        names = [route.name for route in network.routes.routes]
        self.assertEqual(names[3:], ["codes", "mobile numbers", "a tenth of Sweden"])
        self.assertEqual(network.routes.targets("x", b"4520123456", 0), ("reserve", "gateway"))
        self.assertEqual(network.warnings, [])


class LoadTestTest(SynchronousTestCase):
    """etc/loadtest.toml and its network."""

    def test_node(self) -> None:
        """It listens on 127.0.0.1:2775; the store is the embedded one without SMPPPROXY_STORE."""
        node, _ = load("loadtest.toml")
        (listener,) = node.listeners
        self.assertEqual((listener.address, listener.port), ("127.0.0.1", 2775))
        self.assertEqual(node.store, f"embedded://{ETC.parent}/var/loadtest")

    def test_store_of_the_environment(self) -> None:
        """SMPPPROXY_STORE names the store."""
        node, _ = load("loadtest.toml", SMPPPROXY_STORE="redis://127.0.0.1:6399/0")
        self.assertEqual(node.store, "redis://127.0.0.1:6399/0")

    def test_account(self) -> None:
        """load/load, without limits."""
        _, network = load("loadtest.toml")
        (account,) = network.accounts.values()
        argon2.PasswordHasher().verify(account.password, "load")
        self.assertEqual((account.system_id, account.tps), ("load", 0))
        self.assertEqual((account.window, account.window_full), (10_000, "pause"))

    def test_provider(self) -> None:
        """One provider, two hosts, two binds to each, window 100, smppproxy/smppproxy."""
        _, network = load("loadtest.toml")
        (provider,) = network.providers.values()
        doors = [(host.address, host.port) for host in provider.hosts]
        self.assertEqual(doors, [("127.0.0.1", 2901), ("127.0.0.1", 2902)])
        self.assertEqual((provider.system_id, provider.password), (b"smppproxy", b"smppproxy"))
        self.assertEqual((provider.binds, provider.window, provider.tps), (2, 100, 0))
        self.assertEqual(network.routes.targets("load", b"4512345678", 0), (provider.name,))
        self.assertEqual(network.mo.account(provider.name, b"1234"), "load")
