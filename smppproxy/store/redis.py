"""The store on one Redis or Valkey server: commands and Lua scripts over one connection.

What the calls promise stands in ``store.interface``, what each sends in ``store.commands``, how
they are tried again in ``store.calls``. Here is the handshake and the readiness.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Generator
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from .calls import Calls, is_bad
from .commands import Commands
from .greeting import Login, Refused
from .interface import Limit, StoreError
from .link import Connector, Link, Lost, ServerError
from .listening import Listening
from .replicas import is_confirmed

TICK = 0.1
"""Seconds between two looks at deadlines and patience."""

PROBE = 5.0
"""Seconds without a call after which the server is asked whether it still takes writes (T24)."""

_FENCE_LIFE = 600

_NO_REPLICA = "no replica of it confirms what is written (durability replica)"


class RedisStore(Commands):
    """The contract of :class:`smppproxy.store.interface.Store` on a server at ``endpoint``.

    ``deadline`` is how long any answer may take, in seconds: after that the connection is given up
    and the calls that were out are tried again, as far as their patience goes.

    :param durability: what it is to keep acknowledged changes through (``config.node``).
    :param clustered: whether it is part of a cluster; then ``prefix`` begins with a hash tag.
    :ivar durability: what it does keep them through, as far as it tells.
    """

    log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        node: str,
        clock: IReactorTime,
        *,
        login: Login | None = None,
        db: int = 0,
        prefix: bytes = b"smppproxy:",
        deadline: float = 1.0,
        in_flight: int = 1000,
        durability: str = "process",
        where: str = "",
        clustered: bool = False,
    ) -> None:
        instance = os.urandom(8).hex().encode()
        # A key that nobody writes, for :meth:`_check_slot`.
        self._declared = (prefix + b"nothing",) if clustered else ()
        calls = Calls(
            clock, prefix, node.encode(), instance, self._suspect, in_flight, self._declared
        )
        super().__init__(calls, self._send_news)
        self.ready = False
        self.full = False
        self.memory_used = 0.0
        self._clock = clock
        self._login = login or Login()
        self._db = db
        self._prefix = prefix
        self._deadline = deadline
        self._where = where
        self._fence = prefix + b"node:" + instance
        self.durability = self._wanted = durability
        self._replicas = None
        if durability == "replica":
            self._replicas = calls.confirm(deadline, self._probe_command)
        self._connector = Connector(self, endpoint, clock, refused=self._not_reached)
        self._listening = Listening(
            endpoint,
            clock,
            node.encode(),
            instance,
            b"%bbus:%d" % (prefix, db),
            self._greet_ear,
            deadline,
        )
        self.bus = self._listening.exchange
        self._link: Link | None = None
        self._epoch = 0
        self._shaken = False
        self._probed = 0.0
        self._probing = False
        self._is_writable = True
        self._ticker: IDelayedCall | None = None
        self._watchers: list[Callable[[bool], None]] = []
        self._starting: Deferred[None] | None = None
        self._stopping: list[Deferred[None]] | None = None
        self._is_stopped = False
        self._complaint = ""

    # -- life ----------------------------------------------------------------------------------

    def watch(self, callback: Callable[[bool], None]) -> None:
        self._watchers.append(callback)

    def start(self) -> Deferred[None]:
        self._starting = Deferred()
        started = self._starting
        self._ticker = self._clock.callLater(TICK, self._tick)
        self._connector.start()
        return started

    def stop(self) -> Deferred[None]:
        stopped: Deferred[None] = Deferred()
        if self._stopping is not None:
            self._stopping.append(stopped)
            return stopped
        if self._is_stopped:
            return succeed(None)
        self._stopping = [stopped]
        self._disconnect().addCallback(self._stopped)
        return stopped

    def _stopped(self, _: object) -> None:
        stopping, self._stopping = self._stopping, None
        self._is_stopped = True
        for stopped in stopping or ():
            stopped.callback(None)

    def _disconnect(self) -> Deferred[None]:
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        self._starting = None
        stopped = [self._connector.stop(), self._listening.stop()]
        if self._link is not None:
            self._link.abort()
        self._calls.close()
        return gatherResults(stopped).addCallback(lambda _: None)

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            for callback in list(self._watchers):
                callback(ready)

    def _tick(self) -> None:
        self._ticker = self._clock.callLater(TICK, self._tick)
        now = self._clock.seconds()
        link = self._link
        if link is not None:
            oldest = link.oldest()
            if oldest is not None and now - oldest >= self._deadline:
                self._complain(f"no answer within {self._deadline} s")
                link.abort()
            elif self._shaken and now - self._probed >= (PROBE if self.ready else TICK):
                self._probe(link, now)
        self._listening.tick(now)
        self._calls.tick(now)

    # -- connection ----------------------------------------------------------------------------

    def link_made(self, link: Link) -> None:
        """Shake hands; whatever fails, the connection is dropped and the backoff goes on (T1)."""
        self._link = link
        self._epoch += 1
        shaken: Deferred[None] = self._shake_hands(link)
        shaken.addErrback(self._handshake_failed, link)

    def link_lost(self, link: Link) -> None:
        if self._link is link:
            self._link = None
            self._shaken = False
            self._probing = False
            self._calls.down()
            self._listening.down()
            self._set_ready(False)

    @inlineCallbacks
    def _greet_ear(self, link: Link) -> Generator[Deferred[Any], Any, None]:
        yield self._login.greet(link)
        self._check_server(_fields((yield link.ask(b"INFO"))))
        yield self._check_slot(link)

    @inlineCallbacks
    def _shake_hands(self, link: Link) -> Generator[Deferred[Any], Any, None]:
        yield self._login.greet(link)
        if self._db:
            yield link.ask(b"SELECT", self._db)
        info = yield link.ask(b"INFO")
        self._check_server(_fields(info))
        yield self._check_slot(link)
        self._look_how_full(info)
        settings = yield link.ask(b"CONFIG", b"GET", b"maxmemory-policy").addErrback(_unknown)
        durable = yield link.ask(b"CONFIG", b"GET", b"appendonly").addErrback(_unknown)
        synced = yield link.ask(b"CONFIG", b"GET", b"appendfsync").addErrback(_unknown)
        self._check_settings(settings, durable, synced)
        time_there = self._calls.told_time((yield link.ask(b"TIME")))
        if self._started_ms < 0:
            self._started_ms = time_there
        written = yield link.ask(*self._probe_command()).addErrback(_out_of_memory)
        confirmed = True
        if self._replicas is not None:
            confirmed = is_confirmed((yield link.ask(*self._replicas.wait)))
        self._send_limits(link, self._known_limits)
        self._up(link, written is not None, confirmed)

    def _check_server(self, info: dict[bytes, bytes]) -> None:
        version = info.get(b"redis_version", b"0")
        if int(version.split(b".")[0]) < 7:
            raise Refused(f"it is version {version.decode()}, 7.0 is needed", final=True)
        if info.get(b"cluster_enabled") == b"1" and not self._declared:
            raise Refused(
                "it is part of a cluster: write redis+cluster://HOST:PORT/NAME, with a name for"
                " this network",
                final=True,
            )
        if info.get(b"loading") == b"1":
            raise Refused("it is still reading its data")
        if info.get(b"role", b"master") != b"master":
            raise Refused("it is a replica")

    def _check_slot(self, link: Link) -> Deferred[Any]:
        """Whether this server has the slot of all our keys, all of it.

        It says so when it is asked for a key of which it knows nothing: MOVED when the slot is
        another's, ASK while the slot is on its way to another. Each script names that key as well
        (``store.calls``): one that finds some of its keys gone would fail half-way.
        """
        if not self._declared:
            return succeed(None)
        return link.ask(b"EXISTS", *self._declared).addErrback(_not_served)

    def _check_settings(
        self, settings: list[bytes], durable: list[bytes], synced: list[bytes]
    ) -> None:
        if settings[1:] and settings[1] != b"noeviction":
            raise Refused(
                f"its maxmemory-policy is {settings[1].decode()}, only noeviction keeps what it"
                " was given",
                final=True,
            )
        self.durability = self._wanted if self._replicas is not None else "process"
        if durable[1:] and durable[1] != b"yes":
            self.durability = "memory"
            if self._wanted != "memory":
                self.log.warn(
                    "the store does not write to disk (appendonly no): it forgets all when it ends;"
                    " durability is {wanted} in the node file",
                    event="store_not_durable",
                    wanted=self._wanted,
                )
        elif synced[1:] and synced[1] == b"everysec":
            self.log.info(
                "the store holds writes back while its disk is slow (appendfsync everysec): killed"
                " at that moment it forgets what it acknowledged; always and no do not do that",
                event="store_holds_back",
            )

    def _up(self, link: Link, writable: bool, confirmed: bool = True) -> None:
        link.usable()
        self._probed = self._clock.seconds()
        self._shaken = True
        self._complaint = ""
        self.full = not writable
        self._calls.up(link, b"%d" % self._epoch)
        self._listening.up(link)
        self.log.info(
            "store connected: {at}", event="store_connected", at=_peer(link), writable=writable
        )
        if not confirmed:
            self._complain(_NO_REPLICA)
        self._set_ready(writable and confirmed)
        started, self._starting = self._starting, None
        if started is not None:
            started.callback(None)

    def _handshake_failed(self, failure: Failure, link: Link) -> None:
        link.abort()
        error = failure.value
        if isinstance(error, Refused) and error.final and self._starting is not None:
            started, self._starting = self._starting, None
            self._connector.stop()
            started.errback(Failure(StoreError(f"the store cannot be used: {error}")))
        elif failure.check(Lost):
            self._complain(self._complaint or str(error))
        elif failure.check(Refused, ServerError):
            self._complain(failure.getErrorMessage())
        else:
            self.log.failure("the store's handshake broke", failure, event="store_handshake_broke")

    def _not_reached(self, reason: str) -> None:
        """A server of our own that does not answer yet is told of by who starts it."""
        if self._where:
            self._complain(f"{self._where}: {reason}")

    def _complain(self, text: str) -> None:
        """Log what is wrong with the store, once as long as it stays the same; "": nothing is."""
        known, self._complaint = self._complaint, text
        if text and text != known:
            self.log.warn("store away: {reason}", event="store_away", reason=text)

    def _probe_command(self) -> tuple[bytes | int, ...]:
        return (b"SET", self._fence, b"%d" % self._epoch, b"EX", _FENCE_LIFE)

    def _probe(self, link: Link, now: float) -> None:
        """Write something small: it is not enough that the server answers."""
        if not self._probing:
            self._probing = True
            self._probed = now
            link.send(self._probe_answered, *self._probe_command())
            if self._replicas is not None:
                link.send(self._replica_answered, *self._replicas.wait)
            link.send(self._look_how_full, b"INFO", b"memory")

    def _look_how_full(self, info: Any) -> None:
        if isinstance(info, bytes):
            memory = _fields(info)
            most = int(memory.get(b"maxmemory", b"0"))
            self.memory_used = int(memory.get(b"used_memory", b"0")) / most if most else 0.0

    def _suspect(self) -> None:
        """A call met an error that may last: find out at the next tick."""
        self._probed = -PROBE

    def _replica_answered(self, reply: Any) -> None:
        """What the probe wrote is at a replica, or is not."""
        self._probing = False
        if isinstance(reply, Lost):
            return
        confirmed = is_confirmed(reply)
        if self._is_writable:
            self._complain("" if confirmed else _NO_REPLICA)
        self._set_ready(confirmed and self._is_writable)

    def _probe_answered(self, reply: Any) -> None:
        self._probing = self._replicas is not None
        if isinstance(reply, Lost):
            return
        refused = isinstance(reply, ServerError)
        if refused:
            self._complain(str(reply))
            if is_bad(reply):
                if self._link is not None:
                    self._link.abort()
                return
        elif self._replicas is None:
            self._complaint = ""
        self.full = refused and str(reply).startswith("OOM")
        self._is_writable = not refused
        if refused or self._replicas is None:
            self._set_ready(not refused)

    def _send_news(self, news: dict[bytes, Limit]) -> None:
        if self._link is not None and self._shaken:
            self._send_limits(self._link, news)

    def _send_limits(self, link: Link, limits: dict[bytes, Limit]) -> None:
        if limits:
            parts: list[bytes] = []
            for queue, limit in limits.items():
                parts += (queue, struct.pack(">II", limit.count, limit.keep))

            def answered(reply: Any) -> None:
                # The next connection tells them again.
                if is_bad(reply):
                    link.abort()

            link.send(answered, b"HSET", self._prefix + b"limits", *parts)


def _peer(link: Link) -> str:
    peer = link.transport.getPeer()
    return f"{peer.host}:{peer.port}" if hasattr(peer, "port") else os.fsdecode(peer.name or b"")


def _fields(info: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in info.split(b"\r\n"))
    return {name: value for name, _, value in pairs}


def _unknown(failure: Failure) -> list[bytes]:
    """A server that keeps its settings to itself is taken at its word."""
    failure.trap(ServerError)
    return []


def _not_served(failure: Failure) -> None:
    """The server's own word: MOVED, ASK, CLUSTERDOWN."""
    failure.trap(ServerError)
    raise Refused(f"it does not serve the network's slot: {failure.getErrorMessage()}")


def _out_of_memory(failure: Failure) -> None:
    """A full server is worked with all the same: queues must be emptied (F83)."""
    failure.trap(ServerError)
    if not failure.getErrorMessage().startswith("OOM"):
        failure.raiseException()
