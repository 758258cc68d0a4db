"""The node file: what it gives, and every way to get it wrong."""

import os
from ipaddress import ip_network
from pathlib import Path

import attrs

from smppproxy.config import Admin, ConfigError, Listener, Node, load_node
from smppproxy.smpp.timers import Timers
from tests.config.files import FileCase

SMALL = """
[node]
name = "n1"
network_file = "network.toml"
[[listener]]
port = 2775
"""

HEAD = '[node]\nname = "n1"\nnetwork_file = "network.toml"\n'
DOOR = "[[listener]]\nport = 2775\n"

#: what is tried, the file, and what is said about it.
BAD: list[tuple[str, str, str]] = [
    (
        "an empty file",
        "# <--",
        "listener: there is no listener; "
        'write [[listener]] with address = "127.0.0.1" and port = 2775\n'
        'node.name: this option is missing; write text in quotes, e.g. name = "node1"',
    ),
    (
        "a misspelt table",
        HEAD + DOOR + "[[listner]] # <--\nport = 1\n",
        'listner: there is no such table; did you mean "listener"?',
    ),
    (
        "a misspelt option",
        HEAD + "drain_timout = 5 # <--\n" + DOOR,
        'node.drain_timout: there is no such option; did you mean "drain_timeout"?',
    ),
    (
        "an option nobody knows",
        HEAD + DOOR + "[log]\nzzz = 1 # <--\n",
        "log.zzz: there is no such option; known are format, level, rooms",
    ),
    (
        "node is no table",
        "node = 1 # <--\n" + DOOR,
        "node: this is not a table; write its options below [node]",
    ),
    (
        "listener is one table",
        HEAD + "[listener] # <--\nport = 2775\n",
        "listener: this is not a list of tables; "
        "write each of them as a table of its own under a line [[listener]]",
    ),
    (
        "listener holds no tables",
        "listener = [2775] # <--\n" + HEAD,
        "listener[1]: this is not a table; "
        "write each of them as a table of its own under a line [[listener]]",
    ),
    (
        "options of other tables",
        HEAD + 'log_level = "info" # <--\nadmin = 1 # <--\nlisteners = [] # <--\n' + DOOR,
        "node.log_level: this does not stand here; write it below [log] as level\n"
        "node.admin: this does not stand here; write it below [admin]\n"
        "node.listeners: this does not stand here; write it below [[listener]]",
    ),
    (
        "no network file there",
        '[node]\nname = "n1"\nnetwork_file = "gone.toml" # <--\n' + DOOR,
        "node.network_file: cannot read DIR/gone.toml: No such file or directory; "
        "create it, or mend the path (relative to the file that names it)",
    ),
    (
        "a network file that is a folder",
        '[node]\nname = "n1"\nnetwork_file = "." # <--\n' + DOOR,
        "node.network_file: cannot read DIR: Is a directory; "
        "create it, or mend the path (relative to the file that names it)",
    ),
    (
        "a store nobody knows",
        HEAD + 'store = "postgres://h" # <--\n' + DOOR,
        "node.store: this is not the address of a store; known are embedded:, "
        "redis+cluster:, redis+sentinel:, redis+unix:, redis:, rediss:",
    ),
    (
        "a store of the wrong type",
        HEAD + "store = 1 # <--\n" + DOOR,
        "node.store: the value is not text; write text in quotes",
    ),
    (
        "a system_id that does not fit bind_resp",
        HEAD + 'system_id = "sixteen-octets-x" # <--\n' + DOOR,
        "node.system_id: the text has 16 octets; write at most 15 octets",
    ),
    (
        "no worker",
        HEAD + "workers = 0 # <--\n" + DOOR,
        "node.workers: 0 is out of range; write a number from 1 to 64, e.g. workers = 1",
    ),
    (
        "more workers than there can be",
        HEAD + "workers = 65 # <--\n" + DOOR,
        "node.workers: 65 is out of range; write a number from 1 to 64, e.g. workers = 1",
    ),
    (
        "workers in words",
        HEAD + 'workers = "auto" # <--\n' + DOOR,
        'node.workers: "auto" is not a whole number; write a number from 1 to 64, '
        "e.g. workers = 1",
    ),
    (
        "a time in words",
        HEAD + 'session_init = "10s" # <--\n' + DOOR,
        'node.session_init: "10s" is not a number of seconds; '
        "write seconds from 0.01 to 3600, e.g. session_init = 10.0",
    ),
    (
        "a session that ends before we ask",
        HEAD + "idle_timeout = 60\nenquire_link = 60 # <--\n" + DOOR,
        "node.enquire_link: enquire_link (60 s) is not shorter than idle_timeout (60 s); "
        "ask before the session ends: idle_timeout of at least twice enquire_link, or 0",
    ),
    (
        "the same with the default",
        HEAD + "idle_timeout = 30 # <--\n" + DOOR,
        "node.idle_timeout: enquire_link (30 s) is not shorter than idle_timeout (30 s); "
        "ask before the session ends: idle_timeout of at least twice enquire_link, or 0",
    ),
    (
        "a listener without a port",
        HEAD + '[[listener]] # <--\naddress = "::"\n',
        "listener[1].port: this option is missing; "
        "write a number from 0 to 65535, e.g. port = 2775",
    ),
    (
        "a port out of range",
        HEAD + "[[listener]]\nport = 65536 # <--\n",
        "listener[1].port: 65536 is out of range; write a number from 0 to 65535, e.g. port = 2775",
    ),
    (
        "a listener on a name",
        HEAD + DOOR + 'address = "localhost" # <--\n',
        'listener[1].address: "localhost" is not an IP address; '
        'write address = "127.0.0.1", or "0.0.0.0" or "::" for every address',
    ),
    (
        "no session at all",
        HEAD + DOOR + "max_sessions = 0 # <--\n",
        "listener[1].max_sessions: 0 is out of range; "
        "write a number from 1 to 1000000, e.g. max_sessions = 10000",
    ),
    (
        "two listeners on one port",
        HEAD + DOOR + '[[listener]]\nname = "two"\nport = 2775 # <--\n',
        "listener[2].port: 0.0.0.0:2775 listens on port 2775 already; "
        "give each listener a port of its own",
    ),
    (
        "one address of a port that is taken on all",
        HEAD + DOOR + '[[listener]]\naddress = "127.0.0.1"\nport = 2775 # <--\n',
        "listener[2].port: 0.0.0.0:2775 listens on port 2775 already; "
        "give each listener a port of its own",
    ),
    (
        "two listeners of one name",
        HEAD + DOOR + 'name = "x"\n[[listener]]\nport = 2776\nname = "x" # <--\n',
        'listener[2].name: "x" is taken; give each listener a name of its own',
    ),
    (
        "TLS without certificate",
        HEAD + "[[listener]] # <--\nport = 8775\ntls = true\n",
        'listener[1].certificate: this option is missing; a TLS listener needs certificate = '
        '"FILE.pem"\n'
        'listener[1].key: this option is missing; a TLS listener needs key = "FILE.pem"',
    ),
    (
        "TLS with files that are not there",
        HEAD + '[[listener]]\nport = 1\ntls = true\ncertificate = "c" # <--\nkey = "k" # <--\n',
        "listener[1].certificate: cannot read DIR/c: No such file or directory; "
        "create it, or mend the path (relative to the file that names it)\n"
        "listener[1].key: cannot read DIR/k: No such file or directory; "
        "create it, or mend the path (relative to the file that names it)",
    ),
    (
        "a certificate without TLS",
        HEAD + DOOR + 'certificate = "network.toml" # <--\n',
        "listener[1].certificate: this listener has no TLS; write tls = true beside it",
    ),
    (
        "a level nobody knows",
        HEAD + DOOR + '[log]\nlevel = "verbose" # <--\n',
        'log.level: "verbose" is not a word known here; '
        'write one of "debug", "info", "warn", "error", "critical"',
    ),
    (
        "an admin port that is no number",
        HEAD + DOOR + '[admin]\nport = "8080" # <--\n',
        'admin.port: "8080" is not a whole number; '
        "write a number from 0 to 65535, e.g. port = 8080",
    ),
    (
        "options of an admin port that is not there",
        HEAD + DOOR + '[admin]\npath = "admin"\naddress = "127.0.0.2" # <--\n',
        "admin.address: address says nothing without a port; write a port too, or remove address",
    ),
    (
        "the admin door on a listener's port",
        HEAD + DOOR + "[admin]\nport = 2775 # <--\n",
        "admin.port: listener 0.0.0.0:2775 listens on port 2775 already; "
        "give the admin door a port of its own",
    ),
    (
        "a token for no role",
        HEAD + DOOR + '[admin]\ntokens = { boss = "0123456789abcdef" } # <--\n',
        'admin.tokens.boss: "boss" is no role; '
        'write one of read, operate, admin, or role and person: "operate:alice"',
    ),
    (
        "a person without a name",
        HEAD + DOOR + '[admin]\ntokens = { "read:" = "0123456789abcdef" } # <--\n',
        'admin.tokens."read:": "read:" is no role; '
        'write one of read, operate, admin, or role and person: "operate:alice"',
    ),
    (
        "a token that is no text",
        HEAD + DOOR + "[admin]\ntokens = { read = 5 } # <--\n",
        'admin.tokens: at "read": the value is not text; write a table, e.g. tokens = '
        '{ read = "env:SMPPPROXY_READ", "admin:alice" = "file:alice.token" }',
    ),
    (
        "a token that nobody set",
        HEAD + DOOR + '[admin]\ntokens = { read = "env:GONE" } # <--\n',
        "admin.tokens.read: the environment variable GONE is not set or empty; "
        "set GONE before smppproxy starts, or use file:PATH",
    ),
    (
        "a short token",
        HEAD + DOOR + '[admin]\ntokens = { read = "hunter2" } # <--\n',
        "admin.tokens.read: the token is short enough to be guessed; "
        "take at least 16 octets, e.g. of: openssl rand -hex 32",
    ),
    (
        "a token that no header can carry",
        HEAD + DOOR + '[admin]\ntokens = { read = "hunter2 hunter2 hunter2" } # <--\n',
        "admin.tokens.read: the token does not fit into a line of HTTP; "
        "take letters and digits, e.g. of: openssl rand -hex 32",
    ),
    (
        "one token twice",
        HEAD + DOOR + '[admin]\n[admin.tokens]\nread = "0123456789abcdef"\n'
        'admin = "0123456789abcdef" # <--\n',
        "admin.tokens.admin: another one has this token; give each a token of its own",
    ),
    (
        "an admin certificate without its key",
        HEAD + DOOR + '[admin] # <--\nport = 1\ncertificate = "network.toml"\n',
        'admin.key: this option is missing; TLS needs key = "FILE.pem" too',
    ),
    (
        "CAs of clients without TLS",
        HEAD + DOOR + 'client_ca = "network.toml" # <--\n',
        "listener[1].client_ca: this listener has no TLS; write tls = true beside it",
    ),
    (
        "CAs of clients that are not there",
        HEAD + DOOR + 'tls = true\ncertificate = "network.toml"\nkey = "network.toml"\n'
        'client_ca = "gone.pem" # <--\n',
        "listener[1].client_ca: cannot read DIR/gone.pem: No such file or directory; "
        "create it, or mend the path (relative to the file that names it)",
    ),
    (
        "load balancers that are no networks",
        HEAD + DOOR + 'proxy_protocol_from = ["lb.example.net"] # <--\n',
        'listener[1].proxy_protocol_from: "lb.example.net" is not an IP network; '
        "write addresses or networks without host bits, "
        'e.g. proxy_protocol_from = ["192.0.2.0/24", "2001:db8::1"]',
    ),
    (
        "an admin key without its certificate",
        HEAD + DOOR + '[admin] # <--\nport = 1\nkey = "network.toml"\n',
        'admin.certificate: this option is missing; TLS needs certificate = "FILE.pem" too',
    ),
]


