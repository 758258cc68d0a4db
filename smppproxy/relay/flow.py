"""What waits for a provider, and for how long: windows, pauses, second tries, and the last word.

SX-22, XC-12, and what mission section 5 says of a provider's answers to submit_sm:

* *slow down* (``answers.throttle`` of its profile, also as a generic_nack): the message goes back
  to the head of the backlog, in its order, and the host is paused: 1 s, doubling to 30 s, from the
  start again after an ESME_ROK. It is no failure of the host.
* *trouble of the host* (``answers.temporary``, and codes about a bind): after 1 s the message goes
  to another host, then to the route's next provider, and round again. A host that says nothing
  else five times in 10 s is paused too.
* *our bind is broken* (0x04, 0x05): nothing more goes to it, it is closed once it has answered
  what it still holds, and the message goes elsewhere at once.

Each of these answers means that the provider did not take the message, so that no two of them ever
have it by our doing. A client hears of it only when ``retry_for`` of the provider (or the
message's own validity_period) is over: 0x58, 0x14 or 0x08, never another one.

A route may want more, see :meth:`Flow.again` and :meth:`Flow.fail_over`:

* ``throttled = "next"``: a throttled message goes to the next target that has room. While none has
  it waits as above, and goes to whichever has room first.
* ``failover``: a message that is refused with one of these command_status goes to the next target
  at once. When all have refused it, the client hears the most telling of their verdicts
  (``retry.most_telling``). Trouble that is listed only saves the second of waiting; a target that
  met it is tried again like any other. A second copy of a message in doubt is sent on likewise,
  but its client hears of no refusal, only that its fate is unknown.

A provider's ``tps`` and pauses need a finer clock than the tick of a second: :meth:`Flow.look`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from twisted.logger import Logger

from smppproxy.relay.directory import Directory
from smppproxy.relay.dispatch import Dispatch, may_overflow
from smppproxy.relay.doubt import RESEND_AGE, Doubts, too_late, validity_of
from smppproxy.relay.groups import whole
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.moving import Moving
from smppproxy.relay.peers import Client, Upstream
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import REFUSED, THROTTLED, TROUBLE
from smppproxy.relay.retry import AGAIN_AFTER, BACKLOG_AGE, Retry
from smppproxy.relay.submission import flush, send_replies
from smppproxy.relay.verdicts import trouble_of
from smppproxy.routing.providers import Provider
from smppproxy.smpp.constants import ESME_RALYBND, ESME_RINVBNDSTS
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, refusal_of

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit, Writes

BIND_BROKEN = frozenset({ESME_RINVBNDSTS, ESME_RALYBND})


class Flow:
    """Who waits for which provider."""

    _log = Logger()

    def __init__(
        self,
        directory: Directory,
        ledger: Ledger,
        wall_clock: Callable[[], float],
        doubts: Doubts,
        dispatch: Dispatch,
        route_anew: Callable[[Submit], bool],
        refuse: Callable[[Submit, RefusalStatus, dict[Client, list[bytes]]], None],
        give_up: Callable[[Iterable[Submit]], None],
        forget: Callable[[Submit], None],
        refer: Callable[[Provider, Iterable[Submit], float], None],
        ask: Callable[[], None],
    ) -> None:
        """
        :param dispatch: gives a submit to a bind or a backlog.
        :param route_anew: asks the routes of today about a message; whether they say other targets.
        :param refuse: adds the answer to a submit to what this turn answers.
        :param give_up: tells clients that the fate of these is unknown.
        :param forget: ends a submit whose client went while it waited.
        :param refer: lets the receipts of messages in doubt find them by our reference.
        :param ask: asks for :meth:`look` to be called at the next beat.
        """
        self._directory = directory
        self._ledger = ledger
        self._wall_clock = wall_clock
        self._doubts = doubts
        self._dispatch = dispatch
        self._moving = Moving(directory, dispatch)
        self._send = dispatch.send
        self._route_anew = route_anew
        self._refuse = refuse
        self._give_up = give_up
        self._forget = forget
        self._refer = refer
        self._ask = ask
        # (due, order, submit): what met trouble and waits to be tried elsewhere.
        self._later: list[tuple[float, int, Submit]] = []
        self._order = 0
        self._slow: set[Pool] = set()
        self._broken: dict[Upstream, float] = {}

    # -- a provider's refusal -------------------------------------------------------------------

    def again(self, upstream: Upstream, submit: Submit, status: int, now: float) -> bool:
        """Whether this refusal only means that the message is to be tried again; it will be."""
        name = trouble_of(status, upstream.provider)
        if not name:
            return False
        told = refusal_of(name, submit.account.errors)
        if name == "throttled":
            return self._throttled(upstream, submit, status, told, now)
        return self._trouble(upstream, submit, status, told, now)

    def _retry(
        self, submit: Submit, provider: Provider, status: RefusalStatus, now: float
    ) -> Retry | None:
        """The message's retry; None when its time is over, or its client gone."""
        retry = submit.retry
        if retry is None or not retry.status:
            most = provider.retry_for
            if submit.attempts:
                most = min(most, RESEND_AGE)
            deadline = submit.arrived + validity_of(submit, now, self._wall_clock(), most)
            if retry is None:
                retry = submit.retry = Retry(deadline)
            retry.deadline = deadline
        retry.status = status
        return retry if now < retry.deadline and submit.client.connected else None

    def _throttled(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """SX-22: the same message back to the head of the queue; its host rests."""
        self._ledger.count("provider_throttled")
        pool = self._directory.pool(upstream.provider)
        if self._retry(submit, upstream.provider, told, now) is None:
            return False
        self._pause(pool, upstream, now)
        self._dispatch.reasons.note(submit, upstream.provider.name, THROTTLED, status)
        pick = submit.pick
        if pick.throttled != "wait" or status in pick.failover:
            if self._at_once(submit, upstream, now):
                return True
            self._dispatch.movable.add(pool)
            self._ask()
        pool.put_back(submit)
        return True

    def _at_once(self, submit: Submit, upstream: Upstream, now: float) -> bool:
        """Whether another target that the message has not met trouble at takes it now."""
        if submit.group is not None or not may_overflow(submit):
            return False
        own = upstream.provider.name
        avoid = {name for name, _ in submit.retry.avoid} if submit.retry is not None else set()
        names = [name for name in submit.targets if name != own and name not in avoid]
        writes: Writes = {}
        taken = self._dispatch.next_target(submit, names, now, writes)
        flush(writes)
        return taken

    def _pause(self, pool: Pool, upstream: Upstream, now: float) -> None:
        delay = pool.pause(upstream.host.name, now)
        if delay:
            self._slow.add(pool)
            self._ask()
            self._log.info(
                "{provider} host {host} wants no more for {delay:.0f} s",
                event="provider_paused",
                provider=upstream.provider.name,
                host=upstream.host.name,
                delay=delay,
            )

    def _trouble(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """XC-12: the host, or our bind to it, is in trouble; the message goes elsewhere."""
        provider = upstream.provider
        self._ledger.count("provider_trouble")
        due = now + AGAIN_AFTER
        if status in BIND_BROKEN:
            if upstream not in self._broken:
                self._break(upstream, status, now)
                due = now
        elif self._directory.pool(provider).trouble(upstream.host.name, now):
            self._pause(self._directory.pool(provider), upstream, now)
        retry = self._retry(submit, provider, told, now)
        if retry is None:
            return False
        self._dispatch.reasons.note(submit, provider.name, TROUBLE, status)
        if status not in BIND_BROKEN:
            retry.failed(provider.name, upstream.host.name)
            if status in submit.pick.failover and self._at_once(submit, upstream, now):
                return True
        self._wait(submit, due)
        return True

    def fail_over(
        self, upstream: Upstream, submit: Submit, status: int, told: RefusalStatus, now: float
    ) -> bool:
        """Whether a message that its target refused goes to the next one; it is under way then.

        :param told: what the client would hear of this refusal.
        """
        group = submit.group
        if status not in submit.pick.failover and not (group and group.verdict):
            return False
        if not submit.client.connected or (submit.attempts and too_late(submit, now)):
            return False
        if group is None:
            return self._next_target(submit, upstream, status, told, now)
        group.refuse(submit, told)
        if group.flying:
            return True
        return group.free and self._next_target(group.message, upstream, status, told, now)

    def _next_target(
        self, submit: Submit, upstream: Upstream, status: int, told: RefusalStatus, now: float
    ) -> bool:
        name = upstream.provider.name
        self._dispatch.reasons.note(submit, name, REFUSED, status)
        retry = submit.retry
        if retry is None:
            retry = submit.retry = Retry(submit.arrived + BACKLOG_AGE)
        retry.refuse(name, told)
        submit.targets = tuple(each for each in submit.targets if each != name)
        writes: Writes = {}
        taken = bool(submit.targets) and not self._send(submit, now, writes)
        flush(writes)
        if taken:
            self._ledger.count("failed_over")
            self.advance_queued(now)
        return taken

    def _wait(self, submit: Submit, due: float) -> None:
        self._order += 1
        heappush(self._later, (due, self._order, submit))
        self._ask()

    def _break(self, upstream: Upstream, status: int, now: float) -> None:
        """The provider says that this is no bind: nothing more goes there."""
        self._log.warn(
            "{bind} is broken: its host answers a submit_sm with {status:#x}",
            event="bind_broken",
            bind=upstream.name,
            provider=upstream.provider.name,
            host=upstream.host.name,
            status=status,
        )
        self._ledger.count("bind_broken")
        self._broken[upstream] = now
        self._directory.rest_upstream(upstream)

    def answered(self, upstream: Upstream, good: bool, now: float) -> None:
        """The answers of one read are dealt with: windows have room again."""
        pool = self._directory.pool(upstream.provider)
        if good and (pool.pauses or pool.troubles):
            pool.forgive(upstream.host.name)
        if self._later and self._later[0][0] <= now:
            self._try_again(now)
        if self._broken:
            self._close_broken(now)
        if pool.binds:
            self.advance(pool, now)
        elif pool.backlog:
            self.reroute(pool, now)

    def _close_broken(self, now: float) -> None:
        """Close broken binds that have nothing left to answer, or had the time to (GW-04)."""
        for upstream, since in [*self._broken.items()]:
            if not len(upstream.session.window) or now - since >= upstream.provider.drain:
                del self._broken[upstream]
                upstream.close("the provider says that it is not bound")

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
        backlog.extendleft(reversed(stuck))
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

        What has no target left is asked about once more: the routes may be others by now.
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
        if status and submit.group is None and self._route_anew(submit):
            status = self._send(submit, now, writes)
        if not status:
            return
        retry = submit.retry
        if retry is not None and retry.status:
            self._wait(submit, now + AGAIN_AFTER)
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
        return bool(self._slow or self._later or self._moving.needed)

    def _try_again(self, now: float) -> None:
        """Send what has waited long enough elsewhere; refuse what has waited too long."""
        replies: dict[Client, list[bytes]] = {}
        writes: Writes = {}
        hopeless: list[Submit] = []
        later = self._later
        due: list[Submit] = []
        while later and later[0][0] <= now:
            due.append(heappop(later)[2])
        for submit in due:
            if submit.settled or not submit.client.connected:
                self._forget(submit)
            elif submit.retry is None or now >= submit.retry.deadline:
                self._verdict(submit, replies, hopeless)
            else:
                self._elsewhere(submit, submit.retry)
                if self._send(submit, now, writes):
                    self._wait(submit, min(now + AGAIN_AFTER, submit.retry.deadline))
                else:
                    self._ledger.count("tried_again")
        flush(writes)
        send_replies(replies)
        self._give_up(hopeless)

    def _elsewhere(self, submit: Submit, retry: Retry) -> None:
        """Let the target come first that has a host where the message did not fail yet."""
        targets = submit.targets
        place = self._place(targets, retry.avoid)
        if not place and retry.avoid:
            # All have failed once: round again, the last one last.
            retry.avoid = {retry.last}
            place = self._place(targets, retry.avoid)
        if place:
            submit.targets = targets[place - 1 :] + targets[: place - 1]
        if retry.avoid:
            submit.affinity = max(submit.affinity, 0)

    def _place(self, targets: Sequence[str], avoid: set[tuple[str, str]]) -> int:
        """Which target, from 1, has a bind to a host that is not to be avoided; 0: none."""
        for place, name in enumerate(targets, 1):
            pool = self._directory.pools.get(name)
            if pool is not None and any((name, bind.host.name) not in avoid for bind in pool.binds):
                return place
        return 0

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
        host while there is one, or they would be lost twice within a moment.
        """
        self._ledger.lost_responses += len(submits)
        upstream.counts.in_doubt += len(submits)
        provider, host = upstream.provider.name, upstream.host.name
        for submit in submits:
            if submit.retry is None:
                submit.retry = Retry(submit.arrived + RESEND_AGE)
            submit.retry.failed(provider, host)
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

    def draining(self, upstream: Upstream, now: float) -> None:
        """The provider asked to unbind: nothing more goes to this bind (GW-04)."""
        pool = self._directory.rest_upstream(upstream)
        if not pool.binds:
            self.reroute(pool, now)

    def lost(self, upstream: Upstream, now: float) -> None:
        """A bind is gone: its open submits are in doubt; what waited may need another provider."""
        self._broken.pop(upstream, None)
        pool = self._directory.leave_upstream(upstream)
        self.doubt(upstream, upstream.session.window.drain(), now)
        if pool.binds:
            self.advance(pool, now)
        else:
            self.reroute(pool, now)

    def tick(self, now: float) -> None:
        """Once a second: refuse what has waited too long, send what waits for no reason."""
        if self._broken:
            self._close_broken(now)
        replies: dict[Client, list[bytes]] = {}
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
        waiting = list(pool.backlog)
        pool.backlog.clear()
        for submit in waiting:
            if submit.settled:
                continue
            if now <= _until(submit):
                pool.backlog.append(submit)
            elif not submit.client.connected:
                self._forget(submit)
            else:
                self._verdict(submit, replies, hopeless)


def _until(submit: Submit) -> float:
    """Until when a submit may wait in a backlog."""
    retry = submit.retry
    if retry is None or not retry.status:
        return submit.arrived + BACKLOG_AGE
    return retry.deadline
