"""What becomes of a submit_sm whose host went away, or never answered: nobody knows its fate.

SMPP gives no way to learn it. The account's ``in_doubt`` says what is done (decisions, reading 1,
XC-07, P4): ``answer`` tells the client ESME_RUNKNOWNERR at once and sends nothing again;
``resend`` sends one more copy on another bind, with the same client_message_id, while the message
is younger than 30 s and than its own validity_period. Never both silently, never a third copy.

Two copies at two providers are two deliveries for certain, and two bills: the second one stays with
the provider that may have the first, however full that is. Only when no bind of it has stood for a
moment does it go to the next target of its route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from smppproxy.relay.retry import HOME
from smppproxy.text.times import expiry

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit, Writes

RESEND_AGE = 30.0
"""Seconds after which a message in doubt is not sent again."""


class Doubts:
    """Decides about messages in doubt, and keeps those that wait for a bind to come."""

    def __init__(
        self,
        send: Callable[[Submit, float, Writes], int],
        is_bound: Callable[[str], bool],
        wall_clock: Callable[[], float],
    ) -> None:
        """
        :param send: gives a submit to a bind or a backlog; not 0 when no provider is bound.
        :param is_bound: whether a provider has a bind that takes submits.
        :param wall_clock: unix seconds, to be compared with an absolute validity_period.
        """
        self._send = send
        self._is_bound = is_bound
        self._wall_clock = wall_clock
        self._stranded: list[Submit] = []

    def resolve(self, submits: Iterable[Submit], now: float, writes: Writes) -> list[Submit]:
        """Send again what may be sent again; returns those whose clients must be told 0xFF."""
        hopeless: list[Submit] = []
        for submit in submits:
            if submit.settled:
                continue
            if self._may_resend(submit, now):
                submit.attempts = 1
                _stay(submit, now)
                self.again(submit, now, writes)
            else:
                hopeless.append(submit)
        return hopeless

    def again(self, submit: Submit, now: float, writes: Writes) -> None:
        """Send the second copy; it waits for its own provider, then for the first bind that comes.
        """
        if self._is_awaited(submit, now) or self._send(submit, now, writes):
            self._stranded.append(submit)

    def _is_awaited(self, submit: Submit, now: float) -> bool:
        """Whether the provider that may have the first copy is expected back in a moment."""
        retry = submit.retry
        return retry is not None and now < retry.home and not self._is_bound(retry.last[0])

    def bound(self, now: float, writes: Writes) -> None:
        """A bind stands: what waited for one goes out, if it still may."""
        stranded, self._stranded = self._stranded, []
        for submit in stranded:
            if too_late(submit, now):
                self._stranded.append(submit)
            elif not submit.settled:
                self.again(submit, now, writes)

    def leave(self, now: float, writes: Writes) -> None:
        """Once a second: what waited for its own provider long enough goes to another one."""
        stranded, self._stranded = self._stranded, []
        for submit in stranded:
            retry = submit.retry
            if retry is None or not 0.0 < retry.home <= now or submit.settled:
                self._stranded.append(submit)
                continue
            retry.home = 0.0
            home = retry.last[0]
            others = [name for name in submit.targets if name != home]
            # A bind of its own that stands by now is the one that did not answer.
            if too_late(submit, now) or (
                self._is_bound(home) and not any(map(self._is_bound, others))
            ):
                self._stranded.append(submit)
                continue
            submit.targets = (*others, home)
            self.again(submit, now, writes)

    def outdated(self, now: float) -> list[Submit]:
        """Those that waited in vain: too old now, or their client is gone."""
        if not self._stranded:
            return []
        hopeless = [submit for submit in self._stranded if too_late(submit, now)]
        self._stranded = [submit for submit in self._stranded if not too_late(submit, now)]
        return [submit for submit in hopeless if not submit.settled]

    def _may_resend(self, submit: Submit, now: float) -> bool:
        return (
            submit.attempts == 0
            and submit.account.in_doubt == "resend"
            and not too_late(submit, now)
            and now - submit.arrived < validity_of(submit, now, self._wall_clock(), RESEND_AGE)
        )


def _stay(submit: Submit, now: float) -> None:
    """Let the provider that may have the first copy be the second one's first choice."""
    retry = submit.retry
    if retry is not None:
        retry.home = now + HOME
        name = retry.last[0]
        submit.targets = (name, *[each for each in submit.targets if each != name])


def too_late(submit: Submit, now: float) -> bool:
    """Whether a second copy of this message must not be sent any more."""
    return now - submit.arrived >= RESEND_AGE or not submit.client.connected


def validity_of(submit: Submit, now: float, wall: float, most: float) -> float:
    """Seconds from its arrival for which a message may be sent, at most ``most``.

    :param wall: unix seconds at ``now``, to be compared with an absolute validity_period.
    """
    raw = submit.pdu.raw
    esm_at, flags_at = submit.offsets[2:4]
    period = raw[raw.index(0, esm_at + 3) + 1 : flags_at - 1]
    return validity(period, wall - (now - submit.arrived), most) if period else most


def validity(period: bytes, since: float, most: float = RESEND_AGE) -> float:
    """Seconds from ``since`` (unix) until a validity_period ends; at most ``most``.

    What cannot be read limits nothing: the provider judges it.
    """
    end = expiry(period, since)
    return most if end is None else min(end - since, most)
