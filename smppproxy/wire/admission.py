"""Who may bind: the checks of a client's bind in their order (XC-14), shared by all listeners.

Address and TLS come before the password, so that a stolen password cannot be tried from outside:
address, TLS, credentials, enabled, bind type, number of binds, readiness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.python.failure import Failure

from smppproxy.relay.peers import Relay
from smppproxy.routing.accounts import Account
from smppproxy.smpp.constants import ESME_RBINDFAIL, ESME_RINVPASWD, ESME_RSYSERR
from smppproxy.smpp.fields import Bind
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.timers import Timers
from smppproxy.wire.authentication import Authenticator, Guessing, Overloaded, may_come_from
from smppproxy.wire.client import BIND_TYPES, ClientSession
from smppproxy.wire.protocol import Ticker

EVICTION = 5.0
"""Seconds a session of an account at its limit has to show life when one more wants in (GW-05)."""


class Admission:
    """Decides about binds and knows the bound sessions of this process.

    :param relay: asked for the bind limit and told of bound sessions.
    :param authenticator: checks passwords.
    :param accounts: gives the accounts of the network version in force, by system_id.
    :param ready: false while the store is away: binds get 0x08 (OZ-05).
    :param system_id: ours, in every bind_resp.
    :param timers: of the sessions towards clients.
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
    ) -> None:
        self.relay = relay
        self.ticker = ticker
        self.authenticator = authenticator
        self.accounts = accounts
        self.ready = ready
        self.system_id = system_id
        self.timers = timers or Timers(response=30.0)
        self.guessing = Guessing()
        self.draining = False
        self._bound: dict[str, set[ClientSession]] = {}

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

    # -- the checks -----------------------------------------------------------------------------

    def consider(self, client: ClientSession, pdu: Pdu, bind: Bind, now: float) -> None:
        """Decide about a bind, now or later: one of ``client.accept`` and ``client.refuse``."""
        delay = self.guessing.delay(client.peer, now)
        if delay:
            self.relay.ledger.count("bind_delayed")
            client.wait(delay, self._begin, client, pdu, bind)
        else:
            self._begin(client, pdu, bind)

    def _begin(self, client: ClientSession, pdu: Pdu, bind: Bind) -> None:
        name = printable(bind.system_id)
        accounts = self.accounts()
        account = accounts.get(bind.system_id.decode("utf-8", "replace"))
        why = outside(account, client)
        if why:
            client.refuse(ESME_RBINDFAIL, why, name, pdu)
            return
        model = next((other.password for other in accounts.values()), "")
        verdict = self.authenticator.verify(account, bind.system_id, bind.password, model)
        verdict.addCallback(self._verified, client, pdu, name, account)
        verdict.addErrback(self._not_verified, client, pdu, name)
        client.guarded(verdict)

    def _not_verified(self, failure: Failure, client: ClientSession, pdu: Pdu, name: str) -> None:
        failure.trap(Overloaded)
        client.refuse(ESME_RSYSERR, "too many binds at once", name, pdu)

    def _verified(
        self, right: bool, client: ClientSession, pdu: Pdu, name: str, account: Account | None
    ) -> None:
        if client.closing:
            return
        if account is None or not right:
            self.guessing.failed(client.peer, client.clock.seconds())
            why = "wrong password" if account else "unknown system_id"
            client.refuse(ESME_RINVPASWD, why, name, pdu)
            return
        why = not_allowed(account, pdu)
        if why:
            client.refuse(ESME_RBINDFAIL, why, name, pdu)
        elif self.relay.may_bind(account):
            self._let_in(client, pdu, account)
        else:
            self._make_room(client, pdu, account)

    def _make_room(self, client: ClientSession, pdu: Pdu, account: Account) -> None:
        """GW-05: a dead session must not keep its client out; the living ones keep their place."""
        asked = client.clock.seconds()
        others = self.sessions_of(account.system_id)
        for other in others:
            other.probe()
        if others:
            client.wait(EVICTION, self._evict, client, pdu, account, others, asked)
        else:
            self._evict(client, pdu, account, others, asked)

    def _evict(
        self,
        client: ClientSession,
        pdu: Pdu,
        account: Account,
        others: tuple[ClientSession, ...],
        asked: float,
    ) -> None:
        for other in others:
            # Whom we do not read could not have answered.
            if other.connected and not other.held and other.last_received <= asked:
                other.abort("dead, and its account binds again")
        if self.relay.may_bind(account):
            self._let_in(client, pdu, account)
        else:
            client.refuse(ESME_RBINDFAIL, "too many binds", account.system_id, pdu)

    def _let_in(self, client: ClientSession, pdu: Pdu, account: Account) -> None:
        if self.draining or not self.ready():
            why = "draining" if self.draining else "store away"
            client.refuse(ESME_RSYSERR, why, account.system_id, pdu)
        else:
            client.accept(account, pdu, client.clock.seconds())


def outside(account: Account | None, client: ClientSession) -> str:
    """What keeps this connection from even trying a password; "" when nothing does."""
    if account is None:
        return ""
    if not may_come_from(account, client.peer):
        return "address not allowed"
    if account.tls == "required" and not client.factory.tls:
        return "TLS required"
    return ""


def not_allowed(account: Account, pdu: Pdu) -> str:
    """What the account, proven to be itself, may not do; "" when nothing is in the way."""
    if not account.enabled:
        return "account disabled"
    if BIND_TYPES[pdu.command_id] not in account.bind_types:
        return f"bind type {BIND_TYPES[pdu.command_id]} not allowed"
    return ""


def printable(octets: bytes) -> str:
    """A peer's octets for a log: short, and without anything that could forge a line of it."""
    text = octets[:64].decode("ascii", "backslashreplace")
    return text.encode("unicode_escape").decode("ascii")
