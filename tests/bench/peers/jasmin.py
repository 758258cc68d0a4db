"""Jasmin from PyPI before Debian's RabbitMQ and a Redis or Valkey: as published, and mended.

Release 0.11.1 as it is published brings no receipt home, so there is no full cycle to compare: what
handles a provider's answer looks for it in the request, and the receipt's way back is not kept. The
mended one is the same release with that one name changed, in a copy of its package.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from configparser import ConfigParser
from functools import partial
from importlib.metadata import distributions
from io import StringIO
from pathlib import Path

from smppproxy.store.server import find_binary
from tests.bench.peers import rabbitmq
from tests.bench.peers.kannel import server_version, start_redis
from tests.bench.peers.packages import environment, sources
from tests.bench.peers.system import LOGIN, Folder, SmppSystem, Unavailable, simulated_hosts
from tests.support.ports import free_port, listens

REQUIREMENT = "jasmin==0.11.1"

CONFIGURATION = """
[smpp-server]
bind = 127.0.0.1
port = {smpp}
[smpp-server-pb]
bind = 127.0.0.1
port = {smpp_pb}
authentication = no
[client-management]
bind = 127.0.0.1
port = {clients}
store_path = {folder}/store
authentication = no
[router]
bind = 127.0.0.1
port = {router}
store_path = {folder}/store
authentication = no
[amqp-broker]
host = 127.0.0.1
port = {amqp}
spec = {spec}
[redis-client]
host = 127.0.0.1
port = {redis}
[jcli]
bind = 127.0.0.1
port = {jcli}
authentication = no
"""

#: Where it looks for the provider's answer, and where that is.
MENDED = "managers/listeners.py"
WRONG, RIGHT = "_pdu.response.", "r.response."

#: Its daemons' logs are told to keep warnings only.
LOGS = (
    "smpp-server", "smpp-server-pb", "client-management", "service-smppclient", "sm-listener",
    "dlr", "amqp-broker", "router", "deliversm-thrower", "dlr-thrower", "redis-client", "jcli",
)  # fmt: skip

PROMPT = b"jcli : "
_CONTROL = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|c|.)")


def commands(ports: list[int]) -> list[str]:
    """What its console is told: an account without limits, two binds to each host, one route."""
    lines = ["group -a", "gid load", "ok"]
    lines += ["user -a", "username load", "password load", "gid load", "uid load", "ok"]
    lines += ["filter -a", "type TransparentFilter", "fid all", "ok"]
    names = []
    for port in ports:
        for bind in range(2):
            names.append(f"h{port}b{bind}")
            lines += [
                "smppccm -a", f"cid {names[-1]}", "host 127.0.0.1", f"port {port}",
                f"username {LOGIN[0]}", f"password {LOGIN[1]}", "bind transceiver",
                "submit_throughput 0", "ok", f"smppccm -1 {names[-1]}",
            ]  # fmt: skip
    connectors = ";".join(f"smppc({name})" for name in names)
    lines += [
        "mtrouter -a", "type RandomRoundrobinMTRoute", "order 10", "filters all",
        f"connectors {connectors}", "rate 0.0", "ok",
    ]  # fmt: skip
    return lines


def configuration(**values: object) -> str:
    """Its file, with every log told to keep warnings only."""
    read = ConfigParser()
    read.read_string(CONFIGURATION.format(**values))
    for name in LOGS:
        if not read.has_section(name):
            read.add_section(name)
        read.set(name, "log_level", "WARNING")
    written = StringIO()
    read.write(written)
    return written.getvalue()


class Console:
    """Its console: a line, and what it said to it."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), 10)
        # It greets those who need no password without a prompt.
        self.say("")

    def close(self) -> None:
        """Hang up."""
        self._sock.close()

    def _until_prompt(self) -> str:
        heard = b""
        while True:
            try:
                data = self._sock.recv(4096)
            except TimeoutError:
                raise Unavailable(f"its console said nothing more than {heard!r}") from None
            heard += data
            plain = _CONTROL.sub(b"", heard)
            if not data or plain.endswith((PROMPT, b"> ")):
                return plain.decode("utf-8", "replace")

    def say(self, line: str) -> str:
        """Tell it; what it answers."""
        self._sock.sendall(line.encode() + b"\r\n")
        return self._until_prompt()


