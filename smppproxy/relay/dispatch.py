"""A submit on its way to a provider: which one takes it, what it gets, which bind writes it.

The targets of its route are tried in order. One that is not bound, or cannot carry the message, is
passed over. What is done about one that is bound and takes nothing at this moment, the route says:

* ``overflow = "wait"``: the message waits in that provider's backlog.
* ``overflow = "next"``: it goes to the next target that has room now. When none has, it waits for
  the first of them, and moves to another one that gets room before (``flow``). Parts of a long
  message do not move, since all of them go to one host (XC-06), nor do second copies (``doubt``).

A client with ``window_full = "throttle"`` is refused where its message would have to wait. Why a
target was passed over is noted, see ``reasons``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from smppproxy.relay.directory import Directory
from smppproxy.relay.events import Events
from smppproxy.relay.groups import Group, whole
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.narrow import Narrow
from smppproxy.relay.peers import Upstream
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import THROTTLED, UNFIT, Reasons, reason_of
from smppproxy.relay.rules import RefusedError
from smppproxy.relay.submission import Submit, Writes, write_to
from smppproxy.relay.translate import Translator, readdressed, translator_of
from smppproxy.routing.providers import Provider
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, refusal_of


class Dispatch:
    """Gives submits to binds, or to the backlog of a provider whose windows are full.

    :ivar queued: providers whose backlog grew since somebody looked.
    :ivar movable: providers in whose backlog messages may wait that another one could take.
    :ivar reasons: why targets were passed over.
    """

    def __init__(
        self,
        directory: Directory,
        ledger: Ledger,
        events: Events,
        wall_clock: Callable[[], float],
        narrow: Narrow,
    ) -> None:
        """
        :param wall_clock: unix seconds, for providers that want times in another form.
        :param narrow: the 8-bit references that are in use.
        """
        self.queued: set[Pool] = set()
        self.movable: set[Pool] = set()
        self.reasons = Reasons(events)
        self._directory = directory
        self._ledger = ledger
        self._events = events
        self._wall_clock = wall_clock
        self._narrow = narrow
        # By name of the provider: those that take what comes, and those with wishes. A reload
        # brings other objects, which are looked at anew.
        self._plain: dict[str, Provider] = {}
        self._translators: dict[str, Translator] = {}

    def send(self, submit: Submit, now: float, writes: Writes) -> RefusalStatus:
        """Give a submit to the first of its providers that is bound and can carry it.

        Returns 0, or why nobody took it: that no provider is bound counts before that one cannot
        carry it, since the message may go later.
        """
        refusal = ""
        absent = False
        group = submit.group
        if group is not None:
            submit = whole(submit)
            group = submit.group
        pick = submit.pick
        overflows = pick.overflow != "wait" and group is None and not submit.attempts
        if overflows and may_overflow(submit):
            return self._overflowing(submit, now, writes)
        for name in submit.targets:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                absent = True
                self.reasons.note(submit, name, reason_of(pool))
                continue
            if group is not None:
                return self._hand(submit, pool, now, writes)
            if self._plain.get(name) is pool.provider and not pick.rewrites:
                submit.out = submit.pdu
                submit.segments = 1
                return self._hand(submit, pool, now, writes)
            try:
                parts = self.prepare(submit, pool, now)
            except RefusedError as refused:
                refusal = refusal or refused.name
                self.reasons.note(submit, name, UNFIT)
                continue
            return self._hand_all(parts, pool, now, writes)
        if absent or not refusal:
            refusal = "no_provider"
        return refusal_of(refusal, submit.account.errors)

    def _overflowing(self, submit: Submit, now: float, writes: Writes) -> RefusalStatus:
        """As :meth:`send`, for a route whose full targets are passed over."""
        refusal = ""
        absent = False
        waiting: Pool | None = None
        for name in submit.targets:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                absent = True
                self.reasons.note(submit, name, reason_of(pool))
                continue
            try:
                parts = self.prepare(submit, pool, now)
            except RefusedError as refused:
                refusal = refusal or refused.name
                self.reasons.note(submit, name, UNFIT)
                continue
            if self.take(parts, pool, now, writes):
                return NO_REFUSAL
            self.reasons.note(submit, name, reason_of(pool))
            waiting = waiting or pool
        if waiting is not None:
            return self._hand_all(self.prepare(submit, waiting, now), waiting, now, writes)
        if absent or not refusal:
            refusal = "no_provider"
        return refusal_of(refusal, submit.account.errors)

    def next_target(
        self, submit: Submit, names: Sequence[str], now: float, writes: Writes
    ) -> bool:
        """Whether the first of these that has room for a throttled message takes it now."""
        for name in names:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                self.reasons.note(submit, name, reason_of(pool))
                continue
            try:
                parts = self.prepare(submit, pool, now)
            except RefusedError:
                self.reasons.note(submit, name, UNFIT)
                continue
            if self.take(parts, pool, now, writes):
                return True
            self.reasons.note(submit, name, reason_of(pool))
        return False

    def prepare(self, submit: Submit, pool: Pool, now: float) -> Sequence[Submit]:
        """What goes to this provider: the submit itself, or the parts that its message becomes.

        Raises :class:`~smppproxy.relay.rules.RefusedError` for a message that it cannot carry; the
        submit is then as it was.
        """
        provider = pool.provider
        rewrite = submit.pick.rewrites.get(provider.name)
        translator = self._translator(provider)
        if translator is None:
            submit.out = submit.pdu
            if rewrite is not None:
                submit.out = readdressed(submit.pdu, submit.offsets, provider.address, rewrite)
            submit.segments = 1
            return (submit,)
        pdus, segments = translator.bodies(submit, now, self._wall_clock(), rewrite)
        submit.segments = segments
        if len(pdus) > 1:
            return Group(submit, provider, pdus).parts
        submit.out = pdus[0]
        return (submit,)

    def _translator(self, provider: Provider) -> Translator | None:
        """The provider's translator; None when it takes what comes."""
        if self._plain.get(provider.name) is provider:
            return None
        translator = self._translators.get(provider.name)
        if translator is None or translator.provider is not provider:
            translator = translator_of(provider, self._ledger.count, self._narrow)
            if translator is None:
                self._plain[provider.name] = provider
            else:
                self._translators[provider.name] = translator
        return translator

    def take(self, parts: Sequence[Submit], pool: Pool, now: float, writes: Writes) -> bool:
        """Write a message to a bind of this provider, if one has room for it now.

        A message of several parts is taken with its first one; the others may have to wait.
        """
        if pool.backlog:
            return False
        first = parts[0]
        urgent = first.account.priority_lane and first.urgent
        bind = pool.pick(now, urgent) if first.affinity < 0 else pool.pick_for(first, now, urgent)
        if bind is None:
            return False
        self.write(bind, first, now, writes)
        if len(parts) > 1:
            for part in parts[1:]:
                self._hand(part, pool, now, writes)
        return True

    def write(self, bind: Upstream, submit: Submit, now: float, writes: Writes) -> None:
        """To this bind, which has room."""
        write_to(bind, submit, now, writes)
        if submit.attempts:
            self._events.resent(submit, bind)

    def given_back(self, submits: Iterable[Submit]) -> None:
        """The node that they were written to did not send them."""
        self._events.given_back(submits)

    def _hand_all(
        self, parts: Sequence[Submit], pool: Pool, now: float, writes: Writes
    ) -> RefusalStatus:
        status = NO_REFUSAL
        for part in parts:
            status = self._hand(part, pool, now, writes)
        return status

    def _hand(self, submit: Submit, pool: Pool, now: float, writes: Writes) -> RefusalStatus:
        """Write a submit to a bind of this provider, or let it wait for room in a window."""
        if not pool.backlog:
            urgent = submit.account.priority_lane and submit.urgent
            if submit.affinity < 0:
                bind = pool.pick(now, urgent)
            else:
                bind = pool.pick_for(submit, now, urgent)
            if bind is not None:
                write_to(bind, submit, now, writes)
                if submit.attempts:
                    self._events.resent(submit, bind)
                return NO_REFUSAL
        if (
            submit.account.window_full == "throttle"
            and submit.retry is None
            and submit.group is None
        ):
            return refusal_of("throttled", submit.account.errors)
        pool.wait(submit)
        self.queued.add(pool)
        if submit.pick.overflow != "wait":
            self.movable.add(pool)
        return NO_REFUSAL


def may_overflow(submit: Submit) -> bool:
    """Whether a full target lets the message go to the next one; not so a part of a long one."""
    retry = submit.retry
    return submit.affinity < 0 or (retry is not None and bool(retry.avoid))


def may_move(submit: Submit) -> bool:
    """Whether a message that waits for one target may go to another one that has room."""
    if submit.settled or (submit.group is not None and submit.group.sent):
        return False
    whole = submit if submit.group is None else submit.group.message
    if not may_overflow(whole):
        return False
    pick, retry = submit.pick, submit.retry
    if pick.overflow != "wait" and not submit.attempts:
        return True
    return pick.throttled != "wait" and retry is not None and retry.status.name == THROTTLED
