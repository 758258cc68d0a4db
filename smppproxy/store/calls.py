"""Calls to the store that outlive a connection: patience, a bound on what is out, one exception.

A call is sent when the connection is up, and sent again on the next connection when its answer did
not come, as long as its patience lasts. The scripts make that safe (see ``scripts/head.lua``): a
retried call carries the same number in the same slot, and a raised fence keeps late copies out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import msgpack
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from .interface import NOT_SENT, UNKNOWN, StoreUnavailable
from .link import LOST, Link, ServerError
from .replicas import CONFIRMED, Replicas
from .scripts import Script
from .times import CALL_BOUNDS, Times

FOREVER = float("inf")

TOO_LATE = "TOOLATE"
"""The error of a script that the server met after its call was given up, or nearly so."""

GRACE = 1.0
"""Seconds beyond its patience for a call that the server may have done: time to connect and ask."""

CAUTION = 0.25
"""Seconds by which the server's patience with that question ends before ours."""

QUIET = 60.0
"""Seconds until it is told again that calls of one script are refused."""

_BAD_SERVER = frozenset(
    {
        "READONLY", "LOADING", "MASTERDOWN", "NOAUTH", "WRONGPASS", "UNBLOCKED",
        "MOVED", "ASK", "CLUSTERDOWN",
    }
)  # fmt: skip
"""Errors that say: not this server, or not now. The connection is given up (T17, F85).

Of a cluster: the slot of all keys is at another server or on its way there, or those who say where
it is are cut off; then others may know more. Nothing was changed.
"""

_PASSING = ("OOM", "MISCONF", "NOREPLICAS", "BUSY", "TRYAGAIN")
"""Errors that say: not now. Nothing was changed."""

_pack = msgpack.Packer(use_bin_type=False, autoreset=True).pack

Decode = Callable[[Any], Any]


class Call:
    """One call that is out or waiting. ``until`` is when its patience ends, on the clock.

    ``patient``: its patience has an end that is worth telling the server.
    """

    __slots__ = (
        "again",
        "body",
        "decode",
        "detail",
        "due",
        "fate",
        "number",
        "patient",
        "reason",
        "reply",
        "result",
        "script",
        "sent",
        "slot",
        "until",
        "whole",
    )

    def __init__(
        self, script: Script, body: bytes, decode: Decode, until: float, patient: bool
    ) -> None:
        self.script = script
        self.body = body
        self.decode = decode
        self.until = until
        self.patient = patient
        self.due = 0.0
        self.sent = 0.0
        self.again = False
        self.whole = False
        self.fate = NOT_SENT
        self.reason = "away"
        self.detail = ""
        self.slot = 0
        self.number = 0
        self.reply: bytes | None = None
        self.result: Deferred[Any] | None = None


