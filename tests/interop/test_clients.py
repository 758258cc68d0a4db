"""Foreign clients: npm smpp, Net::SMPP and the shape of php-smpp, through a node."""

from __future__ import annotations

from typing import Any

from tests.interop import actors
from tests.interop.bench import InteropCase
from tests.support import messages
from tests.support.foreign import ForeignClientMixin, Taken, TlsMixin
from tests.support.messages import Sample
from tests.support.processes import Actor, Event
from tests.support.running import Upstream


class CapturedClientMixin(ForeignClientMixin):
    """The provider behind the node is npm smpp; every connection is captured."""

    kind = ""
    last: Event

    def make_client(self, port: int, **settings: Any) -> Actor:
        """The client of this kind."""
        return actors.client(self.kind, port, **settings)

    async def open_provider(self: Any, answer_after: int = 0) -> Upstream:
        """One host."""
        settings = {"first": 700, "answer_after": answer_after}
        self.provider, port = await self.open_host("node", "a", **settings)
        return Upstream("foreign", [port])

    async def provider_is_bound(self: Any) -> None:
        """Its one bind is."""
        self.check_bind(await self.provider.expect("bind"))
        await self.node.expect_line(r"\bforeign\S* is bound")

    async def taken(self: Any, sample: Sample, number: int) -> Taken:
        """What the provider told."""
        event = await self.provider.expect("submit")
        right = event["destination_addr"] == sample.order(number)["to"]
        return Taken(event["message_id"], right and messages.same(sample, event))

    async def outstanding(self: Any, count: int) -> None:
        """It told so many."""
        for _ in range(count):
            await self.provider.expect("submit")

    def say_hello(self: Any, to: str, text: str) -> None:
        """From the provider."""
        self.provider.order("message", **{"from": "447700900099", "to": to, "text": text})


class NodeSmppTests(CapturedClientMixin, TlsMixin, InteropCase):
    """The npm package smpp, which binds with interface_version 0x50."""

    kind = "node"


class NetSmppTests(CapturedClientMixin, InteropCase):
    """Net::SMPP of Perl."""

    kind = "perl"


class PhpShapeTests(CapturedClientMixin, InteropCase):
    """GW-53: one uncounted NUL after short_message, and the whole body of an answer as the id.

    Towards the provider that NUL is gone: npm smpp and tshark both misread what has it.
    """

    kind = "php"
    samples = (messages.GSM7, messages.UCS2, *messages.UDH_PARTS, *messages.SAR_PARTS)
