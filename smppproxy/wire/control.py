"""What operators want of providers, hosts and binds: kept in the store, taken by every node.

The store is the truth: it is read when the node starts, whenever the store is back, when another
node announces a change, and now and then without any of that. Without the store a node goes on
with what it knew; a store that has forgotten everything is told again by whoever knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from smppproxy.routing.providers import STATES, Provider
from smppproxy.routing.states import UP, Place, States, Wish, key_of, wishes_of
from smppproxy.store.interface import Store, until_it_is_back

TOPIC = b"wishes"

MARK = b""
"""Kept beside the wishes from the first one on: where it is missing the store has lost them."""

EVERY = 5.0
"""Seconds between two looks at the store, for what no announcement told."""

log = Logger()


class Control:
    """The wishes of operators, for one node.

    :param states: what holds; changed here only.
    :param changed: called when something else holds than before.
    """

    def __init__(
        self, store: Store, clock: IReactorTime, states: States, changed: Callable[[], object]
    ) -> None:
        self.states = states
        self._store = store
        self._changed = changed
        self._raw: Mapping[bytes, bytes] = {}
        self._kept: Mapping[Wish, str] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock
        store.watch(self._store_changed)
        store.bus.hear(TOPIC, self._heard)

    def start(self) -> None:
        """Look at the store now and then; idempotent."""
        if not self._loop.running:
            self._loop.start(EVERY, now=False)

    def stop(self) -> None:
        """Look no more; idempotent."""
        if self._loop.running:
            self._loop.stop()

    def use(self, providers: Mapping[str, Provider]) -> None:
        """Take the states that the network file begins with."""
        self.states.use(providers)
        self._changed()

    def look(self) -> Deferred[None]:
        """Read what the store has. Fires when it is taken, or cannot be read; never fails."""
        return self._store.wishes({}, 0.0).addCallbacks(self._read, until_it_is_back)

    def want(
        self, node: str, provider: str, host: str, bind: str, state: str
    ) -> Deferred[str]:
        """From now on want this of a provider (host and bind ""), one of its hosts, or one bind.

        ``up`` for all nodes takes back what was wanted on single nodes too.

        :param node: "" = on all nodes.
        :return: what was wanted of that place alone before; fails with
            :class:`~smppproxy.store.interface.StoreUnavailable` when it cannot be kept.
        :raises ValueError: that is no state.
        """
        if state not in STATES:
            raise ValueError(f"{state} is none of {', '.join(STATES)}")
        place = (provider, host, bind)
        was = self._said(node, place)
        wish = (node, *place)
        changes = {key_of(wish): state.encode(), MARK: b"1"}
        if self.states.needless(wish, state):
            changes[key_of(wish)] = b""
        if state == UP and not node:
            changes |= {key_of(each): b"" for each in self._kept if each[0] and each[1:] == place}
        return self._store.wishes(changes).addCallback(self._wanted, was)

    def _said(self, node: str, place: Place) -> str:
        """What is wanted of a place, here or on the node that is named."""
        there = self._kept.get((node, *place), UP) if node else UP
        return there if node not in ("", self.states.node) else self.states.said(place)

    def _wanted(self, kept: Mapping[bytes, bytes], was: str) -> str:
        self._read(kept)
        self._store.bus.announce(TOPIC, b"")
        return was

    def _read(self, kept: Mapping[bytes, bytes]) -> None:
        if MARK in self._raw and MARK not in kept:
            log.error(
                "the store has lost what was wanted of providers; it is told again",
                event="states_lost",
            )
            self._store.wishes({**self._raw, **kept}).addCallbacks(self._read, until_it_is_back)
            return
        self._raw = kept
        self._kept = wishes_of(kept)
        if self.states.take(self._kept):
            wishes = {"/".join(filter(None, key)): state for key, state in self._kept.items()}
            log.info(
                "what operators want has changed: {told}",
                event="states_changed",
                told=", ".join(f"{name} {state}" for name, state in wishes.items()) or "all up",
                wishes=wishes,
            )
            self._changed()

    def _store_changed(self, ready: bool) -> None:
        if ready:
            self.look()

    def _heard(self, node: bytes, payload: bytes) -> None:
        if node != self._store.bus.node:
            self.look()
