"""The PROXY header: the specification's own lines, and what is no header."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.wire.proxy_header import (
    LONGEST,
    LONGEST_LINE,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    read_proxy_header,
)

ALL_ONES = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


def binary(command: int, family: int, body: bytes, length: int | None = None) -> bytes:
    """A header of version 2."""
    octets = len(body) if length is None else length
    return SIGNATURE + bytes([command, family]) + octets.to_bytes(2, "big") + body


def tcp4(host: str, port: int, tlvs: bytes = b"") -> bytes:
    """A header of version 2 for a TCP connection over IPv4."""
    addresses = ip_address(host).packed + ip_address("192.0.2.99").packed
    return binary(0x21, 0x11, addresses + port.to_bytes(2, "big") + b"\x0a\xd7" + tlvs)


def tcp6(host: str, port: int) -> bytes:
    """The same over IPv6."""
    addresses = ip_address(host).packed + ip_address("2001:db8::99").packed
    return binary(0x21, 0x21, addresses + port.to_bytes(2, "big") + b"\x0a\xd7")


class TextTests(SynchronousTestCase):
    """Version 1, section 2.1."""

    def test_longest_lines_of_the_specification(self) -> None:
        """The worst cases that section 2.1 lists, with their lengths: 56, 104, 15 and 107."""
        four, six = "255.255.255.255", ALL_ONES
        for line, length, host in (
            (f"PROXY TCP4 {four} {four} 65535 65535\r\n", 56, four),
            (f"PROXY TCP6 {six} {six} 65535 65535\r\n", 104, six),
            ("PROXY UNKNOWN\r\n", 15, ""),
            (f"PROXY UNKNOWN {six} {six} 65535 65535\r\n", LONGEST_LINE, ""),
        ):
            port = 65535 if host else 0
            octets = line.encode()
            self.assertEqual(len(octets), length)
            header = read_proxy_header(octets + b"\0\0\0\x10")
            self.assertEqual(header, ProxyHeader(length, host, port))

    def test_example_of_the_specification(self) -> None:
        """The example in section 2.1, followed by what the client sent."""
        line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"
        self.assertEqual(
            read_proxy_header(line + b"GET / HTTP/1.1\r\n"),
            ProxyHeader(len(line), "192.168.0.1", 56324),
        )

    def test_not_whole_yet(self) -> None:
        """Every beginning of a line waits for the rest."""
        line = b"PROXY TCP6 2001:db8::1 2001:db8::2 0 443\r\n"
        for end in range(len(line)):
            self.assertIsNone(read_proxy_header(line[:end]))
        self.assertEqual(read_proxy_header(line), ProxyHeader(len(line), "2001:db8::1", 0))

    def test_no_header(self) -> None:
        """Other protocols, wrong words, wrong numbers, no end: refused as soon as it shows."""
        for octets in (
            b"GET / HTTP/1.1\r\n",
            b"PROXYTCP4",
            b"proxy TCP4 ",
            b"\0\0\0\x2f",
            b"\x16\x03\x01",
            b"PROXY \r\n",
            b"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n",
            b"PROXY TCP4  1.2.3.4 1.2.3.4 1\r\n",
            b"PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n",
            b"PROXY TCP4 ::1 ::1 1 1\r\n",
            b"PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
            b"PROXY TCP6 fe80::1%\x1b[31m fe80::2 1 1\r\n",
            b"PROXY TCP4 1.2.3.\xb2 1.2.3.4 1 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 010\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1_0\r\n",
            b"PROXY UNKNOWN " + b"x" * LONGEST_LINE,
        ):
            self.assertRaises(ProxyHeaderError, read_proxy_header, octets)


class BinaryTests(SynchronousTestCase):
    """Version 2, section 2.2."""

    def test_addresses(self) -> None:
        """TCP over IPv4 and IPv6, with TLVs after the addresses, which are stepped over."""
        header = tcp4("192.0.2.7", 40000, b"\x04\x00\x05hello")
        self.assertEqual(
            read_proxy_header(header + b"\x16\x03"), ProxyHeader(len(header), "192.0.2.7", 40000)
        )
        header = tcp6("2001:db8::7", 1)
        self.assertEqual(read_proxy_header(header), ProxyHeader(52, "2001:db8::7", 1))

    def test_local_and_others(self) -> None:
        """A health check, a Unix socket, UDP, no family: the connection is the sender's own."""
        for header in (
            binary(0x20, 0x00, b""),
            binary(0x20, 0x11, b"x" * 12),
            binary(0x21, 0x00, b"\x04\x00\x00"),
            binary(0x21, 0x31, bytes(216)),
            binary(0x21, 0x12, bytes(12)),
            binary(0x21, 0x22, bytes(36)),
        ):
            self.assertEqual(read_proxy_header(header + b"rest"), ProxyHeader(len(header)))

    def test_not_whole_yet(self) -> None:
        """Every beginning waits for the rest."""
        header = tcp6("2001:db8::7", 2775)
        for end in range(len(header)):
            self.assertIsNone(read_proxy_header(header[:end]))

    def test_no_header(self) -> None:
        """A wrong signature, version or command, too short for its addresses, too long for us."""
        for octets in (
            b"\r\n\r\nx",
            SIGNATURE[:-1] + b"x",
            binary(0x11, 0x11, bytes(12)),
            binary(0x22, 0x11, bytes(12)),
            binary(0x21, 0x11, bytes(11)),
            binary(0x21, 0x21, bytes(35)),
            binary(0x21, 0x31, bytes(215)),
            binary(0x21, 0x11, b"", LONGEST - 15),
            binary(0x20, 0x00, b"", 0xFFFF),
        ):
            self.assertRaises(ProxyHeaderError, read_proxy_header, octets)


class AnyOctetsTests(SynchronousTestCase):
    """Whatever comes."""

    @given(
        st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE + b"\x21"]),
        st.binary(max_size=300),
    )
    def test_any_octets(self, start: bytes, rest: bytes) -> None:
        """A header within the octets, patience, or an error that says why: nothing else."""
        try:
            header = read_proxy_header(start + rest)
        except ProxyHeaderError as error:
            self.assertTrue(str(error).startswith("its ") or str(error).startswith("it "))
            return
        if header is None:
            self.assertLess(len(start + rest), LONGEST)
        else:
            self.assertLessEqual(header.length, len(start + rest))

    @given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=20))
    def test_round_trip(self, host, port: int, rest: bytes) -> None:
        """What is written is read, in both versions."""
        host = ip_address(int(host)) if host.version == 4 else ip_address(str(host))
        version = 6 if host.version == 6 else 4
        two = (tcp6 if version == 6 else tcp4)(str(host), port)
        one = f"PROXY TCP{version} {host} {host} {port} 1\r\n".encode()
        for header in (one, two):
            self.assertEqual(
                read_proxy_header(header + rest), ProxyHeader(len(header), str(host), port)
            )
