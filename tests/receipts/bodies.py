"""The body of a receipt in one call: what many receipts share, and what one message adds."""

from __future__ import annotations

from typing import Any

from smppproxy.receipts.deliver import body_of_shown, shown_of


def receipt_body(
    *told: Any,
    sub: int = 1,
    dlvrd: int = -1,
    user_message_reference: bytes | None = None,
    network_error_code: bytes = b"",
    with_tlvs: bool = True,
    dialect: str = "default",
    tz: str = "UTC",
    final: bool = False,
    enroute_final_as: str = "ENROUTE",
) -> bytes:
    """:param told: client_message_id; TON, NPI and address of the source, then of the destination;
    the dates of submit and end; state, stat and err.
    """
    done_date, state, stat, err = told[8:]
    shown = shown_of(
        state, stat, err, done_date, network_error_code, final, dialect, tz, enroute_final_as
    )
    reference = user_message_reference or b""
    message: tuple[Any, ...] = (*told[:8], reference, sub, dlvrd, with_tlvs, tz)
    return body_of_shown(shown, *message)
