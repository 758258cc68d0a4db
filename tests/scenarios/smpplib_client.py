"""The PyPI package smpplib as a client, in the language of ``tests/support/processes.py``.

One argument, JSON: host, port, and for TLS the file of the CA. Orders come as JSON lines on
standard input, what the library saw goes as JSON lines to standard output. smpplib blocks, and
warns and logs about what it does not like: both go to standard error and fail the test.
"""

from __future__ import annotations

import json
import select
import ssl
import sys
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions

SAR = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")


def tell(event: str, **fields: Any) -> None:
    """One event, one line."""
    print(json.dumps({"event": event, **fields}), flush=True)


def word(value: Any) -> Any:
    """A field as JSON can hold it: C-octet strings lose their NUL."""
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("latin-1")
    return value


class Library(smpplib.client.Client):
    """The library as it is, telling when it answers an enquire_link."""

    def _enquire_link_received(self, pdu: Any) -> None:
        super()._enquire_link_received(pdu)
        tell("enquired")


class Client:
    """One connection and the orders of the test."""

    def __init__(self, settings: dict[str, Any]) -> None:
        context = None
        if settings.get("ca"):
            context = ssl.create_default_context(cafile=settings["ca"])
            # The library has no way to say which name it expects.
            context.check_hostname = False
            # TLS 1.3 sends tickets after its handshake: the socket looks readable, and the
            # library would wait there for a PDU.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.smpp = Library(
            settings["host"],
            settings["port"],
            timeout=10,
            ssl_context=context,
            allow_unknown_opt_params=False,
        )
        self.tags: dict[int, str] = {}
        self.smpp.set_message_sent_handler(self.answered)
        self.smpp.set_message_received_handler(self.delivered)
        self.smpp.set_error_pdu_handler(self.answered)
        self.smpp.connect()
        tell("connected")

    @property
    def socket(self) -> Any:
        """What to wait for; None when the connection is closed."""
        return self.smpp._socket

    def obey(self, order: dict[str, Any]) -> None:
        """Do what the test orders."""
        getattr(self, order["do"])(order)

    def bind(self, order: dict[str, Any]) -> None:
        """Bind as tx, rx or trx; the library waits for the answer."""
        names = {"tx": "transmitter", "rx": "receiver", "trx": "transceiver"}
        bind = getattr(self.smpp, f"bind_{names[order['mode']]}")
        try:
            answer = bind(system_id=order["system_id"], password=order["password"])
        except smpplib.exceptions.PDUError as error:
            tell("bound", status=error.args[1])
            return
        version = answer.sc_interface_version
        tell("bound", status=answer.status, system_id=word(answer.system_id), version=version)

    def submit(self, order: dict[str, Any]) -> None:
        """Send, and do not wait."""
        content = bytes.fromhex((order["udh"] or "") + order["octets"])
        fields: dict[str, Any] = {"short_message": content}
        if order["payload"]:
            fields = {"short_message": b"", "message_payload": content}
        if order["sar"]:
            fields.update(zip(SAR, order["sar"], strict=True))
        pdu = self.smpp.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
            source_addr=order["from"],
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=order["to"],
            data_coding=order["coding"] or 0,
            esm_class=smpplib.consts.SMPP_GSMFEAT_UDHI if order["udh"] else 0,
            registered_delivery=order["registered"],
            **fields,
        )
        self.tags[pdu.sequence] = order["tag"]

    def unbind(self, order: dict[str, Any]) -> None:
        """Unbind and close; the library waits for the answer."""
        tell("unbound", status=self.smpp.unbind().status)
        self.smpp.disconnect()
        tell("closed")

    def answered(self, pdu: Any) -> None:
        """A submit_sm_resp, good or not."""
        message_id = word(getattr(pdu, "message_id", None))
        tag = self.tags.pop(pdu.sequence, "")
        tell("submitted", tag=tag, status=pdu.status, message_id=message_id)

    def delivered(self, pdu: Any) -> None:
        """A deliver_sm; the library answers it with what this returns."""
        tell(
            "delivered",
            esm_class=pdu.esm_class,
            source_addr=word(pdu.source_addr),
            destination_addr=word(pdu.destination_addr),
            text=word(pdu.short_message),
            receipted_message_id=word(pdu.receipted_message_id),
            message_state=pdu.message_state,
        )

    def read(self) -> None:
        """One read, and what TLS holds behind it."""
        try:
            self.smpp.read_once(auto_send_enquire_link=False)
            while self.socket is not None and getattr(self.socket, "pending", lambda: 0)():
                self.smpp.read_once(auto_send_enquire_link=False)
        except smpplib.exceptions.ConnectionError:
            self.smpp.disconnect()
            tell("closed")


def main() -> None:
    """Orders and PDUs as they come, until standard input ends."""
    client = Client(json.loads(sys.argv[1]))
    # Unbuffered: what a buffer holds, select cannot see.
    orders = open(0, "rb", buffering=0)
    while True:
        sources = [source for source in (orders, client.socket) if source is not None]
        for source in select.select(sources, [], [])[0]:
            if source is orders:
                line = orders.readline()
                if not line:
                    return
                client.obey(json.loads(line))
            elif source is client.socket:
                client.read()


if __name__ == "__main__":
    main()
