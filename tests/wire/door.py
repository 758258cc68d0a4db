"""A listener with everything behind it but the journeys, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from argon2 import PasswordHasher
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.trial.unittest import TestCase

from smppproxy.routing.accounts import Account
from smppproxy.smpp.timers import Timers
from smppproxy.wire import admission as admission_module
from smppproxy.wire import client as client_module
from smppproxy.wire.admission import Admission
from smppproxy.wire.authentication import Authenticator
from smppproxy.wire.listener import ClientListener
from smppproxy.wire.protocol import Ticker
from tests.support.peers import FakeClient
from tests.support.relay import RecordingRelay

reactor: Any = global_reactor

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A password's cost is not what most tests are about."""

NAME, PASSWORD = b"esme01", b"secret08"
STORED = CHEAP.hash(PASSWORD)


def account(**options: Any) -> Account:
    """The account esme01/secret08 with these options."""
    return Account(system_id=NAME.decode(), password=STORED, **options)


def at_once(work: Callable[[], bool]) -> Deferred[bool]:
    """Run a check in this thread: the strings here are cheap."""
    return maybeDeferred(work)


class Door:
    """A listener on a free port; everything ends with the test.

    :param linger: seconds between a refusal and the close, and of an eviction: shorter than real.
    :param leases: the places over all nodes.
    :param limits: more options of the listener.
    :param options: of the account.
    """

    def __init__(
        self,
        test: TestCase,
        tls: Any = None,
        timers: Timers | None = None,
        max_sessions: int = 1000,
        accept_rate: int = 1000,
        linger: float = 0.05,
        leases: Any = None,
        limits: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        test.patch(client_module, "REFUSAL_LINGER", linger)
        test.patch(admission_module, "EVICTION", 4 * linger)
        self.test = test
        self.relay = RecordingRelay()
        self.ticker = Ticker(reactor, 0.02)
        self.accounts = {NAME.decode(): account(**options)}
        self.ready = True
        self.admission = Admission(
            self.relay,
            self.ticker,
            Authenticator(reactor, at_once),
            lambda: self.accounts,
            lambda: self.ready,
            b"smppproxy",
            timers or Timers(response=30.0),
            leases,
        )
        self.listener = self.listen(tls, max_sessions, accept_rate, **(limits or {}))
        self.ticker.start()
        test.addCleanup(self.ticker.stop)

    def listen(
        self, tls: Any = None, max_sessions: int = 1000, accept_rate: int = 1000, **limits: Any
    ) -> ClientListener:
        """One more listener of the same node."""
        listener = ClientListener(
            reactor,
            self.admission,
            "door",
            "127.0.0.1",
            0,
            tls,
            accept_rate,
            max_sessions,
            **limits,
        )
        listener.start()
        self.test.addCleanup(self._end, listener)
        return listener

    @property
    def sessions(self) -> set[Any]:
        """The connections of the first listener."""
        return self.listener.factory.sessions

    async def client(self, **options: Any) -> FakeClient:
        """A connection to the first listener."""
        return await FakeClient.connect(self.test, self.listener.port, **options)

    async def bound(self, command_id: int = 9, **options: Any) -> FakeClient:
        """A connection that is bound as the account."""
        client = await self.client(**options)
        answer = await client.bind(NAME, PASSWORD, command_id)
        assert answer.command_status == 0, answer
        return client

    async def status(self, password: bytes = PASSWORD, command_id: int = 9, **options: Any) -> int:
        """The command_status of a bind on a connection of its own."""
        client = await self.client()
        return (await client.bind(NAME, password, command_id, **options)).command_status

    def count_binds(self) -> None:
        """Let the relay hold the account to its max_binds, as the real one does."""
        self.relay.may = (
            lambda one: len(self.admission.sessions_of(one.system_id)) < one.max_binds
        )

    def event(self, name: str) -> int:
        """How often the ledger counted this."""
        return self.relay.ledger.events[name]

    async def _end(self, listener: ClientListener) -> None:
        gone = [partial(_abort, session)() for session in tuple(listener.factory.sessions)]
        await gatherResults([listener.stop(), *gone])


def _abort(session: Any) -> Deferred[None]:
    gone: Deferred[None] = Deferred()
    session._gone.append(gone)
    session.abort("the test is over")
    return gone
