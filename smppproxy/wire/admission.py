"""Who may bind: the checks of a client's bind in their order (XC-14), shared by all listeners.

Address, TLS and version come before the password, so that a stolen password cannot be tried from
outside: address, TLS, version, credentials, enabled, system_type, bind type, number of binds,
readiness. What is answered to each stands in :mod:`smppproxy.smpp.refusals`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from smppproxy.relay.peers import Relay
from smppproxy.routing.accounts import Account
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import REFUSALS, status_of
from smppproxy.smpp.timers import Timers
from smppproxy.store.interface import StoreUnavailable
from smppproxy.wire.authentication import Authenticator, Guessing, Overloaded, may_come_from
from smppproxy.wire.client import BIND_TYPES, ClientSession
from smppproxy.wire.parking import Yard
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.tls import certificate_names

EVICTION = 5.0
"""Seconds a session of an account at its limit has to show life when one more wants in (GW-05)."""


class Leases(Protocol):
    """The places of an account that all nodes share (MG-28).

    Asked once an account has room in this process, unless its ``max_binds_scope`` is "node" and
    it has no TPS either, which is divided by the nodes where it is bound (SX-21).
    """

    def take(self, account: Account, client: ClientSession) -> Deferred[bool]:
        """A place for this session; false when all are taken.

        Fails with :class:`~smppproxy.store.interface.StoreUnavailable` when nobody can say.
        """

    def give_back(self, account: Account, client: ClientSession) -> None:
        """A place that was taken is free again, once for each; never raises."""


class OneProcess:
    """The leases of a node that is alone: the relay's own count is all there is."""

    def take(self, account: Account, client: ClientSession) -> Deferred[bool]:
        """There is a place."""
        return succeed(True)

    def give_back(self, account: Account, client: ClientSession) -> None:
        """Nobody counted it."""


@attrs.define
class Bid:
    """A bind that waits for its verdict."""

    client: ClientSession
    pdu: Pdu
    bind: Bind
    account: Account | None = None


Otherwise = Callable[[Bid, Account], None]