class Calls:
    """Every call of one store. ``link`` is set while a connection is up and shaken hands with.

    :param keys: what each script says that it touches: in a cluster a key that is never there. A
        server that has the slot of all keys, all of it, runs the script; any other refuses it
        before it begins. Without such a key it would run on a server that keys are just leaving,
        up to the first one that is not there.
    :ivar times: from the sending of a call to its answer; tries without one are not in it.
    """

    log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        prefix: bytes,
        node: bytes,
        instance: bytes,
        trouble: Callable[[], None],
        limit: int = 1000,
        keys: tuple[bytes, ...] = (),
    ) -> None:
        self._clock = clock
        self._prefix = prefix
        self._node = node
        self._instance = instance
        self._trouble = trouble
        self._limit = limit
        self._keys = (len(keys), *keys)
        self.times = Times(CALL_BOUNDS)
        self._closed = False
        self._replicas: Replicas | None = None
        self._link: Link | None = None
        self._epoch = b"0"
        # Milliseconds: the server's unix time less our clock's.
        self._ahead = 0.0
        self._number = 0
        self._slots: list[int] = list(range(limit, 0, -1))
        self._waiting: list[Call] = []
        # By script: until when no more is said of its refusals.
        self._told: dict[str, float] = {}

    def confirm(self, deadline: float, fence: Callable[[], tuple[bytes | int, ...]]) -> Replicas:
        """From now on promises are given when a replica has what they are about."""
        self._replicas = Replicas(
            self._clock,
            deadline,
            fence,
            self._done,
            self._unconfirmed,
            # The server has done it: it is waited for as long as a retry would be, in its place.
            # Sent again, it would come behind a receipt of its message.
            lambda call: self._clock.seconds() >= call.until + (GRACE if call.patient else 0.0),
            self._trouble,
        )
        return self._replicas

    def _unconfirmed(self, call: Call) -> None:
        self._retry(call, UNKNOWN, "away", "no replica has confirmed it")

    def __len__(self) -> int:
        """How many calls are out or waiting."""
        return self._limit - len(self._slots)

    def call(
        self, script: Script, args: Any, decode: Decode, patience: float | None
    ) -> Deferred[Any]:
        """Run a script with ``args``; the Deferred fires with ``decode(result)``."""
        if self._closed or (self._link is None and patience == 0.0):
            return _failed(StoreUnavailable(NOT_SENT))
        if not self._slots:
            return _failed(StoreUnavailable(NOT_SENT, "busy"))
        until = FOREVER if patience is None else self._clock.seconds() + patience
        patient = patience is not None and patience >= GRACE
        call = Call(script, _pack(args), decode, until, patient)
        call.slot = self._slots.pop()
        self._number += 1
        call.number = self._number
        result: Deferred[Any] = Deferred(lambda _: self._cancelled(call))
        call.result = result
        if self._link is None:
            self._waiting.append(call)
        else:
            self._send(call, self._link)
        return result

    def seconds(self) -> float:
        """Now, on the clock of patience."""
        return self._clock.seconds()

    def read(self, command: bytes, key: bytes, *parts: bytes) -> Deferred[Any]:
        """Ask something that changes nothing; ``None`` when there is no answer."""
        link = self._link
        if link is None:
            return succeed(None)
        began = self._clock.seconds()

        def answered(reply: Any) -> Any:
            self.times.add(self._clock.seconds() - began)
            return reply

        asked = link.ask(command, self._prefix + key, *parts)
        return asked.addCallbacks(answered, lambda failure: None)

    def up(self, link: Link, epoch: bytes) -> None:
        """A connection is ready: send what waits, oldest first."""
        self._link = link
        self._epoch = epoch
        waiting, self._waiting = self._waiting, []
        for call in sorted(waiting, key=lambda each: each.number):
            self._send(call, link)

    def told_time(self, reply: list[bytes]) -> int:
        """The server said what time it is (TIME); returns that in unix milliseconds.

        Raises ValueError for an answer that makes no sense.

        A call with patience carries the time on the server's clock at which that ends. A server
        that was frozen meanwhile then leaves undone what its caller has been told is not.
        """
        seconds, micros = reply
        milliseconds = int(seconds) * 1000 + int(micros) // 1000
        self._ahead = milliseconds - self._clock.seconds() * 1000
        return milliseconds

    def down(self) -> None:
        """The connection went. What was out has come back by way of :data:`LOST`."""
        self._link = None
        if self._replicas is not None:
            self._replicas.down()

    def tick(self, now: float) -> None:
        """Send again what is due, and give up what has lost its patience."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            link = self._link
            if now >= _end_of(call):
                self._fail(call)
            elif link is not None and now >= call.due:
                self._send(call, link)
            else:
                self._waiting.append(call)

    def close(self) -> None:
        """Fail everything that waits, and every later call."""
        self._closed = True
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self._fail(call)

    def _send(self, call: Call, link: Link) -> None:
        until = 0
        if call.patient:
            ends = call.until + GRACE - CAUTION if call.again else call.until
            until = int(ends * 1000 + self._ahead)
        head = _pack(
            (
                self._prefix,
                self._node,
                self._instance,
                self._epoch,
                call.slot,
                call.number,
                call.again,
                until,
            )
        )
        script = call.script
        call.sent = self._clock.seconds()

        def answered(reply: Any) -> None:
            self._answered(call, link, reply)

        if call.whole:
            link.send(answered, b"EVAL", script.source, *self._keys, head, call.body)
        else:
            link.send(answered, b"EVALSHA", script.sha, *self._keys, head, call.body)
        if self._replicas is not None and script.name in CONFIRMED:
            self._replicas.sent(call, link)

    def _answered(self, call: Call, link: Link, reply: Any) -> None:
        if reply.__class__ is bytes:
            self.times.add(self._clock.seconds() - call.sent)
            if self._replicas is not None and call.script.name in CONFIRMED:
                call.reply = reply
            else:
                self._done(call, reply)
        elif reply is LOST:
            self._retry(call, UNKNOWN, "lost")
        elif isinstance(reply, ServerError):
            self._refused(call, link, str(reply))
        else:
            # nil: a newer connection of this process raised the fence; this one is of no use.
            self._retry(call, call.fate, "lost")
            link.abort()

    def _done(self, call: Call, reply: bytes) -> None:
        result = self._leave(call)
        if result is None:
            return
        try:
            value = call.decode(msgpack.unpackb(reply, raw=True))
        except (ValueError, TypeError, IndexError) as error:
            self._complain(call, str(error))
            result.errback(Failure(StoreUnavailable(UNKNOWN, "refused", str(error))))
        else:
            result.callback(value)

    def _refused(self, call: Call, link: Link, text: str) -> None:
        code = text.split(" ", 1)[0]
        if code == "NOSCRIPT":
            call.whole = True
            self._send(call, link)
            call.whole = False
        elif code == TOO_LATE:
            # Or its clock was set: then the next try comes in time by the new one.
            link.send(self._time_told, b"TIME")
            call.due = self._clock.seconds() + 0.1
            self._retry(call, call.fate, "lost", text)
        elif code in _BAD_SERVER:
            self._retry(call, call.fate, "away", text)
            link.abort()
        elif code in _PASSING:
            self._trouble()
            call.due = self._clock.seconds() + 0.1
            self._retry(call, call.fate, "full" if code == "OOM" else "away", text)
        else:
            call.fate, call.reason, call.detail = UNKNOWN, "refused", text
            self._complain(call, text)
            self._fail(call)

    def _complain(self, call: Call, detail: str) -> None:
        """A fault of ours or of the server's settings, which callers take for a passing one."""
        now = self._clock.seconds()
        if now >= self._told.get(call.script.name, now):
            self._told[call.script.name] = now + QUIET
            self.log.error(
                "the store refuses {script}: {detail}",
                event="store_call_refused",
                script=call.script.name,
                detail=detail,
            )

    def _time_told(self, reply: Any) -> None:
        if reply.__class__ is list:
            self.told_time(reply)

    def _retry(self, call: Call, fate: str, reason: str, detail: str = "") -> None:
        call.fate, call.reason, call.detail = fate, reason, detail
        call.again = call.again or fate == UNKNOWN
        if call.result is None or self._clock.seconds() >= _end_of(call):
            self._fail(call)
        else:
            self._waiting.append(call)

    def _fail(self, call: Call) -> None:
        result = self._leave(call)
        if result is not None:
            result.errback(Failure(StoreUnavailable(call.fate, call.reason, call.detail)))

    def _leave(self, call: Call) -> Deferred[Any] | None:
        self._slots.append(call.slot)
        result, call.result = call.result, None
        return result

    def _cancelled(self, call: Call) -> None:
        # An answer may still come for it, so its slot is given back only then.
        call.result = None
        if call in self._waiting:
            self._waiting.remove(call)
            self._leave(call)


def is_bad(reply: Any) -> bool:
    """Whether a reply says that the connection must be given up."""
    return isinstance(reply, ServerError) and str(reply).split(" ", 1)[0] in _BAD_SERVER


def _end_of(call: Call) -> float:
    """When nobody waits for a call any more."""
    return call.until + GRACE if call.patient and call.again else call.until


def _failed(error: StoreUnavailable) -> Deferred[Any]:
    result: Deferred[Any] = Deferred()
    result.errback(Failure(error))
    return result
