"""The message log of a real node: its process, its files, its counts."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from twisted.logger import formatEvent

from smppproxy.config.message_log import MessageLog
from smppproxy.relay.journal import Journal
from smppproxy.service import SmppProxy
from tests.admin.message_log.files import events
from tests.support.logs import logged
from tests.support.nodes import NodeCase


class MessageLogCase(NodeCase):
    """A node with a message log."""

    def logging_node(self, **options: Any) -> SmppProxy:
        """Started, between a provider with receipts and its clients."""
        smsc = self.provider("a")
        self.write_network(smsc)
        self.folder = str(Path(self.mktemp()).absolute())
        return self.node(message_log=MessageLog(self.folder, **options))

    def counted(self, name: str) -> int:
        """How many events of this name are written."""
        return sum(event["event"] == name for event in events(self.folder))

    async def traffic(self, service: SmppProxy, count: int) -> None:
        """So many messages, to their last receipts."""
        await self.wait(lambda: any(bind.state == "Bound" for bind in service.binds()), "a bind")
        ledger = service.relay.ledger
        before = ledger.delivered
        esme = self.client(service, count=count)
        await self.wait(lambda: esme.done and ledger.delivered == before + count, "receipts")
        await esme.stop()


class MessageLogTests(MessageLogCase):
    """What it has when all is well, and when its process ends."""

    async def test_mg14_every_message_leaves_three_events(self) -> None:
        """What a node did is in its files when it has stopped, and in the store's counts."""
        service = self.logging_node()
        await self.traffic(service, 50)
        await service.stopService()
        for name in ("accepted", "receipt", "delivered"):
            self.assertEqual(self.counted(name), 50)
        self.assertEqual(len(events(self.folder)), 150)
        counts = self.stores[0]._world.counts
        by_result = {count[1:]: number for count, number in counts.items()}
        self.assertEqual(
            by_result,
            {("demo", "acme", "46", "ESME_ROK"): 50, ("demo", "acme", "46", "DELIVRD"): 50},
        )

    async def test_a_process_that_ends_is_started_again(self) -> None:
        """Killed, it is replaced after a second; traffic goes on, and what comes then is written,
        with sessions and accounts told anew.
        """
        service = self.logging_node()
        await self.traffic(service, 5)
        await self.wait(lambda: self.counted("delivered") == 5, "written")
        (pid,) = children(os.getpid())
        os.kill(pid, signal.SIGKILL)
        events_of = service.relay.ledger.events
        await self.wait(lambda: events_of["message_log_restarts"] == 1, "noticed")
        await self.traffic(service, 5)
        await self.wait(lambda: children(os.getpid()) not in ([], [pid]), "another one")
        await self.traffic(service, 5)
        await self.wait(lambda: self.counted("delivered") >= 10, "written again")
        delivered = [each for each in events(self.folder) if each["event"] == "delivered"]
        self.assertEqual({each["account"] for each in delivered}, {"demo"})
        self.assertGreater(self.counted("lost"), 0)
        await service.stopService()
        self.assertEqual(children(os.getpid()), [])
        self.flushLoggedErrors()

    async def test_a_signal_does_not_end_it_before_its_node(self) -> None:
        """SIGTERM and SIGINT for the whole group of processes leave it to write the rest."""
        service = self.logging_node()
        await self.traffic(service, 5)
        await self.wait(lambda: self.counted("delivered") == 5, "written")
        (pid,) = children(os.getpid())
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, each)
        await self.traffic(service, 5)
        await service.stopService()
        self.assertEqual(self.counted("delivered"), 10)

    async def test_a_folder_that_cannot_be_written(self) -> None:
        """Traffic does not feel it: lines are lost, counted and told."""
        service = self.logging_node()
        Path(self.folder).rmdir()
        Path(self.folder).write_text("this is a file")
        await self.traffic(service, 20)
        counts = service.relay.ledger.events
        await self.wait(lambda: counts["message_log_lost"] > 0, "told")
        self.assertEqual(service.relay.ledger.imbalance(), {})
        Path(self.folder).unlink()

        def well() -> bool:
            return self.counted("delivered") > 0

        await self.traffic(service, 1)
        await self.wait(lambda: counts["message_log_lost"] >= 60 or well(), "counted")
        await service.stopService()
        self.flushLoggedErrors()

    async def test_a_folder_that_cannot_be_made_is_told_at_the_start(self) -> None:
        """Nobody has to wait for the first message to learn of it."""
        seen = logged(self)
        self.write_network(self.provider("a"))
        self.node(message_log=MessageLog("/proc/nowhere/messages"))
        (told,) = [each for each in seen if each.get("event") == "message_log_lost"]
        self.assertIn("/proc/nowhere/messages cannot be made", formatEvent(told))

    async def test_without_a_folder_nothing_is_noted(self) -> None:
        """No process, no facts that pile up."""
        self.write_network(self.provider("a"))
        service = self.node()
        await self.traffic(service, 5)
        self.assertEqual(children(os.getpid()), [])
        note = service.relay.journal.note
        self.assertIs(note, Journal().note)


def children(pid: int) -> list[int]:
    """The scribes among the processes that this one started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if b"scribe" in _command(child)]


def _command(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
