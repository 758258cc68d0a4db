"""What nodes of one store say to each other: announcements, and questions with answers.

Nothing here is certain: what is said while a node has no connection is not heard by it. Whoever
needs to be sure asks the store itself now and then; the bus makes it fast. A node hears and answers
itself at once, with or without the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import msgpack
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

MAX_PAYLOAD = 4 << 20
"""Octets of one payload: a server gives a listener up that has more than 8 MB before it."""

EVERYBODY = b""
"""Where announcements and questions go; answers go to one process."""

_VERSION = 1
_KINDS = _SPOKEN, _ASKED, _ANSWERED, _SILENT = range(4)
_FORM = [int, int, bytes, bytes, int, bytes, bytes]

_Said = TypeVar("_Said")

Told = Callable[[int], None]
"""Called with the number of processes that a message reached, this one included."""

Send = Callable[[bytes, bytes, Told | None], None]
"""Send a message to a process or to :data:`EVERYBODY`; never raises."""

Heard = Callable[[bytes, bytes], object]
Answer = Callable[[bytes], "Deferred[bytes] | bytes"]


@attrs.define
class Question:
    """One that is out. ``reached``: how many processes got it; ``back``: what came of it so far,
    our own echo included; ``ours``: whether this node itself is done with it."""

    result: Deferred[dict[bytes, bytes]]
    timer: IDelayedCall
    answers: dict[tuple[bytes, bytes], bytes] = attrs.field(factory=dict)
    reached: int = -1
    back: int = 0
    ours: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether nobody else will answer."""
        return self.ours and 0 <= self.reached <= self.back


