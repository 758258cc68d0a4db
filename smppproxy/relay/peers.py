"""What the journeys ask of a bound session, and what a session tells the journeys.

``wire`` implements :class:`Client` and :class:`Upstream` over sockets and calls :class:`Relay`;
the journeys know nothing of sockets, so tests play both sides with plain objects.
``now`` is always monotonic seconds, as ``reactor.seconds()`` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from smppproxy.relay.counts import AccountCounts, HostCounts
from smppproxy.relay.ledger import Ledger
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Host, Provider
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import Session


class Clock(Protocol):
    """The part of a reactor that the journeys use."""

    def seconds(self) -> float:
        """Monotonic seconds."""

    def callLater(self, delay: float, callable: Callable[[], object]) -> Any:  # noqa: N802
        """Call back once; the result has ``cancel()``."""


class Peer(Protocol):
    """Either end of a bound session.

    :ivar name: for logs and tables, e.g. ``"demo#3 127.0.0.1:41822"``.
    :ivar peer: the other side's address, as text.
    :ivar writable: false while the transport's buffer is full (F37).
    :ivar connected: false once the connection is lost; writes are then no-ops.
    """

    session: Session
    name: str
    peer: str
    writable: bool
    connected: bool

    def write(self, data: bytes) -> None:
        """Send whole PDUs; a no-op once the connection is lost."""

    def hold(self) -> None:
        """Stop reading (back-pressure); idempotent."""

    def release(self) -> None:
        """Read again; idempotent."""

    def close(self, reason: str) -> None:
        """Flush, then end the connection; ``reason`` goes to the log."""


class Client(Peer, Protocol):
    """One bound session of an account.

    :ivar outstanding: submit_sm taken from this session and not answered yet. The journeys add,
        :meth:`answer` takes away.
    :ivar counts: its account's; set by the relay when it is bound.
    :ivar bound_at: monotonic seconds at which it bound.
    """

    account: Account
    counts: AccountCounts
    outstanding: int
    bound_at: float

    def hold(self) -> None:
        """Bring no more submits, but answers (XC-16); idempotent."""

    def answer(self, data: bytes, count: int) -> None:
        """Write ``count`` submit_sm_resp; submits go on once ``outstanding`` is in the window."""


class Upstream(Peer, Protocol):
    """One bound session to a host of a provider.

    :ivar counts: the host's; set by the relay when it is bound.
    :ivar bound_at: monotonic seconds at which it bound.
    """

    bound_at: float
    counts: HostCounts
    provider: Provider
    host: Host


class Relay(Protocol):
    """What the wire calls. Every method is synchronous and none of them raises."""

    ledger: Ledger

    def may_bind(self, account: Account) -> bool:
        """Whether one more bind of this account is within its ``max_binds`` (MG-28)."""

    def client_bound(self, client: Client, now: float) -> None:
        """A client's bind was accepted; receipts may go to it from now on."""

    def client_requests(self, client: Client, pdus: Sequence[Pdu], now: float) -> None:
        """The submit_sm of one read."""

    def client_responses(
        self, client: Client, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """The deliver_sm_resp of one read, each with the token its window held."""

    def client_expired(self, client: Client, tokens: Sequence[Any], now: float) -> None:
        """deliver_sm that were not answered in time."""

    def client_lost(self, client: Client, now: float) -> None:
        """The session ended; what its window held is due again elsewhere."""

    def upstream_bound(self, upstream: Upstream, now: float) -> None:
        """A bind to a provider's host stands; submits may go to it from now on."""

    def upstream_requests(self, upstream: Upstream, pdus: Sequence[Pdu], now: float) -> None:
        """The deliver_sm and data_sm of one read."""

    def upstream_responses(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """The submit_sm_resp of one read, each with the token its window held."""

    def upstream_late(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """Answers to submit_sm that had been given up (P5)."""

    def upstream_expired(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        """submit_sm that were not answered in time: in doubt."""

    def upstream_unsent(
        self, upstream: Upstream, tokens: Sequence[Any], gone: bool, now: float
    ) -> None:
        """Another node did not send these; ``gone``: it has no bind any more."""

    def upstream_doubted(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        """Another node sent these and their bind was lost there, or never answered."""

    def upstream_draining(self, upstream: Upstream, now: float) -> None:
        """The provider asked to unbind: no new submits on this bind."""

    def upstream_lost(self, upstream: Upstream, now: float) -> None:
        """The session ended; what its window held is in doubt."""
