"""Answers are held back until a replica of the server has what they speak of (level ``replica``).

WAIT is asked once for all calls of a turn, behind them on their connection, so it is about their
writes and no older ones: the server answers when the first replica has confirmed them. While it is
out the calls of other turns gather for the next one. When no replica confirms in time, the store
counts as away, and WAIT is asked again for the same calls and those that came since, in their
order: a receipt must not be handed out before the answer of the message that it is about. A call
whose patience ends meanwhile fails like one whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .link import LOST, Link

PART = 0.3
"""How much of an answer's deadline the server may wait for a replica: two waits fit in it."""

AGAIN = 0.1
"""Seconds before WAIT is asked again."""

CONFIRMED = frozenset(
    (
        "record",
        "match",
        "settle",
        "put",
        "numbers",
        "overdue",
        "mo",
        "replay",
        "versions",
        "fetch",
        "adopt",
    )
)
"""The scripts whose answer is a promise, or follows from one. A lost ack, lease or count is made
good by itself."""


class Held(Protocol):
    """A call: ``reply`` is what the server answered, None: nothing, or it was taken back."""

    reply: bytes | None


class Replicas:
    """Holds answers of one store.

    :param fence: a command that writes. WAIT is about the last write of a connection, and a call
        that is tried again may find all of it done on an earlier one.
    :param done: told each call that a replica has confirmed.
    :param again: told each call that none has, and that is not waited for any more on this
        connection.
    :param over: whether a call's patience has ended.
    :param trouble: told that none did.
    """

    def __init__(
        self,
        clock: IReactorTime,
        deadline: float,
        fence: Callable[[], tuple[bytes | int, ...]],
        done: Callable[[Any, bytes], None],
        again: Callable[[Any], None],
        over: Callable[[Any], bool],
        trouble: Callable[[], None],
    ) -> None:
        self.wait = (b"WAIT", 1, int(deadline * PART * 1000))
        self._clock = clock
        self._fence = fence
        self._done = done
        self._again = again
        self._over = over
        self._trouble = trouble
        self._link: Link | None = None
        # Those of the next WAIT and of the one that is out; a call is in one of them only.
        self._round: dict[Held, None] = {}
        self._asked_for: dict[Held, None] = {}
        self._later: IDelayedCall | None = None
        self._asked = False

    def sent(self, call: Held, link: Link) -> None:
        """A call went out on this connection, perhaps again: then what was asked before it is
        no answer for it."""
        self._link = link
        self._asked_for.pop(call, None)
        self._round.pop(call, None)
        self._round[call] = None
        self._ask_soon()

    def _ask_soon(self) -> None:
        if not self._asked and self._later is None:
            self._later = self._clock.callLater(0, self._ask)

    def _ask(self) -> None:
        self._later = None
        link = self._link
        self._asked_for, self._round = self._round, {}
        if link is None or not self._asked_for:
            return
        self._asked = True
        written: list[bool] = []

        def fenced(reply: Any) -> None:
            written.append(not isinstance(reply, Exception))

        def answered(reply: Any) -> None:
            self._answered(reply if any(written) or reply is LOST else None)

        link.send(fenced, *self._fence())
        link.send(answered, *self.wait)

    def _answered(self, reply: Any) -> None:
        self._asked = False
        # One without an answer met an error, and goes its own way.
        held = [call for call in self._asked_for if call.reply is not None]
        self._asked_for = {}
        if reply is LOST:
            self._give_up(held)
        elif is_confirmed(reply):
            for call in held:
                answer, call.reply = call.reply, None
                self._done(call, answer or b"")
            if self._round:
                self._ask_soon()
        else:
            self._trouble()
            self._give_up([call for call in held if self._over(call)])
            self._round = {
                **{call: None for call in held if call.reply is not None},
                **self._round,
            }
            if self._round and self._later is None:
                self._later = self._clock.callLater(AGAIN, self._ask)

    def _give_up(self, held: Iterable[Held]) -> None:
        for call in held:
            if call.reply is not None:
                call.reply = None
                self._again(call)

    def down(self) -> None:
        """The connection went; what was asked on it has been answered with LOST."""
        self._link = None
        if self._later is not None:
            self._later.cancel()
            self._later = None
        held, self._round = self._round, {}
        self._give_up(held)


def is_confirmed(reply: Any) -> bool:
    """Whether an answer to WAIT says that a replica has it all."""
    return reply.__class__ is int and reply > 0
