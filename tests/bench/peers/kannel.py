"""Kannel as Debian has it: bearerbox and smsbox, receipts remembered in Redis.

Debian has no SMPP door for it (neither KSMPPD nor opensmppbox is in its archive), so messages come
in over the HTTP door of smsbox and receipts go out as calls of a URL. Its answer says that Kannel
has the message, ours that the provider has it. No more messages are without their receipts at a
time than our windows hold: what it takes does not grow beyond what it delivers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from smppproxy.store.server import find_binary
from tests.bench.peers.http_load import HttpLoad, HttpRun
from tests.bench.peers.reckoning import Round
from tests.bench.peers.system import (
    BINDS,
    DRAIN,
    LOGIN,
    TEXT,
    WINDOW,
    Dose,
    Folder,
    System,
    Unavailable,
    simulated_hosts,
)
from tests.support.ports import free_port, listens

BOXES = {name: f"/usr/sbin/{name}" for name in ("bearerbox", "smsbox")}

#: They print panics only; without this, each octet that comes and goes.
QUIET = ("-v", "4")

CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
dlr-storage = redis
{smscs}
group = redis-connection
id = dlr
host = 127.0.0.1
port = {redis}
database = 0
max-connections = {pool}

group = dlr-db
id = dlr
table = dlr
ttl = 86400
field-smsc = smsc
field-timestamp = ts
field-destination = destination
field-source = source
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = load
password = load
max-messages = 1

group = sms-service
keyword = default
catch-all = true
max-messages = 0
text = ""
"""

SMSC = """
group = smsc
smsc = smpp
smsc-id = hosts
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = {login[0]}
smsc-password = {login[1]}
system-type = ""
interface-version = 34
max-pending-submits = 100
"""

#: Connections that it keeps to Redis, and we to it; messages that may be without their receipts.
#: More of any of them makes it no faster.
POOL, LINES, OUTSTANDING = 4, 50, BINDS * WINDOW


class Kannel(System):
    """Bearerbox, smsbox and a Redis."""

    name = "kannel"
    what = "Kannel, HTTP door, Redis"
    configuration = (
        "bearerbox and smsbox, dlr-storage = redis with an append-only file, no logs; messages by "
        f"HTTP (sendsms) over {LINES} kept connections, {OUTSTANDING} without their receipts, "
        "receipts to a dlr-url: Debian has no SMPP door for it; it answers before the provider does"
    )

    def __init__(self) -> None:
        super().__init__()
        self._http: HttpRun | None = None
        self._port = 0

    def start(self) -> None:
        """Start hosts, Redis and both boxes."""
        gone = [path for path in BOXES.values() if not Path(path).exists()]
        if gone:
            raise Unavailable(f"{gone[0]} is missing; make interop-tools gets it")
        redis = find_binary()
        self.versions = {"kannel": _kannel(), **server_version(redis)}
        self._hosts = simulated_hosts()
        self._folder = folder = Folder(self.name)
        self._http = HttpRun()
        ports = {name: free_port() for name in ("admin", "boxes", "redis", "http")}
        self._port = ports["http"]
        smscs = "".join(2 * SMSC.format(port=port, login=LOGIN) for port in self._hosts.ports)
        conf = folder.path / "kannel.conf"
        conf.write_text(CONFIGURATION.format(smscs=smscs, pool=POOL, **ports))
        start_redis(folder, redis, ports["redis"])
        folder.run("bearerbox", [BOXES["bearerbox"], *QUIET, str(conf)])
        boxes = ports["boxes"]
        folder.until("bearerbox", partial(listens, boxes), "bearerbox does not listen")
        folder.run("smsbox", [BOXES["smsbox"], *QUIET, str(conf)])
        folder.until("smsbox", partial(listens, self._port), "smsbox does not listen")
        status = partial(_online, ports["admin"], 2 * len(self._hosts.ports))
        folder.until("bearerbox", status, "not all of its binds are bound")

    def _path(self, port: int, number: int) -> str:
        arguments = {
            "username": "load", "password": "load", "from": "46700000000",
            "to": f"46701{number % 100_000_000:08d}", "text": TEXT, "dlr-mask": 1,
            "dlr-url": f"http://127.0.0.1:{port}/{number}",
        }  # fmt: skip
        return f"/cgi-bin/sendsms?{urlencode(arguments)}"

    def round(self, dose: Dose) -> Round:
        """As many messages as may be without their receipts, all the time."""
        assert self._http is not None
        load = HttpLoad(
            self.name, self._port, partial(self._path, self._http.port), lines=LINES,
            outstanding=OUTSTANDING, seconds=dose.seconds, count=dose.count,
            deadline=dose.deadline, drain=DRAIN, first=self._first,
        )  # fmt: skip
        done = self._http.run(load, self.pids())
        self._first += done.submitted
        return done

    def stop(self) -> None:
        """End it all, our connections too."""
        if self._http is not None:
            self._http.close()
        super().stop()


def start_redis(folder: Folder, binary: str, port: int) -> None:
    """A private Redis or Valkey, as durable as the store of our node."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder.path)]
    folder.run("redis", [binary, *options, "--appendonly", "yes", "--save", ""])
    folder.until("redis", partial(listens, port), "Redis does not listen")


def server_version(binary: str) -> dict[str, str]:
    """What a Redis or Valkey says of itself: name and version."""
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\w+) server v=(\S+)", told)
    return {found[1].lower(): found[2]} if found else {Path(binary).name: told.strip()}


def _kannel() -> str:
    """As Debian's package says, else as the program does."""
    query = ["dpkg-query", "-W", "-f", "${Version}", "kannel"]
    if shutil.which(query[0]):
        told = subprocess.run(query, capture_output=True, text=True)
        if told.returncode == 0:
            return told.stdout
    box = [BOXES["bearerbox"], "--version"]
    told = subprocess.run(box, capture_output=True, text=True)
    found = re.search(r"version `?([\d.]+)", told.stdout + told.stderr)
    return found[1] if found else "unknown"


def _online(port: int, binds: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/status.txt?password=admin", timeout=5) as answer:
            text: str = answer.read().decode("utf-8", "replace")
    except OSError:
        return False
    return text.count("(online") >= binds
