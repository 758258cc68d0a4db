"""Kannel as a client: its configuration, its two boxes, and the HTTP calls that go in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests.support.messages import Sample
from tests.support.ports import free_port, listens
from tests.support.processes import Event, Logger, Process, reactor, until

ACCEPTED, DELIVERED = "8", "1"
"""What Kannel calls a message that the SMSC took, and one that the subscriber has."""

CONFIGURATION = """
group = core
admin-port = {admin_port}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {smsbox_port}
smsbox-interface = 127.0.0.1
dlr-storage = internal
log-level = 0
{core_tls}
{smsc_groups}
group = smpp-tlv
name = sar_msg_ref_num
tag = 0x020c
type = integer
length = 2

group = smpp-tlv
name = sar_total_segments
tag = 0x020e
type = integer
length = 1

group = smpp-tlv
name = sar_segment_seqnum
tag = 0x020f
type = integer
length = 1

group = smpp-tlv
name = message_payload
tag = 0x0424
type = octetstring
length = 1024

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms_port}
sendsms-interface = 127.0.0.1
log-level = 0

group = sendsms-user
username = tester
password = tester
max-messages = 1

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{http_port}/message?from=%p&to=%P&text=%a"
"""

# One bind. Kannel wants a group of its own for each; the same smsc-id makes them one SMSC, so that
# the receipt that the receiver reads finds the message that the transmitter sent.
SMSC_GROUP = """
group = smsc
smsc = smpp
smsc-id = proxy
host = {host}
{bind}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
interface-version = 34
enquire-link-interval = 5
max-pending-submits = 10
reconnect-delay = 1
alt-dcs = 0
{tls}
"""

BINDS = {
    "tx": "port = {port}",
    "rx": "receive-port = {port}",
    "trx": "port = {port}\ntransceiver-mode = true",
}


def fetch(url: str) -> str:
    """The body of an HTTP answer; HTTPError when it is no success."""
    with urlopen(url, timeout=10) as response:
        body: bytes = response.read()
    return body.decode()


class _Hook(Resource):
    """What Kannel calls: each call is an event of the story."""

    isLeaf = True

    def __init__(self, process: Process) -> None:
        super().__init__()
        self.process = process

    def render_GET(self, request: Request) -> bytes:
        """Keep the path and the arguments."""
        fields = {
            name.decode(): values[0].decode("utf-8", "replace")
            for name, values in (request.args or {}).items()
        }
        assert request.path is not None
        event = request.path.decode().strip("/")
        self.process.story.append(f"< {event} {fields}")
        self.process.arrived({"event": event, **fields})
        return b"ok"


@attrs.define(eq=False)
class Kannel:
    """Bearerbox and smsbox, bound to one SMSC."""

    folder: Path
    port: int
    modes: tuple[str, ...]
    system_id: str
    password: str
    ca: str = ""
    bearerbox: Logger = attrs.field(init=False)
    smsbox: Logger = attrs.field(init=False)
    smsbox_port: int = attrs.field(init=False, factory=free_port)
    sendsms_port: int = attrs.field(init=False, factory=free_port)
    http: Any = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        path = str(self.folder / "kannel.conf")
        self.bearerbox = Logger("bearerbox", ["/usr/sbin/bearerbox", path])
        self.smsbox = Logger("smsbox", ["/usr/sbin/smsbox", path])

    def _configuration(self) -> str:
        groups = [
            SMSC_GROUP.format(
                host="localhost" if self.ca else "127.0.0.1",
                bind=BINDS[mode].format(port=self.port),
                system_id=self.system_id,
                password=self.password,
                tls="use-ssl = true" if self.ca else "",
            )
            for mode in self.modes
        ]
        return CONFIGURATION.format(
            admin_port=free_port(),
            smsbox_port=self.smsbox_port,
            sendsms_port=self.sendsms_port,
            http_port=self.http.getHost().port,
            smsc_groups="".join(groups),
            core_tls=f'ssl-trusted-ca-file = "{self.ca}"\n' if self.ca else "",
        )

    async def start(self) -> None:
        """Start both boxes, the second once the first listens."""
        self.http = reactor.listenTCP(0, Site(_Hook(self.bearerbox)), interface="127.0.0.1")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "kannel.conf").write_text(self._configuration())
        self.bearerbox.start()
        await self.bearerbox.expect_line("MAIN: Start-up done, entering mainloop")
        # One of its threads opens the port, and may do so later than it says this.
        await until(lambda: listens(self.smsbox_port))
        self.smsbox.start()
        # Its HTTP side is there before its connection to the bearerbox: a message handed over in
        # between is the end of it.
        await self.smsbox.expect_line("gw/heartbeat.c:heartbeat_thread")

    def stop(self) -> Deferred[Any]:
        """End both boxes and the HTTP side."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for box in (self.smsbox, self.bearerbox):
            if box.transport is not None:
                await box.stop()
        listening, self.http = self.http, None
        if listening is not None:
            await listening.stopListening()

    async def send(self, sample: Sample, number: int, registered: bool = True) -> str:
        """Hand a message to smsbox; what it answers. The receipt comes as an event "receipt"."""
        order = sample.order(number)
        arguments = {
            "username": "tester",
            "password": "tester",
            "from": order["from"],
            "to": order["to"],
            "text": sample.text.encode("utf-16-be" if sample.coding == 8 else "utf-8"),
        }
        if sample.coding == 8:
            arguments["coding"] = 2
        else:
            arguments.update(coding=0, charset="UTF-8")
        if sample.udh:
            arguments["udh"] = bytes.fromhex(sample.udh)
        if sample.sar:
            names = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")
            arguments["meta-data"] = "?smpp?" + urlencode(dict(zip(names, sample.sar, strict=True)))
        if sample.payload:
            arguments["text"] = ""
            arguments["meta-data"] = "?smpp?" + urlencode({"message_payload": sample.text})
        if registered:
            hook = f"http://127.0.0.1:{self.http.getHost().port}/receipt"
            arguments["dlr-mask"] = 31
            arguments["dlr-url"] = f"{hook}?kind=%d&id=%F&tag={sample.tag}-{number}&reply=%A"
        url = f"http://127.0.0.1:{self.sendsms_port}/cgi-bin/sendsms?{urlencode(arguments)}"
        try:
            answer: str = await deferToThread(fetch, url)
        except OSError as error:
            raise AssertionError(f"{error!r}; smsbox's story:\n{self.smsbox.told()}") from error
        self.bearerbox.story.append(f"> {sample.tag} {number}: {answer!r}")
        return answer

    def receipt(self, sample: Sample, number: int, kind: str) -> Deferred[Event]:
        """The call of the dlr-url: ACCEPTED after submit_sm_resp, DELIVERED after the receipt."""
        return self.bearerbox.expect("receipt", tag=f"{sample.tag}-{number}", kind=kind)
