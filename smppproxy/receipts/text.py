"""The text of a receipt: reading what providers write, writing what clients can read.

The grammar is mission 3.2 and 3.3. Reading is tolerant and never raises; nothing is decoded by
data_coding, since ``text:`` may hold octets of any kind.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from smppproxy.text.zones import zone_of


class Fields(NamedTuple):
    """The fields of a receipt's text, as written; ``b""`` for what is not there."""

    id: bytes
    sub: bytes
    dlvrd: bytes
    submit_date: bytes
    done_date: bytes
    stat: bytes
    err: bytes
    text: bytes


NOTHING = Fields(b"", b"", b"", b"", b"", b"", b"", b"")

# What nearly everyone sends, in one match. It accepts a subset of the grammar and gives the same
# fields; a test holds the two against each other.
_USUAL = re.compile(
    rb"id:(\S{1,65}) (?:sub:(\S*) dlvrd:(\S*) )?submit date:(\S*) done date:(\S*) "
    rb"stat:(\S+) err:(\S*)(?: [Tt]ext:(.*))?",
    re.DOTALL,
).fullmatch

# The same from behind the id to the first octet of the text.
_USUAL_MIDDLE = re.compile(
    rb" (?:sub:(\S*) dlvrd:(\S*) )?submit date:(\S*) done date:(\S*) "
    rb"stat:(\S+) err:(\S*)( [Tt]ext:)?"
).fullmatch

_KEY = re.compile(
    rb"(?<!\S)(?:(id)|(sub)|(dlvrd)|(submit[ _]?date)|(done[ _]?date)"
    rb"|(stat(?:us)?)|(err(?:or)?)|(text))\s*:",
    re.IGNORECASE,
).search

_ID, _STAT, _TEXT = 0, 5, 7
_MAX_ID = 65


def parse(octets: bytes) -> Fields | None:
    """The fields of a receipt text, or None when neither ``id`` nor ``stat`` is in it.

    Trailing NULs are no part of it. The first occurrence of a key counts; once id and stat are
    read, ``text`` runs to the end, so a receipt quoted in it cannot win. A text in UTF-16 is read
    by its low octets.
    """
    if octets[-1:] == b"\x00":
        octets = octets.rstrip(b"\x00")
    match = _USUAL(octets)
    if match is not None:
        return Fields._make(match.groups(b""))
    if octets[:5:2] == b"\x00\x00\x00":
        octets = octets[1::2]
    return parse_any(octets)


def parse_any(octets: bytes) -> Fields | None:
    """As :func:`parse`, by the whole grammar: any order, spelling and white space."""
    fields: list[bytes | None] = [None] * 8
    match = _KEY(octets)
    while match is not None:
        key = match.lastindex - 1 if match.lastindex else 0
        value_at = match.end()
        if key == _TEXT and fields[_ID] and fields[_STAT]:
            value = octets[value_at:]
            match = None
        else:
            match = _KEY(octets, value_at)
            value = octets[value_at : match.start() if match else len(octets)]
            if key != _TEXT:
                # A blank ends a value: what follows is a key that nobody knows.
                value = b"".join(value.split(None, 1)[:1])
        if fields[key] is None:
            fields[key] = value
    if len(fields[_ID] or b"") > _MAX_ID:
        fields[_ID] = None
    if not fields[_ID] and not fields[_STAT]:
        return None
    return Fields._make([field or b"" for field in fields])


def parse_middle(message_id: bytes, middle: bytes, rest: bytes) -> Fields | None:
    """As :func:`parse` reads ``id:``, these three in turn; None where that needs the whole of it.

    :param middle: up to and with ``text:``, if that is there.
    """
    match = _USUAL_MIDDLE(middle)
    if match is None:
        return None
    sub, dlvrd, submit_date, done_date, stat, err, text = match.groups(b"")
    if middle[-4:] == b"ext:" and not text:
        return None
    return Fields(message_id, sub, dlvrd, submit_date, done_date, stat, err, rest)