class Admission:
    """Decides about binds and knows the bound sessions of this process.

    :param relay: asked for the bind limit and told of bound sessions.
    :param authenticator: checks passwords.
    :param accounts: gives the accounts of the network version in force, by system_id.
    :param ready: false while the store is away: binds get 0x08 (OZ-05).
    :param system_id: ours, in every bind_resp.
    :param timers: of the sessions towards clients, where their account has none of its own.
    :param leases: the places that all nodes share.
    :ivar draining: nobody may bind.
    :ivar barred: accounts that may not bind until the operator lets them again.
    """

    def __init__(
        self,
        relay: Relay,
        ticker: Ticker,
        authenticator: Authenticator,
        accounts: Callable[[], Mapping[str, Account]],
        ready: Callable[[], bool] = lambda: True,
        system_id: bytes = b"smppproxy",
        timers: Timers | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.relay = relay
        self.ticker = ticker
        self.authenticator = authenticator
        self.accounts = accounts
        self.ready = ready
        self.system_id = system_id
        self.timers = timers or Timers(response=30.0)
        self.leases: Leases = OneProcess() if leases is None else leases
        self.guessing = Guessing()
        self.yard = Yard()
        self.draining = False
        self.barred: set[str] = set()
        self._bound: dict[str, set[ClientSession]] = {}

    def bar(self, accounts: Collection[str], patience: float) -> None:
        """From now on nobody binds as one of these; who is bound is unbound.

        :param patience: seconds for the answers that are still to come.
        """
        new = set(accounts) - self.barred
        self.barred.clear()
        self.barred.update(accounts)
        for account in new:
            for session in self.sessions_of(account):
                session.drain(patience)

    # -- who is here ----------------------------------------------------------------------------

    def enter(self, client: ClientSession) -> None:
        """The client is bound."""
        self._bound.setdefault(client.account.system_id, set()).add(client)

    def leave(self, client: ClientSession) -> None:
        """The client is gone."""
        sessions = self._bound.get(client.account.system_id, set())
        sessions.discard(client)
        if not sessions:
            self._bound.pop(client.account.system_id, None)

    def sessions_of(self, system_id: str) -> tuple[ClientSession, ...]:
        """The bound sessions of an account in this process, over all listeners."""
        return tuple(self._bound.get(system_id, ()))

    def give_back(self, client: ClientSession) -> None:
        """The place that the client took over all nodes, if it did, is free again."""
        account, client.leased = client.leased, None
        if account is not None:
            self.leases.give_back(account, client)

    # -- the checks -----------------------------------------------------------------------------

    def consider(self, client: ClientSession, pdu: Pdu, bind: Bind, now: float) -> None:
        """Decide about a bind, now or later: one of ``client.accept`` and ``client.refuse``."""
        bid = Bid(client, pdu, bind)
        delay = self.guessing.delay(client.peer, bind.system_id, now)
        if not delay:
            self._begin(bid)
        elif self.guessing.wait(client.peer):
            self.relay.ledger.count("bind_delayed")
            client.slowed = True
            client.wait(delay, self._begin_late, bid)
        else:
            self._refuse(bid, "not_ready", "too many wrong binds from its address")

    def _begin_late(self, bid: Bid) -> None:
        self.waited(bid.client)
        self._begin(bid)

    def waited(self, client: ClientSession) -> None:
        """The client's bind waits no more for its address having guessed; idempotent."""
        if client.slowed:
            client.slowed = False
            self.guessing.waited(client.peer)

    def _begin(self, bid: Bid) -> None:
        accounts = self.accounts()
        bind = bid.bind
        if not accounts:
            # A node that waits for its first network must not make a client stop for good.
            self._refuse(bid, "not_ready", "there is no network yet")
            return
        account = bid.account = accounts.get(bind.system_id.decode("utf-8", "replace"))
        if account is not None:
            refusal, why = outside(account, bid)
            if refusal:
                self._refuse(bid, refusal, why)
                return
        model = next((other.password for other in accounts.values()), "")
        twice = any(other.second_password for other in accounts.values())
        verdict = self.authenticator.verify(
            account, bind.system_id, bind.password, model, twice
        )
        verdict.addCallback(self._verified, bid)
        verdict.addErrback(self._not_verified, bid)
        bid.client.guarded(verdict)

    def _not_verified(self, failure: Failure, bid: Bid) -> None:
        failure.trap(Overloaded)
        self._refuse(bid, "not_ready", "too many binds at once")

    def _verified(self, right: bool, bid: Bid) -> None:
        client, account = bid.client, bid.account
        if client.closing:
            return
        if account is None:
            self.guessing.failed(client.peer, bid.bind.system_id, client.clock.seconds())
            # Nobody's account has no word of its own, so one that asks for it speaks for all.
            told = any(other.distinct_auth_errors for other in self.accounts().values())
            refusal = "unknown_system_id" if told else "credentials"
            self._refuse(bid, refusal, "unknown system_id")
        elif not right:
            self.guessing.failed(client.peer, bid.bind.system_id, client.clock.seconds())
            self._refuse(bid, "credentials", "wrong password")
        else:
            self.guessing.succeeded(client.peer, bid.bind.system_id)
            refusal = not_allowed(account, bid)
            if refusal:
                self._refuse(bid, refusal)
            elif account.system_id in self.barred:
                self._refuse(bid, "not_ready", "drained by the operator")
            else:
                self._seek_place(bid, account, self._make_room)

    # -- a place for it -------------------------------------------------------------------------

    def _seek_place(self, bid: Bid, account: Account, otherwise: Otherwise) -> None:
        """MG-28: a place in this process, then one over all nodes."""
        if not self.relay.may_bind(account):
            otherwise(bid, account)
        elif account.max_binds_scope == "node" and not account.tps:
            self._let_in(bid, account)
        else:
            taken = self.leases.take(account, bid.client)
            taken.addCallback(self._answered, bid, account, otherwise)
            taken.addErrback(self._not_answered, bid)
            bid.client.guarded(taken)

    def _answered(self, free: bool, bid: Bid, account: Account, otherwise: Otherwise) -> None:
        client = bid.client
        if free:
            client.leased = account
        if client.closing:
            self.give_back(client)
        elif free:
            self._let_in(bid, account)
        else:
            otherwise(bid, account)

    def _not_answered(self, failure: Failure, bid: Bid) -> None:
        failure.trap(StoreUnavailable)
        self._refuse(bid, "not_ready", "store away")

    def _make_room(self, bid: Bid, account: Account) -> None:
        """GW-05: a dead session must not keep its client out; the living ones keep their place."""
        asked = bid.client.clock.seconds()
        others = self.sessions_of(account.system_id)
        for other in others:
            other.probe()
        if others:
            bid.client.wait(EVICTION, self._evict, bid, account, others, asked)
        else:
            self._full(bid, account)

    def _evict(
        self, bid: Bid, account: Account, others: tuple[ClientSession, ...], asked: float
    ) -> None:
        for other in others:
            # Whom we do not read could not have answered.
            if other.connected and not other.held and other.last_received <= asked:
                other.abort("dead, and its account binds again")
        self._seek_place(bid, account, self._full)

    def _full(self, bid: Bid, account: Account) -> None:
        self._refuse(bid, "too_many_binds")

    def _let_in(self, bid: Bid, account: Account) -> None:
        if self.draining or not self.ready():
            self.give_back(bid.client)
            self._refuse(bid, "not_ready", "draining" if self.draining else "store away")
        else:
            bid.client.accept(account, bid.pdu, bid.client.clock.seconds())

    def _refuse(self, bid: Bid, refusal: str, why: str = "") -> None:
        """Answer as the table says, or the account for its part; ``why`` is for our log."""
        errors = bid.account.errors if bid.account is not None else {}
        why = why or REFUSALS[refusal].rule
        name = printable(bid.bind.system_id)
        bid.client.refuse(status_of(refusal, errors), why, name, bid.pdu)


def outside(account: Account, bid: Bid) -> tuple[str, str]:
    """The refusal that keeps this connection from even trying a password, and why if that says
    more than its name; "" when there is none."""
    client = bid.client
    if not may_come_from(account, client.peer):
        return "address_not_allowed", ""
    if account.tls == "required" and not client.factory.tls:
        return "tls_required", ""
    if account.client_certificates and not shows_certificate(account, client):
        return "tls_required", "no client certificate of this account"
    if account.versions and bid.bind.interface_version not in account.versions:
        return "version_not_allowed", ""
    return "", ""


def shows_certificate(account: Account, client: ClientSession) -> bool:
    """Whether the client's certificate is one of its account's."""
    names = certificate_names(client.transport)
    return any(wanted.lower() in names for wanted in account.client_certificates)


def not_allowed(account: Account, bid: Bid) -> str:
    """The refusal of what the account, proven to be itself, may not do; "" when it may."""
    if not account.enabled:
        return "account_disabled"
    wanted = account.require_system_type
    if wanted and bid.bind.system_type != wanted.encode():
        return "system_type"
    if BIND_TYPES[bid.pdu.command_id] not in account.bind_types:
        return "bind_type_not_allowed"
    return ""


def printable(octets: bytes) -> str:
    """A peer's octets for a log: short, and without anything that could forge a line of it."""
    text = octets[:64].decode("ascii", "backslashreplace")
    return text.encode("unicode_escape").decode("ascii")
