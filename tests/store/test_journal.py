"""Tests of ``store.journal``: what it keeps is there after any end, and nothing is guessed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.trial.unittest import TestCase

from smppproxy.store.interface import NOT_SENT, UNKNOWN, Mapping, StoreError, StoreUnavailable
from smppproxy.store.journal import JournalError, NoJournal, keeper
from smppproxy.store.journal.keeper import MapJournal
from smppproxy.store.journal.records import AT_ONCE, MAGIC, Kept, packed, read, unpacked
from smppproxy.store.journal.segments import ROOM, Segments
from smppproxy.store.memory import MemoryStore
from tests.support.processes import until

MOST = 1 << 20
WALL = 1_700_000_000.0


def a_map(key: bytes = b"1", **more: Any) -> Mapping:
    """A map with something in every field."""
    return Mapping(key, b"alpha", b"45123456", 7, b"\x01origin\xff", **more)


def some(number: int, provider: bytes = b"north") -> list[Kept]:
    """Records with one map each."""
    return [Kept(provider, int(WALL) + 60, 30, [a_map(b"%d" % each)]) for each in range(number)]


class FolderCase(TestCase):
    """A folder of its own."""

    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def files(self, kind: str = "maps") -> list[Path]:
        """Of a kind."""
        return sorted(self.folder.glob(f"{kind}-*.journal"))


class RecordTests(FolderCase):
    """Files and records."""

    def write(self, octets: bytes) -> Path:
        """A file of these octets."""
        path = self.folder / "file"
        path.write_bytes(octets)
        return path

    def test_round_trip(self) -> None:
        """Every field of every map comes back."""
        full = a_map(b"2", group=b"g", parts=3, part=0, late=True, remind=True, also=(b"a", b"b"))
        kept = Kept(b"north", 1_700_000_060, 30, [a_map(), full])
        found = read(self.write(MAGIC + packed(kept)))
        self.assertEqual([kept], [each for each, _ in found.kept])
        self.assertEqual(packed(kept), found.kept[0][1])
        self.assertEqual((-1, [], 0), (found.next_at, found.strange, found.torn))

    def test_every_field_of_a_map_is_there(self) -> None:
        """A map that gains a field needs another version of the record."""
        self.assertEqual(11, len(attrs.fields(Mapping)))

    def test_in_parts(self) -> None:
        """A long file is read in parts, each where the last one ended."""
        records = some(2 * AT_ONCE + 1)
        path = self.write(MAGIC + b"".join(map(packed, records)))
        at, seen = 0, []
        while at >= 0:
            found = read(path, at)
            seen += [kept for kept, _ in found.kept]
            at = found.next_at
        self.assertEqual(records, seen)

    def test_torn_at_every_octet(self) -> None:
        """A file that ends anywhere in its last record: the others are there, the rest is told."""
        records = [packed(each) for each in some(2)]
        whole = MAGIC + b"".join(records)
        for end in range(len(whole)):
            found = read(self.write(whole[:end]))
            sizes = [len(MAGIC), *map(len, records)]
            good = [at for at in range(4) if sum(sizes[:at]) <= end]
            self.assertEqual(max(len(good) - 2, 0), len(found.kept), end)
            self.assertEqual(end - sum(sizes[: good[-1]]), found.torn, end)
            self.assertEqual([], found.strange)

    def test_zeros_at_the_end(self) -> None:
        """What a power cut leaves where the file had grown and the octets had not come."""
        found = read(self.write(MAGIC + packed(some(1)[0]) + bytes(4096)))
        self.assertEqual((1, 4096), (len(found.kept), found.torn))

    def test_strange_records_between_good_ones(self) -> None:
        """Another version, a bad checksum, nonsense: set aside one by one, the others are read."""

        def framed(body: bytes, checksum: int | None = None) -> bytes:
            checksum = crc32(body) if checksum is None else checksum
            return len(body).to_bytes(4, "big") + checksum.to_bytes(4, "big") + body

        one, two = (packed(each) for each in some(2))
        strange = [
            framed(b"\x02of a later version"),
            framed(one[8:], checksum=7),
            framed(b"\x01"),
            framed(b"\x01\xc1"),
            framed(b"\x01\x94\x01\x02\x03\x90"),
            framed(b"\x01\x94\xc4\x01p\x02\x03\x91\x91\x01"),
        ]
        found = read(self.write(MAGIC + one + b"".join(strange) + two))
        self.assertEqual([one, two], [octets for _, octets in found.kept])
        self.assertEqual(strange, found.strange)
        self.assertIsNone(unpacked(b"\x02"))

    def test_not_our_file(self) -> None:
        """A whole file that does not begin as ours do is kept as it is."""
        found = read(self.write(b"something else altogether"))
        self.assertEqual(([], [b"something else altogether"]), (found.kept, found.strange))


class SegmentTests(FolderCase):
    """Files on the disk."""

    def open(self, most: int = MOST) -> Segments:
        """The folder, taken."""
        segments = Segments(self.folder, most)
        segments.open()
        self.addCleanup(segments.close)
        return segments

    def test_append_and_remove(self) -> None:
        """Records come back in their order; a removed file leaves nothing behind."""
        segments = self.open()
        records = [packed(each) for each in some(3)]
        segments.append(records[:2])
        segments.append(records[2:])
        (path,) = segments.take()
        self.assertEqual(path.stat().st_size, segments.octets)
        self.assertEqual(records, [octets for _, octets in read(path).kept])
        segments.remove(path, [])
        self.assertEqual((0, [], []), (segments.octets, segments.take(), self.files()))

    def test_after_a_restart(self) -> None:
        """What a former process left is there, and new files have new names."""
        first = self.open()
        first.append([packed(some(1)[0])])
        first.close()
        second = self.open()
        second.append([packed(some(1)[0])])
        self.assertEqual(2, len(second.take()))
        self.assertEqual(sum(path.stat().st_size for path in self.files()), second.octets)

    def test_one_node_has_the_folder(self) -> None:
        """Another one is told so."""
        self.open()
        other = Segments(self.folder, MOST)
        self.assertRaisesRegex(StoreError, "another node", other.open)

    def test_folder_that_cannot_be(self) -> None:
        """The reason is told."""
        (self.folder / "file").write_bytes(b"")
        other = Segments(self.folder / "file" / "journal", MOST)
        self.assertRaisesRegex(StoreError, "cannot be used", other.open)

    def test_no_more_than_so_much(self) -> None:
        """What is over the bound is refused, and so is what will be soon."""
        segments = self.open(most=ROOM)
        segments.probe()
        self.assertRaises(JournalError, segments.append, [bytes(ROOM + 1)])
        segments.append([packed(some(1)[0])])
        self.assertRaises(JournalError, segments.probe)

    def test_full_disk(self) -> None:
        """A write that fails half way leaves no trace before the next one that succeeds."""
        segments = self.open()
        records = [packed(each) for each in some(4)]
        full = False
        really = os.pwrite

        def pwrite(file: int, data: bytes, at: int) -> int:
            if not full:
                return really(file, data, at)
            if len(data) < len(records[0]):
                raise OSError(28, "No space left on device")
            return really(file, data[:-5], at)

        self.patch(os, "pwrite", pwrite)
        full = True
        self.assertRaises(OSError, segments.append, records[:1])
        full = False
        segments.append(records[1:2])
        full = True
        self.assertRaises(OSError, segments.append, records[2:3])
        full = False
        segments.append(records[3:])
        full = True
        self.assertRaises(OSError, segments.append, records[:1])
        (path,) = segments.take()
        found = read(path)
        self.assertEqual([records[1], records[3]], [octets for _, octets in found.kept])
        self.assertEqual(0, found.torn)
        self.assertEqual(path.stat().st_size, segments.octets)

    def test_strange_records_are_set_aside(self) -> None:
        """The file goes, they stay, and the next process knows of them."""
        segments = self.open()
        segments.append([packed(some(1)[0])])
        (path,) = segments.take()
        segments.remove(path, [b"strange"])
        self.assertEqual([MAGIC + b"strange"], [each.read_bytes() for each in self.files("unread")])
        segments.close()
        again = self.open()
        self.assertEqual((0, 1), (again.octets, again.aside))
        again.append([packed(some(1)[0])])
        self.assertNotIn(self.files("unread")[0].name[-16:], again.take()[0].name)


class WorkersTests(FolderCase):
    """What workers leave that a node has no more."""

    def left_by(self, number: int, maps: int = 1, name: str = "") -> Path:
        """A worker's folder, with what it kept when it ended."""
        folder = self.folder / (name or str(number))
        worker = Segments(folder, MOST)
        worker.open()
        for kept in some(maps):
            worker.append([packed(kept)])
            worker.take()
        worker.close()
        return folder

    def open(self, beyond: int | None = 2) -> Segments:
        """The node's own folder; it has two workers."""
        segments = Segments(self.folder, MOST, beyond)
        segments.open()
        self.addCleanup(segments.close)
        return segments

    def test_what_a_worker_left_is_the_nodes(self) -> None:
        """Of every worker beyond those that there are, behind what the node has itself."""
        own = self.open()
        own.append([packed(some(1)[0])])
        own.close()
        self.left_by(3, 2)
        self.left_by(10)
        self.left_by(2)
        segments = self.open()
        paths = segments.take()
        names = [f"maps-{number:08}.journal" for number in range(1, 5)]
        self.assertEqual([path.name for path in paths], names)
        self.assertEqual([len(read(path).kept) for path in paths], [1, 1, 1, 1])
        self.assertEqual(segments.octets, sum(path.stat().st_size for path in paths))
        self.assertEqual(len([*self.folder.glob("2/*.journal")]), 1)
        segments.append([packed(some(1)[0])])
        self.assertEqual(segments.take()[-1].name, "maps-00000005.journal")

    def test_a_node_without_workers_takes_all(self) -> None:
        """workers = 1 again: their numbers begin with 1; what is no number is not a worker's."""
        self.left_by(1)
        self.left_by(0, name="beside")
        self.assertEqual(len(self.open(beyond=0).take()), 1)

    def test_a_worker_takes_nothing(self) -> None:
        """Its folder is its own only."""
        self.left_by(3)
        self.assertEqual(self.open(beyond=None).take(), [])

    def test_one_that_drains_still(self) -> None:
        """It keeps its folder until it has ended; then the node looks again by itself."""
        self.left_by(3)
        draining = Segments(self.folder / "3", MOST)
        draining.open()
        segments = self.open()
        self.assertEqual((segments.take(), segments.stuck), ([], 0))
        draining.close()
        segments.probe()
        self.assertEqual(len(segments.take()), 1)
        self.assertEqual(segments.octets, segments.take()[0].stat().st_size)

    def test_what_was_set_aside(self) -> None:
        """It is kept, and counted as the node's."""
        folder = self.left_by(3)
        (folder / "unread-00000007.journal").write_bytes(MAGIC)
        segments = self.open()
        self.assertEqual((len(segments.take()), segments.aside), (1, 1))
        self.left_by(4)
        (self.folder / "4" / "unread-00000001.journal").write_bytes(MAGIC)
        segments.probe()
        self.assertEqual((len(segments.take()), segments.aside), (2, 2))

    def test_one_that_cannot_be_taken(self) -> None:
        """It stays where it is, is told as what cannot be read, and holds up nobody."""
        folder = self.left_by(3)
        (folder / "lock").unlink()
        (folder / "lock").mkdir()
        segments = self.open()
        segments.probe()
        self.assertEqual((segments.take(), segments.stuck), ([], 1))
        journal = MapJournal(
            str(self.folder / "other"), MOST, reactor, MemoryStore(reactor), lambda: WALL, 2
        )
        journal.segments = segments
        self.assertEqual(journal.unread_files, 1)


