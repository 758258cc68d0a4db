"""The files of the message log: rotation, compression, full disks, clocks, crashes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log.cdr import Reading
from smppproxy.admin.message_log.folder import (
    BLOCK,
    LONGEST,
    LogWriter,
    blocks,
    compress,
    log_files,
    parts,
)
from smppproxy.admin.message_log.search import Search
from tests.admin.message_log.files import lines
from tests.support.waiting import holds

UNIX = 1_700_000_000.0


class FolderCase(SynchronousTestCase):
    """A folder, and two clocks."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.wall = UNIX
        self.now = 100.0

    def writer(
        self, size: int = 1000, age: float = 3600.0, keep: int = 0, pack: bool = False
    ) -> LogWriter:
        """A writer, closed after the test."""
        writer = LogWriter(
            str(self.folder), size, age, keep, pack, lambda: self.wall, lambda: self.now
        )
        self.addCleanup(writer.close)
        return writer

    def names(self) -> list[str]:
        """Of the files, oldest first."""
        return [file.path.name for file in log_files(self.folder)]

    def wait(self, condition: Callable[[], object]) -> None:
        """Until a thread has done something."""
        self.assertTrue(holds(condition, 10))


class PartTests(FolderCase):
    """The folders of a node's workers, in its own."""

    def put(self, name: str, text: str = "{}", age: float = 0.0) -> Path:
        """A file that was last written so many seconds ago."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        os.utime(path, (self.wall - age, self.wall - age))
        return path

    def test_which_they_are(self) -> None:
        """The node's own, then those of workers by their numbers; nothing else that lies there."""
        self.assertEqual(parts(self.folder), [self.folder])
        for name in ("10", "2", "x", "2.5"):
            (self.folder / name).mkdir(parents=True)
        self.assertEqual([path.name for path in parts(self.folder)][1:], ["2", "10"])

    def test_old_files_of_workers_go(self) -> None:
        """So those of a worker that is no more do not stay for ever."""
        old = self.put("3/messages-00000001-20231101T000000Z.jsonl.gz", age=9 * 86_400)
        young = self.put("3/messages-00000002-20231110T000000Z.jsonl", age=60)
        self.writer(keep=7).tick()
        self.assertEqual((old.exists(), young.exists()), (False, True))

    def test_they_are_searched_together(self) -> None:
        """The newest first, whoever wrote it."""
        for worker, minute, number in (("1", 1, 1), ("2", 2, 1), ("1", 4, 2), ("2", 3, 2)):
            moment = f"2023-11-10T00:0{minute}:00.000Z"
            event = {"event": "accepted", "time": moment, "client_message_id": f"{minute}",
                     "destination_addr": "4512345678"}  # fmt: skip
            name = f"{worker}/messages-{number:08}-20231110T000{minute}00Z.jsonl"
            self.put(name, json.dumps(event))
        found = Search(str(self.folder)).run({"4512345678"}, 3)
        self.assertEqual([each["client_message_id"] for each in found.events], ["4", "3", "2"])

    def test_call_detail_records_are_put_together(self) -> None:
        """One worker accepted the message, another brought its receipt home."""
        accepted = {"event": "accepted", "time": "2023-11-10T00:01:00.000Z", "latency": 0.01,
                    "parts": 1, "account": "shop", "client_message_id": "1"}  # fmt: skip
        delivered = {"event": "delivered", "time": "2023-11-10T00:02:00.000Z", "account": "shop",
                     "client_message_id": "1", "final": True,
                     "message_state": "DELIVRD"}  # fmt: skip
        self.put("2/messages-00000001-20231110T000200Z.jsonl", json.dumps(delivered))
        self.put("1/messages-00000001-20231110T000100Z.jsonl", json.dumps(accepted))
        since = datetime(2023, 11, 9, tzinfo=UTC)
        reading = Reading([str(self.folder)], since, since + timedelta(days=3))
        self.assertEqual([file.path.parent.name for file in reading.files], ["1", "2"])
        (record,) = reading.records(lambda file: None)
        self.assertEqual((record.account, record.delivered_time is not None), ("shop", True))


