"""The forms that providers give to message ids and receipts, as seen in the field (quirks 7).

Pure: numbers and times in, octets out.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable

#: A number of the simulator's id space in the form that a provider would show it.
ID_FORMATS: dict[str, Callable[[int], bytes]] = {
    "dec": lambda number: b"%d" % number,
    "hex": lambda number: b"%x" % number,
    "HEX": lambda number: b"%X" % number,
    "padded": lambda number: b"%010d" % number,
    "padded-hex": lambda number: b"%08X" % number,
    "uuid": lambda number: _uuid(number),
    "constant": lambda number: b"msg_id_not_implemented",
    "empty": lambda number: b"",
}

#: Where a receipt carries what it says.
SHAPES = ("both", "text", "tlv", "payload", "data_sm")

#: message_state (SMPP 3.4 section 5.2.28) of the words a receipt uses.
STATES = {
    b"ENROUTE": 1,
    b"DELIVRD": 2,
    b"EXPIRED": 3,
    b"DELETED": 4,
    b"UNDELIV": 5,
    b"ACCEPTD": 6,
    b"UNKNOWN": 7,
    b"REJECTD": 8,
}


def _uuid(number: int) -> bytes:
    # The same number gives the same UUID: a run can be repeated.
    digest = hashlib.blake2b(b"%d" % number, digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4)).encode()


def receipt_text(
    message_id: bytes, stat: bytes, submitted: float, done: float, text: bytes = b""
) -> bytes:
    """The canonical receipt line of mission 3.3; ``submitted`` and ``done`` in unix seconds."""
    delivered = 1 if stat == b"DELIVRD" else 0
    error = b"000" if STATES.get(stat, 7) in (1, 2, 6) else b"001"
    return b"id:%b sub:001 dlvrd:%03d submit date:%b done date:%b stat:%b err:%b text:%b" % (
        message_id,
        delivered,
        receipt_date(submitted),
        receipt_date(done),
        stat,
        error,
        text[:20],
    )


def receipt_date(seconds: float) -> bytes:
    """``YYMMDDhhmm``, UTC."""
    minute = int(seconds) // 60
    known = _dates.get(minute)
    if known is None:
        if len(_dates) > 1000:
            _dates.clear()
        known = time.strftime("%y%m%d%H%M", time.gmtime(minute * 60)).encode()
        _dates[minute] = known
    return known


_dates: dict[int, bytes] = {}
