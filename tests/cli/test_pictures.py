"""Every table of `smppproxy show` as a picture: build/screenshots/show-*.svg, made by one node."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import click
from rich.console import Console
from rich.text import Text

from smppproxy.admin.catalogue import VIEWS
from smppproxy.cli import main
from smppproxy.config.presets import account_presets, provider_presets
from smppproxy.service import SmppProxy
from smppproxy.smpp.refusals import REFUSALS
from smppproxy.store.interface import Arrival
from smppproxy.store.records import ReceiptRecord
from tests.cli.running import CommandCase, ask
from tests.support.doors import asynchronous
from tests.support.screenshots import kept

TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "170", "LINES": "60"}

ROWS: dict[str, tuple[str, ...]] = {
    "binds": ("acme/a/1", "acme/b/1", "bank#", "shop#", "bound"),
    "providers": ("acme", "up", "2/2"),
    "hosts": ("acme/a", "acme/b", "127.0.0.1:"),
    "accounts": ("bank", "shop"),
    "queues": ("bank", "shop", "receipts", "mo"),
    "inflight": ("shop", "sent", "acme/"),
    "parked": ("acme", "parked", "77"),
    "orphans": ("acme", "quarantine", "no_id"),
    "unrouted": ("acme", "46700000001"),
    "ledger": ("submitted", "delivered", "balanced", "yes"),
    "nodes": ("node1", "up"),
    "routes": ("all", "acme"),
    "budgets": ("account:bank", "account:shop", "provider:acme", "no limit"),
    "logs": ("all", "info"),
    "config": ("account.bank", "provider.acme", "listener.plain"),
    "refusals": (*list(REFUSALS)[:3], list(REFUSALS)[-1]),
    "presets": (*provider_presets(), *account_presets()),
}
"""What can be read in each table, for a node that carries messages."""


FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Of rich's pictures: they would be asked of another server."""


def pictured(title: str, shown: str) -> str:
    """What a terminal shows, as SVG."""
    text = Text.from_ansi(shown)
    width = max(map(len, text.plain.splitlines()))
    console = Console(record=True, file=StringIO(), width=max(width, len(title) + 20))
    console.print(text, end="")
    return FONTS.sub("", console.export_svg(title=title))


class PictureTests(CommandCase):
    """One node whose every table has rows."""

    async def busy(self) -> SmppProxy:
        """A node with traffic, waiting receipts, some of nobody, and messages without an answer."""
        smsc = self.provider("a", "b", undelivered=0.1, errors={0x0B: 0.05}, mo_rate=5.0)
        self.write_network(smsc, ("bank", "shop"), options="max_binds = 4\ntps = 500")
        node = self.with_socket()
        await self.upstream_bound(node)
        bank = self.client(node, system_id=b"bank", password=b"bank", count=40)
        await self.wait(lambda: bank.done, "traffic")
        for keys, state in (((), 2), ((b"77",), 3)):
            receipt = ReceiptRecord(state, b"DELIVRD", b"", 0, -1, -1, b"", b"", True).pack()
            await self.stores[0].match(b"acme", [Arrival(keys, b"45", 1, state, True, receipt)],
                                       60, {})  # fmt: skip
        ledger = node.relay.ledger
        queued = ledger.matched + 20
        shop: dict[str, Any] = {"system_id": b"shop", "password": b"shop", "bind": "tx"}
        self.client(node, count=40, **shop)
        await self.wait(lambda: ledger.matched >= queued and ledger.mo_unrouted, "what waits")
        await self.wait(lambda: not ledger.in_flight, "the last answers")
        smsc.options.errors, smsc.options.silence = {}, 1.0
        self.client(node, count=6, **shop)
        await self.wait(lambda: ledger.in_flight == 6, "messages without an answer")
        return node

    @asynchronous
    async def test_every_table(self) -> None:
        """Each table has its rows, its colours, and a picture that can be read without it."""
        node = await self.busy()
        for view, words in ROWS.items():
            result = await ask(node, "show", view, **TERMINAL)
            self.assertEqual(result.exit_code, 0, result.output)
            plain = click.unstyle(result.output)
            for word in words:
                self.assertIn(word, plain, view)
            picture = pictured(f"smppproxy show {view}", result.output)
            kept(f"show-{view}.svg").write_text(picture)
            self.assertNotIn("url(http", picture)
            drawn = " ".join(ElementTree.fromstring(picture).itertext()).replace("\xa0", " ")
            for word in words:
                self.assertIn(word, drawn, view)
        self.assertRegex((await ask(node, "show", "binds", **TERMINAL)).output, "\x1b\\[[0-9;]*32m")

    def test_none_is_left_out(self) -> None:
        """Every view that can be shown has a picture; quality is of routes that choose by it."""
        shown: Any = main.commands["show"]
        self.assertEqual({*shown.commands} - {*ROWS}, {"quality"})
        self.assertLessEqual({*VIEWS} - {"quality"}, {*ROWS})
        self.assertTrue(all(re.fullmatch("[a-z]+", view) for view in ROWS))
