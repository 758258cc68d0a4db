"""smppproxy tap: lines, JSON and capture files."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

from smppproxy.cli.pcap import RAW_IP, Pcap
from tests.cli.running import CommandCase
from tests.support.doors import asynchronous


class TapTests(CommandCase):
    """The command over a real node."""

    def setUp(self) -> Any:
        """The node, once it is bound."""
        super().setUp()
        self.smsc = self.provider("a")
        self.write_network(self.smsc)
        self.service = self.with_socket()
        return self.upstream_bound(self.service)

    async def tapped(self, *arguments: str) -> str:
        """What it prints while one message passes."""
        told = self.told_later(self.service, "tap", *arguments)
        await self.wait(lambda: self.service.ticker.tap is not None, "looking on")
        esme = self.client(self.service, count=1)
        await self.wait(lambda: esme.done, "traffic")
        return await told

    @asynchronous
    async def test_lines(self) -> None:
        """One line per PDU: when, whose, which way, what, and its fields."""
        lines = (await self.tapped("account:demo", "--count", "4")).splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[2], r"^\d\d:\d\d:\d\d\.\d{3} demo#\d+ << submit_sm #2 source_addr=")
        self.assertIn('text="****', lines[2])
        self.assertRegex(lines[3], r" >> submit_sm_resp #2 message_id=\d{10}$")

    @asynchronous
    async def test_json_and_texts(self) -> None:
        """The same for programs; with --text what the message says."""
        told = await self.tapped("acme/a", "--text", "--json", "--count", "1")
        row = json.loads(told)
        self.assertEqual((row["command"], row["direction"]), ("submit_sm", "out"))
        self.assertIn("hello", row["fields"]["text"])

    @asynchronous
    async def test_pcap(self) -> None:
        """--pcap writes a capture beside the lines, or alone to standard output."""
        path = Path(self.mktemp())
        lines = await self.tapped("account:demo", "--count", "4", "--pcap", str(path))
        self.assertEqual(len(lines.splitlines()), 4)
        octets = path.read_bytes()
        magic, link = struct.unpack_from("<I", octets)[0], struct.unpack_from("<I", octets, 20)[0]
        self.assertEqual((magic, link), (0xA1B2C3D4, RAW_IP))

    @asynchronous
    async def test_wrong(self) -> None:
        """What is not there is told, exit status 1."""
        told = await self.told(self.service, "tap", "acme/z", code=1)
        self.assertIn("there is no host acme/z", told)


class OtherNodeTests(CommandCase):
    """An account that is bound on another node."""

    @asynchronous
    async def test_where_it_is(self) -> None:
        """It is told on which node the sessions are; the tap goes on, as they may come here."""
        smsc = self.provider("a")
        self.write_network(smsc)
        first, second = self.pair()
        esme = self.client(second, count=0)
        await self.wait(lambda: esme.bound, "bound")
        told = await self.told(first, "tap", "account:demo", "--seconds", "1")
        self.assertEqual(told, "account:demo is on n2, not on n1: ask there, --admin\n")
        told = await self.told(second, "tap", "number:4512345678", "--seconds", "1")
        self.assertEqual(told, "")


class PcapTests(CommandCase):
    """The file itself."""

    def test_segments(self) -> None:
        """A long PDU goes as several segments whose numbers go on; each session has its port."""
        file = BytesIO()
        pcap = Pcap(file)
        pcap.add("1", True, bytes(70_000), 5.25)
        pcap.add("1", False, b"abc", 6.0)
        pcap.add("2", True, b"def", 7.0)
        packets = packets_of(file.getvalue())
        self.assertEqual([len(data) for *_, data in packets], [60_000, 10_000, 3, 3])
        self.assertEqual([(source, to) for _, source, to, _, _, _ in packets], [
            (20_000, 2775), (20_000, 2775), (2775, 20_000), (20_001, 2775),
        ])  # fmt: skip
        self.assertEqual([number for _, _, _, number, _, _ in packets], [1, 60_001, 1, 1])
        self.assertEqual(packets[2][4], 70_001)
        self.assertEqual(packets[0][0], 5.25)


Packet = tuple[float, int, int, int, int, bytes]


def packets_of(octets: bytes) -> list[Packet]:
    """Time, ports, sequence and acknowledgement numbers, and data of each packet."""
    found: list[Packet] = []
    at = 24
    while at < len(octets):
        seconds, micros, length, _ = struct.unpack_from("<IIII", octets, at)
        packet = octets[at + 16 : at + 16 + length]
        source, to, number, seen = struct.unpack_from(">HHII", packet, 20)
        found.append((seconds + micros / 1e6, source, to, number, seen, packet[40:]))
        at += 16 + length
    return found