class RotationTests(FolderCase):
    """When another file is begun."""

    def test_no_folder(self) -> None:
        """It is made with the first line; without one there are no files."""
        self.assertEqual(log_files(self.folder), [])
        writer = self.writer()
        writer.write([])
        self.assertFalse(self.folder.exists())
        writer.write([b"1\n"])
        self.assertEqual(self.names(), ["messages-00000001-20231114T221320Z.jsonl"])

    def test_by_size(self) -> None:
        """A file takes no more than its size, but for lines that come at once; none is lost."""
        writer = self.writer(size=100)
        for number in range(50):
            writer.write([b"%09d\n" % number])
        self.assertEqual(len(self.names()), 5)
        self.assertEqual(lines(str(self.folder)), [b"%09d" % number for number in range(50)])
        writer.write([b"x" * 300 + b"\n"])
        self.assertEqual(len(self.names()), 6)

    def test_by_age(self) -> None:
        """A file that is old is complete; the next line begins another."""
        writer = self.writer(age=60)
        writer.write([b"1\n"])
        self.now += 59
        writer.tick()
        writer.write([b"2\n"])
        self.assertEqual(len(self.names()), 1)
        self.now += 1
        writer.tick()
        self.assertEqual(len(self.names()), 1)
        writer.write([b"3\n"])
        self.assertEqual(len(self.names()), 2)

    def test_clock_back(self) -> None:
        """A clock that is set back changes neither the order of files nor when they are begun."""
        writer = self.writer(size=1)
        for number in range(3):
            writer.write([b"%d\n" % number])
            self.wall -= 86_400
        self.assertEqual(lines(str(self.folder)), [b"0", b"1", b"2"])
        names = self.names()
        self.assertEqual([file.number for file in log_files(self.folder)], [1, 2, 3])
        self.assertEqual(names[2], "messages-00000003-20231112T221320Z.jsonl")

    def test_next_process(self) -> None:
        """It goes on with another number, whatever the one before left, also half a line."""
        self.writer().write([b"1\n", b"half of a li"])
        self.writer().write([b"2\n"])
        self.assertEqual(len(self.names()), 2)
        self.assertEqual(lines(str(self.folder)), [b"1", b"2"])

    def test_a_name_that_is_taken(self) -> None:
        """Another node's writer in the same folder does harm to none of them."""
        one, other, third = self.writer(), self.writer(), self.writer()
        one.write([b"1\n"])
        other.write([b"2\n"])
        self.wall += 1
        third.write([b"3\n"])
        compress(log_files(self.folder)[0].path)
        self.assertEqual([file.number for file in log_files(self.folder)], [1, 1, 2])
        one.write([b"4\n"])
        self.assertEqual(sorted(lines(str(self.folder))), [b"1", b"2", b"3", b"4"])

    def test_a_file_that_somebody_removed(self) -> None:
        """The next tick sees it, and what comes then has a file again."""
        writer = self.writer()
        writer.write([b"1\n"])
        log_files(self.folder)[0].path.unlink()
        writer.tick()
        writer.write([b"2\n"])
        self.assertEqual(lines(str(self.folder)), [b"2"])

    def test_keep_days(self) -> None:
        """Files go when they are old, never the one that is written; the rest is left alone."""
        self.folder.mkdir()
        other = self.folder / "something else"
        other.touch()
        writer = self.writer(size=1, keep=31)
        for number in range(3):
            writer.write([b"%d\n" % number])
        old, young, current = (file.path for file in log_files(self.folder))
        for path in (old, current, other):
            os.utime(path, (UNIX - 32 * 86_400,) * 2)
        os.utime(young, (UNIX, UNIX))
        writer.tick()
        self.assertEqual(self.names(), [young.name, current.name])
        self.assertTrue(other.exists())


