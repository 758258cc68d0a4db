"""Capture files that Wireshark and tshark read: PDUs as TCP segments between made-up addresses."""

from __future__ import annotations

import struct
from typing import BinaryIO

RAW_IP = 101
"""The link type: packets begin with their IP header."""

PORT = 2775
"""Of whichever side is the SMSC: Wireshark knows the port."""

MOST = 60_000
"""Octets of one segment: an IPv4 packet holds no more than 65,535."""

_FILE = struct.Struct("<IHHiIII")
_PACKET = struct.Struct("<IIII")
_TCP = struct.Struct(">HHIIBBHHH")
_IP = struct.Struct(">BBHHHBBH4s4s")


class Pcap:
    """A capture in the making. Every session is a TCP connection with a port of its own.

    :param file: is written to and flushed PDU by PDU, so that a pipe to Wireshark shows it at once.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sessions: dict[str, int] = {}
        self._sent: dict[tuple[int, bool], int] = {}
        file.write(_FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 65_535, RAW_IP))

    def add(self, session: str, to_smsc: bool, octets: bytes, seconds: float) -> None:
        """A PDU of a session, at this moment in unix seconds.

        :param to_smsc: towards the provider, or from a client to us.
        """
        place = self._sessions.setdefault(session, len(self._sessions))
        for at in range(0, len(octets), MOST):
            self._write(_segment(self._sent, place, to_smsc, octets[at : at + MOST]), seconds)
        self._file.flush()

    def _write(self, packet: bytes, seconds: float) -> None:
        micros = round(seconds * 1_000_000)
        self._file.write(
            _PACKET.pack(micros // 1_000_000, micros % 1_000_000, len(packet), len(packet))
        )
        self._file.write(packet)


def _segment(
    sent: dict[tuple[int, bool], int], place: int, to_smsc: bool, chunk: bytes
) -> bytes:
    """An IP packet with a TCP segment that goes on where the last one ended."""
    ports = (20_000 + place % 40_000, PORT)
    hosts = (bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2)))
    if not to_smsc:
        ports, hosts = ports[::-1], hosts[::-1]
    number, seen = sent.get((place, to_smsc), 1), sent.get((place, not to_smsc), 1)
    sent[place, to_smsc] = (number + len(chunk)) & 0xFFFFFFFF
    tcp = _TCP.pack(*ports, number, seen, 0x50, 0x18, 65_535, 0, 0)
    return _IP.pack(0x45, 0, 40 + len(chunk), 0, 0x4000, 64, 6, 0, *hosts) + tcp + chunk
