"""The relay as the wire sees it: one object that gives each event to its journey."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import inf
from typing import Any, ClassVar

from twisted.logger import Logger

from smppproxy.relay.counts import Counts
from smppproxy.relay.crowding import Crowding
from smppproxy.relay.deliver import Delivers
from smppproxy.relay.directory import Directory
from smppproxy.relay.events import Events
from smppproxy.relay.growth import Growth
from smppproxy.relay.hop import Hops
from smppproxy.relay.journal import NETWORK, Journal
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.outbox import Outbox
from smppproxy.relay.parked import Parked
from smppproxy.relay.peers import Client, Clock, Upstream
from smppproxy.relay.quality import Watch
from smppproxy.relay.recent import Recent
from smppproxy.relay.reminders import Reminders
from smppproxy.relay.replays import Replays
from smppproxy.relay.speed import BUDGET
from smppproxy.relay.spelling import Spellings
from smppproxy.relay.submit import Submits
from smppproxy.relay.via import Via
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoTable
from smppproxy.routing.providers import Provider
from smppproxy.routing.routes import RouteTable
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.budgets import Demand, Grant
from smppproxy.store.interface import MESSAGES, RECEIPTS, Limit, Store, until_it_is_back
from smppproxy.store.journal import Keeper, NoJournal
from smppproxy.store.leftovers import UNROUTED

BEAT = 0.05
"""Seconds between two looks at what waits for less than a second; only while something does."""

SWEEP_EVERY = 30.0
"""Seconds between two sweeps of the queues for what is older than the account keeps it."""


class SmppRelay:
    """Implements :class:`smppproxy.relay.peers.Relay` over one store.

    :ivar counts: of every account and every provider's host.
    :ivar replays: what has no owner, listed and looked at again.
    :ivar journal: what the message log is made of.
    :ivar maps: keeps maps while the store is away.
    :ivar replay_maps: writes maps that were kept while the store was away, as ``Store.record``.
    :ivar hops: messages of other nodes, over this node's binds.
    :ivar quality: how well providers deliver, for the routes that ask.
    :ivar reasons: how often targets of routes were passed over, and why.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        store: Store,
        wall_clock: Callable[[], float],
        clock: Clock,
        maps: Keeper | None = None,
        fill_limit: float = 1.0,
    ) -> None:
        """
        :param wall_clock: unix seconds, for submit times in receipts; never for timers.
        :param clock: monotonic; calls back where a second is too long to wait.
        :param maps: keeps the maps that the store does not take.
        :param fill_limit: the part of the store's memory from which on messages are refused (L4).
        """
        self.ledger = Ledger()
        self.counts = Counts(clock.seconds, wall_clock)
        self.journal = Journal()
        self._events = Events(self.ledger, clock.seconds, self.journal)
        self.directory = Directory(self._noticed)
        self._spellings = Spellings()
        self.hops = Hops(
            self.directory,
            self._ask,
            self._spellings,
            lambda upstream, status, now: self._submits.flow.broken(upstream, status, now),
        )
        self.quality = Watch()
        self.store = store
        self.maps: Keeper = maps or NoJournal()
        self._clock = clock
        self._beat: Any = None
        self._ask_share: Callable[[], object] = lambda: None
        self._accounts: Mapping[str, Account] = {}
        self._limits: dict[bytes, Limit] = {}
        self._swept = 0.0
        self._drops = -1
        self._lost: Mapping[bytes, int] = {}
        self._expired_since = 0
        self._growth = Growth(store, clock, lambda queues: self._outbox.fetches.wake_here(queues))
        self._outbox = Outbox(
            self.directory,
            store,
            self.ledger,
            clock.seconds,
            self._ask,
            lambda then: clock.callLater(0, then),
            self._events,
            self._growth.tell,
        )
        self.recent = Recent()
        self.crowding = Crowding(store, self.ledger, fill_limit, self._ask_for_drops)
        self._submits = Submits(
            self.directory,
            store,
            self.ledger,
            wall_clock,
            self._outbox.hold,
            self._outbox.released,
            self._spellings,
            self._ask,
            self.counts,
            self._events,
            self.maps,
            self.crowding,
        )
        self.reasons = self._submits.reasons
        self.replay_maps = self._submits.replay
        self._delivers = Delivers(
            store,
            self.ledger,
            wall_clock,
            self._outbox,
            self._spellings,
            self._submits.echoes.proved,
            self.counts,
            self._events,
            clock.seconds,
            self.quality,
        )
        wake = self._outbox.fetches.wake
        self.replays = Replays(
            store,
            self.ledger,
            self.counts,
            wake,
            self._delivers.reread,
            self._delivers.messages.choose,
        )
        self._parked = Parked(store, self.ledger, self.counts, self._events, wake)
        self._reminders = Reminders(store, self.ledger, wall_clock, wake, self.counts)
        store.watch(self._store_changed)
        if store.ready:
            self._submits.store_ready()

    def use(
        self,
        accounts: Mapping[str, Account],
        routes: RouteTable,
        mo: MoTable,
        now: float,
        providers: Mapping[str, Provider] | None = None,
    ) -> None:
        """Take a network's accounts and routes, at once and as a whole.

        :param providers: by whose settings replays read.
        """
        limits: dict[bytes, Limit] = {}
        for account in accounts.values():
            limits[RECEIPTS + account.key] = Limit(account.receipt_limit, account.receipt_keep)
            limits[MESSAGES + account.key] = Limit(account.mo_limit, account.mo_keep)
        limits[UNROUTED] = Limit(mo.settings.unrouted_limit, mo.settings.unrouted_keep)
        self.journal.note((NETWORK,))
        self._accounts = accounts
        self._limits = limits
        self.quality.use(routes)
        self._submits.use(routes, accounts.values(), limits, now)
        self._delivers.use(mo, limits, accounts)
        self.replays.use(providers or {}, limits)
        self._parked.use(providers or {}, limits)
        self._reminders.use(accounts.values(), limits)

    def _store_changed(self, ready: bool) -> None:
        self._log.info("store is {state}", event="store", state="ready" if ready else "away")
        self.ledger.count("store_ready" if ready else "store_away")
        if ready:
            self._submits.store_ready()
            self._outbox.fetches.wake_all()

    def may_bind(self, account: Account) -> bool:
        """Whether one more bind of this account is within its ``max_binds`` (MG-28)."""
        return self.directory.binds_of(account) < account.max_binds

    # -- clients --------------------------------------------------------------------------------

    def client_bound(self, client: Client, now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        client.counts = self.counts.account(client.account.system_id)
        inbox = self.directory.enter_client(client)
        if inbox is not None:
            self._outbox.entered(inbox, now)

    def client_requests(self, client: Client, pdus: Sequence[Pdu], now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self.recent.fresh.append((client.account.system_id, pdus))
        self._submits.requests(client, pdus, now)

    def client_responses(
        self, client: Client, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._outbox.responses(client, answers, now)

    def client_expired(self, client: Client, tokens: Sequence[Any], now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._outbox.expired(client, tokens, now)

    def client_lost(self, client: Client, now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._outbox.left(client, self.directory.leave_client(client), now)

    # -- providers ------------------------------------------------------------------------------

    def upstream_bound(self, upstream: Upstream, now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        upstream.counts = self.counts.host(upstream.provider.name, upstream.host.name)
        pool = self.directory.enter_upstream(upstream)
        if pool.speed.is_waiting and not isinstance(upstream.host, Via):
            self._ask_share()
        self._submits.flow.bound(pool, now)
        self.hops.restated(now)

    def upstream_requests(self, upstream: Upstream, pdus: Sequence[Pdu], now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._delivers.requests(upstream, pdus, now)

    def upstream_responses(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        upstream.counts.answered(answers)
        self.directory.answered(upstream, answers, now)
        if self.hops.used:
            answers = self.hops.take(upstream, answers, now)
            self.hops.answered(upstream, now)
        self.quality.answers(upstream, answers, now)
        self._submits.responses(upstream, answers, now)

    def upstream_late(
        self, upstream: Upstream, answers: Sequence[tuple[Any, Pdu]], now: float
    ) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        upstream.counts.answered(answers)
        if self.hops.used:
            answers = self.hops.take(upstream, answers, now, late=True)
        self._submits.late(upstream, answers, now)

    def upstream_expired(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self.directory.unanswered(upstream, len(tokens), now)
        if self.hops.used:
            tokens = self.hops.expired(upstream, tokens)
        self._submits.flow.expired(upstream, tokens, now)

    def upstream_unsent(
        self, upstream: Upstream, tokens: Sequence[Any], gone: bool, now: float
    ) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._submits.flow.unsent(upstream, tokens, gone, now)

    def upstream_doubted(self, upstream: Upstream, tokens: Sequence[Any], now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._submits.flow.doubt(upstream, tokens, now)

    def upstream_draining(self, upstream: Upstream, now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._submits.flow.draining(upstream, now)
        self.hops.restated(now)

    def upstream_lost(self, upstream: Upstream, now: float) -> None:
        """See :class:`~smppproxy.relay.peers.Relay`."""
        self._delivers.lost(upstream)
        self.directory.lost(upstream, now)
        if self.hops.used:
            self.hops.lost(upstream)
        self._submits.flow.lost(upstream, now)
        self.hops.restated(now)

    def _noticed(self, event: str, provider: str, host: str, more: Any) -> None:
        """A host is ejected or comes back, a provider is sent less: counted and told."""
        self.ledger.count(event)
        self._log.info(
            "{provider} host {host}: {event}", event=event, provider=provider, host=host, **more
        )

    def restate(self, now: float) -> None:
        """What operators want of providers, hosts and binds has changed."""
        for pool in self.directory.pools.values():
            pool.restate()
            if pool.binds:
                self._submits.flow.bound(pool, now)
            elif pool.backlog:
                self._submits.flow.reroute(pool, now)
        self.hops.restated(now)

    # -- time -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Somebody waits for less than a second: beat until nobody does."""
        if self._beat is None:
            self._beat = self._clock.callLater(BEAT, self._on_beat)

    def _on_beat(self) -> None:
        self._beat = None
        now = self._clock.seconds()
        submits = self._submits.flow.look(now)
        if self.hops.used and self.hops.look(now):
            submits = True
        if self._outbox.look(now) or submits:
            self._ask()

    def stop(self) -> None:
        """Beat no more: the process ends."""
        self._growth.stop()
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def tick(self, now: float) -> None:
        """Once a second: what waited too long, what is due again, what is too old."""
        self.recent.count()
        self.directory.tick(now)
        self.quality.tick(now)
        self._submits.rates.tick()
        self._submits.tick(now)
        self._events.tick(now)
        self._outbox.tick(now)
        self._growth.tick(now)
        self._reminders.tick(now)
        self._delivers.messages.tick(now)
        self.crowding.tick(now, self._limits)
        if self.store.ready and now - self._swept >= SWEEP_EVERY:
            self._swept = now
            self.store.sweep(dict(self._limits)).addCallbacks(self._sweeped, until_it_is_back)
            self._parked.look()

    def _sweeped(self, counts: Mapping[bytes, int]) -> None:
        """Receipts that grew too old were expired; parked ones became orphans."""
        for queue, count in counts.items():
            if queue.startswith(RECEIPTS):
                self.ledger.expired += count
                self._expired_since += count
            elif queue.startswith(b"p:"):
                self.ledger.unpark(count)
                self.ledger.orphaned += count
                self._events.orphaned(queue[2:].decode("utf-8", "replace"), count)
            else:
                self.ledger.count("mo_expired", count)
        self._ask_for_drops()

    def _ask_for_drops(self) -> None:
        self.store.dropped().addCallbacks(self._dropped, until_it_is_back)

    def _dropped(self, totals: Mapping[bytes, int]) -> None:
        """What full queues pushed out since the last look, beside what a sweep has told (L3).

        Every queue that lost something since then is named in the log, whichever node lost it.
        """
        if self._drops >= 0:
            for queue, count in totals.items():
                lost = count - self._lost.get(queue, 0)
                if lost:
                    self._log.warn(
                        "queue {queue} lost {count} entries to its limits of number and age",
                        event="queue_dropped",
                        queue=queue.decode("utf-8", "replace"),
                        count=lost,
                    )
        self._lost = dict(totals)
        total = sum(count for queue, count in totals.items() if queue.startswith(RECEIPTS))
        if self._drops >= 0:
            self.ledger.dropped += total - self._drops - self._expired_since
        self._drops = total
        self._expired_since = 0

    def demands(self, names: Collection[bytes] = ()) -> list[Demand]:
        """What this node wants of the limits that all nodes share (SX-21, decisions 8).

        :param names: of budgets; without one all of them.
        """
        demands = self._submits.rates.demands(names)
        for pool in self.directory.pools.values():
            if names and BUDGET + pool.provider.key not in names:
                continue
            demand = pool.speed.demand(pool.has_own)
            if demand is not None:
                demands.append(demand)
        return demands

    def granted(self, grants: Mapping[bytes, Grant], now: float) -> None:
        """What the store lets this node send of them."""
        providers = {BUDGET + pool.provider.key: pool for pool in self.directory.pools.values()}
        for name, grant in grants.items():
            pool = providers.get(name)
            if pool is None:
                self._submits.rates.granted(name, grant, now)
                continue
            pool.speed.grant(grant, now)
            if pool.backlog:
                self._submits.flow.advance(pool, now)

    def divide(self, ask: Callable[[], object]) -> None:
        """From now on limits are shared with other nodes; to be called before the first bind.

        :param ask: asks the store what this node may have, since it has nothing of something.
        """
        self.directory.shared = self._submits.rates.shared = True
        self._ask_share = ask

    def join(self, account: Account) -> bytes:
        """The account is about to be bound here; the name of its budget, b"" without one."""
        return self._submits.rates.join(account)

    def leave(self, account: Account) -> None:
        """No place of the account is held here any more."""
        self._submits.rates.leave(account)

    def shares(self) -> dict[str, float]:
        """submit_sm a second that this node may spend now, by ``account:`` or ``provider:NAME``."""
        buckets = self._submits.rates.buckets
        shares = {f"account:{name}": bucket.rate for name, bucket in buckets.items()}
        for name, pool in self.directory.pools.items():
            if pool.speed.rate < inf:
                shares[f"provider:{name}"] = pool.speed.rate
        return shares

    def learned(self) -> dict[str, str]:
        """How providers with ids in mode auto spell them, by what was seen (XC-02)."""
        return self._spellings.learned()

    def opened(self, queues: Iterable[tuple[int, int]]) -> None:
        """What the accounts' receipt queues held when this process began."""
        self.ledger.queued_before = sum(waiting + held for waiting, held in queues)
        self._ask_for_drops()
