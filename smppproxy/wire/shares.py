"""This node's parts of the limits that all nodes share: an account's TPS, a provider's (SX-21).

Once a second the node tells the store what it has to send, and hears what it may. Who is to send
less does so at once, says so, and announces it; who has less than its part announces that: so a
change of needs is through in a fraction of a second, and a lost announcement costs a second. The
store is the truth. Without it everybody goes on with what he last had.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgpack
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall

from smppproxy.store.budgets import Demand, Grant
from smppproxy.store.interface import Store, until_it_is_back

TOPIC = b"shares"

EVERY = 1.0
"""Seconds between two looks at what this node has to send."""

RENEW = 2.0
"""Seconds after which a part is asked for again though nothing has changed."""

LIFE = 10.0
"""Seconds until the parts of a killed node are free."""

SOON = 0.05
"""Seconds for which announcements are gathered before the store is asked."""

QUIET = 0.3
"""Seconds between two announcements that this node has too little of something."""

CHANGED = 0.1
"""Part of a demand by which it has to change to be told before it must be."""

ENOUGH = 0.98
"""Part of its fair share that is as good as all of it."""


class Shares:
    """Asks for the parts of one node.

    :param demands: what the node wants now of these budgets, or of all, see ``SmppRelay.demands``.
    :param granted: told what it may have, and when (monotonic seconds).
    """

    def __init__(
        self,
        store: Store,
        clock: IReactorTime,
        demands: Callable[[Collection[bytes]], list[Demand]],
        granted: Callable[[Mapping[bytes, Grant], float], object],
    ) -> None:
        self._store = store
        self._clock = clock
        self._demands = demands
        self._granted = granted
        # By name: when it was asked for, and how much was wanted then.
        self._asked: dict[bytes, tuple[float, float]] = {}
        self._hinted: set[bytes] = set()
        self._soon: IDelayedCall | None = None
        self._complained = -QUIET
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock
        store.bus.hear(TOPIC, self._heard)
        store.watch(self._store_changed)

    def start(self) -> None:
        """Ask from now on; idempotent."""
        if not self._loop.running:
            self._loop.start(EVERY, now=False)

    def stop(self) -> None:
        """Ask no more; idempotent."""
        if self._loop.running:
            self._loop.stop()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None

    def ask(self, *names: bytes) -> Deferred[None]:
        """Ask for these now, or for all without a name. Fires with the answer; never fails."""
        demands = self._demands(names)
        return self._share(demands) if demands else succeed(None)

    def ask_soon(self, *names: bytes) -> None:
        """Ask for these in a moment, or without a name for what was never asked for."""
        self._hinted.update(names)
        if self._soon is None:
            self._soon = self._clock.callLater(SOON, self._gathered)

    def _gathered(self) -> None:
        self._soon = None
        self._tick()

    def _tick(self) -> None:
        """Ask for what has changed, was hinted at, or must be renewed; give up what is not used."""
        now = self._clock.seconds()
        demands = self._demands(())
        gone = self._asked.keys() - {demand.name for demand in demands}
        due = [demand for demand in demands if self._is_due(demand, now)]
        self._hinted.clear()
        if due or gone:
            self._share(due, list(gone))

    def _is_due(self, demand: Demand, now: float) -> bool:
        asked = self._asked.get(demand.name)
        if asked is None or demand.name in self._hinted or now - asked[0] >= RENEW:
            return True
        return abs(demand.wanted - asked[1]) > CHANGED * max(demand.wanted, asked[1])

    def _share(
        self, demands: list[Demand], gone: Iterable[bytes] = (), again: bool = False
    ) -> Deferred[None]:
        names = list(gone)
        asked = self._store.share(demands, names, LIFE)
        return asked.addCallbacks(
            self._answered, until_it_is_back, callbackArgs=(demands, names, again)
        )

    def _answered(
        self,
        grants: Mapping[bytes, Grant],
        demands: list[Demand],
        gone: list[bytes],
        again: bool,
    ) -> None:
        now = self._clock.seconds()
        for name in gone:
            self._asked.pop(name, None)
        for demand in demands:
            self._asked[demand.name] = (now, demand.wanted)
        self._granted(grants, now)
        freed = {
            demand.name for demand in demands if grants[demand.name].rate < demand.held * ENOUGH
        }
        if freed and not again:
            # What is held no more is others' once the store knows.
            self._share(self._demands(freed), (), True).addCallback(lambda _: self._announce(freed))
        if gone:
            self._announce(gone)
        short = [
            name
            for name, grant in grants.items()
            if grant.others and grant.rate < grant.target * ENOUGH
        ]
        if short and now - self._complained >= QUIET:
            self._complained = now
            self._announce(short)

    def _announce(self, names: Iterable[bytes]) -> None:
        payload: Any = msgpack.packb(list(names), use_bin_type=True)
        self._store.bus.announce(TOPIC, payload)

    def _heard(self, node: bytes, payload: bytes) -> None:
        """Another node has too little of these, or has given some of it back."""
        if node == self._store.bus.node or not self._loop.running:
            return
        try:
            names = msgpack.unpackb(payload, raw=True)
        except ValueError:
            return
        if not isinstance(names, list):
            return
        mine = self._asked.keys() & {name for name in names if isinstance(name, bytes)}
        if mine:
            self.ask_soon(*mine)

    def _store_changed(self, ready: bool) -> None:
        if ready and self._loop.running:
            self.ask_soon(*self._asked)
