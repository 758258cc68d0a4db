"""The PyPI package smpplib as a client of a real node, in front of a simulated provider."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from smppproxy.simulator.smsc import Smsc, SmscOptions
from tests.support.foreign import ForeignClientMixin, NodeCase, Taken, TlsMixin
from tests.support.messages import Sample
from tests.support.processes import Actor, reactor, until
from tests.support.running import Upstream

SCRIPT = str(Path(__file__).with_name("smpplib_client.py"))


class SmpplibTests(ForeignClientMixin, TlsMixin, NodeCase):
    """smpplib 2.2, which takes every unknown TLV and every trailing octet for an error."""

    enquires = False
    answers_unbind = False

    def make_client(self, port: int, **settings: Any) -> Actor:
        """The library in a process of its own: it blocks."""
        settings = {"host": "127.0.0.1", "port": port, **settings}
        return Actor("smpplib client", (sys.executable, "-W", "error", SCRIPT), settings)

    async def open_provider(self, answer_after: int = 0) -> Upstream:
        """The simulator, in this process."""
        self.smsc = Smsc(
            reactor,
            SmscOptions(
                accounts={b"smppproxy": b"upstream"},
                id_start=700,
                response_delay=answer_after / 1000,
            ),
        )
        self.addCleanup(self.smsc.stop)
        return Upstream("sim", [self.smsc.listen("a"), self.smsc.listen("b")])

    async def provider_is_bound(self) -> None:
        """Both hosts are."""
        await self.node.expect_line(r"\bsim\S* is bound")
        await self.node.expect_line(r"\bsim\S* is bound")

    async def taken(self, sample: Sample, number: int) -> Taken:
        """What the simulator wrote down last."""
        last = self.smsc.history[-1]
        text = bytes.fromhex(sample.udh) + sample.octets
        destination = sample.order(number)["to"].encode()
        fits = last.text == text and last.destination == (1, 1, destination)
        return Taken(last.message_id.decode(), fits)

    async def outstanding(self, count: int) -> None:
        """The simulator has them all."""
        await until(lambda: len(self.smsc.history) == count)
        self.assertFalse(any(accepted.answered for accepted in self.smsc.history))

    def say_hello(self, to: str, text: str) -> None:
        """From the simulator."""
        self.smsc.send_mo(b"smppproxy", to.encode(), text.encode())