class CompressionTests(FolderCase):
    """Complete files become small ones."""

    def test_complete_files(self) -> None:
        """A complete file is compressed beside the writer; its lines are read as before."""
        writer = self.writer(size=10, pack=True)
        for number in range(3):
            writer.write([b"%09d\n" % number])
        self.wait(lambda: [name[-3:] for name in self.names()] == [".gz", ".gz", "onl"])
        self.assertEqual(lines(str(self.folder)), [b"%09d" % number for number in range(3)])

    def test_with_zlib_alone(self) -> None:
        """Where there is no isal a file becomes the same, and is readable by anybody's gzip."""
        for missing in (False, True):
            writer = self.writer()
            writer.write([b"%09d\n" % number for number in range(1000)])
            writer.close()
            file = log_files(self.folder)[-1]
            plain = file.path.read_bytes()
            without = {"isal": None, "isal.igzip": None} if missing else {}
            with mock.patch.dict(sys.modules, without):
                compress(file.path)
            packed = file.path.with_name(file.path.name + ".gz").read_bytes()
            self.assertEqual(gzip.decompress(packed), plain)
            self.assertLess(len(packed), len(plain) / 2)

    def test_what_a_process_left(self) -> None:
        """Files that were not compressed are by the next process; halves are removed."""
        writer = self.writer(size=1)
        writer.write([b"1\n"])
        writer.close()
        half = self.folder / "messages-00000001-20231114T221320Z.jsonl.gz.part"
        half.touch()
        self.writer(pack=True)
        self.wait(lambda: self.names() == ["messages-00000001-20231114T221320Z.jsonl.gz"])
        self.assertFalse(half.exists())
        self.assertEqual(lines(str(self.folder)), [b"1"])

    def test_both_forms(self) -> None:
        """Between the two steps of a compression a file is read once."""
        self.writer().write([b"1\n"])
        (file,) = log_files(self.folder)
        with gzip.open(f"{file.path}.gz", "wb") as packed:
            packed.write(b"1\n")
        self.assertEqual(lines(str(self.folder)), [b"1"])
        file.path.unlink()
        self.assertEqual(list(blocks(file)), [b"1\n"])

    def test_no_room(self) -> None:
        """A file that cannot be compressed stays as it is."""
        self.writer().write([b"1\n"])
        (file,) = log_files(self.folder)
        (self.folder / f"{file.path.name}.gz.part").mkdir()
        compress(file.path)
        self.assertEqual(lines(str(self.folder)), [b"1"])

    def test_damaged(self) -> None:
        """Of a file whose end is gone the lines before it are read; of none, nothing."""
        self.folder.mkdir()
        path = self.folder / "messages-00000001-20231114T221320Z.jsonl.gz"
        line = [os.urandom(50).hex().encode() + b"\n" for _ in range(50_000)]
        whole = gzip.compress(b"".join(line))
        path.write_bytes(whole[: len(whole) // 2])
        found = lines(str(self.folder))
        self.assertGreater(len(found), 100)
        garbled = whole[: len(whole) // 2] + b"\xff" * 1000 + whole[len(whole) // 2 + 1000 :]
        path.write_bytes(garbled)
        self.assertGreater(len(lines(str(self.folder))), 100)
        (file,) = log_files(self.folder)
        path.unlink()
        self.assertEqual(list(blocks(file)), [])

    def test_long_lines(self) -> None:
        """What has no end for megabytes is no line; lines longer than a block are whole."""
        self.folder.mkdir()
        path = self.folder / "messages-00000001-20231114T221320Z.jsonl"
        long = b"y" * (BLOCK + 7)
        path.write_bytes(b"1\n" + long + b"\n" + b"x" * (LONGEST + 2 * BLOCK) + b"\n2\n")
        found = lines(str(self.folder))
        self.assertEqual(found[:2], [b"1", long])
        self.assertEqual(found[-1], b"2")


FULL = """
import resource, signal, sys
from smppproxy.admin.message_log.folder import LogWriter
now = [0.0]
writer = LogWriter(sys.argv[1], 10**9, 10**9, 0, False, lambda: 1.7e9, lambda: now[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (1005, resource.RLIM_INFINITY))
for number in range(150):
    writer.write([b"%09d\\n" % number])
print(writer.lost, writer.trouble)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
now[0] = 5.0
writer.write([b"well\\n"])
print(writer.lost, repr(writer.trouble))
"""


class FullDiskTests(FolderCase):
    """A disk that takes nothing."""

    def test_a_file_that_may_not_grow(self) -> None:
        """What does not fit is counted, line by line; when there is room again it goes on, and
        half a line harms no other.
        """
        found = subprocess.run(
            [sys.executable, "-c", FULL, self.folder], capture_output=True, text=True, check=True
        )
        self.assertEqual(found.stdout, "50 File too large\n50 ''\n")
        self.assertEqual(
            lines(str(self.folder)), [*[b"%09d" % number for number in range(100)], b"well"]
        )

    def test_a_full_device(self) -> None:
        """ENOSPC: counted, not tried for a second, then tried again; half a line is ended first."""
        writer = self.writer()
        writer.write([b"1\n"])
        (file,) = log_files(self.folder)
        full = os.open("/dev/full", os.O_WRONLY)
        good = os.dup(writer._file)
        os.dup2(full, writer._file)
        writer.write([b"2\n", b"3\n"])
        self.assertEqual((writer.lost, writer.trouble), (2, os.strerror(28)))
        os.write(good, b"4 torn")
        writer._torn = True
        os.dup2(good, writer._file)
        writer.write([b"5\n"])
        self.assertEqual(writer.lost, 3)
        self.now += 1.0
        writer.write([b"6\n"])
        self.assertEqual((writer.lost, writer.trouble), (3, ""))
        self.assertEqual(file.path.read_bytes(), b"1\n4 torn\n6\n")
        os.close(full)
        os.close(good)

    def test_a_folder_that_cannot_be_made(self) -> None:
        """Likewise."""
        self.folder.write_text("a file")
        writer = self.writer()
        writer.write([b"1\n"])
        writer.tick()
        self.assertEqual((writer.lost, writer.trouble), (1, os.strerror(17)))
        self.assertEqual(log_files(self.folder), [])
