"""What a simulated provider and a simulated client remember, for ``histories`` to compare."""

from __future__ import annotations

import attrs

UNANSWERED = -1
LOST = -2


@attrs.define(eq=False)
class Accepted:
    """One submit_sm that the provider took: its side of the history.

    :ivar number: place in the provider's id space, all hosts together.
    :ivar message_id: as its submit_sm_resp shows it; :ivar receipt_id: as its receipts do.
    :ivar accepted_at: monotonic seconds; :ivar submitted: unix seconds, for the receipt's text.
    :ivar answered: the response was written while the connection stood.
    :ivar stat: the word of its final receipt, empty when none was asked for.
    :ivar text: short_message, or message_payload where that is empty, header and all.
    :ivar tlvs: as they came; :ivar segments: the SMS that it takes, as far as they are counted.
    """

    number: int
    message_id: bytes
    receipt_id: bytes
    host: str
    system_id: bytes
    source: tuple[int, int, bytes]
    destination: tuple[int, int, bytes]
    registered_delivery: int
    accepted_at: float
    submitted: float
    text: bytes
    esm_class: int = 0
    data_coding: int = 0
    tlvs: list[tuple[int, bytes]] = attrs.field(factory=list)
    segments: int = 1
    answered: bool = False
    stat: bytes = b""
    receipts_sent: int = 0
    receipts_acked: int = 0


@attrs.define
class Counts:
    """What a simulated provider counted, all hosts together.

    :ivar most_unanswered: submit_sm that one session had unanswered at a time;
        :ivar beyond_window: those refused for it. :ivar unwanted: messages against its profile.
    :ivar silent: sessions closed for their silence.
    """

    connections: int = 0
    binds: int = 0
    binds_refused: int = 0
    unbinds: int = 0
    submits: int = 0
    accepted: int = 0
    refused: int = 0
    throttled: int = 0
    beyond_window: int = 0
    most_unanswered: int = 0
    unwanted: int = 0
    silent: int = 0
    unreadable: int = 0
    unanswered: int = 0
    receipts_sent: int = 0
    receipts_acked: int = 0
    duplicates_sent: int = 0
    mo_sent: int = 0
    mo_acked: int = 0
    deliveries_refused: int = 0
    deliveries_retried: int = 0


@attrs.define(eq=False)
class Sent:
    """One submit_sm: the client's side of the history.

    :ivar status: command_status of its response, ``UNANSWERED``, or ``LOST`` when the session
        ended first or the answer did not come in time.
    :ivar receipts: its final receipts so far, repeated ones included.
    :ivar intermediate: its notifications that were not final.
    :ivar late: the response came after the receipt, on one session: never right (quirks 5.4).
    :ivar crossed: the same with the receipt on another session, whose order nobody can promise.
    """

    number: int
    destination: bytes
    submitted_at: float
    session: int = 0
    status: int = UNANSWERED
    message_id: bytes = b""
    answered_at: float = 0.0
    receipts: int = 0
    intermediate: int = 0
    stat: bytes = b""
    receipt_at: float = 0.0
    late: bool = False
    crossed: bool = False


@attrs.define
class Heard:
    """A receipt or MO message as the client got it."""

    message_id: bytes
    source: bytes
    destination: bytes
    text: bytes
    final: bool
    at: float
    session: int


@attrs.define
class Tally:
    """What a simulated client counted; ``receipted`` are the messages that have their receipt."""

    binds: int = 0
    binds_refused: int = 0
    sessions_lost: int = 0
    submitted: int = 0
    accepted: int = 0
    refused: int = 0
    lost: int = 0
    receipts: int = 0
    receipted: int = 0
    duplicated: int = 0
    mo: int = 0
    unreadable: int = 0
