"""The message log as the node sees it: hands over what was noted, never waits, never fails.

What the scribe has not taken yet waits here, up to :data:`MOST_WAITING` octets; what comes on top
is counted as lost, in the ledger and in the log itself. A scribe that ends is started again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgpack
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.facts import Facts, packed
from smppproxy.admin.message_log.tally import MOST
from smppproxy.config.message_log import MessageLog as Settings
from smppproxy.config.tracing import Tracing
from smppproxy.relay.journal import Journal
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.accounts import Account
from smppproxy.store.history import Count
from smppproxy.store.interface import Store

EVERY = 0.1
"""Seconds between two takings of what was noted."""

PIPE = 1 << 20
"""Octets that the pipe to the scribe holds, so that one write is enough most of the time."""

MOST_WAITING = 64 << 20
"""Octets that wait for a scribe that is slow."""

AGAIN_AFTER, AGAIN_MOST = 1.0, 60.0
"""Seconds before a scribe that ended is started again: doubling, up to so many."""

LAST_WORDS = 10.0
"""Seconds that a scribe gets to write the rest when the node stops."""

MEGABYTE = 1 << 20
_HOUR = 3600.0


@implementer(IPushProducer)
class ScribeProcess(ProcessProtocol):
    """The scribe's pipes."""

    transport: Any

    def __init__(self, keeper: MessageLog) -> None:
        self._keeper = keeper
        self._unpacker = msgpack.Unpacker(use_list=False)
        self.ended: Deferred[None] = Deferred()
        self.flowing = True

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """It runs; its standard input tells us when it is slow."""
        pipe = self.transport.pipes[0]
        pipe.registerProducer(self, True)
        with contextlib.suppress(OSError, AttributeError):
            # Not every system lets a pipe hold more: then there are more, smaller writes.
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE)

    def write(self, data: bytes) -> None:
        """Octets for its standard input."""
        self.transport.pipes[0].write(data)

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It does not keep up."""
        self.flowing = False

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """It does again."""
        self.flowing = True
        self._keeper.flow()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """Its standard input is closed."""
        self.flowing = False

    def outReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """What it tells."""
        self._unpacker.feed(data)
        for told in self._unpacker:
            self._keeper.told(told)

    def errReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """A traceback, most likely."""
        self._keeper.complained(data)

    def close(self) -> None:
        """Let it write what it has, and end."""
        if 0 in self.transport.pipes:
            self.transport.pipes[0].unregisterProducer()
            self.transport.closeStdin()

    def kill(self) -> None:
        """It had its time."""
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return

    def processEnded(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        """It is gone, with all its pipes."""
        self.flowing = False
        self._keeper.scribe_ended(self, reason)
        self.ended.callback(None)


class MessageLog:
    """Keeps the message log of one node, and the counts of the hours in the store."""

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        tracing: Tracing,
        node: str,
        journal: Journal,
        ledger: Ledger,
        store: Store,
        accounts: Callable[[], Mapping[str, Account]],
        wall: Callable[[], float],
    ) -> None:
        """
        :param accounts: as they are now; another object after each change.
        :param wall: unix seconds.
        """
        self._reactor = reactor
        self._settings = settings
        self._tracing = tracing
        self._node = node
        self._journal = journal
        self._ledger = ledger
        self._store = store
        self._facts = Facts(wall, reactor.seconds, accounts)
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._lost = 0
        self._counts: dict[Count, int] = {}
        self._storing = False
        self._scribe: ScribeProcess | None = None
        self._again_after = AGAIN_AFTER
        self._again: Any = None
        self._stopping = False
        self._loop = LoopingCall(self._hand_over)
        self._loop.clock = reactor

    @property
    def enabled(self) -> bool:
        """Whether this node has a folder for it, or sends spans of what would stand there."""
        return bool(self._settings.folder or self._tracing.endpoint)

    def start(self) -> None:
        """Note and write from now on."""
        if self.enabled:
            self._try_folder(self._settings.folder)
            self._journal.open(self._facts.note)
            self._spawn()
            self._loop.start(EVERY, now=False)

    def _try_folder(self, folder: str) -> None:
        """Tell at once what the first line would meet."""
        try:
            if folder:
                os.makedirs(folder, exist_ok=True)
        except OSError as error:
            self._log.error(
                "the message log's folder {folder} cannot be made: {reason}; nothing is kept until "
                "that is mended",
                event="message_log_lost",
                folder=folder,
                reason=error.strerror,
            )

    def _spawn(self) -> None:
        self._again = None
        self._facts.forget()
        scribe = ScribeProcess(self)
        command = [sys.executable, "-m", "smppproxy.admin.message_log.scribe"]
        self._reactor.spawnProcess(scribe, command[0], command, env=dict(os.environ))
        self._scribe = scribe
        settings = self._settings
        config = {
            "node": self._node,
            "folder": settings.folder,
            "max_bytes": settings.max_size * MEGABYTE,
            "max_seconds": settings.max_hours * _HOUR,
            "keep_days": settings.keep_days,
            "compress": settings.compress,
            "tracing": attrs.asdict(self._tracing) if self._tracing.endpoint else None,
        }
        scribe.write(packed((rows.CONFIG, config)))

    # -- to the scribe --------------------------------------------------------------------------

    def _hand_over(self) -> None:
        """Twenty times a second: what was noted goes out, as far as the scribe takes it."""
        data, count = self._facts.take()
        if self._facts.faults:
            self._ledger.count("message_log_faults", self._facts.faults)
            self._facts.faults = 0
        if count and self._scribe is None:
            self._lose(count)
        elif count and self._octets + len(data) > MOST_WAITING:
            self._lose(count)
            self._facts.forget()  # sessions and accounts that these rows told of
        elif count:
            self._waiting.append(data)
            self._octets += len(data)
        self.flow()

    def _lose(self, count: int) -> None:
        if not self._lost:
            self._log.warn(
                "the message log loses lines: its process does not keep up",
                event="message_log_slow",
            )
        self._lost += count
        self._ledger.count("message_log_lost", count)

    def flow(self) -> None:
        """Write what waits, while the scribe takes it."""
        scribe = self._scribe
        if scribe is None:
            return
        while self._waiting and scribe.flowing:
            data = self._waiting.popleft()
            self._octets -= len(data)
            scribe.write(data)
        if self._lost and scribe.flowing:
            lost, self._lost = self._lost, 0
            scribe.write(packed((rows.LOST, lost)))

    # -- from the scribe ------------------------------------------------------------------------

    def told(self, told: tuple[Any, ...]) -> None:
        """Counts, or what became of lines."""
        kind, *rest = told
        if kind == "counts":
            for count, number in rest[0]:
                self._count(count, number)
            self._store_counts()
        elif kind == "spans":
            self._ledger.count("trace_spans_exported", rest[0])
            self._ledger.count("trace_spans_dropped", rest[1])
        elif kind == "collector":
            self._tell_collector(rest[0])
        elif kind == "lost":
            self._ledger.count("message_log_lost", rest[0])
            self._log.error(
                "the message log lost {count} lines: {reason}",
                event="message_log_lost",
                count=rest[0],
                reason=rest[1],
                folder=self._settings.folder,
            )
        else:
            self._log.info("the message log is written again", event="message_log_well")

    def _tell_collector(self, good: bool) -> None:
        endpoint = self._tracing.endpoint
        if good:
            text = "the collector at {endpoint} takes spans again"
            self._log.info(text, event="tracing_well", endpoint=endpoint)
        else:
            text = "the collector at {endpoint} takes no spans: they are dropped"
            self._log.warn(text, event="tracing_trouble", endpoint=endpoint)

    def _count(self, count: Count, number: int) -> None:
        if count in self._counts or len(self._counts) < MOST:
            self._counts[count] = self._counts.get(count, 0) + number
        else:
            self._ledger.count("hourly_counts_lost", number)

    def _store_counts(self) -> Deferred[None]:
        """Add to the store what it was not told yet; what fails is told with the next ones."""
        if self._storing or not self._counts:
            return succeed(None)
        counts, self._counts = self._counts, {}
        self._storing = True

        def stored(_: None) -> None:
            self._storing = False

        def failed(_: Failure) -> None:
            self._storing = False
            for count, number in counts.items():
                self._count(count, number)

        return self._store.add_counts(counts).addCallbacks(stored, failed)

    def complained(self, data: bytes) -> None:
        """What the scribe wrote to its standard error."""
        text = data.decode("utf-8", "replace").strip()
        self._log.error("the message log's process: {text}", event="message_log_error", text=text)

    def scribe_ended(self, scribe: ScribeProcess, reason: Failure) -> None:
        """Start another one, unless the node stops."""
        if self._stopping or scribe is not self._scribe:
            return
        self._scribe = None
        self._ledger.count("message_log_restarts")
        self._log.error(
            "the message log's process ended: {reason}; another one in {delay:.0f} s",
            event="message_log_ended",
            reason=reason.getErrorMessage(),
            delay=self._again_after,
        )
        # These rows refer to what the process that is gone was told.
        self._waiting.clear()
        self._octets = 0
        self._again = self._reactor.callLater(self._again_after, self._spawn)
        self._again_after = min(self._again_after * 2, AGAIN_MOST)

    # -- the end --------------------------------------------------------------------------------

    def stop(self) -> Deferred[None]:
        """Write the rest; fires when the scribe is gone and the store has the last counts."""
        if not self._loop.running:
            return succeed(None)
        self._loop.stop()
        self._stopping = True
        self._hand_over()
        self._journal.close()
        scribe = self._scribe
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if scribe is None:
            return succeed(None)
        while self._waiting:
            scribe.write(self._waiting.popleft())
        scribe.close()
        patience = self._reactor.callLater(LAST_WORDS, scribe.kill)

        def ended(_: None) -> Deferred[None]:
            if patience.active():
                patience.cancel()
            return self._store_counts()

        return scribe.ended.addCallback(ended)
