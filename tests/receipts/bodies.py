"""The body of a receipt in one call: what many receipts share, and what one message adds."""

from __future__ import annotations

from typing import Any

from smppproxy.receipts.deliver import form_of, shown_of
from smppproxy.receipts.text import date_text


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
    message_id, source_ton, source_npi, source, dest_ton, dest_npi, destination, *rest = told
    submitted, done, state, stat, err = rest
    shown = shown_of(
        state, stat, err, done, network_error_code, final, dialect, tz, enroute_final_as
    )
    form = form_of(
        shown,
        source_ton,
        source_npi,
        dest_ton,
        dest_npi,
        len(message_id),
        sub,
        dlvrd,
        with_tlvs,
        user_message_reference or b"",
    )
    return form.body(destination, source, message_id, date_text(submitted, tz))