class JournalCase(FolderCase):
    """A journal over a store in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.store = MemoryStore(reactor)
        self.store.start()
        self.store.go_away()
        self.replayed: list[Kept] = []
        self.trouble: list[Exception] = []

    def open(self, most: int = MOST) -> MapJournal:
        """A journal, started."""
        self.journal = MapJournal(str(self.folder), most, reactor, self.store, lambda: WALL)
        self.journal.start(self.replay)
        self.addCleanup(self.journal.stop)
        return self.journal

    def replay(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """What the relay does."""
        if self.trouble:
            return fail(self.trouble.pop(0))
        self.replayed.append(Kept(provider, int(WALL) + ttl, final_ttl, mappings))
        return succeed(None)

    async def keep(self, number: int) -> list[Kept]:
        """Keep so many, each in a call of its own."""
        kept = some(number)
        await gatherResults(
            [self.journal.keep(each.provider, each.mappings, 60, 30) for each in kept]
        )
        return kept


class KeeperTests(JournalCase):
    """What a node sees."""

    async def test_kept_until_the_store_is_back(self) -> None:
        """Maps are on the disk when the Deferred fires, and go to the store when that is ready."""
        journal = self.open()
        self.assertEqual("ready", journal.state)
        kept = await self.keep(5)
        (path,) = self.files()
        self.assertEqual(kept, [each for each, _ in read(path).kept])
        self.assertEqual("waiting", journal.state)
        self.store.come_back()
        await until(lambda: not journal.segments.octets)
        self.assertEqual((kept, []), (self.replayed, self.files()))
        self.assertEqual((5, 5), (journal.counts["kept"], journal.counts["replayed"]))

    async def test_one_write_for_all_that_waits(self) -> None:
        """While one write is out the others gather: a thousand calls are a few writes."""
        journal = self.open()
        calls: list[None] = []
        really = journal.segments.append
        self.patch(journal.segments, "append", lambda records: calls.append(really(records)))
        await self.keep(1000)
        self.assertEqual(2, len(calls))

    async def test_f79_after_a_restart(self) -> None:
        """What a process left behind goes to the store in the next one's life, torn end and all."""
        self.open()
        kept = await self.keep(200)
        await self.journal.stop()
        await self.journal.stop()
        with self.files()[0].open("ab") as file:
            file.write(packed(some(1)[0])[:-1])
        self.store.come_back()
        journal = self.open()
        await until(lambda: not journal.segments.octets)
        self.assertEqual(kept, self.replayed)
        self.assertEqual(len(packed(some(1)[0])) - 1, journal.counts["torn"])

    async def test_a_store_that_goes_again(self) -> None:
        """Nothing is removed before all of it is there; the next look begins anew."""
        self.patch(keeper, "LOOK", 0.01)
        journal = self.open()
        kept = await self.keep(3)
        self.trouble = [StoreUnavailable(NOT_SENT), RuntimeError("a fault of ours")]
        self.store.come_back()
        await until(lambda: not journal.segments.octets)
        self.assertEqual(kept, self.replayed[-3:])

    async def test_unread_is_set_aside(self) -> None:
        """Records of another version, and those that the store refuses, do not hold up the rest."""
        path = self.folder / "maps-00000001.journal"
        body = b"\x02later"
        strange = len(body).to_bytes(4, "big") + crc32(body).to_bytes(4, "big") + body
        records = [packed(each) for each in some(2)]
        path.write_bytes(MAGIC + strange + b"".join(records))
        self.trouble = [StoreUnavailable(UNKNOWN, "refused")]
        self.store.come_back()
        journal = self.open()
        self.journal._look()
        await until(lambda: not journal.segments.octets)
        self.assertEqual(1, len(self.replayed))
        (aside,) = self.files("unread")
        self.assertEqual(sorted([strange, records[0]]), sorted(self.split(aside.read_bytes())))
        self.assertEqual((2, 1), (journal.counts["unread"], journal.segments.aside))

    @staticmethod
    def split(octets: bytes) -> list[bytes]:
        """Records of a file."""
        at, found = len(MAGIC), []
        while at < len(octets):
            end = at + 8 + int.from_bytes(octets[at : at + 4], "big")
            found.append(octets[at:end])
            at = end
        return found

    async def test_f89_maps_that_ended_by_the_clock(self) -> None:
        """F89, P1: a wall clock that jumps forward ends no map whose client was told OK: it is
        written with the life of one whose final receipt has come, and counted."""
        journal = self.open()
        await journal.keep(b"north", [a_map()], 900, 120)
        self.patch(journal, "_wall", lambda: WALL + 3600)
        self.store.come_back()
        await until(lambda: not journal.segments.octets)
        (kept,) = self.replayed
        self.assertEqual((int(WALL) + 120, 1), (kept.until, journal.counts["ended"]))

    async def test_stopped_while_it_writes(self) -> None:
        """What was given before the stop is on the disk after it."""
        journal = self.open()
        kept = self.keep(10)
        waiting = Deferred.fromCoroutine(kept)
        await journal.stop()
        await waiting
        self.assertEqual(10, len(read(self.files()[0]).kept))


