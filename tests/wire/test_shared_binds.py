"""The binds of a provider, divided among the workers of a node."""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.wire.pool import UpstreamPool, labels_of, numbers_of
from tests.wire.binds import provider
from tests.wire.test_pool import PoolCase


class SharedTests(PoolCase):
    """Who has which."""

    def places(self, step: int, *ports: int, **options: Any) -> list[list[tuple[str, int, int]]]:
        """What each of the workers has."""
        pools = [self.part(first, step, *ports, **options) for first in range(step)]
        return [[bind.place for bind in pool.binds] for pool in pools]

    def test_every_bind_is_one_workers(self) -> None:
        """None is twice, none is missing, and none has more than one more than another."""
        for step in (1, 2, 3, 5):
            for binds in (1, 2, 3):
                found = self.places(step, 1, 2, binds=binds)
                whole = self.part(0, 1, 1, 2, binds=binds).binds
                places = sorted(place for each in found for place in each)
                self.assertEqual(places, sorted(bind.place for bind in whole))
                counts = [*map(len, found)]
                self.assertLessEqual(max(counts) - min(counts), 1)

    def test_a_bind_with_each_host(self) -> None:
        """As many binds as workers: each of them can fail over by itself."""
        for each in self.places(2, 1, 2, binds=2):
            self.assertEqual({host for host, _, _ in each}, {"a", "b"})

    def test_a_transmitter_and_its_receiver_stay_together(self) -> None:
        """A receipt comes back where its message went."""
        for each in self.places(2, 1, 2, binds=2, bind="transmitter+receiver"):
            pairs = [(host, number) for host, number, _ in each]
            self.assertEqual({pair: pairs.count(pair) for pair in pairs}, dict.fromkeys(pairs, 2))

    def test_not_always_the_first(self) -> None:
        """Of many providers with one bind every worker has some."""
        first = []
        for name in "abcdefgh":
            settings = attrs.evolve(provider(1), name=name)
            pool = UpstreamPool(
                settings, self.clock, self.relay, self.ticker, self.connect, share=(0, 2)
            )
            first.append(len(pool.binds))
        self.assertEqual({*first}, {0, 1})

    def test_a_supervisor_has_none(self) -> None:
        """Its binds are its workers'."""
        pool = self.part(-1, 1, 1, 2, binds=3)
        self.assertEqual(pool.binds, [])
        pool.use(attrs.evolve(pool.provider, binds=4))
        self.assertEqual(pool.binds, [])

    def test_what_binds_are_called(self) -> None:
        """As operators name them, as many as the provider lets there be."""
        both = provider(1, binds=2, bind="transmitter+receiver")
        self.assertEqual(labels_of(both), ["1tx", "1rx", "2tx", "2rx"])
        self.assertEqual(labels_of(attrs.evolve(both, max_binds=3)), ["1tx", "1rx", "2tx"])
        self.assertEqual(numbers_of(attrs.evolve(both, max_binds=2)), [1])
