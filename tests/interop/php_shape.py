"""A client that writes what the published php-smpp classes write, and reads as they read (GW-53).

Their submit_sm has a NUL after short_message that sm_length does not count, then the SAR TLVs.
They take the whole body of a submit_sm_resp for the message id, cutting only the last NUL. One
argument, JSON: host, port. Reading and writing are its own: nothing here comes from smppproxy.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
from typing import Any

BINDS = {"rx": 1, "tx": 2, "trx": 9}
SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 4, 5, 6, 0x15
RESPONSE = 0x80000000


def tell(event: str, **fields: Any) -> None:
    """One event, one line."""
    print(json.dumps({"event": event, **fields}), flush=True)


def text(value: str) -> bytes:
    """A C-octet string."""
    return value.encode("latin-1") + b"\0"


def submit_body(order: dict[str, Any]) -> bytes:
    """The body of submit_sm, stray NUL included."""
    udh = bytes.fromhex(order.get("udh") or "")
    message = udh + bytes.fromhex(order["octets"])
    body = b"".join(
        (
            text(""),
            b"\x01\x01" + text(order["from"]),
            b"\x01\x01" + text(order["to"]),
            bytes((0x40 if udh else 0, 0, 0)),
            text("") + text(""),
            bytes((order["registered"], 0, order["coding"] or 0, 0, len(message))),
            message + b"\0",
        )
    )
    if order.get("sar"):
        reference, total, part = order["sar"]
        body += struct.pack(">HHH", 0x020C, 2, reference)
        body += struct.pack(">HHB", 0x020E, 1, total)
        body += struct.pack(">HHB", 0x020F, 1, part)
    return body


def c_string(body: bytes, at: int) -> tuple[str, int]:
    """The C-octet string at an offset, and the offset after it."""
    end = body.index(b"\0", at)
    return body[at:end].decode("latin-1"), end + 1


def read_delivery(body: bytes) -> dict[str, Any]:
    """The fields of deliver_sm that those classes read; times must be single octets (GW-55)."""
    _, at = c_string(body, 0)
    source, at = c_string(body, at + 2)
    destination, at = c_string(body, at + 2)
    esm_class = body[at]
    if body[at + 3 : at + 5] != b"\0\0":
        raise ValueError("schedule_delivery_time and validity_period are not single octets")
    at += 5
    length = body[at + 4]
    message = body[at + 5 : at + 5 + length]
    tlvs = {}
    at += 5 + length
    while at < len(body):
        tag, size = struct.unpack_from(">HH", body, at)
        tlvs[tag] = body[at + 4 : at + 4 + size]
        at += 4 + size
    if at != len(body):
        raise ValueError("octets beyond the last field")
    return {
        "source_addr": source,
        "destination_addr": destination,
        "esm_class": esm_class,
        "text": message.decode("latin-1"),
        "receipted_message_id": tlvs.get(0x1E, b"").rstrip(b"\0").decode("latin-1"),
        "message_state": tlvs.get(0x427, b"\0")[0],
    }


class Client:
    """One connection and the orders of the test."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), 10)
        self.sequence_number = 0
        self.tags: dict[int, str] = {}
        self.held = b""
        tell("connected")

    def request(self, command_id: int, body: bytes = b"") -> int:
        """Write a request; its sequence_number."""
        self.sequence_number += 1
        self.write(command_id, self.sequence_number, body)
        return self.sequence_number

    def write(self, command_id: int, sequence_number: int, body: bytes = b"") -> None:
        """Write one PDU of status 0."""
        header = struct.pack(">IIII", 16 + len(body), command_id, 0, sequence_number)
        self.socket.sendall(header + body)

    def obey(self, order: dict[str, Any]) -> None:
        """Do what the test orders."""
        if order["do"] == "bind":
            body = text(order["system_id"]) + text(order["password"]) + text("WWW")
            self.request(BINDS[order["mode"]], body + b"\x34\0\0" + text(""))
        elif order["do"] == "submit":
            self.tags[self.request(SUBMIT_SM, submit_body(order))] = order["tag"]
        elif order["do"] == "enquire":
            self.request(ENQUIRE_LINK)
        elif order["do"] == "unbind":
            self.request(UNBIND)

    def read(self) -> bool:
        """Take what has come; False once the other side has closed."""
        data = self.socket.recv(65536)
        self.held += data
        while len(self.held) >= 16:
            (length,) = struct.unpack_from(">I", self.held)
            if len(self.held) < length:
                break
            pdu, self.held = self.held[:length], self.held[length:]
            command_id, status, number = struct.unpack_from(">III", pdu, 4)
            self.received(command_id, status, number, pdu[16:])
        return bool(data)

    def received(self, command_id: int, status: int, sequence_number: int, body: bytes) -> None:
        """Tell what a PDU says, and answer it when it is a request."""
        if command_id - RESPONSE in BINDS.values():
            tell("bound", status=status, system_id=body.split(b"\0")[0].decode("latin-1"))
        elif command_id == RESPONSE | SUBMIT_SM:
            # The whole body is the id: a TLV behind it would become part of it.
            tell(
                "submitted",
                tag=self.tags.pop(sequence_number),
                status=status,
                message_id=body[:-1].decode("latin-1"),
            )
        elif command_id == DELIVER_SM:
            tell("delivered", **read_delivery(body))
            self.write(RESPONSE | DELIVER_SM, sequence_number, b"\0")
        elif command_id == ENQUIRE_LINK:
            self.write(RESPONSE | ENQUIRE_LINK, sequence_number)
            tell("enquired")
        elif command_id == RESPONSE | ENQUIRE_LINK:
            tell("enquire_answered", status=status)
        elif command_id == UNBIND:
            self.write(RESPONSE | UNBIND, sequence_number)
            tell("asked_to_unbind")
        elif command_id == RESPONSE | UNBIND:
            tell("unbound", status=status)
        else:
            tell("error", text=f"unexpected {command_id:#x}")


def main() -> None:
    """Orders and PDUs as they come, until standard input ends."""
    settings = json.loads(sys.argv[1])
    client = Client(settings["host"], settings["port"])
    # Unbuffered: what a buffer holds, select cannot see.
    unbuffered = open(0, "rb", buffering=0)
    sources: list[Any] = [unbuffered, client.socket]
    while True:
        for source in select.select(sources, [], [])[0]:
            if source is unbuffered:
                line = unbuffered.readline()
                if not line:
                    return
                client.obey(json.loads(line))
            elif not client.read():
                sources.remove(client.socket)
                client.socket.close()
                tell("closed")


if __name__ == "__main__":
    main()