class LoadNodeTest(FileCase):
    """load_node."""

    def setUp(self) -> None:
        """A folder with a network file, which need not be read here."""
        super().setUp()
        self.write("", "network.toml")

    def test_small(self) -> None:
        """A name, a network file and a port are enough; the rest has defaults."""
        node = load_node(self.write(SMALL), {})
        self.assertEqual((node.name, node.system_id, node.workers), ("n1", b"smppproxy", 1))
        self.assertEqual(node.store, "embedded:///var/lib/smppproxy")
        self.assertEqual(node.network_file, str(self.folder / "network.toml"))
        self.assertEqual(node.listeners, (Listener(2775, "0.0.0.0", "0.0.0.0:2775"),))
        self.assertEqual((node.admin, node.log_level), (Admin(), "info"))

    def test_timers(self) -> None:
        """The timers towards clients are those of the file, deliver_sm waits 30 s by default."""
        self.assertEqual(load_node(self.write(SMALL), {}).timers, Timers(response=30.0))
        text = (
            HEAD + "session_init = 1\nenquire_link = 2\nenquire_answer = 3\nprobe_after = 4\n"
            "response_timeout = 5\npartial_pdu = 6\nidle_timeout = 7.5\nunbind_timeout = 8\n" + DOOR
        )
        timers = load_node(self.write(text), {}).timers
        expected = Timers(1.0, 30.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0)
        self.assertEqual(timers, expected)
        self.assertTrue(all(isinstance(value, float) for value in attrs.astuple(timers)))

    def test_everything(self) -> None:
        """Every option of every table reaches its attribute; paths are absolute."""
        self.write("", "tls.crt")
        self.write("", "tls.key")
        node = load_node(
            self.write(
                '[node]\nname = "n2"\nnetwork_file = "network.toml"\nstore = "env:S"\n'
                'system_id = "us"\nworkers = 1\ndrain_timeout = 3\n'
                '[[listener]]\nname = "tls"\naddress = "::1"\nport = 8775\ntls = true\n'
                'certificate = "tls.crt"\nkey = "tls.key"\naccept_rate = 5\nmax_sessions = 6\n'
                'client_ca = "tls.crt"\nproxy_protocol_from = ["10.0.0.0/8"]\n'
                'max_sessions_per_address = 4\n'
                '[admin]\npath = "admin"\nport = 8080\ncertificate = "tls.crt"\nkey = "tls.key"\n'
                'tokens = { read = "env:T", "admin:alice" = "hunter2-hunter2-hunter2" }\n'
                '[log]\nlevel = "warn"\n'
            ),
            {"S": "redis://u:hunter2@h", "T": "hunter2-hunter2-hunter3"},
        )
        folder = str(self.folder)
        self.assertEqual((node.store, node.drain_timeout), ("redis://u:hunter2@h", 3.0))
        self.assertNotIn("hunter2", repr(node))
        self.assertEqual((node.system_id, node.workers, node.log_level), (b"us", 1, "warn"))
        files = (f"{folder}/tls.crt", f"{folder}/tls.key")
        balancers = (ip_network("10.0.0.0/8"),)
        listener = Listener(8775, "::1", "tls", True, *files, 5, 6, 4, files[0], balancers)
        self.assertEqual(node.listeners, (listener,))
        tokens = {"read": b"hunter2-hunter2-hunter3", "admin:alice": b"hunter2-hunter2-hunter2"}
        admin = Admin("127.0.0.1", 8080, f"{folder}/admin", tokens, *files)
        self.assertEqual(node.admin, admin)

    def test_deep_folder(self) -> None:
        """A socket whose whole path the system would not take is told, with its line; one that can
        be reached from the working folder is told as from there."""
        self.folder = self.folder / ("deep" * 25)
        self.folder.mkdir()
        self.write("", "network.toml")
        length = len(str(self.folder)) + len("/admin")
        said = self.problems(load_node, SMALL + '[admin]\npath = "admin" # <--\n')
        self.assertEqual(
            said,
            f"admin.path: the name of the socket, DIR/admin, has {length} octets; the system takes "
            "107 at most: write a shorter path, e.g. /run/smppproxy/admin",
        )
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.folder)
        admin = load_node(self.write(SMALL + '[admin]\npath = "admin"\n'), {}).admin
        self.assertEqual(admin.path, "admin")

    def test_port_0(self) -> None:
        """Any number of listeners may ask the system for a free port."""
        text = HEAD + 2 * "[[listener]]\nport = 0\n"
        self.assertEqual(len(load_node(self.write(text), {}).listeners), 2)

    def test_addresses_apart(self) -> None:
        """Two addresses may use one port, the admin door among them."""
        text = HEAD + (
            '[[listener]]\naddress = "127.0.0.1"\nport = 2775\n'
            '[[listener]]\naddress = "127.0.0.2"\nport = 2775\n'
            '[admin]\naddress = "127.0.0.3"\nport = 2775\n'
        )
        self.assertEqual(load_node(self.write(text), {}).admin.port, 2775)

    def test_environment_of_the_process(self) -> None:
        """Without another one the process's own environment is asked."""
        self.patch(__import__("os"), "environ", {"SMPPPROXY_TEST": "redis://h"})
        text = HEAD + 'store = "env:SMPPPROXY_TEST"\n' + DOOR
        self.assertEqual(load_node(self.write(text)).store, "redis://h")

    def test_bad(self) -> None:
        """Each wrong file is told with its line, its option, what is wrong and what to write."""
        for what, text, said in BAD:
            self.assertEqual(self.problems(load_node, text), said, what)

    def test_all_at_once(self) -> None:
        """One reading reports every problem, in the order of the file."""
        text = "[node]\nname = 1\nwindow = 2\n[[listener]]\nport = 'x'\n[log]\nlevel = 3\n"
        error = self.assertRaises(ConfigError, load_node, self.write(text), {})
        self.assertEqual(
            [(problem.line, problem.option) for problem in error.problems],
            [
                (2, "node.name"),
                (3, "node.window"),
                (5, "listener[1].port"),
                (7, "log.level"),
            ],
        )

    def test_a_node_without_a_network_file(self) -> None:
        """It follows the store; secrets of the network begin where its own file lies."""
        path = self.write('[node]\nname = "n1"\n' + DOOR)
        node = load_node(path, {})
        self.assertEqual((node.network_file, node.folder), ("", str(path.parent)))
        self.assertEqual(Node("n", network_file="/etc/x/network.toml").folder, "/etc/x")
