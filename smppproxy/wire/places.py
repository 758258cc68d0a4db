"""Binds to a provider, shared by all nodes: ``binds_total`` places, leased in the store.

A bind takes a place before its first attempt and keeps it, over losses, until it is stopped; what a
killed node held is free half a minute later. A bind without a place waits, and its node has that
much less of the provider. Without the store nobody takes a new one.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from smppproxy.store.interface import Store, until_it_is_back
from smppproxy.wire.bind import UpstreamBind
from smppproxy.wire.leases import LEASE

TOPIC = b"places"

EVERY = 5.0
"""Seconds between two looks for a free place, and half of those between two renewals."""


class Places:
    """Implements :class:`smppproxy.wire.bind.Admitted` for the binds of this process."""

    def __init__(self, store: Store, clock: IReactorTime) -> None:
        self._store = store
        self._running: dict[str, UpstreamBind] = {}
        self._waiting: dict[str, UpstreamBind] = {}
        self._renewed = False
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        store.bus.hear(TOPIC, self._heard)

    def start(self) -> None:
        """Renew, and look for places, from now on; idempotent."""
        if not self._loop.running:
            self._loop.start(EVERY, now=False)

    def stop(self) -> None:
        """Renew no more; idempotent."""
        if self._loop.running:
            self._loop.stop()

    def ask(self, bind: UpstreamBind) -> bool:
        """See :class:`~smppproxy.wire.bind.Admitted`."""
        if not bind.provider.binds_total or bind.name in self._running:
            self._running[bind.name] = bind
            return True
        self._waiting[bind.name] = bind
        self._try(bind)
        return self._running.get(bind.name) is bind

    def gone(self, bind: UpstreamBind) -> None:
        """See :class:`~smppproxy.wire.bind.Admitted`."""
        if self._waiting.get(bind.name) is bind:
            del self._waiting[bind.name]
        if self._running.get(bind.name) is bind:
            del self._running[bind.name]
            if bind.provider.binds_total:
                self._drop(bind)

    def _drop(self, bind: UpstreamBind) -> None:
        dropped = self._store.drop_binds([_lease(bind)])
        dropped.addCallbacks(lambda _: self._store.bus.announce(TOPIC, b""), until_it_is_back)

    def _try(self, bind: UpstreamBind) -> None:
        taken = self._store.take_bind(*_lease(bind), bind.provider.binds_total, LEASE)
        taken.addCallbacks(
            self._answered, self._unknown, callbackArgs=(bind,), errbackArgs=(bind,)
        )

    def _answered(self, free: bool, bind: UpstreamBind) -> None:
        waits = self._waiting.get(bind.name) is bind
        if free and waits:
            del self._waiting[bind.name]
            self._running[bind.name] = bind
            bind.begin()
        elif free and bind.name not in self._running:
            self._drop(bind)

    def _unknown(self, failure: Failure, bind: UpstreamBind) -> None:
        """The store may have written it all the same; nobody may hold it for half a minute."""
        until_it_is_back(failure)
        self._store.drop_binds([_lease(bind)]).addErrback(until_it_is_back)

    def _look(self) -> None:
        for bind in [*self._waiting.values()]:
            self._try(bind)
        self._renewed = not self._renewed
        held = [_lease(bind) for bind in self._running.values() if bind.provider.binds_total]
        if held and self._renewed:
            self._store.keep_binds(held, LEASE).addErrback(until_it_is_back)

    def _heard(self, node: bytes, payload: bytes) -> None:
        """Somewhere a place is free."""
        for bind in [*self._waiting.values()]:
            self._try(bind)


def _lease(bind: UpstreamBind) -> tuple[bytes, bytes]:
    """The name of a provider's places, which no account's can be, and of this one."""
    return b"\0provider\0" + bind.provider.key, bind.name.encode()
