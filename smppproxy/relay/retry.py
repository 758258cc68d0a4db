"""What a message that is sent once more carries with it, and what its client hears at last."""

from __future__ import annotations

from smppproxy.smpp.constants import ESME_RSUBMITFAIL
from smppproxy.smpp.refusals import NO_REFUSAL, RefusalStatus

AGAIN_AFTER = 1.0
"""Seconds after which a message that met a host's trouble is tried elsewhere."""

HOME = 5.0
"""Seconds for which a second copy waits for a bind of the provider that may have the first one,
before it goes to another provider."""

BACKLOG_AGE = 30.0
"""Seconds a submit waits for room in a provider's window before it is refused (queue_full)."""


class Retry:
    """Why and how a message is sent once more; only messages that are have one.

    :ivar avoid: (provider, host) where it failed: only used when there is no other.
    :ivar last: the one of them where it failed last.
    :ivar status: what the client gets at the deadline; `NO_REFUSAL` while it is only in
        doubt.
    :ivar verdict: what the client gets when nobody is left to try: the most telling of the verdicts
        of targets that refused the message itself, see :func:`most_telling`.
    :ivar refused: those targets; they are not tried again.
    :ivar deadline: monotonic seconds.
    :ivar home: until when (monotonic seconds) its second copy waits for a bind of the provider of
        ``last`` while none stands; 0 for what is not in doubt, or waits for any bind.
    :ivar referenced: unix seconds at which the monotonic clock stood at 0 when it came in doubt, to
        be found by our reference (XC-05) ever after; 0.0 for others. Its map is written anew with
        each copy that is lost: the same one, whatever the wall clock does in between.
    """

    __slots__ = (
        *("avoid", "deadline", "home", "last", "referenced", "refused", "status", "verdict"),
    )

    def __init__(self, deadline: float) -> None:
        self.avoid: set[tuple[str, str]] = set()
        self.last = ("", "")
        self.status = NO_REFUSAL
        self.verdict = NO_REFUSAL
        self.refused: set[str] = set()
        self.deadline = deadline
        self.home = 0.0
        self.referenced = 0.0

    def failed(self, provider: str, host: str) -> None:
        """Not there again while there is another one."""
        self.last = (provider, host)
        self.avoid.add(self.last)

    def refuse(self, provider: str, verdict: RefusalStatus) -> None:
        """This target refused the message itself."""
        self.refused.add(provider)
        self.verdict = most_telling(self.verdict, verdict)


def most_telling(earlier: RefusalStatus, later: RefusalStatus) -> RefusalStatus:
    """Which of two targets' verdicts the client hears when all of them have refused its message.

    The later one, since an operator puts the target that knows best, or takes everything, last; but
    ESME_RSUBMITFAIL says nothing, and an earlier verdict that says more is kept before it.
    """
    if earlier and later == ESME_RSUBMITFAIL:
        return earlier
    return later
