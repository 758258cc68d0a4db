"""A relay that writes down what passes through it, as a capture file that tshark reads.

Every chunk of a connection becomes one TCP segment between made-up addresses, so neither root
nor dumpcap is needed, and the dissector sees exactly the octets that the two sides saw.
"""

from __future__ import annotations

import itertools
import os
import struct
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure

SERVER_PORT = 2775
"""The port that the listening side has in the capture, whatever it is in the run."""
CLIENT_HOST, SERVER_HOST = b"\x0a\0\0\1", b"\x0a\0\0\2"
RAW_IP = 101
MOST = 60_000
"""Octets of one segment: an IPv4 packet holds no more than 65,535."""


class Capture:
    """A capture file in the making."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = 0
        self.ports = itertools.count(20_000)
        self._file = path.open("wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, RAW_IP))

    def conversation(self) -> Conversation:
        """A new TCP connection in the capture."""
        return Conversation(self, next(self.ports))

    def write(self, packet: bytes) -> None:
        """One packet; a millisecond passes. What comes after the end is not part of the run."""
        if self._file.closed:
            return
        self.segments += 1
        seconds, milliseconds = divmod(self.segments, 1000)
        length = len(packet)
        self._file.write(struct.pack("<IIII", seconds, milliseconds * 1000, length, length))
        self._file.write(packet)

    def close(self) -> None:
        """The file is whole."""
        self._file.close()


class Conversation:
    """Both directions of one connection."""

    def __init__(self, capture: Capture, port: int) -> None:
        self.capture = capture
        self.port = port
        self.sent = {True: 1, False: 1}

    def add(self, to_server: bool, data: bytes) -> None:
        """Octets that went to the server (or came from it)."""
        for at in range(0, len(data), MOST):
            chunk = data[at : at + MOST]
            ports, hosts = (self.port, SERVER_PORT), (CLIENT_HOST, SERVER_HOST)
            if not to_server:
                ports, hosts = ports[::-1], hosts[::-1]
            sent, seen = self.sent[to_server], self.sent[not to_server]
            tcp = struct.pack(">HHIIBBHHH", *ports, sent, seen, 0x50, 0x18, 65_535, 0, 0)
            length = 40 + len(chunk)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, length, 0, 0x4000, 64, 6, 0) + b"".join(hosts)
            self.capture.write(ip + tcp + chunk)
            self.sent[to_server] = (sent + len(chunk)) & 0xFFFFFFFF


class _Side(Protocol):
    """One end of a relayed connection."""

    transport: Any

    def __init__(self, conversation: Conversation, to_server: bool) -> None:
        self.conversation = conversation
        self.to_server = to_server
        self.peer: _Side | None = None
        self.early: list[bytes] = []
        self.is_lost = False

    def join(self, peer: _Side) -> None:
        """The other end is there: what came meanwhile goes on."""
        self.peer = peer
        if self.is_lost:
            peer.transport.loseConnection()
        for data in self.early:
            peer.transport.write(data)
        self.early = []

    def dataReceived(self, data: bytes) -> None:
        """Write it down and pass it on."""
        self.conversation.add(self.to_server, data)
        if self.peer is None:
            self.early.append(data)
        else:
            self.peer.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other end goes too."""
        self.is_lost = True
        if self.peer is not None:
            self.peer.transport.loseConnection()


class Relay(Factory):
    """Listens on a free port and passes every connection on to another port of this machine."""

    def __init__(self, reactor: Any, capture: Capture, port: int) -> None:
        self.reactor = reactor
        self.capture = capture
        self.target = HostnameEndpoint(reactor, "127.0.0.1", port)
        self.ends: list[_Side] = []
        self.listening = reactor.listenTCP(0, self, interface="127.0.0.1")
        self.port: int = self.listening.getHost().port

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """A connection came: reach out to the other side."""
        conversation = self.capture.conversation()
        near, far = _Side(conversation, True), _Side(conversation, False)
        self.ends += near, far

        def joined(_: Any) -> None:
            far.join(near)
            near.join(far)

        def refused(_: Failure) -> None:
            near.transport.loseConnection()

        connectProtocol(self.target, far).addCallbacks(joined, refused)
        return near

    def stop(self) -> Any:
        """Close what is open and listen no more."""
        for side in self.ends:
            if side.transport is not None and not side.is_lost:
                side.transport.abortConnection()
        return self.listening.stopListening()


FIELDS = ("frame.number", "ip.src", "smpp.command_id", "_ws.malformed", "_ws.expert.message")


@attrs.define
class Dissected:
    """What tshark made of a capture."""

    pdus: int
    wrong_requests: list[str]
    """Complaints about what the connecting side sent."""
    wrong_answers: list[str]
    """Complaints about what the listening side sent."""


async def dissect(path: Path) -> Dissected:
    """Let tshark's SMPP dissector read a capture."""
    arguments = ["-r", str(path), "-d", f"tcp.port=={SERVER_PORT},smpp"]
    arguments += ["-Y", "smpp", "-T", "fields"]
    for field in FIELDS:
        arguments += ["-e", field]
    output: Deferred[tuple[bytes, bytes, int]]
    output = getProcessOutputAndValue("tshark", arguments, env=os.environ)
    out, err, code = await output
    if code != 0:
        raise AssertionError(f"tshark ended with {code}: {err.decode()}")
    seen = Dissected(0, [], [])
    for line in out.decode().splitlines():
        number, source, commands, malformed, expert = line.split("\t")
        seen.pdus += len(commands.split(","))
        if malformed or expert:
            side = seen.wrong_answers if source.endswith(".2") else seen.wrong_requests
            side.append(f"packet {number}: {malformed} {expert}".strip())
    return seen
