"""What `smppproxy tap --pcap` writes is read by tshark without a complaint."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import CommandCase
from tests.interop.capture import dissect
from tests.support.doors import asynchronous


class TapTests(CommandCase):
    """A capture of both sides of a node, dissected by tshark."""

    timeout = 240

    @asynchronous
    async def test_tshark_reads_a_tap(self) -> None:
        """Every PDU is there, whole, with texts starred out and as they were; none is malformed."""
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.with_socket()
        await self.upstream_bound(service)
        for target, more in (("account:demo", ()), ("acme", ("--text",))):
            path = Path(self.mktemp())
            told = self.told_later(
                service, "tap", target, "--count", "40", "--pcap", str(path), *more
            )
            await self.wait(lambda: service.ticker.tap is not None, "looking on")
            esme = self.client(service, count=10)
            await self.wait(lambda esme=esme: esme.done, "traffic")
            await told
            seen = await dissect(path)
            self.assertEqual((seen.wrong_requests, seen.wrong_answers), ([], []), target)
            self.assertEqual(seen.pdus, 40)
            await esme.stop()
