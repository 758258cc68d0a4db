"""The journal's files on the disk. Everything here waits for the disk: it belongs in a thread.

A file is written until its records go to the store; what is kept after that goes to another one. It
is removed when the store has all of it. One node has the folder (a lock says so).

Workers of one node have their own folders in the node's, by their numbers. What a worker that the
node has no more left there becomes the node's own.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from smppproxy.store.interface import StoreError
from smppproxy.store.journal import JournalError
from smppproxy.store.journal.records import MAGIC

NAME = "maps-{:08}.journal"

ROOM = 1 << 18
"""Octets that must find room on the disk for the journal to count as well."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Segments:
    """The files of one folder.

    :ivar octets: in all files that the store does not have.
    :ivar aside: how many files lie there with what could not be read.
    :ivar stuck: how many folders of workers that are no more could not be taken over.
    """

    def __init__(self, folder: Path, most: int, beyond: int | None = None) -> None:
        """
        :param most: octets that may wait here.
        :param beyond: folders of workers with a higher number are taken over, those that no
            process has; None: none is.
        """
        self.folder = folder
        self.octets = 0
        self.aside = 0
        self.stuck = 0
        self._beyond = beyond
        self._most = most
        self._lock = -1
        self._file = -1
        self._path: Path | None = None
        self._size = 0
        self._dirty = False
        self._closed: list[Path] = []
        self._number = 0

    @property
    def is_open(self) -> bool:
        """Whether the folder is ours."""
        return self._lock >= 0

    def open(self) -> None:
        """Take the folder and see what lies there.

        :raises StoreError: it cannot be used.
        :raises OSError: not now: the disk is full, or worse.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno in _FULL:
                raise
            raise StoreError(
                f"the journal's folder {self.folder} cannot be used: {error.strerror}"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StoreError(f"another node uses the journal in {self.folder}") from None
        self._lock = lock
        self._adopt(self._last_number())
        self._closed = sorted(self.folder.glob("maps-*.journal"))
        self.octets = sum(path.stat().st_size for path in self._closed)
        self.aside = len([*self.folder.glob("unread-*.journal")])
        self._number = self._last_number()

    def _last_number(self) -> int:
        """Of the files that lie there."""
        numbers = [path.stem.rpartition("-")[2] for path in self.folder.glob("*-*.journal")]
        return max((int(each) for each in numbers if each.isdecimal()), default=0)

    def _adopt(self, number: int) -> list[Path]:
        """Take over what workers left that are no more; the files, which are ours now.

        :param number: of the last file here; theirs follow it.
        """
        adopted: list[Path] = []
        self.stuck = 0
        for folder in self._deserted():
            try:
                for path in self._left_in(folder):
                    kind = path.name.partition("-")[0]
                    name = f"{kind}-{number + len(adopted) + 1:08}.journal"
                    adopted.append(path.rename(self.folder / name))
            except BlockingIOError:
                continue  # it drains still
            except OSError:
                self.stuck += 1
        if adopted:
            _sync_folder(self.folder)
        return adopted

    @staticmethod
    def _left_in(folder: Path) -> Iterator[Path]:
        """The files of a worker's folder, while nobody else has it.

        :raises BlockingIOError: its worker has it.
        """
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield from sorted(folder.glob("*-*.journal"))
        finally:
            os.close(lock)

    def _deserted(self) -> list[Path]:
        """The folders of workers that this node has no more, if they hold anything."""
        if self._beyond is None:
            return []
        found = {path.parent for path in self.folder.glob("*/*-*.journal")}
        beyond = self._beyond
        return sorted(
            each for each in found if each.name.isdecimal() and int(each.name) > beyond
        )

    def append(self, records: list[bytes]) -> None:
        """Write records and bring them to the disk.

        :raises OSError: the disk does not take them.
        :raises JournalError: too much waits here already.
        """
        data = b"".join(records)
        if self.octets + len(data) > self._most:
            raise JournalError(f"it holds {self.octets} octets, no more may wait in it")
        try:
            self._write(data)
        except OSError:
            self._dirty = True
            raise

    def _write(self, data: bytes) -> None:
        # A file whose first octets did not come to the disk begins anew.
        fresh = not self._size
        if self._file < 0:
            self._begin()
        if fresh:
            data = MAGIC + data
        if self._dirty:
            os.ftruncate(self._file, self._size)
        at = self._size
        while data:
            written = os.pwrite(self._file, data, at)
            data, at = data[written:], at + written
        os.fsync(self._file)
        if fresh or self._dirty:
            _sync_folder(self.folder)
        self.octets += at - self._size
        self._size = at
        self._dirty = False

    def _begin(self) -> None:
        self._number += 1
        path = self.folder / NAME.format(self._number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._path = path
        self._size = 0
        self._dirty = False

    def take(self) -> list[Path]:
        """Files whose records are to go to the store, oldest first; none is written any more."""
        self._end()
        return list(self._closed)

    def _end(self) -> None:
        path = self._path
        if path is None:
            return
        if self._dirty:
            # What is behind the last good record was never said to be kept.
            os.ftruncate(self._file, self._size)
            self._dirty = False
        os.close(self._file)
        self._file, self._path, self._size = -1, None, 0
        self._closed.append(path)

    def remove(self, path: Path, strange: list[bytes]) -> None:
        """The store has what is in a file, but for what is ``strange``: that is set aside.

        :raises OSError: the disk does not take it; the file stays.
        """
        size = path.stat().st_size
        if strange:
            self._set_aside(path, strange)
        path.unlink()
        _sync_folder(self.folder)
        self._closed.remove(path)
        self.octets -= size

    def _set_aside(self, path: Path, strange: list[bytes]) -> None:
        name = self.folder / path.name.replace("maps-", "unread-")
        with name.open("wb") as file:
            file.write(MAGIC + b"".join(strange))
            file.flush()
            os.fsync(file.fileno())
        self.aside += 1

    def probe(self) -> None:
        """See whether there is room for more.

        :raises OSError: there is none.
        :raises JournalError: too much waits here already.
        :raises StoreError: as :meth:`open`.
        """
        if not self.is_open:
            self.open()
        self._look_around()
        if self.octets + ROOM > self._most:
            raise JournalError(f"it holds {self.octets} octets, no more may wait in it")
        path = self.folder / "room"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            left = ROOM
            while left:
                left -= os.write(file, bytes(left))
        finally:
            os.close(file)
            path.unlink(missing_ok=True)

    def _look_around(self) -> None:
        """A worker of earlier may have ended by now."""
        adopted = self._adopt(self._number)
        self._number += len(adopted)
        maps = [path for path in adopted if path.name.startswith("maps-")]
        self.octets += sum(path.stat().st_size for path in maps)
        self.aside += len(adopted) - len(maps)
        self._closed += maps

    def close(self) -> None:
        """Let go of the folder."""
        if self._path is not None:
            self._end()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
