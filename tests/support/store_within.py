"""A store around another one: for tests that decide what becomes of each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from smppproxy.store.cluster import Bus
from smppproxy.store.memory import MemoryStore
from smppproxy.store.times import Times

Call = Callable[[], Deferred[Any]]


class StoreWithin:
    """Says what the store within says; every call of the contract goes through :meth:`_call`.

    :ivar inner: the store within.
    """

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner

    def _call(self, name: str, run: Call) -> Deferred[Any]:
        """What becomes of a call: ``run`` does it."""
        return run()

    @property
    def ready(self) -> bool:
        return self.inner.ready

    @property
    def full(self) -> bool:
        return self.inner.full

    @property
    def memory_used(self) -> float:
        return self.inner.memory_used

    @property
    def bus(self) -> Bus:
        return self.inner.bus

    @property
    def times(self) -> Times:
        return self.inner.times

    @property
    def outstanding(self) -> int:
        return self.inner.outstanding

    @property
    def overflowed(self) -> dict[bytes, int]:
        return self.inner.overflowed

    def watch(self, callback: Callable[[bool], None]) -> None:
        self.inner.watch(callback)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.inner, name)

        def call(*arguments: Any, **options: Any) -> Deferred[Any]:
            return self._call(name, lambda: method(*arguments, **options))

        return call
