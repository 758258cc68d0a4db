"""Why a target of a route was passed over: noted on the message, and counted.

A message has the list of them in ``skipped``, in time, so that a trace and the message log can tell
why it went where it went; it is empty unless something was passed over. The counts are for metrics.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel

from smppproxy.relay.events import Events
from smppproxy.relay.pool import Pool
from smppproxy.relay.submission import Skipped, Submit
from smppproxy.smpp.constants import status_name

ABSENT = "absent"
"""It is not bound."""

ISOLATED = "isolated"
"""An operator lets none of its binds take submits."""

UNFIT = "unfit"
"""It cannot carry this message, as its profile says (SX-18)."""

FULL = "full"
"""No bind has room in its window, or others wait already."""

PAUSED = "paused"
"""All its hosts rest, since they asked for it (SX-22)."""

LIMITED = "limited"
"""Its rate lets none go at this moment."""

THROTTLED = "throttled"
"""It answered that it is too fast."""

TROUBLE = "trouble"
"""It answered with its own trouble, not with the message's."""

REFUSED = "refused"
"""It refused the message with a command_status of the route's ``failover``."""

LOST = "lost"
"""Its bind was lost, or it did not answer: the message is in doubt, its second copy goes on."""

MOST = 20
"""Different reasons that one message keeps."""


def reason_of(pool: Pool | None) -> str:
    """Why a provider takes nothing at this moment."""
    if pool is None or not pool.binds:
        return ABSENT if pool is None or not pool.bound else ISOLATED
    if not pool.open:
        return PAUSED
    return LIMITED if pool.limited else FULL


TOLD = frozenset((ABSENT, THROTTLED, TROUBLE, REFUSED, LOST))
"""Reasons that are an event too, a failover: the others are the daily life of a busy route."""


class Reasons:
    """Counts of all targets that were passed over.

    :ivar counts: by (route, provider, reason).
    """

    def __init__(self, events: Events) -> None:
        """
        :param events: is told of failovers, and tells as many as one can read.
        """
        self._events = events
        self.counts: dict[tuple[str, str, str], int] = {}

    def note(self, submit: Submit, provider: str, reason: str, status: int = 0) -> None:
        """This target is passed over; ``status`` is the provider's answer, if it gave one.

        What a part is passed over for is noted on its message; once, however often it happens.
        """
        key = (submit.pick.route.name, provider, reason)
        self.counts[key] = self.counts.get(key, 0) + 1
        message = submit if submit.group is None else submit.group.message
        skipped = (provider, reason, status)
        if skipped not in message.skipped and len(message.skipped) < MOST:
            message.skipped += (skipped,)
        if reason in TOLD:
            self._events.tell("failover", provider, reason, lambda: failover(message, skipped))


def failover(message: Submit, skipped: Skipped) -> dict[str, Any]:
    """The fields of an event that tells of it."""
    provider, reason, status = skipped
    return {
        "log_level": LogLevel.warn,
        "log_format": "{count} messages pass {provider} over: {reason}",
        "account": message.account.system_id,
        "session": message.client.name,
        "sequence_number": message.pdu.sequence_number,
        "route": message.pick.route.name,
        "provider": provider,
        "reason": reason,
        "command_status": status_name(status) if status else "",
    }
