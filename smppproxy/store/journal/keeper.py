"""The journal as the node has it: keeps maps without holding up the reactor, and gives them back.

What is kept while a write is out goes to the disk with the next one: one write and one fsync for
all of it. When the store is there, file after file is read, its maps are recorded as if they had
just come, and the file is removed. A store that goes away meanwhile gets the file again from its
beginning: to record a map twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, TimeoutError, inlineCallbacks
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from smppproxy.store.interface import Mapping, Store, StoreUnavailable
from smppproxy.store.journal import COUNTED, JournalError
from smppproxy.store.journal.records import Found, Kept, packed, read
from smppproxy.store.journal.segments import Segments

LOOK = 1.0
"""Seconds between two looks at the disk, and at what still waits for the store."""

PATIENCE = 5.0
"""Seconds a client waits for the disk."""

Replay = Callable[[bytes, list[Mapping], int, int], Deferred[Any]]
"""Records maps as ``Store.record`` does (provider, maps, ttl, final_ttl), and fails as it does."""

_Waiting = tuple[bytes, Deferred[Any]]


class MapJournal:
    """Implements :class:`smppproxy.store.journal.Keeper` in a folder.

    :ivar blocked: see there. So it is until the disk has been looked at for the first time.
    """

    _log = Logger()

    def __init__(
        self,
        folder: str,
        most: int,
        reactor: Any,
        store: Store,
        wall: Callable[[], float],
        beyond: int | None = None,
    ) -> None:
        """
        :param most: octets that may wait here.
        :param wall: unix seconds.
        :param beyond: see :class:`~smppproxy.store.journal.segments.Segments`.
        """
        self.blocked = True
        self.counts = dict.fromkeys(COUNTED, 0)
        self.segments = Segments(Path(folder), most, beyond)
        self._reactor = reactor
        self._store = store
        self._wall = wall
        self._replay: Replay | None = None
        self._pool = ThreadPool(minthreads=0, maxthreads=1, name="journal")
        self._loop = LoopingCall(self._look)
        self._loop.clock = reactor
        self._waiting: list[_Waiting] = []
        self._writing: Deferred[None] | None = None
        self._probing = False
        self._replaying: Deferred[None] | None = None
        self._stopping = False

    # -- life -----------------------------------------------------------------------------------

    def start(self, replay: Replay) -> None:
        """Take the folder; what lies there goes to the store when that is ready.

        :raises StoreError: the folder cannot be used.
        """
        self._replay = replay
        try:
            self.segments.open()
            self.segments.probe()
        except (OSError, JournalError) as error:
            self._block(str(error))
        else:
            self.blocked = False
            self._log.info(
                "the journal in {folder} holds {octets} octets for the store",
                event="journal_opened",
                folder=str(self.segments.folder),
                octets=self.segments.octets,
                unread=self.segments.aside,
            )
        self._pool.start()
        self._loop.start(LOOK, now=False)
        self._store.watch(self._store_changed)

    @property
    def state(self) -> str:
        """See :class:`~smppproxy.store.journal.Keeper`."""
        if self.blocked:
            return "blocked"
        return "waiting" if self.octets else "ready"

    @property
    def octets(self) -> int:
        """See :class:`~smppproxy.store.journal.Keeper`."""
        return self.segments.octets

    @property
    def unread_files(self) -> int:
        """See :class:`~smppproxy.store.journal.Keeper`."""
        return self.segments.aside + self.segments.stuck

    @inlineCallbacks
    def stop(self) -> Generator[Deferred[Any], Any, None]:
        """Bring to the disk what was given, and let go of the folder. The store is stopped."""
        if not self._loop.running:
            return
        self._loop.stop()
        self._stopping = True
        if self._replaying is not None:
            yield self._replaying
        while self._writing is not None:
            yield self._writing
        yield self._run(self.segments.close)
        self._pool.stop()

    def _run(self, work: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        """Done in the thread, after what it was asked before."""
        return deferToThreadPool(self._reactor, self._pool, work, *arguments)

    # -- to the disk ----------------------------------------------------------------------------

    def keep(
        self, provider: bytes, mappings: list[Mapping], ttl: int, final_ttl: int
    ) -> Deferred[None]:
        """See :class:`smppproxy.store.journal.Keeper`."""
        kept: Deferred[Any] = Deferred()
        record: bytes = packed(Kept(provider, int(self._wall()) + ttl, final_ttl, mappings))
        self._waiting.append((record, kept))
        if self._writing is None:
            self._write()
        number = len(mappings)

        def done(_: object) -> None:
            self.counts["kept"] += number

        def failed(failure: Failure) -> None:
            self.counts["lost"] += number
            if failure.check(TimeoutError):
                self._block("the disk takes too long")
            raise JournalError(failure.getErrorMessage())

        return kept.addTimeout(PATIENCE, self._reactor).addCallbacks(done, failed)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._writing = Deferred()
        written = self._run(self.segments.append, [record for record, _ in waiting])
        written.addCallbacks(
            self._written, self._unwritten, callbackArgs=(waiting,), errbackArgs=(waiting,)
        )

    def _written(self, _: object, waiting: list[_Waiting]) -> None:
        self._next()
        for _, kept in waiting:
            kept.callback(None)

    def _unwritten(self, failure: Failure, waiting: list[_Waiting]) -> None:
        self._block(failure.getErrorMessage())
        self._next()
        for _, kept in waiting:
            kept.errback(Failure(JournalError(failure.getErrorMessage())))

    def _next(self) -> None:
        writing, self._writing = self._writing, None
        if self._waiting:
            self._write()
        if writing is not None:
            writing.callback(None)

    # -- the state of the disk ------------------------------------------------------------------

    def _look(self) -> None:
        """Once a second."""
        if not self._probing:
            self._probing = True
            self._run(self.segments.probe).addCallbacks(self._well, self._ill)
        self._give_back()

    def _well(self, _: None) -> None:
        self._probing = False
        if self.blocked:
            self.blocked = False
            self._log.info("the journal can be written again", event="journal_well")

    def _ill(self, failure: Failure) -> None:
        self._probing = False
        self._block(failure.getErrorMessage())

    def _block(self, reason: str) -> None:
        if self.blocked and self.counts["blocked"]:
            return
        self.blocked = True
        self.counts["blocked"] += 1
        self._log.error(
            "the journal in {folder} cannot be written, so no message is taken: {reason}",
            event="journal_blocked",
            folder=str(self.segments.folder),
            reason=reason,
        )

    # -- to the store ---------------------------------------------------------------------------

    def _store_changed(self, ready: bool) -> None:
        if ready:
            self._give_back()

    def _give_back(self) -> None:
        if self._replaying is None and self._store.ready and self.segments.octets:
            if self._stopping or not self.segments.is_open:
                return
            over = self._replaying = Deferred()
            self._give_all().addErrback(self._broke).addCallback(self._gave, over)

    def _gave(self, _: None, over: Deferred[None]) -> None:
        self._replaying = None
        over.callback(None)

    def _broke(self, failure: Failure) -> None:
        """Tried again at the next look."""
        if not failure.check(StoreUnavailable):
            self._log.error(
                "the journal cannot be read: {reason}",
                event="journal_unreadable",
                reason=failure.getErrorMessage(),
            )

    @inlineCallbacks
    def _give_all(self) -> Generator[Deferred[Any], Any, None]:
        paths = yield self._run(self.segments.take)
        for path in paths:
            yield self._give(path)

    @inlineCallbacks
    def _give(self, path: Path) -> Generator[Deferred[Any], Any, None]:
        at, maps, torn = 0, 0, 0
        strange: list[bytes] = []
        while at >= 0:
            found: Found = yield self._run(read, path, at)
            results = yield DeferredList(
                [self._record(kept) for kept, _ in found.kept], consumeErrors=True
            )
            for (good, result), (record, octets) in zip(results, found.kept, strict=True):
                if good:
                    maps += len(record.mappings)
                elif result.check(StoreUnavailable) and result.value.reason == "refused":
                    strange.append(octets)
                else:
                    result.raiseException()
            strange += found.strange
            torn += found.torn
            at = found.next_at
        yield self._run(self.segments.remove, path, strange)
        self._tell(path, maps, torn, len(strange))

    def _record(self, kept: Kept) -> Deferred[Any]:
        """What has outlived its time by the wall clock gets a short life, and none is dropped.

        That clock may be wrong (F89), and their clients were told OK: their receipts may be parked.
        """
        left = kept.until - int(self._wall())
        if left <= 0:
            self.counts["ended"] += len(kept.mappings)
        assert self._replay is not None
        life = max(left, kept.final_ttl)
        return self._replay(kept.provider, kept.mappings, life, kept.final_ttl)

    def _tell(self, path: Path, maps: int, torn: int, unread: int) -> None:
        self.counts["replayed"] += maps
        self.counts["torn"] += torn
        self.counts["unread"] += unread
        self._log.info(
            "{maps} maps of the journal are in the store",
            event="journal_replayed",
            maps=maps,
            file=path.name,
        )
        if torn:
            self._log.warn(
                "the last {octets} octets of {file} are no whole record: they were never said to"
                " be kept",
                event="journal_torn",
                octets=torn,
                file=path.name,
            )
        if unread:
            self._log.error(
                "{records} records of {file} cannot be read by this version; they are set aside in"
                " {folder}",
                event="journal_unread",
                records=unread,
                file=path.name,
                folder=str(self.segments.folder),
            )
