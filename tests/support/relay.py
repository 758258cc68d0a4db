"""A relay that writes down what the wire tells it, for tests of the doors alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from smppproxy.relay.ledger import Ledger
from smppproxy.relay.peers import Client, Upstream
from smppproxy.routing.accounts import Account
from smppproxy.smpp.pdu import Pdu
from tests.support.peers import Waits


@attrs.define
class Call:
    """One call: the method's name, whom it was about, what it brought, when."""

    name: str
    peer: Any
    what: Any
    now: float


class RecordingRelay(Waits):
    """Implements ``relay.peers.Relay``.

    :ivar calls: everything so far, in order.
    :ivar may: what ``may_bind`` answers, as a function of the account.
    :ivar on: what to do at a call, by its name; it is given the peer and what the call brought.
        An exception in it goes through the wire's handlers, as a bug of the relay would (F96).
    """

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.calls: list[Call] = []
        self.may: Callable[[Account], bool] = lambda account: True
        self.on: dict[str, Callable[[Any, Any], object]] = {}

    def __repr__(self) -> str:
        return f"<RecordingRelay {[call.name for call in self.calls]}>"

    def of(self, name: str) -> list[Call]:
        """The calls of this name."""
        return [call for call in self.calls if call.name == name]

    def peers(self, name: str) -> list[Any]:
        """Whom the calls of this name were about."""
        return [call.peer for call in self.of(name)]

    async def called(self, name: str, count: int = 1) -> Call:
        """Wait until there are ``count`` calls of this name; returns the last of them."""
        await self.until(lambda: len(self.of(name)) >= count, f"{name} x {count}")
        return self.of(name)[count - 1]

    def _note(self, name: str, peer: Any, what: Any, now: float) -> None:
        self.calls.append(Call(name, peer, what, now))
        action = self.on.get(name)
        try:
            if action is not None:
                action(peer, what)
        finally:
            self.changed()

    # -- relay.peers.Relay ----------------------------------------------------------------------

    def may_bind(self, account: Account) -> bool:
        return self.may(account)

    def client_bound(self, client: Client, now: float) -> None:
        self._note("client_bound", client, None, now)

    def client_requests(self, client: Client, pdus: Sequence[Pdu], now: float) -> None:
        client.outstanding += len(pdus)
        self._note("client_requests", client, list(pdus), now)

    def client_responses(
        self, client: Client, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        self._note("client_responses", client, list(answers), now)

    def client_expired(self, client: Client, tokens: Sequence[Any], now: float) -> None:
        self._note("client_expired", client, list(tokens), now)

    def client_lost(self, client: Client, now: float) -> None:
        self._note("client_lost", client, client.session.window.drain(), now)

    def upstream_bound(self, upstream: Upstream, now: float) -> None:
        self._note("upstream_bound", upstream, None, now)

    def upstream_requests(self, upstream: Upstream, pdus: Sequence[Pdu], now: float) -> None:
        self._note("upstream_requests", upstream, list(pdus), now)

    def upstream_responses(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        self._note("upstream_responses", upstream, list(answers), now)

    def upstream_late(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        self._note("upstream_late", upstream, list(answers), now)

    def upstream_expired(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        self._note("upstream_expired", upstream, list(tokens), now)

    def upstream_unsent(
        self, upstream: Upstream, tokens: Sequence[Any], gone: bool, now: float
    ) -> None:
        self._note("upstream_unsent", upstream, (list(tokens), gone), now)

    def upstream_doubted(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        self._note("upstream_doubted", upstream, list(tokens), now)

    def upstream_draining(self, upstream: Upstream, now: float) -> None:
        self._note("upstream_draining", upstream, None, now)

    def upstream_lost(self, upstream: Upstream, now: float) -> None:
        self._note("upstream_lost", upstream, upstream.session.window.drain(), now)
