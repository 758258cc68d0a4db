"""How long each kind of silence may last, and which of them has lasted too long."""

from math import inf
from typing import Final

import attrs


@attrs.define
class Timers:
    """Seconds on the monotonic clock; 0 switches off those marked with *."""

    #: From the connection to its bind (F24). Octets and enquire_links do not reset it (F25, F29).
    session_init: float = 10.0
    #: From a bind request to its answer: the provider's to ours (F63), or our own to a client's.
    bind: float = 30.0
    #: * Silence after which we send an enquire_link (GW-11).
    enquire_link: float = 30.0
    #: Silence after our enquire_link until the session counts as dead (F40).
    enquire_answer: float = 10.0
    #: * Silence with a request unanswered for as long, after which we probe. The probe's answer is
    #: due in as long again: half-open under traffic is dead after 10 s (F54).
    probe_after: float = 5.0
    #: From a request of ours to its answer: 60 for a submit_sm, 30 for a deliver_sm.
    response: float = 60.0
    #: From the first octets of a PDU to its last (F05).
    partial_pdu: float = 30.0
    #: * Silence after which we unbind (OZ-08).
    idle: float = 0.0
    #: From our unbind to its answer (F31).
    unbind: float = 2.0


#: The share of a time by which `apart` shortens it at most.
EARLY: Final = 0.25
_GOLDEN: Final = (5**0.5 - 1) / 2


def apart(seconds: float, number: int) -> float:
    """
    So many seconds for number 0, for others up to a quarter less; numbers in a row are far apart.

    Thousands of sessions that fell silent in one moment, as after a restart, would be asked in one
    moment, and after their answers again and again.
    """
    return seconds * (1.0 - EARLY * (number * _GOLDEN % 1.0))


#: What `Watch.overdue` may say besides "": reasons to close, as the log and the counters name them.
CLOSE_REASONS: Final = (
    "no bind in time",
    "bind not answered",
    "unfinished PDU",
    "unbind not answered",
    "enquire_link not answered",
)


class Watch:
    """
    When each thing that is being waited for began: one float each, `inf` = not being waited for.

    Pure: every moment is handed in. The session sets and clears them; `overdue`, `enquiry_due` and
    `next_look` only compare.
    """

    __slots__ = (
        "timers",
        "init_since",
        "bind_since",
        "partial_since",
        "unbind_since",
        "enquired",
        "answer_by",
        "heard",
        "bound",
    )

    def __init__(self, timers: Timers) -> None:
        self.timers = timers
        self.init_since = inf
        self.bind_since = inf
        self.partial_since = inf
        self.unbind_since = inf
        #: When our last enquire_link went out; inf when the link has been heard since.
        self.enquired = inf
        #: When its answer is due.
        self.answer_by = inf
        #: When the last whole PDU came.
        self.heard = -inf
        #: Whether silence is watched at all: from bind to unbind.
        self.bound = False

    def overdue(self, now: float) -> str:
        """Which wait has lasted too long (one of `CLOSE_REASONS`), or ""."""
        timers = self.timers
        if now >= self.init_since + timers.session_init:
            return "no bind in time"
        if now >= self.bind_since + timers.bind:
            return "bind not answered"
        if now >= self.partial_since + timers.partial_pdu:
            return "unfinished PDU"
        if now >= self.unbind_since + timers.unbind:
            return "unbind not answered"
        if self._enquiry_open() and now >= self.answer_by:
            return "enquire_link not answered"
        return ""

    def excuse(self, now: float) -> None:
        """Nothing was read up to `now` by our own choice: what was silent starts afresh."""
        self.heard = now
        self.enquired = inf
        if self.partial_since < inf:
            self.partial_since = now

    def idle(self, now: float) -> bool:
        """Whether a bound session has been silent for the idle time."""
        return self.bound and 0 < self.timers.idle <= now - self.heard

    def enquiry_due(self, now: float, oldest_sent: float | None) -> float:
        """
        Whether to send an enquire_link now, as the seconds that its answer may take; 0 = not now.

        After 30 s of silence it has 10 s; after 5 s of it with a request unanswered for as long,
        5 s. What was heard just after that request went out, as the answer to the one before it,
        only begins the silence: a window that was full when the line went dead is like that.
        """
        if not self.bound or self._enquiry_open():
            return 0.0
        timers = self.timers
        if (
            oldest_sent is not None
            and 0 < timers.probe_after <= now - max(oldest_sent, self.heard)
        ):
            return min(timers.probe_after, timers.enquire_answer)
        return timers.enquire_answer if 0 < timers.enquire_link <= now - self.heard else 0.0

    def ask(self, now: float, patience: float) -> None:
        """An enquire_link goes out; whatever comes within `patience` seconds answers it."""
        self.enquired = now
        self.answer_by = now + patience

    def next_look(self, now: float, oldest_sent: float | None) -> float:
        """
        A moment before which nothing can be due, given what is known now.

        A request sent after `now` is not known yet, so a bound session looks again after
        `probe_after` seconds at the latest.
        """
        timers = self.timers
        moment = min(
            self.init_since + timers.session_init,
            self.bind_since + timers.bind,
            self.partial_since + timers.partial_pdu,
            self.unbind_since + timers.unbind,
        )
        if oldest_sent is not None:
            moment = min(moment, oldest_sent + timers.response)
        if not self.bound:
            return moment
        return min(moment, self._next_enquiry(now, oldest_sent), self._next_idle())

    def _enquiry_open(self) -> bool:
        """Whether our enquire_link still waits: nothing at all was heard since it went out."""
        return self.bound and self.heard < self.enquired < inf

    def _next_enquiry(self, now: float, oldest_sent: float | None) -> float:
        timers = self.timers
        if self._enquiry_open():
            # It may be answered at once, and then silence counts from there.
            return min(self.answer_by, now + (timers.enquire_link or inf))
        moment = inf
        if timers.enquire_link > 0:
            moment = self.heard + timers.enquire_link
        probe = timers.probe_after or timers.response
        since = now if oldest_sent is None else max(oldest_sent, self.heard)
        return min(moment, since + probe)

    def _next_idle(self) -> float:
        return self.heard + self.timers.idle if self.timers.idle > 0 else inf


#: Seconds over which a `Rate` counts.
MINUTE: Final = 60.0


@attrs.define
class Rate:
    """How many of something came within the running minute."""

    count: int = 0
    since: float = 0.0

    def above(self, limit: int, now: float) -> bool:
        """Count one more; whether that is more than `limit` within a minute."""
        if now - self.since >= MINUTE:
            self.count = 0
            self.since = now
        self.count += 1
        return self.count > limit
