"""A session that the other side has opened: its one timer, and who waits for its end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall

from smppproxy.relay.peers import Relay
from smppproxy.smpp.session import Session
from smppproxy.wire.protocol import SmppProtocol, Ticker


class Guest(SmppProtocol):
    """What clients' sessions and those of other nodes have in common.

    :ivar bound: whether its bind was accepted, and it is not over.
    """

    def __init__(self, session: Session, relay: Relay, ticker: Ticker, name: str) -> None:
        super().__init__(session, relay, ticker, name)
        self.bound = False
        self._farewell = b""
        self._timer: IDelayedCall | None = None
        self._gone: list[Deferred[None]] = []

    def drain(self, patience: float) -> Deferred[None]:
        """Take no more submits, answer those under way, unbind, close (GW-04).

        :param patience: seconds to wait for the answers.
        :return: fires when the connection is gone; never fails.
        """
        if not self.connected:
            return succeed(None)
        gone: Deferred[None] = Deferred()
        self._gone.append(gone)
        if not self.bound:
            self.close("shutting down")
        elif not self.leaving:
            self.retire(patience)
        return gone

    def retire(self, patience: float) -> None:
        """It is bound, and is to leave once what is under way is answered."""
        raise NotImplementedError

    def disconnected(self) -> None:
        """The socket is gone too."""
        gone, self._gone = self._gone, []
        for deferred in gone:
            deferred.callback(None)

    # -- one timer ------------------------------------------------------------------------------

    def wait(self, seconds: float, then: Any, *arguments: object) -> None:
        """Call ``then`` later, instead of what was to be called before."""
        self.stop_waiting()
        self._timer = self.clock.callLater(seconds, self._time_is_up, then, *arguments)

    def stop_waiting(self) -> None:
        """Forget what was to be called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self, then: Any, *arguments: object) -> None:
        self._timer = None
        self.guard(then, *arguments)