def count_of(octets: bytes) -> int:
    """``sub`` or ``dlvrd`` as a number; -1 when it is none (``null``, ``...``) or over 9999."""
    return int(octets) if octets.isdigit() and len(octets) < 5 else -1


def seconds_of(octets: bytes, zone: tzinfo | None) -> int:
    """A date of 10, 12 or 14 digits as unix seconds; 0 when it is unknown.

    :param zone: the provider's zone, None for UTC.

    12 digits are YYMMDDhhmmss, or YYYYMMDDhhmm when they begin with 20 and the next two are above
    12. Zeros, impossible dates and anything else are unknown, never an error.
    """
    length = len(octets)
    if not octets.isdigit() or length not in (10, 12, 14):
        return 0
    digits = octets.decode("ascii")
    if length == 12 and digits[:2] == "20" and digits[2:4] > "12":
        digits += "00"
    elif length != 14:
        digits = "20" + digits.ljust(12, "0")
    try:
        moment = datetime(
            int(digits[:4]),
            int(digits[4:6]),
            int(digits[6:8]),
            int(digits[8:10]),
            int(digits[10:12]),
            int(digits[12:]),
            tzinfo=zone,
        )
        return max(0, timegm(moment.utctimetuple()))
    except (ValueError, OverflowError):
        return 0


_UNKNOWN_DATE = b"0000000000"
DATE_OCTETS = len(_UNKNOWN_DATE)
"""Of what :func:`date_text` gives."""

_MINUTES_KEPT = 4096
_ZONES_KEPT = 64
_LAST_MINUTE = 4102444800 // 60  # 2100-01-01: two digits of a year go no further

# Unix minute: YYMMDDhhmm. Receipts of one hour share some dozens of these.
_utc_minutes: dict[int, bytes] = {}
_zones: dict[str, tuple[tzinfo, dict[int, bytes]]] = {"UTC": (UTC, _utc_minutes)}


def date_text(seconds: int, tz: str = "UTC") -> bytes:
    """Unix seconds as the ten digits YYMMDDhhmm in a zone (GW-27); zeros for 0 (unknown).

    :raises ValueError: for a zone that does not exist.
    """
    minutes = _utc_minutes if tz == "UTC" else _minutes_of(tz)
    minute = seconds // 60
    text = minutes.get(minute)
    if text is None:
        if not 0 < minute < _LAST_MINUTE:
            return _UNKNOWN_DATE
        if len(minutes) >= _MINUTES_KEPT:
            minutes.clear()
        text = minutes[minute] = _format_minute(minute, _zones[tz][0])
    return text


def _minutes_of(tz: str) -> dict[int, bytes]:
    known = _zones.get(tz)
    if known is None:
        zone = zone_of(tz)
        if len(_zones) >= _ZONES_KEPT:
            _zones.clear()
            _zones["UTC"] = (UTC, _utc_minutes)
        known = _zones[tz] = (zone, {})
    return known[1]


def _format_minute(minute: int, zone: tzinfo) -> bytes:
    moment = datetime.fromtimestamp(minute * 60, zone)
    return b"%02d%02d%02d%02d%02d" % (
        moment.year % 100,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
    )


_COUNTS = b" sub:%03d dlvrd:%03d submit date:"
_ENDING = b" done date:%b stat:%b err:%b text:%b"


def render(
    sub: int, dlvrd: int, done_date: bytes, stat: bytes, err: bytes, text: bytes
) -> tuple[bytes, bytes]:
    """The one line that every strict reader takes (mission 3.3, GW-25), but for what only one
    message has: what stands between ``id:1234`` and the submit date, and what stands behind that.

    Dates are those of :func:`date_text`, ``err`` is three digits.
    """
    return _COUNTS % (sub, dlvrd), _ENDING % (done_date, stat, err, text)
