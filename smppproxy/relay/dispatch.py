"""A submit on its way to a provider: which one takes it, what it gets, which bind writes it."""

from __future__ import annotations

from collections.abc import Callable

from smppproxy.relay.directory import Directory, Pool
from smppproxy.relay.groups import Group
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.rules import RefusedError
from smppproxy.relay.submission import Submit, Writes, write_to
from smppproxy.relay.translate import Translator, translator_of
from smppproxy.routing.providers import Provider
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus, refusal_of


class Dispatch:
    """Gives submits to binds, or to the backlog of a provider whose windows are full.

    :ivar queued: providers whose backlog grew since somebody looked.
    """

    def __init__(
        self, directory: Directory, ledger: Ledger, wall_clock: Callable[[], float]
    ) -> None:
        """
        :param wall_clock: unix seconds, for providers that want times in another form.
        """
        self.queued: set[Pool] = set()
        self._directory = directory
        self._ledger = ledger
        self._wall_clock = wall_clock
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
        if group is not None and not group.sent:
            submit = group.dissolve()
            group = None
        for name in submit.targets:
            pool = self._directory.pools.get(name)
            if pool is None or not pool.binds:
                absent = True
                continue
            if group is None and self._plain.get(name) is pool.provider:
                submit.out = submit.pdu
                submit.segments = 1
                return self._hand(submit, pool, now, writes)
            try:
                return self._translated(submit, pool, now, writes)
            except RefusedError as refused:
                refusal = refusal or refused.name
        if absent or not refusal:
            refusal = "no_provider"
        return refusal_of(refusal, submit.account.errors)

    def _translated(
        self, submit: Submit, pool: Pool, now: float, writes: Writes
    ) -> RefusalStatus:
        """As :meth:`send`, to a provider with wishes of its own; one PDU or several."""
        if submit.group is not None:
            return self._hand(submit, pool, now, writes)
        provider = pool.provider
        translator = self._translators.get(provider.name)
        if translator is None or translator.provider is not provider:
            translator = translator_of(provider, self._ledger.count)
            if translator is None:
                self._plain[provider.name] = provider
                submit.out = submit.pdu
                submit.segments = 1
                return self._hand(submit, pool, now, writes)
            self._translators[provider.name] = translator
        pdus, submit.segments = translator.bodies(submit, now, self._wall_clock())
        if len(pdus) == 1:
            submit.out = pdus[0]
            return self._hand(submit, pool, now, writes)
        for part in Group(submit, pool.provider, pdus).parts:
            self._hand(part, pool, now, writes)
        return NO_REFUSAL

    def _hand(self, submit: Submit, pool: Pool, now: float, writes: Writes) -> RefusalStatus:
        """Write a submit to a bind of this provider, or let it wait for room in a window."""
        if not pool.backlog:
            bind = pool.pick(now) if submit.affinity < 0 else pool.pick_for(submit, now)
            if bind is not None:
                write_to(bind, submit, now, writes)
                if submit.attempts:
                    self._ledger.resent += 1
                return NO_REFUSAL
        if (
            submit.account.window_full == "throttle"
            and submit.retry is None
            and submit.group is None
        ):
            return refusal_of("throttled", submit.account.errors)
        pool.backlog.append(submit)
        self.queued.add(pool)
        return NO_REFUSAL
