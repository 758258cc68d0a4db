"""`trace` finds a message by any of its names, over all nodes' logs and the store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import fail
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.tracing import WORDS, spellings
from smppproxy.cli.trace import of_messages
from smppproxy.config.message_log import MessageLog
from smppproxy.store.interface import NOT_SENT, StoreUnavailable
from tests.cli.running import CommandCase
from tests.support.doors import ask as ask_door
from tests.support.doors import asynchronous

EVENTS = frozenset(f'"event":"{each}"' for each in ("accepted", "receipt", "delivered"))
"""What the logs hold of a message that came to its end."""


class TraceTests(CommandCase):
    """Two nodes with a message log each, a message of n2's client."""

    timeout = 240

    async def carried(self, options: str = "") -> str:
        """A message through the second node; its client_message_id."""
        smsc = self.provider("a", "b")
        self.write_network(smsc, options=options)
        self.first, self.second = self.pair(message_log=True)
        await self.upstream_bound(self.first, self.second)
        esme = self.client(self.second, count=1)
        await self.wait(lambda: esme.done, "carried")
        folder = Path(self.second.node.message_log.folder)
        folders = [folder, Path(self.first.node.message_log.folder)]
        # The receipt may have come in on the other node, whose log is written when that likes.
        await self.wait(lambda: are_in(EVENTS, *folders), "written")
        (line,) = [line for line in text_of(folder).splitlines() if '"accepted"' in line]
        message_id: str = json.loads(line)["client_message_id"]
        return message_id

    async def trace(self, query: str, **more: Any) -> Any:
        """What the first node says of it."""
        reply = await ask_door(self.first, f"api/v1/trace?id={query}", **more)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    @asynchronous
    async def test_by_any_name(self) -> None:
        """By our id, the provider's and the number the same hops are found, in time, from the node
        that had them, with what the store holds as the last one."""
        message_id = await self.carried()
        told = await self.trace(message_id)
        events = [hop["event"] for hop in told["hops"]]
        self.assertEqual(sorted(events), ["accepted", "delivered", "map", "receipt"])
        self.assertEqual(events[-1], "map")
        accepted = next(hop for hop in told["hops"] if hop["event"] == "accepted")
        self.assertEqual((accepted["node"], accepted["command_status"]), ("n2", "ESME_ROK"))
        self.assertEqual(told["silent"], [])
        number = accepted["destination_addr"]
        for query in (accepted["provider_message_id"], number, f"%2B{number}", f"00{number}"):
            found = await self.trace(query)
            self.assertEqual([hop["event"] for hop in found["hops"]], events, query)
        self.assertEqual((await self.trace("nobody"))["hops"], [])

    @asynchronous
    async def test_command(self) -> None:
        """The command shows a message's hops as a table, and as JSON; nothing known is status 1."""
        message_id = await self.carried()
        told = await self.told(self.first, "trace", message_id)
        lines = told.splitlines()
        self.assertTrue(lines[0].startswith(f"{message_id}  demo  "), lines[0])
        for word in ("accepted", "receipt", "delivered", "ESME_ROK", "DELIVRD", "acme/"):
            self.assertIn(word, told)
        hops = json.loads(await self.told(self.first, "trace", message_id, "--json"))
        self.assertEqual(len(hops), 4)
        told = await self.told(self.first, "trace", "nobody", code=1)
        self.assertIn("nothing is known of nobody", told)

    @asynchronous
    async def test_texts_are_for_admins(self) -> None:
        """What a message says is shown to the role admin only."""
        smsc = self.provider("a")
        self.write_network(smsc, options='message_log = "full"')
        folder = self.network_file.parent / "log"
        self.node_options = {"message_log": MessageLog(str(folder))}
        node, url = self.with_port()
        esme = self.client(node, count=1)
        await self.wait(lambda: esme.done and are_in(EVENTS, folder), "written")
        (line,) = [line for line in text_of(folder).splitlines() if '"accepted"' in line]
        message_id = json.loads(line)["client_message_id"]
        for token, shown in (("admin", True), ("operate:alice", False), ("read", False)):
            reply = await ask_door(url, f"api/v1/trace?id={message_id}", token=token)
            words = [word for hop in reply.json["hops"] for word in WORDS if word in hop]
            self.assertEqual(bool(words), shown, token)

    @asynchronous
    async def test_store_away(self) -> None:
        """Without the store the logs are searched all the same."""
        message_id = await self.carried()
        tracer = self.first._office.operator._rooms.tracer
        self.patch(tracer, "stored", lambda words: fail(StoreUnavailable(NOT_SENT)))
        told = await self.trace(message_id)
        self.assertEqual(len(told["hops"]), 3)
        self.assertIn("the store is away", told["note"])


class SpellingTests(SynchronousTestCase):
    """What is looked for."""

    def test_spellings(self) -> None:
        """A number as any of the three ways to write it; ids and short codes as they are."""
        number = {"4512345678", "+4512345678", "004512345678"}
        for query in number:
            self.assertEqual(spellings(query), number)
        for query in ("1234", "p3-373", "+", "", "4512345x", "\u0661" * 9):
            self.assertEqual(spellings(query), {query})


class GroupTests(CommandCase):
    """Hops of several messages."""

    def test_of_messages(self) -> None:
        """They are told apart by their ids; the same id of two providers is two messages."""
        hops: list[dict[str, Any]] = [
            {"event": "parked", "provider": "acme", "provider_message_id": "7"},
            {"event": "parked", "provider": "beta", "provider_message_id": "7"},
            {"event": "refused", "client_message_id": "1"},
            {"event": "accepted", "client_message_id": "2", "provider": "acme",
             "provider_message_ids": ["7", "8"]},
            {"event": "receipt", "provider": "acme", "provider_message_id": "8"},
        ]  # fmt: skip
        groups = [[hop["event"] for hop in group] for group in of_messages(hops)]
        self.assertEqual(groups, [["parked", "accepted", "receipt"], ["parked"], ["refused"]])

    def test_mo(self) -> None:
        """MO messages have no ids: their numbers and their account hold them together."""
        way = {"source_addr": "4670", "destination_addr": "1234"}
        hops = [
            {"event": "mo", "account": "acme", **way},
            {"event": "mo", "account": "beta", **way},
            {"event": "delivered", "kind": "mo", "account": "acme", **way},
            {"event": "delivered", "kind": "receipt", "account": "beta", **way},
        ]
        groups = [[hop["event"] for hop in group] for group in of_messages(hops)]
        self.assertEqual(groups, [["mo", "delivered"], ["mo"], ["delivered"]])

    def test_joined_later(self) -> None:
        """What seemed two messages is one when a later hop has the ids of both."""
        hops = [
            {"event": "a", "client_message_id": "1"},
            {"event": "b", "provider": "p", "provider_message_id": "7"},
            {"event": "c", "client_message_id": "1", "provider": "p", "provider_message_id": "7"},
        ]
        (group,) = of_messages(hops)
        self.assertEqual(sorted(hop["event"] for hop in group), ["a", "b", "c"])


def are_in(words: Iterable[str], *folders: Path) -> bool:
    """Whether message logs hold all of these, one this and another that."""
    texts = [text_of(folder) for folder in folders]
    return all(any(word in text for text in texts) for word in words)


def text_of(folder: Path) -> str:
    """Everything that a message log has."""
    return "".join(path.read_text() for path in sorted(folder.glob("*.jsonl")))
