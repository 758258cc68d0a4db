"""The files of the message log: one that grows, and those before it, compressed.

A file's name holds a number that only grows and the time at which it began (UTC):
``messages-00000012-20261123T065210Z.jsonl``, with ``.gz`` behind it once it is compressed. So their
order is right even where the clock was set back. A file may end in half a line: its writer died.

Workers of one node have their own folders in the node's, by their numbers (:func:`parts`).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gzip
import os
import re
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO, cast

import attrs

_NAME = re.compile(r"messages-(\d{8})-(\d{8}T\d{6})Z\.jsonl(\.gz)?")
_PACKED = ".gz"
_HALF = ".part"

BLOCK = 1 << 20
"""Octets that are read of a file at once."""

LONGEST = 1 << 22
"""Octets of a line; what is longer is no line of ours."""

DAY = 86_400

LEVEL = 3
"""Of zlib's compression. 6 takes three times as long, and what it makes is a quarter smaller."""

FAST_LEVEL = 1
"""Of isal's, which makes as much of it as zlib's 3 in a fifth of the time."""

AGAIN_AFTER = 1.0
"""Seconds after which a disk that took nothing is tried again."""


@attrs.define(order=True)
class LogFile:
    """One file; they sort by age.

    :ivar began: as in its name, e.g. ``20261123T065210``, which sorts as times do.
    """

    number: int
    began: str
    path: Path


def parts(folder: str | Path) -> list[Path]:
    """A node's folder, and those of the workers that it has or had."""
    try:
        names = [name for name in os.listdir(folder) if name.isdecimal()]
    except (FileNotFoundError, NotADirectoryError):
        names = []
    return [Path(folder), *(Path(folder, name) for name in sorted(names, key=int))]


def log_files(folder: str | Path) -> list[LogFile]:
    """The files of a folder, oldest first; none where there is no such folder."""
    found: dict[str, LogFile] = {}
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        match = _NAME.fullmatch(name)
        # Both forms are there for a moment: the plain one sorts first, and is whole.
        if match is not None:
            file = LogFile(int(match[1]), match[2], Path(folder, name))
            found.setdefault(name.removesuffix(_PACKED), file)
    return sorted(found.values())


def blocks(file: LogFile) -> Iterator[bytes]:
    """Whole lines of a file, about a megabyte of them at a time; a broken last one is left out.

    A file that was removed meanwhile has none; one that was damaged has those before the damage.
    """
    rest = b""
    with contextlib.suppress(OSError, EOFError, zlib.error), _opened(file.path) as stream:
        while chunk := stream.read(BLOCK):
            data = rest + chunk
            end = data.rfind(b"\n") + 1
            rest = data[end:] if len(data) - end < LONGEST else b""
            if end:
                yield data[:end]


def _opened(path: Path) -> BinaryIO:
    """A file, plain or compressed; the compressed one where the plain one has just gone."""
    if path.suffix != _PACKED:
        try:
            return path.open("rb")
        except FileNotFoundError:
            path = path.with_name(path.name + _PACKED)
    return cast(BinaryIO, gzip.open(path, "rb"))


