"""The forms that providers give to message ids and receipts, as seen in the field (quirks 7).

Pure: numbers and times in, octets out.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime

from smppproxy.text.zones import zone_of

#: A number of the simulator's id space in the form that a provider would show it.
ID_FORMATS: dict[str, Callable[[int], bytes]] = {
    "dec": lambda number: b"%d" % number,
    "hex": lambda number: b"%x" % number,
    "HEX": lambda number: b"%X" % number,
    "padded": lambda number: b"%010d" % number,
    "padded-hex": lambda number: b"%08X" % number,
    "hex32": lambda number: _digest(number).hex().upper().encode(),
    "uuid": lambda number: _uuid(number),
    "constant": lambda number: b"msg_id_not_implemented",
    "empty": lambda number: b"",
}


def drawn(fractions: Mapping[int, float], draw: float) -> int:
    """Which command_status chance has picked, of those that come in such fractions; 0: none.

    :param draw: evenly from [0, 1).
    """
    for status, fraction in fractions.items():
        draw -= fraction
        if draw < 0:
            return status
    return 0


#: Where a receipt carries what it says.
SHAPES = ("both", "text", "tlv", "payload", "data_sm")

#: message_state (SMPP 3.4 section 5.2.28) of the words a receipt uses.
STATES = {
    b"ENROUTE": 1,
    b"BUFFERD": 1,
    b"DELIVRD": 2,
    b"EXPIRED": 3,
    b"DELETED": 4,
    b"UNDELIV": 5,
    b"ACCEPTD": 6,
    b"UNKNOWN": 7,
    b"REJECTD": 8,
    b"SKIPPED": 9,
}

#: Words after which a message is not lost.
SUCCESSES = frozenset({b"ENROUTE", b"BUFFERD", b"DELIVRD", b"ACCEPTD"})

#: How providers write what went wrong, by the form of their ``err``: the same in each receipt.
ERRORS = {"dec": b"001", "hex": b"21b", "gatewayapi": b"126", "opaque": b"E-17"}

#: Dates by their finest part.
DATES = {"minute": "%y%m%d%H%M", "second": "%y%m%d%H%M%S", "century": "%Y%m%d%H%M%S"}

#: What ``text:`` of a receipt shows.
SHOWN = ("message", "reference", "nothing")


def _digest(number: int) -> bytes:
    # The same number gives the same octets: a run can be repeated.
    return hashlib.blake2b(b"%d" % number, digest_size=16).digest()


def _uuid(number: int) -> bytes:
    return str(uuid.UUID(bytes=_digest(number), version=4)).encode()


def receipt_text(
    message_id: bytes,
    stat: bytes,
    submitted: float,
    done: float,
    text: bytes = b"",
    error: bytes = b"001",
    dates: str = "minute",
    tz: str = "UTC",
    lean: bool = False,
) -> bytes:
    """The receipt line of mission 3.3; ``submitted`` and ``done`` in unix seconds.

    :param error: what ``err`` says where something went wrong.
    :param dates: their form and zone ``tz``, as for :func:`receipt_date`.
    :param lean: without counters and text.
    """
    delivered = b" sub:001 dlvrd:%03d" % (stat == b"DELIVRD")
    return b"id:%b%b submit date:%b done date:%b stat:%b err:%b%b" % (
        message_id,
        b"" if lean else delivered,
        receipt_date(submitted, dates, tz),
        receipt_date(done, dates, tz),
        stat,
        b"000" if stat in SUCCESSES else error,
        b"" if lean else b" text:" + text[:20],
    )


def receipt_date(seconds: float, form: str = "minute", tz: str = "UTC") -> bytes:
    """Unix seconds as a date of a receipt: a form of :data:`DATES`, in a zone."""
    second = int(seconds)
    if form == "minute":
        second -= second % 60
    key = (second, form, tz)
    known = _dates.get(key)
    if known is None:
        if len(_dates) > 1000:
            _dates.clear()
        moment = datetime.fromtimestamp(second, zone_of(tz))
        known = _dates[key] = moment.strftime(DATES[form]).encode()
    return known


_dates: dict[tuple[int, str, str], bytes] = {}