class Exchange:
    """Implements :class:`smppproxy.store.interface.Bus` on whatever carries messages.

    :param instance: names this process; two nodes of one name are told apart by it.
    :param send: carries a message; :meth:`received` takes what comes back.
    :param wanted: called whenever somebody wants to hear something from now on.
    :ivar connected: whether what others say comes here; said by whoever carries messages.
    :ivar heard: how much other processes said.
    :ivar unreadable: how much of that, or of what else came, makes no sense to this release.
    """

    _log = Logger()

    def __init__(
        self,
        node: bytes,
        instance: bytes,
        clock: IReactorTime,
        send: Send,
        wanted: Callable[[], object] = lambda: None,
    ) -> None:
        self.node = node
        self.instance = instance
        self.connected = False
        self.heard = 0
        self.unreadable = 0
        self._clock = clock
        self._send = send
        self._wanted = wanted
        self._number = 0
        self._ears: dict[bytes, list[Heard]] = {}
        self._answers: dict[bytes, Answer] = {}
        self._questions: dict[int, Question] = {}

    # -- the contract ---------------------------------------------------------------------------

    def announce(self, topic: bytes, payload: bytes) -> None:
        self._send(EVERYBODY, self._packed(_SPOKEN, 0, topic, payload), None)
        self._hear(self.node, topic, payload)

    def hear(self, topic: bytes, callback: Heard) -> None:
        self._ears.setdefault(topic, []).append(callback)
        self._wanted()

    def ask(self, topic: bytes, payload: bytes, wait: float) -> Deferred[dict[bytes, bytes]]:
        message = self._packed(_ASKED, self._number + 1, topic, payload)
        self._number = number = self._number + 1
        result: Deferred[dict[bytes, bytes]] = Deferred(lambda _: self._drop(number))
        timer = self._clock.callLater(wait, self._end, number)
        self._questions[number] = Question(result, timer)
        self._wanted()
        self._send(EVERYBODY, message, lambda reached: self._reached(number, reached))
        self._find(topic, payload, lambda answer: self._own(number, answer))
        return result

    def answer(self, topic: bytes, callback: Answer) -> None:
        self._answers[topic] = callback
        self._wanted()

    # -- what comes -----------------------------------------------------------------------------

    def received(self, message: bytes) -> None:
        """A message of any process; one that makes no sense is counted and told once."""
        try:
            parts: Any = msgpack.unpackb(message, raw=True)
            fits = [part.__class__ for part in parts] == _FORM
            fits = fits and parts[0] == _VERSION and parts[1] in _KINDS
        except (ValueError, TypeError):
            fits = False
        if not fits:
            self._not_read()
            return
        _, kind, node, instance, number, topic, payload = parts
        if instance != self.instance:
            self.heard += 1
        if kind in (_ANSWERED, _SILENT):
            self._answered(number, (node, instance), payload if kind == _ANSWERED else None)
        elif instance == self.instance:
            self._echo(number)
        elif kind == _SPOKEN:
            self._hear(node, topic, payload)
        else:
            self._find(topic, payload, lambda answer: self._reply(instance, number, topic, answer))

    def close(self) -> None:
        """Nobody is there any more: what is asked has the answers it has."""
        for number in [*self._questions]:
            self._end(number)

    def _not_read(self) -> None:
        self.unreadable += 1
        if self.unreadable == 1:
            self._log.warn(
                "another process says what this version does not understand",
                event="bus_unreadable",
            )

    def _hear(self, node: bytes, topic: bytes, payload: bytes) -> None:
        for callback in [*self._ears.get(topic, ())]:
            maybeDeferred(callback, node, payload).addErrback(self._broken, topic)

    # -- questions ------------------------------------------------------------------------------

    def _find(self, topic: bytes, payload: bytes, found: Callable[[bytes | None], object]) -> None:
        """This node's answer, ``None`` when it has none."""
        callback = self._answers.get(topic)
        if callback is None:
            found(None)
            return
        answered: Deferred[Any] = maybeDeferred(callback, payload)
        answered.addCallback(_fitting).addErrback(self._broken, topic).addCallback(found)

    def _broken(self, failure: Failure, topic: bytes) -> None:
        self._log.failure("no good at {topic!r}", failure, event="bus_broken", topic=topic)

    def _reply(self, instance: bytes, number: int, topic: bytes, answer: bytes | None) -> None:
        kind = _SILENT if answer is None else _ANSWERED
        self._send(instance, self._packed(kind, number, topic, answer or b""), None)

    def _own(self, number: int, answer: bytes | None) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.ours = True
            if answer is not None:
                question.answers[self.node, self.instance] = answer
            self._look(number, question)

    def _reached(self, number: int, reached: int) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.reached = reached
            self._look(number, question)

    def _echo(self, number: int) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.back += 1
            self._look(number, question)

    def _answered(self, number: int, who: tuple[bytes, bytes], answer: bytes | None) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.back += 1
            if answer is not None:
                question.answers[who] = answer
            self._look(number, question)

    def _look(self, number: int, question: Question) -> None:
        if question.is_answered:
            self._end(number)

    def _end(self, number: int) -> None:
        question = self._leave(number)
        if question is not None:
            question.result.callback(by_name(question.answers))

    def _drop(self, number: int) -> None:
        self._leave(number)

    def _leave(self, number: int) -> Question | None:
        question = self._questions.pop(number, None)
        if question is not None and question.timer.active():
            question.timer.cancel()
        return question

    def _packed(self, kind: int, number: int, topic: bytes, payload: bytes) -> bytes:
        _fitting(payload)
        parts = (_VERSION, kind, self.node, self.instance, number, topic, payload)
        packed: bytes = msgpack.packb(parts, use_bin_type=False)
        return packed


def _fitting(payload: Any) -> bytes:
    """The payload, if it can be sent; :class:`ValueError` otherwise."""
    if not isinstance(payload, bytes):
        raise ValueError(f"a payload is octets, not {payload.__class__.__name__}")
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload of {len(payload)} octets, {MAX_PAYLOAD} are the most")
    return payload


def by_name(said: dict[tuple[bytes, bytes], _Said]) -> dict[bytes, _Said]:
    """What processes say, by the names of their nodes; a second one of a name gets ``~2``."""
    named: dict[bytes, _Said] = {}
    for (node, _), what in sorted(said.items(), key=lambda item: item[0]):
        name, count = node, 1
        while name in named:
            count += 1
            name = b"%b~%d" % (node, count)
        named[name] = what
    return named


def known_nodes(reply: Any) -> dict[bytes, dict[str, Any]]:
    """What each node says of itself; nothing but its age where that makes no sense to us."""
    said = {}
    for process, age, facts in zip(reply[::3], reply[1::3], reply[2::3], strict=True):
        node, _, instance = process.partition(b"\0")
        said[node, instance] = {**_facts(facts), "seconds": age / 1000}
    return by_name(said)


def _facts(packed: bytes) -> dict[str, Any]:
    try:
        facts = msgpack.unpackb(packed)
    except (ValueError, TypeError):
        return {}
    return facts if isinstance(facts, dict) else {}