class LogWriter:
    """Appends lines; begins another file when one is large or old enough. Never raises.

    :ivar lost: lines that the disk did not take, since somebody looked.
    :ivar trouble: why, "" while all is well.
    """

    def __init__(
        self,
        folder: str,
        max_bytes: int,
        max_seconds: float,
        keep_days: int,
        compress: bool,
        wall: Callable[[], float] = time.time,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        :param keep_days: older files are removed; 0 = none is.
        :param wall: unix seconds, for names and for what is too old; the rest goes by ``seconds``.
        """
        self.lost = 0
        self.trouble = ""
        self._folder = Path(folder)
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._keep_days = keep_days
        self._wall = wall
        self._seconds = seconds
        self._file = -1
        self._path = Path()
        self._size = 0
        self._began = 0.0
        self._torn = False
        self._again = 0.0
        self._swept = float("-inf")
        self._packer = Packer() if compress else None
        self._number = self._take_over()

    def _take_over(self) -> int:
        """What an earlier process left: plain files are compressed; the last number."""
        files: list[LogFile] = []
        with contextlib.suppress(OSError):
            for half in self._folder.glob("messages-*" + _HALF):
                half.unlink()
            files = log_files(self._folder)
        for file in files:
            self._pack(file.path)
        return files[-1].number if files else 0

    def _pack(self, path: Path) -> None:
        if self._packer is not None and path.suffix != _PACKED:
            self._packer.pack(path)

    def write(self, lines: list[bytes]) -> None:
        """Append lines, each with its newline; what the disk does not take is counted."""
        if not lines:
            return
        data = b"".join(lines)
        if self._seconds() < self._again:
            self.lost += len(lines)
            return
        written = 0
        try:
            if self._file < 0 or self._size + len(data) > self._max_bytes and self._size:
                self._begin()
            if self._torn:
                self._size += os.write(self._file, b"\n")
                self._torn = False
            while written < len(data):
                written += os.write(self._file, data[written:] if written else data)
        except OSError as error:
            self._failed(error, data[:written], len(lines))
        else:
            self.trouble = ""
        self._size += written

    def _failed(self, error: OSError, written: bytes, lines: int) -> None:
        self._torn = self._torn or bool(written) and not written.endswith(b"\n")
        self.lost += lines - written.count(b"\n")
        self.trouble = error.strerror or str(error)
        self._again = self._seconds() + AGAIN_AFTER
        if error.errno == errno.EFBIG:
            self._end()

    def _begin(self) -> None:
        """Open the next file; the one before is complete."""
        self._end()
        self._folder.mkdir(parents=True, exist_ok=True)
        began = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._wall()))
        while True:
            self._number += 1
            path = self._folder / f"messages-{self._number:08d}-{began}.jsonl"
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
                self._file = os.open(path, flags, 0o640)
            except FileExistsError:
                continue
            break
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # see compress
        self._path, self._size, self._began = path, 0, self._seconds()

    def _end(self) -> None:
        if self._file < 0:
            return
        with contextlib.suppress(OSError):
            os.close(self._file)
        self._file = -1
        self._torn = False
        self._pack(self._path)

    def tick(self) -> None:
        """About once a second: end a file that is old or gone, remove what was kept long enough."""
        now = self._seconds()
        if self._file >= 0 and (now - self._began >= self._max_seconds or self._is_gone()):
            self._end()
        if self._keep_days and now - self._swept >= 600:
            self._swept = now
            self._sweep()

    def _is_gone(self) -> bool:
        """Whether somebody removed the file: what is written to it would vanish."""
        try:
            there = os.stat(self._path)
        except OSError:
            return True
        return there.st_ino != os.fstat(self._file).st_ino

    def _sweep(self) -> None:
        """A worker that is no more removes nothing: the node's own writer does it for all."""
        oldest = self._wall() - self._keep_days * DAY
        for file in (each for part in parts(self._folder) for each in log_files(part)):
            with contextlib.suppress(OSError):
                if file.path != self._path and file.path.stat().st_mtime < oldest:
                    file.path.unlink()

    def close(self) -> None:
        """No more lines; a file that is not compressed yet is by the next process."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Packer:
    """Compresses files, one after the other, in a thread that ends with the process.

    zlib lets other threads run, so that the writer goes on.
    """

    def __init__(self) -> None:
        self._waiting: SimpleQueue[Path] = SimpleQueue()
        self._thread: Thread | None = None

    def pack(self, path: Path) -> None:
        """Compress this file before long."""
        self._waiting.put(path)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="packer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            compress(self._waiting.get())


def _packed(path: Path) -> BinaryIO:
    """A gzip file to write, by whatever is quickest here."""
    try:
        igzip: Any = import_module("isal.igzip")
    except ImportError:
        return cast(BinaryIO, gzip.open(path, "wb", LEVEL))
    return cast(BinaryIO, igzip.open(path, "wb", FAST_LEVEL))


def compress(path: Path) -> None:
    """A file becomes a compressed one, or stays as it is where the disk does not take that.

    One that another node still writes to, by the same folder, is left alone.
    """
    whole = path.with_name(path.name + _PACKED)
    half = whole.with_name(whole.name + _HALF)
    try:
        times = path.stat()
        with path.open("rb") as plain, _packed(half) as packed:
            fcntl.flock(plain, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.copyfileobj(plain, packed, BLOCK)
        os.chmod(half, 0o640)
        os.utime(half, (times.st_atime, times.st_mtime))
        half.rename(whole)
        path.unlink()
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink()
