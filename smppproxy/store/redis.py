"""The store on one Redis or Valkey server: commands and Lua scripts over one connection.

What the calls promise stands in ``store.interface``; how they are tried again in ``store.calls``.
Here is the handshake, the readiness and the form in which batches travel.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from .batches import (
    by_queue,
    counts,
    named,
    new_entries,
    nothing,
    old_entries,
    outcomes,
    pairs,
    same,
    strays,
)
from .calls import Calls
from .interface import (
    PARKED_KEEP,
    Arrival,
    Entry,
    Limit,
    Mapping,
    StoreError,
    Stray,
)
from .link import Connector, Link, Lost, ServerError
from .scripts import load_scripts
from .tls import name_fits

TICK = 0.1
"""Seconds between two looks at deadlines and patience."""

PROBE = 5.0
"""Seconds without a call after which the server is asked whether it still takes writes (T24)."""

_FENCE_LIFE = 600


class Refused(Exception):
    """The server answered, but it is not one to work with. ``final``: it never will be."""

    def __init__(self, text: str, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class RedisStore:
    """The contract of :class:`smppproxy.store.interface.Store` on a server at ``endpoint``.

    ``deadline`` is how long any answer may take, in seconds: after that the connection is given up
    and the calls that were out are tried again, as far as their patience goes.
    """

    log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        node: str,
        clock: IReactorTime,
        *,
        user: bytes = b"",
        password: bytes = b"",
        db: int = 0,
        prefix: bytes = b"smppproxy:",
        deadline: float = 1.0,
        tls_name: str = "",
        in_flight: int = 1000,
    ) -> None:
        self.ready = False
        self.full = False
        self._clock = clock
        self._user, self._password, self._db = user, password, db
        self._prefix = prefix
        self._deadline = deadline
        self._tls_name = tls_name
        instance = os.urandom(8).hex().encode()
        self._fence = prefix + b"node:" + instance
        self._calls = Calls(clock, prefix, node.encode(), instance, self._suspect, in_flight)
        self._connector = Connector(self, endpoint, clock)
        self._link: Link | None = None
        self._epoch = 0
        self._shaken = False
        self._started_ms = -1
        self._probed = 0.0
        self._probing = False
        self._ticker: IDelayedCall | None = None
        self._limits: dict[bytes, Limit] = {}
        self._known_limits: dict[bytes, Limit] = {}
        self._watchers: list[Callable[[bool], None]] = []
        self._starting: Deferred[None] | None = None
        self._stopping: list[Deferred[None]] | None = None
        self._is_stopped = False
        self._complaint = ""
        scripts = load_scripts()
        self._numbers = scripts["numbers"]
        self._record = scripts["record"]
        self._match = scripts["match"]
        self._put = scripts["put"]
        self._fetch = scripts["fetch"]
        self._adopt = scripts["adopt"]
        self._touch = scripts["touch"]
        self._ack = scripts["ack"]
        self._sizes = scripts["sizes"]
        self._sweep = scripts["sweep"]
        self._look = scripts["look"]

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
        stopped = self._connector.stop()
        if self._link is not None:
            self._link.abort()
        self._calls.close()
        return stopped

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
            self._set_ready(False)

    @inlineCallbacks
    def _shake_hands(self, link: Link) -> Generator[Deferred[Any], Any, None]:
        if self._tls_name:
            yield link.ask(b"PING").addErrback(_tolerate_refusal)
            if not name_fits(link.transport.getHandle(), self._tls_name):
                raise Refused(f"its certificate is not for {self._tls_name}")
        if self._user:
            yield link.ask(b"AUTH", self._user, self._password)
        elif self._password:
            yield link.ask(b"AUTH", self._password)
        if self._db:
            yield link.ask(b"SELECT", self._db)
        info = yield link.ask(b"INFO")
        self._check_server(_fields(info))
        settings = yield link.ask(b"CONFIG", b"GET", b"maxmemory-policy").addErrback(_unknown)
        durable = yield link.ask(b"CONFIG", b"GET", b"appendonly").addErrback(_unknown)
        synced = yield link.ask(b"CONFIG", b"GET", b"appendfsync").addErrback(_unknown)
        self._check_settings(settings, durable, synced)
        if self._started_ms < 0:
            seconds, micros = yield link.ask(b"TIME")
            self._started_ms = int(seconds) * 1000 + int(micros) // 1000
        written = yield link.ask(*self._probe_command()).addErrback(_out_of_memory)
        self._send_limits(link, self._known_limits)
        self._up(link, written is not None)

    def _check_server(self, info: dict[bytes, bytes]) -> None:
        version = info.get(b"redis_version", b"0")
        if int(version.split(b".")[0]) < 7:
            raise Refused(f"it is version {version.decode()}, 7.0 is needed", final=True)
        if info.get(b"loading") == b"1":
            raise Refused("it is still reading its data")
        if info.get(b"role", b"master") != b"master":
            raise Refused("it is a replica")

    def _check_settings(
        self, settings: list[bytes], durable: list[bytes], synced: list[bytes]
    ) -> None:
        if settings[1:] and settings[1] != b"noeviction":
            raise Refused(
                f"its maxmemory-policy is {settings[1].decode()}, only noeviction keeps what it"
                " was given",
                final=True,
            )
        if durable[1:] and durable[1] != b"yes":
            self.log.warn(
                "the store does not write to disk (appendonly no): it forgets all when it ends",
                event="store_not_durable",
            )
        elif synced[1:] and synced[1] == b"everysec":
            self.log.info(
                "the store holds writes back while its disk is slow (appendfsync everysec): killed"
                " at that moment it forgets what it acknowledged; always and no do not do that",
                event="store_holds_back",
            )

    def _up(self, link: Link, writable: bool) -> None:
        link.usable()
        self._probed = self._clock.seconds()
        self._shaken = True
        self._complaint = ""
        self.full = not writable
        self._calls.up(link, b"%d" % self._epoch)
        self.log.info("store connected", event="store_connected", writable=writable)
        self._set_ready(writable)
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

    def _complain(self, text: str) -> None:
        """Log what is wrong with the store, once as long as it stays the same."""
        if text != self._complaint:
            self._complaint = text
            self.log.warn("store away: {reason}", event="store_away", reason=text)

    def _probe_command(self) -> tuple[bytes | int, ...]:
        return (b"SET", self._fence, b"%d" % self._epoch, b"EX", _FENCE_LIFE)

    def _probe(self, link: Link, now: float) -> None:
        """Write something small: it is not enough that the server answers."""
        if not self._probing:
            self._probing = True
            self._probed = now
            link.send(self._probe_answered, *self._probe_command())

    def _suspect(self) -> None:
        """A call met an error that may last: find out at the next tick."""
        self._probed = -PROBE

    def _probe_answered(self, reply: Any) -> None:
        self._probing = False
        if isinstance(reply, Lost):
            return
        refused = isinstance(reply, ServerError)
        if refused:
            self._complain(str(reply))
            if str(reply).startswith(("READONLY", "LOADING", "MASTERDOWN", "NOAUTH")):
                if self._link is not None:
                    self._link.abort()
                return
        else:
            self._complaint = ""
        self.full = refused and str(reply).startswith("OOM")
        self._set_ready(not refused)

    def _use_limits(self, limits: dict[bytes, Limit]) -> None:
        """Tell the store about limits it has not been told yet."""
        known = self._known_limits
        news = {queue: limit for queue, limit in limits.items() if known.get(queue) != limit}
        if news:
            known.update(news)
            if self._link is not None and self._shaken:
                self._send_limits(self._link, news)

    def _send_limits(self, link: Link, limits: dict[bytes, Limit]) -> None:
        if limits:
            parts: list[bytes] = []
            for queue, limit in limits.items():
                parts += (queue, struct.pack(">II", limit.count, limit.keep))
            link.send(_ignore, b"HSET", self._prefix + b"limits", *parts)

    # -- calls ---------------------------------------------------------------------------------

    def take_numbers(self, name: bytes, count: int, patience: float | None = 0.0) -> Deferred[int]:
        return self._calls.call(self._numbers, (name, count), same, patience)

    def record(
        self,
        provider: bytes,
        mappings: list[Mapping],
        ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = 5.0,
        final_ttl: int = 43_200,
    ) -> Deferred[list[bytes]]:
        if limits is not self._limits:
            self._limits = limits
            self._use_limits(limits)
        flat: list[bytes] = []
        for mapping in mappings:
            key = mapping.key
            if key:
                account = mapping.account
                destination = mapping.destination
                flat += (
                    key,
                    b"%c%c%b%c%b%b"
                    % (
                        mapping.want,
                        len(account),
                        account,
                        len(destination),
                        destination,
                        mapping.origin,
                    ),
                )
        if not flat:
            return succeed([])
        return self._calls.call(
            self._record, (named(provider), ttl, final_ttl, flat), same, patience
        )

    def match(
        self,
        provider: bytes,
        arrivals: list[Arrival],
        final_ttl: int,
        limits: dict[bytes, Limit],
        patience: float | None = None,
    ) -> Deferred[list[tuple[int, bytes]]]:
        if limits is not self._limits:
            self._limits = limits
            self._use_limits(limits)
        batch = [
            (
                arrival.keys,
                arrival.destination,
                arrival.kind,
                arrival.state,
                arrival.final,
                arrival.receipt,
            )
            for arrival in arrivals
        ]
        return self._calls.call(
            self._match, (named(provider), final_ttl, batch), outcomes, patience
        )

    def put(
        self, queue: bytes, records: list[bytes], limit: Limit, patience: float | None = 5.0
    ) -> Deferred[int]:
        if self._known_limits.get(queue) != limit:
            self._use_limits({queue: limit})
        return self._calls.call(self._put, (queue, records), same, patience)

    def fetch(
        self, wants: list[tuple[bytes, int]], patience: float | None = 5.0
    ) -> Deferred[list[Entry]]:
        flat: list[bytes | int] = []
        for want in wants:
            flat += want
        return self._calls.call(self._fetch, flat, new_entries, patience)

    def adopt(self, queues: list[bytes], count: int, idle_ms: int) -> Deferred[list[Entry]]:
        args = (queues, min(count, 1000), idle_ms, self._started_ms)
        return self._calls.call(self._adopt, args, old_entries, 0.0)

    def touch(self, held: list[tuple[bytes, bytes]]) -> Deferred[None]:
        return self._calls.call(self._touch, by_queue(held), nothing, 0.0)

    def ack(self, acks: list[tuple[bytes, bytes]], patience: float | None = None) -> Deferred[int]:
        return self._calls.call(self._ack, by_queue(acks), same, patience)

    def sizes(self, queues: list[bytes]) -> Deferred[list[tuple[int, int]]]:
        return self._calls.call(self._sizes, queues, pairs, 0.0)

    def sweep(self, queues: dict[bytes, Limit]) -> Deferred[dict[bytes, int]]:
        self._use_limits(queues)
        return self._calls.call(self._sweep, (list(queues), PARKED_KEEP), counts, 0.0)

    def dropped(self) -> Deferred[dict[bytes, int]]:
        return self._calls.call(self._look, (b"drops",), counts, 0.0)

    def parked(self, provider: bytes) -> Deferred[int]:
        return self._calls.call(self._look, (b"parked", named(provider)), same, 0.0)

    def orphans(self, count: int) -> Deferred[list[Stray]]:
        return self._calls.call(self._look, (b"stray", b"orphans", count), strays, 0.0)

    def quarantined(self, count: int) -> Deferred[list[Stray]]:
        return self._calls.call(self._look, (b"stray", b"quarantine", count), strays, 0.0)


def _ignore(reply: Any) -> None:
    """The answer to a command whose loss does no harm."""


def _fields(info: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in info.split(b"\r\n"))
    return {name: value for name, _, value in pairs}


def _unknown(failure: Failure) -> list[bytes]:
    """A server that keeps its settings to itself is taken at its word."""
    failure.trap(ServerError)
    return []


def _tolerate_refusal(failure: Failure) -> None:
    """NOAUTH is an answer too: the TLS handshake is over."""
    failure.trap(ServerError)


def _out_of_memory(failure: Failure) -> None:
    """A full server is worked with all the same: queues must be emptied (F83)."""
    failure.trap(ServerError)
    if not failure.getErrorMessage().startswith("OOM"):
        failure.raiseException()
