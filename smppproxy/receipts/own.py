"""The receipts that we make ourselves, when no provider will (GW-34, MG-21, SX-22).

They go through the same queue as a provider's; ``err`` is of GatewayAPI's table.
"""

from __future__ import annotations

import attrs

from smppproxy.receipts import errs
from smppproxy.smpp.constants import (
    STATE_EXPIRED,
    STATE_REJECTED,
    STATE_UNDELIVERABLE,
    STATE_UNKNOWN,
)


@attrs.define
class OwnReceipt:
    """What such a receipt says; always final.

    :ivar state: message_state.
    :ivar stat: the word of it.
    :ivar err: three digits.
    """

    state: int
    stat: bytes
    err: bytes


ON_NO_RECEIPT: dict[str, OwnReceipt | None] = {
    "nothing": None,
    "UNKNOWN": OwnReceipt(STATE_UNKNOWN, b"UNKNOWN", errs.ERR_NETWORK_TIMEOUT),
    "EXPIRED": OwnReceipt(STATE_EXPIRED, b"EXPIRED", errs.ERR_NETWORK_TIMEOUT),
}
"""By the account's ``on_no_receipt``: for a message whose mapping ends without one (MG-21)."""

OWN: dict[str, OwnReceipt] = {
    "no_provider": OwnReceipt(STATE_UNDELIVERABLE, b"UNDELIV", errs.ERR_INTERNAL_ROUTING),
    "queue_full": OwnReceipt(STATE_UNDELIVERABLE, b"UNDELIV", errs.ERR_QUEUE_FULL),
    "validity_passed": OwnReceipt(STATE_EXPIRED, b"EXPIRED", errs.ERR_INVALID_VALIDITY),
    "no_answer": OwnReceipt(STATE_UNKNOWN, b"UNKNOWN", errs.ERR_NETWORK_TIMEOUT),
    "refused": OwnReceipt(STATE_REJECTED, b"REJECTD", errs.ERR_UNSPECIFIED),
}
"""For a message that was accepted by us and then went nowhere, by what happened to it."""
