"""What waits for a provider, and for how long: windows, pauses, second tries, and the last word.

A message waits in the backlog of a provider, in doubt for any bind to come (``doubt``), or for its
second try (``tries``); some may move from one backlog to another (``moving``). It waits there for
30 s, or as long as a refusal of the provider lets it be tried again.

A provider's ``tps`` and pauses need a finer clock than the tick of a second: :meth:`Flow.look`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch
from smppproxy.relay.doubt import RESEND_AGE, Doubts
from smppproxy.relay.groups import whole
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.moving import Moving
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import LOST
from smppproxy.relay.retry import AGAIN_AFTER, BACKLOG_AGE, Retry
from smppproxy.relay.submission import flush, send_replies
from smppproxy.relay.tries import Tries
from smppproxy.routing.providers import Provider
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, refusal_of

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit, Writes


class Flow:
    """Who waits for which provider."""

    def __init__(
        self,
        directory: Directory,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        doubts: Doubts,
        dispatch: Dispatch,
        send: Callable[[Submit, float, Writes], RefusalStatus],
        refuse: Callable[[Submit, RefusalStatus, dict[Client, list[bytes]]], None],
        give_up: Callable[[Iterable[Submit]], None],
        forget: Callable[[Submit], None],
        refer: Callable[[Provider, Iterable[Submit], float], None],
        ask: Callable[[], None],
    ) -> None:
        """
        :param dispatch: gives a submit to a bind or a backlog.
        :param send: as that of ``dispatch``; asks the routes of today where nobody is left to try.
        :param refuse: adds the answer to a submit to what this turn answers.
        :param give_up: tells clients that the fate of these is unknown.
        :param forget: ends a submit whose client went while it waited.
        :param refer: lets the receipts of messages in doubt find them by our reference.
        :param ask: asks for :meth:`look` to be called at the next beat.
        """
        self._directory = directory
        self._ledger = ledger
        self._doubts = doubts
        self._dispatch = dispatch
        self._moving = Moving(directory, dispatch)
        self._send = send
        self._refuse = refuse
        self._give_up = give_up
        self._forget = forget
        self._refer = refer
        self._ask = ask
        self._tries = Tries(directory, ledger, wall_clock, dispatch, ask)
        self._slow = self._tries.slow
        self.again = self._tries.again
        self.broken = self._tries.broken

    # -- a provider's answers -------------------------------------------------------------------

    def fail_over(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """See :meth:`Tries.fail_over`."""
        if not self._tries.fail_over(upstream, submit, status, told, now):
            return False
        self.advance_queued(now)
        return True

    def answered(self, upstream: Upstream, good: bool, now: float) -> None:
        """The answers of one read are dealt with: windows have room again."""
        pool = self._directory.pool(upstream.provider)
        if good and (pool.pauses or pool.troubles):
            pool.forgive(upstream.host.name)
        if self._tries.waiting:
            self._try_again(now)
        self._tries.close_broken(now)
        if pool.binds:
            self.advance(pool, now)
        elif pool.backlog:
            self.reroute(pool, now)

    # -- the backlog ----------------------------------------------------------------------------

    def advance(self, pool: Pool, now: float) -> None:
        """Send what waits in a provider's backlog as far as its windows and its tps let it."""
        backlog = pool.backlog
        if self._moving.needed:
            self._moving.pull(pool, now)
        if not backlog or not pool.binds:
            return
        writes: Writes = {}
        stuck: list[Submit] = []
        while backlog:
            submit = backlog.popleft()
            if submit.settled or not submit.client.connected:
                self._forget(submit)
                continue
            alone = submit.affinity < 0
            urgent = submit.urgent
            bind = pool.pick(now, urgent) if alone else pool.pick_for(submit, now, urgent)
            if bind is not None:
                self._dispatch.write(bind, submit, now, writes)
                continue
            stuck.append(submit)
            if alone or pool.limited:
                break
        backlog.extendleft(stuck)
        flush(writes)
        if not backlog:
            self._dispatch.movable.discard(pool)
        elif pool.limited or pool.resting:
            self._slow.add(pool)
            self._ask()

    def move(self, now: float) -> None:
        """Nothing waits for one target that another one has room for; cheap when nothing may move.

        To be called before new messages find room that nobody has noticed yet.
        """
        for pool in self._moving.pools_with_room(now):
            self.advance(pool, now)

    def advance_queued(self, now: float) -> None:
        """A part that waits for its host must not hold up what another host has room for."""
        queued, self._dispatch.queued = self._dispatch.queued, set()
        for pool in queued:
            self.advance(pool, now)
        if self._moving.needed:
            self._ask()

    def reroute(self, pool: Pool, now: float) -> None:
        """The last bind of a provider went: its backlog goes to the next target or is refused.
        """
        waiting = list(pool.backlog)
        pool.backlog.clear()
        replies: dict[Client, list[bytes]] = {}
        writes: Writes = {}
        for submit in waiting:
            if submit.settled or not submit.client.connected:
                self._forget(submit)
            else:
                self._reroute(whole(submit), now, writes, replies)
        flush(writes)
        send_replies(replies)

    def _reroute(
        self, submit: Submit, now: float, writes: Writes, replies: dict[Client, list[bytes]]
    ) -> None:
        if submit.attempts:
            self._doubts.again(submit, now, writes)
            return
        status = self._send(submit, now, writes)
        if not status:
            return
        retry = submit.retry
        if retry is not None and retry.status:
            self._tries.wait(submit, now + AGAIN_AFTER)
            return
        submit.settled = True
        self._refuse(submit, status if retry is None else retry.verdict or status, replies)

    # -- second tries ---------------------------------------------------------------------------

    def look(self, now: float) -> bool:
        """At every beat while it returns True: pauses that end, tokens, second tries."""
        self._try_again(now)
        for pool in [*self._slow]:
            pool.wake(now)
            self.advance(pool, now)
            if not pool.resting and not (pool.backlog and pool.limited):
                self._slow.discard(pool)
        self.move(now)
        return bool(self._slow or self._tries.waiting or self._moving.needed)

    def _try_again(self, now: float) -> None:
        """Send what has waited long enough elsewhere; refuse what has waited too long."""
        replies: dict[Client, list[bytes]] = {}
        writes: Writes = {}
        hopeless: list[Submit] = []
        for submit in self._tries.due(now):
            if submit.settled or not submit.client.connected:
                self._forget(submit)
            elif submit.retry is None or now >= submit.retry.deadline:
                self._verdict(submit, replies, hopeless)
            else:
                self._tries.elsewhere(submit, submit.retry)
                if self._send(submit, now, writes):
                    self._tries.wait(submit, min(now + AGAIN_AFTER, submit.retry.deadline))
                else:
                    self._ledger.count("tried_again")
        flush(writes)
        send_replies(replies)
        self._give_up(hopeless)

    def _verdict(
        self, submit: Submit, replies: dict[Client, list[bytes]], hopeless: list[Submit]
    ) -> None:
        """The deadline has passed: the code that XC-12 names, unless a copy may be out."""
        if submit.attempts:
            hopeless.append(submit)
            return
        submit.settled = True
        retry = submit.retry
        status = NO_REFUSAL if retry is None else retry.status
        self._refuse(submit, status or refusal_of("queue_full", submit.account.errors), replies)

    # -- binds that come and go, time that passes -----------------------------------------------

    def bound(self, pool: Pool, now: float) -> None:
        """A bind stands: what waited for its provider, or for any provider, goes out."""
        writes: Writes = {}
        self._doubts.bound(now, writes)
        flush(writes)
        self.advance(pool, now)
        self.move(now)

    def doubt(self, upstream: Upstream, submits: Sequence[Submit], now: float) -> None:
        """Resolve submits whose host went away or never answered (reading 1), see ``doubt``.

        A host that dies takes all its binds, one after the other: second copies go to another
        host while there is one, or they would be lost twice within a moment. They stay with their
        provider while it has a bind.
        """
        self._ledger.lost_responses += len(submits)
        upstream.counts.in_doubt += len(submits)
        provider, host = upstream.provider.name, upstream.host.name
        for submit in submits:
            if submit.retry is None:
                submit.retry = Retry(submit.arrived + RESEND_AGE)
            submit.retry.failed(provider, host)
            self._dispatch.reasons.note(submit, provider, LOST)
            submit.affinity = max(submit.affinity, 0)
        if upstream.provider.reference_echo:
            self._refer(upstream.provider, submits, now)
        writes: Writes = {}
        hopeless = self._doubts.resolve(submits, now, writes)
        flush(writes)
        self._give_up(hopeless)

    def expired(self, upstream: Upstream, submits: Sequence[Submit], now: float) -> None:
        """No answer in time: in doubt, and if sent again, then not at once on the silent bind."""
        pool = self._directory.pool(upstream.provider)
        bound = upstream in pool.bound
        pool.rest(upstream)
        self.doubt(upstream, submits, now)
        if bound:
            pool.enter(upstream)
        self.advance(pool, now)

    def unsent(self, upstream: Upstream, submits: Sequence[Submit], gone: bool, now: float) -> None:
        """Another node did not send these: they wait for another bind, or go elsewhere.

        :param gone: that node has no bind of the provider any more.
        """
        pool = self._directory.pool(upstream.provider)
        if gone:
            pool.rest(upstream)
        self._dispatch.given_back(submits)
        for submit in submits:
            if submit.settled or not submit.client.connected:
                self._forget(submit)
                continue
            if submit.group is not None:
                submit.group.flying.discard(submit)
            if submit.pick.overflow != "wait":
                self._dispatch.movable.add(pool)
            pool.put_back(submit)
        if pool.binds:
            self.advance(pool, now)
        else:
            self.reroute(pool, now)

    def draining(self, upstream: Upstream, now: float) -> None:
        """The provider asked to unbind: nothing more goes to this bind (GW-04)."""
        pool = self._directory.rest_upstream(upstream)
        if not pool.binds:
            self.reroute(pool, now)

    def lost(self, upstream: Upstream, now: float) -> None:
        """A bind is gone: its open submits are in doubt; what waited may need another provider."""
        self._tries.lost(upstream)
        pool = self._directory.leave_upstream(upstream)
        self.doubt(upstream, upstream.session.window.drain(), now)
        if pool.binds:
            self.advance(pool, now)
        else:
            self.reroute(pool, now)

    def tick(self, now: float) -> None:
        """Once a second: refuse what has waited too long, send what waits for no reason."""
        self._tries.close_broken(now)
        replies: dict[Client, list[bytes]] = {}
        writes: Writes = {}
        self._doubts.leave(now, writes)
        flush(writes)
        hopeless = self._doubts.outdated(now)
        for pool in self._directory.pools.values():
            if any(now > _until(submit) for submit in pool.backlog):
                self._outdated(pool, now, replies, hopeless)
            # A bind may have become writable, or a second try have come to a limited provider.
            self.advance(pool, now)
        send_replies(replies)
        self._give_up(hopeless)

    def _outdated(
        self,
        pool: Pool,
        now: float,
        replies: dict[Client, list[bytes]],
        hopeless: list[Submit],
    ) -> None:
        """Take what is too old out of a backlog: refused, or ``hopeless`` when in doubt."""
        for submit in pool.backlog.take(lambda each: each.settled or now > _until(each)):
            if submit.settled:
                continue
            if not submit.client.connected:
                self._forget(submit)
            else:
                self._verdict(submit, replies, hopeless)


def _until(submit: Submit) -> float:
    """Until when a submit may wait in a backlog."""
    retry = submit.retry
    if retry is None or not retry.status:
        return submit.arrived + BACKLOG_AGE
    return retry.deadline