class BlockedTests(JournalCase):
    """F94: a disk that takes nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(keeper, "LOOK", 0.01)
        self.full = False
        really = os.pwrite, os.write

        def pwrite(*arguments: Any) -> int:
            self.check()
            return really[0](*arguments)

        def write(file: int, data: bytes) -> int:
            if len(data) >= 4096:
                self.check()
            return really[1](file, data)

        self.patch(os, "pwrite", pwrite)
        self.patch(os, "write", write)

    def check(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")

    async def test_f94_full_and_well_again(self) -> None:
        """Nothing is said to be kept; blocked is seen at the next look, and so is its end."""
        journal = self.open()
        self.full = True
        await self.assertFailure(self.journal.keep(b"n", [a_map()], 60, 30), JournalError)
        self.assertTrue(journal.blocked)
        self.assertEqual("blocked", journal.state)
        self.assertEqual((1, 1), (journal.counts["lost"], journal.counts["blocked"]))
        self.full = False
        await until(lambda: not journal.blocked)
        self.full = True
        await until(lambda: journal.blocked)
        self.assertEqual(2, journal.counts["blocked"])

    async def test_f94_full_at_the_start(self) -> None:
        """The node starts all the same, and takes no messages until there is room."""
        self.full = True
        journal = self.open()
        self.assertTrue(journal.blocked)
        self.full = False
        await until(lambda: not journal.blocked)

    async def test_f94_folder_when_there_is_room(self) -> None:
        """A folder that could not be made at the start is made then."""
        self.full = True
        really = Path.mkdir

        def mkdir(*arguments: Any, **more: Any) -> None:
            self.check()
            really(*arguments, **more)

        self.patch(Path, "mkdir", mkdir)
        self.folder /= "journal"
        journal = self.open()
        self.store.come_back()
        self.full = False
        await until(lambda: not journal.blocked)
        await self.keep(1)
        await until(lambda: len(self.replayed) == 1)

    async def test_slow_disk(self) -> None:
        """A client waits so long and no longer; what comes to the disk later does no harm."""
        self.patch(keeper, "PATIENCE", 0.05)
        journal = self.open()
        going = False
        really = journal.segments.append

        def slow(records: list[bytes]) -> None:
            while not going:
                os.sched_yield()
            really(records)

        self.patch(journal.segments, "append", slow)
        await self.assertFailure(self.journal.keep(b"n", [a_map()], 60, 30), JournalError)
        self.assertTrue(journal.blocked)
        going = True
        await until(lambda: not journal.blocked)

    async def test_no_journal(self) -> None:
        """A node without one keeps nothing."""
        self.assertFalse(NoJournal().blocked)
        await self.assertFailure(NoJournal().keep(b"n", [a_map()], 60, 30), JournalError)
