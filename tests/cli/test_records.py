"""`export cdr` and `report`: a row per message out of files, the counts of hours through a door."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner, Result
from pyarrow import parquet
from twisted.internet.defer import fail
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log.cdr import COLUMNS
from smppproxy.cli import main, records
from smppproxy.cli.records import Moment
from smppproxy.smpp import constants as c
from smppproxy.store.interface import NOT_SENT, StoreUnavailable
from tests.cli.running import CommandCase
from tests.support.doors import asynchronous
from tests.support.memory_peers import UNIX, World, make_account, submit
from tests.support.message_log import LoggedWorld

TO = b"4510203040"
BEGAN = datetime.fromtimestamp(UNIX, UTC)


class ExportCase(SynchronousTestCase):
    """A world, and a folder with its message log."""

    def setUp(self) -> None:
        self.world = World([make_account(in_doubt="answer")])
        self.log = LoggedWorld(self.world)
        self.client = self.world.client()
        self.upstream = self.world.upstream()
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.number = 0

    def write(self, more: bytes = b"") -> None:
        """What happened since the last time is another file."""
        began = datetime.fromtimestamp(self.world.unix(), UTC)
        self.number += 1
        name = f"messages-{self.number:08d}-{began:%Y%m%dT%H%M%S}Z.jsonl"
        data = b"".join(json.dumps(event).encode() + b"\n" for event in self.log.take())
        (self.folder / name).write_bytes(data + more)

    def accepted(self, message_id: bytes, to: bytes = TO) -> str:
        """One message is taken; its client_message_id."""
        self.client.receive(submit(1, to))
        self.world.advance(0.25)
        self.upstream.accept(*[(pdu, message_id) for pdu in self.upstream.submits()])
        ((_, _, client_message_id),) = self.client.responses()
        return client_message_id.decode()

    def delivered(self, message_id: bytes, to: bytes = TO, stat: bytes = b"DELIVRD") -> None:
        """Its receipt comes after two seconds, the client takes it one later."""
        self.world.advance(2)
        self.upstream.receipt(message_id, to, stat)
        self.world.advance(1)
        self.client.acknowledge(self.client.deliveries())

    def export(self, *arguments: str) -> Result:
        """The command over the folder, for all times unless said otherwise."""
        given = ["export", "cdr", "--folder", str(self.folder), *arguments]
        if "--since" not in arguments:
            given += ["--since", "2023-11-01"]
        return CliRunner().invoke(main, given)

    def rows(self, *arguments: str) -> list[dict[str, str]]:
        """The rows that it writes."""
        result = self.export(*arguments)
        self.assertEqual(result.exit_code, 0, result.output)
        return list(csv.DictReader(io.StringIO(result.stdout)))


class ExportTests(ExportCase):
    """smppproxy export cdr."""

    def test_a_whole_message(self) -> None:
        """One row has all that became of it, with the time that each step took."""
        ours = self.accepted(b"6000")
        self.write()
        self.delivered(b"6000")
        self.write()
        (row,) = self.rows()
        self.assertEqual(tuple(row), COLUMNS)
        expected = {
            "account": "acme", "provider": "p", "host": "a", "node": "node1",
            "client_message_id": ours, "provider_message_id": "6000", "source_addr": "shop",
            "destination_addr": TO.decode(), "parts": "1", "route": "all",
            "command_status": "ESME_ROK", "answer_seconds": "0.25", "final_state": "DELIVRD",
            "done_time": "2023-11-14T22:14:00.000Z", "receipt_seconds": "2.25",
            "delivered_seconds": "3.25",
        }  # fmt: skip
        self.assertEqual({name: row[name] for name in expected}, expected)
        self.assertRegex(row["submit_time"], r"^2023-11-14T\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_what_went_wrong(self) -> None:
        """Refused messages, those in doubt and those without a receipt have a row each."""
        self.client.receive(submit(1, TO))
        self.upstream.refuse(c.ESME_RINVDSTADR, *self.upstream.submits())
        self.client.responses()
        self.accepted(b"6000")
        self.client.receive(submit(3, TO))
        self.upstream.lose()
        self.write()
        rows = {row["command_status"]: row for row in self.rows()}
        self.assertEqual(set(rows), {"ESME_RINVDSTADR", "ESME_ROK", "ESME_RUNKNOWNERR"})
        self.assertEqual(rows["ESME_ROK"]["final_state"], "")
        self.assertEqual(rows["ESME_RUNKNOWNERR"]["delivered_time"], "")

    def test_receipts_in_any_order(self) -> None:
        """A receipt before its answer, and events of two nodes in folders read in either order."""
        self.upstream.receipt(b"6000", TO)
        self.accepted(b"6000")
        self.write()
        here, self.folder = self.folder, Path(self.mktemp())
        self.folder.mkdir()
        self.world.advance(1)
        self.client.acknowledge(self.client.deliveries())
        self.write()
        for more in (("--folder", str(here)), ()):
            rows = self.rows(*more)
            self.assertEqual([row["final_state"] for row in rows], ["DELIVRD"] if more else [])

    def test_a_range(self) -> None:
        """Messages by when they were submitted; receipts after the range still count. Files that
        ended before are not read.
        """
        for number in range(4):
            self.accepted(b"600%d" % number)
            self.write()
            self.world.advance(86_400 // 4)
        self.world.shared.queues.clear()
        for number in range(4):
            self.delivered(b"600%d" % number)
        self.write(b'{"event":"accepted"}\nno event\n')
        noon = BEGAN + timedelta(hours=12)
        first = noon.isoformat().replace("+00:00", "Z")
        rows = self.rows("--since", first, "--until", (noon + timedelta(hours=11)).isoformat())
        ids = [row["provider_message_id"] for row in rows]
        self.assertEqual(ids, ["6002", "6003"])
        self.assertEqual({row["final_state"] for row in rows}, {"DELIVRD"})
        result = self.export("--since", first)
        self.assertIn("2 lines could not be read", result.stderr)

    def test_an_empty_range(self) -> None:
        """It says so, and writes the heading all the same."""
        result = self.export("--since", "2023-11-01", "--until", "2023-11-02")
        self.assertEqual(result.exit_code, 0)
        self.assertEqual(result.stdout.strip(), ",".join(COLUMNS))
        told = "no messages from 2023-11-01T00:00:00Z until 2023-11-02T00:00:00Z\n"
        self.assertEqual(result.stderr, told)

    def test_parquet(self) -> None:
        """The same rows with their types; nothing is lost between groups of rows."""
        self.patch(records, "AT_ONCE", 2)
        for number in range(5):
            self.accepted(b"600%d" % number)
        self.delivered(b"6000")
        self.write()
        output = str(self.folder / "out.parquet")
        result = self.export("-o", output)  # the form by its name
        self.assertEqual(result.exit_code, 0, result.output)
        rows = parquet.read_table(output).to_pylist()
        self.assertEqual([row["provider_message_id"] for row in rows], [
            "6000", "6001", "6002", "6003", "6004",
        ])  # fmt: skip
        self.assertEqual(rows[0]["answer_seconds"], 0.25)
        self.assertEqual(rows[0]["done_time"], datetime(2023, 11, 14, 22, 14, tzinfo=UTC))
        self.assertEqual((rows[0]["parts"], rows[1]["done_time"]), (1, None))

    def test_parquet_without_its_package(self) -> None:
        """It says what to install, before anything is read."""
        with patch.dict(sys.modules, {"pyarrow": None, "pyarrow.parquet": None}):
            result = self.export("--format", "parquet", "--output", "out.parquet")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("pip install 'smppproxy[reports]'", result.output)

    def test_mistakes(self) -> None:
        """Each has one line and its exit status."""
        for arguments, code, said in (
            (("--format", "parquet"), 2, "a Parquet file needs --output FILE"),
            (("--since", "2023-11-02", "--until", "2023-11-01"), 2, "is not before --until"),
            (("--since", "yesterday"), 2, "yesterday is no time; write 2026-11-23"),
            (("--since", "99999999999d"), 2, "is no time"),
            (("--output", "/no/such/folder/x.csv"), 1, "cannot be written: No such file"),
            (("--folder", "/no/such/folder"), 1, "there is no folder /no/such/folder"),
        ):
            result = self.export(*arguments)
            self.assertEqual(result.exit_code, code, result.output)
            self.assertIn(said, result.output)

    def test_the_folder_of_the_node_file(self) -> None:
        """Without --folder it is the one of the node file; one without a log, or no node file, is
        told.
        """
        node = self.folder / "node.toml"
        text = '[node]\nname = "n"\n[[listener]]\nport = 0\n'
        for more, code, said in (
            ('[message_log]\nfolder = "."\n', 0, "1 messages from"),
            ("", 2, "has no message log: write its folder below [message_log]"),
            ("[nod]", 2, "nod"),
        ):
            node.write_text(text + more)
            if not code:
                self.accepted(b"6000")
                self.write()
            result = CliRunner().invoke(
                main, ["export", "cdr", "-c", str(node), "--since", "2023-11-01"]
            )
            self.assertEqual(result.exit_code, code, result.output)
            self.assertIn(said, result.output)

    def test_moments(self) -> None:
        """Times with and without a zone, and how long ago."""
        kind = Moment()
        utc = datetime(2026, 11, 23, tzinfo=UTC)
        for written in ("2026-11-23", "2026-11-23T00:00:00Z", "2026-11-23T01:00:00+01:00", utc):
            self.assertEqual(kind.convert(written, None, None), utc)
        ago = time.time() - kind.convert("90m", None, None).timestamp()
        self.assertLess(abs(ago - 5400), 5)


class ReportTests(CommandCase):
    """smppproxy report."""

    async def counted(self) -> Any:
        """A node whose store has counts of three hours."""
        self.write_network(self.provider("a"))
        (node, *_) = self.pair()
        hour = int(time.time()) // 3600 * 3600
        await node.store.add_counts(
            {
                (hour, "demo", "acme", "45", "ESME_ROK"): 10,
                (hour, "demo", "acme", "45", "DELIVRD"): 9,
                (hour - 3600, "shop", "acme", "46", "ESME_ROK"): 3,
                (hour - 40 * 3600, "demo", "", "45", "ESME_RTHROTTLED"): 7,
            }
        )
        return node

    @asynchronous
    async def test_table_and_csv(self) -> None:
        """The hours of a range, of all accounts or one, as a table or as CSV."""
        node = await self.counted()
        for arguments, total in (
            ((), 22),
            (("--since", "7d"), 29),
            (("--since", "7d", "--account", "demo"), 26),
            (("--since", "7d", "--provider", "acme"), 22),
        ):
            rows = list(
                csv.DictReader(io.StringIO(await self.told(node, "report", "--csv", *arguments)))
            )
            self.assertEqual(sum(int(row["count"]) for row in rows), total, arguments)
        self.assertEqual(rows[0]["account"], "shop")
        shown = await self.told(node, "report")
        self.assertIn("DELIVRD", shown)
        self.assertNotIn("hours are kept", shown)
        rows = json.loads(await self.told(node, "report", "--json"))
        self.assertEqual(sum(row["count"] for row in rows), 22)

    @asynchronous
    async def test_grouped(self) -> None:
        """By some of the columns, each on its own or several: the most first, hours in order."""
        node = await self.counted()
        for groups, wanted in {
            ("account",): [("demo", 26), ("shop", 3)],
            ("country", "account"): [("demo", "45", 26), ("shop", "46", 3)],
            ("result",): [("ESME_ROK", 13), ("DELIVRD", 9), ("ESME_RTHROTTLED", 7)],
            ("provider",): [("acme", 22), ("", 7)],
        }.items():
            by = [word for group in groups for word in ("--by", group)]
            told = await self.told(node, "report", "--since", "7d", "--json", *by)
            self.assertEqual([tuple(row.values()) for row in json.loads(told)], wanted)
        told = await self.told(node, "report", "--since", "7d", "--csv", "--by", "hour")
        self.assertEqual([row.split(",")[1] for row in told.split()], ["count", "7", "3", "19"])
        shown = await self.told(node, "report", "--by", "account")
        self.assertIn("shop", shown)
        self.assertNotIn("ESME_ROK", shown)

    @asynchronous
    async def test_mistakes(self) -> None:
        """An empty range says so; a wrong one, and a store that is away, are one line."""
        node = await self.counted()
        for kind, known in (("account", "demo"), ("provider", "acme")):
            told = await self.told(node, "report", f"--{kind}", "nobody", code=1)
            self.assertIn(f"there is no {kind} nobody; known are {known}", told)
        # One that the network has, or that there was traffic of, is no mistake.
        told = await self.told(node, "report", "--account", "demo", "--since", "2020-01-01",
                               "--until", "2020-01-02")  # fmt: skip
        self.assertIn("no traffic from 2020-01-01T00:00:00Z until 2020-01-02", told)
        self.assertIn("hours are kept for 31 days: there are none before 20", told)
        self.assertIn("ESME_ROK", await self.told(node, "report", "--account", "shop"))
        told = await self.told(node, "report", "--since", "1h", "--until", "2h", code=1)
        self.assertIn("since is not before until", told)
        away = fail(StoreUnavailable(NOT_SENT))
        self.patch(node.store, "counts", lambda hours: away)
        self.assertIn("the store counts the hours", await self.told(node, "report", code=1))