class Jasmin(SmppSystem):
    """jasmind with its receipt look-up and thrower, a RabbitMQ, a Redis."""

    name = "jasmin"
    what = "Jasmin, as published"
    configuration = (
        "receipt look-up and thrower in jasmind; submit_throughput 0; logs of "
        "warnings only; RabbitMQ without plugins; Redis with its append-only file as ours"
    )
    count = 1000
    #: Once is enough to see it.
    rounds = 1

    def start(self) -> None:
        """Install what is missing, then start everything."""
        programs = environment("jasmin", [REQUIREMENT])
        spec = sources("jasmin", REQUIREMENT, "misc/config/resource/amqp0-9-1.xml")
        root = rabbitmq.unpacked()
        redis = find_binary()
        self.versions = {
            **_installed(programs, ("jasmin", "Twisted")),
            **rabbitmq.version(root),
            **server_version(redis),
        }
        self._hosts = simulated_hosts()
        self._folder = folder = Folder(self.name)
        names = ("smpp", "smpp_pb", "clients", "router", "redis", "jcli")
        ports = {name: free_port() for name in names}
        ports["amqp"] = rabbitmq.start(folder, root)
        start_redis(folder, redis, ports["redis"])
        for name in ("store", "log"):
            (folder.path / name).mkdir()
        conf = folder.path / "jasmin.cfg"
        conf.write_text(configuration(folder=folder.path, spec=spec, **ports))
        environ = {"LOG_PATH": str(folder.path / "log"), "CONFIG_PATH": str(folder.path)}
        environ |= self.packages(programs, folder.path)
        flags = ["--enable-dlr-lookup", "--enable-dlr-thrower", "--disable-http-api"]
        program = [str(programs / "python"), str(programs / "jasmind.py")]
        folder.run("jasmind", [*program, "-c", str(conf), *flags], environ)
        folder.until("jasmind", partial(listens, ports["jcli"]), "jasmind does not listen")
        self._configure(ports["jcli"])
        self.port = ports["smpp"]

    def packages(self, programs: Path, folder: Path) -> dict[str, str]:
        """What of the environment says where its modules are, beside what pip installed."""
        return {}

    def _configure(self, port: int) -> None:
        assert self._folder is not None and self._hosts is not None
        console = Console(port)
        told = "".join(console.say(line) for line in commands(self._hosts.ports))
        wanted = 2 * len(self._hosts.ports)

        def bound() -> bool:
            return console.say("smppccm -l").count("BOUND_TRX") >= wanted

        try:
            self._folder.until("jasmind", bound, f"not all of its binds are bound; it said {told}")
        finally:
            console.close()


class MendedJasmin(Jasmin):
    """The same with one name changed in the three places of one file that it stands in."""

    name = "jasmin-mended"
    what = "Jasmin, mended"
    configuration = f"{MENDED}: {WRONG} is {RIGHT}; {Jasmin.configuration}"
    rounds = 0

    def packages(self, programs: Path, folder: Path) -> dict[str, str]:
        """A copy of its package, with the change, before the one that pip installed."""
        found = next(programs.parent.glob("lib/python*/site-packages/jasmin"))
        shutil.copytree(found, folder / "mended" / "jasmin")
        path = folder / "mended" / "jasmin" / MENDED
        text = path.read_text()
        if WRONG not in text:
            raise Unavailable(f"there is nothing to mend in {MENDED} of {REQUIREMENT}")
        path.write_text(text.replace(WRONG, RIGHT))
        return {"PYTHONPATH": str(folder / "mended")}


def _installed(programs: Path, names: tuple[str, ...]) -> dict[str, str]:
    found = {
        each.metadata["Name"]: each.version
        for folder in programs.parent.glob("lib/python*/site-packages")
        for each in distributions(path=[os.fspath(folder)])
    }
    return {name: found[name] for name in names}
