"""validity_period and schedule_delivery_time (SMPP 3.4, 7.1.1; mission 4.6).

Empty, or 16 characters: ``YYMMDDhhmmsstnn`` with ``+`` or ``-`` for a local time (t tenths of a
second, nn quarters of an hour from UTC), ``YYMMDDhhmmss000R`` for a time from now. Times here are
seconds since 1970, UTC.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import attrs

from smppproxy.smpp.refusals import NO_REFUSAL, STATUSES, RefusalStatus

_fields = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])").fullmatch

# 7.1.1.2 leaves the length of a month open; whoever needs more than days gets these.
_YEAR, _MONTH, _DAY = 365 * 86_400, 30 * 86_400, 86_400
_MOST_DAYS = 31
_LONGEST = 99 * _YEAR + 11 * _MONTH
_QUARTER = 15 * 60
_MOST_QUARTERS = 48
_EXPIRED = STATUSES["validity_period"]
_NOT_THEN = STATUSES["schedule_delivery_time"]
_LAST = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


class TimeFormError(ValueError):
    """The octets are neither of the two forms, or name a time that no calendar has."""


@attrs.define
class Moment:
    """A time that a client named.

    :ivar relative: counted from now.
    :ivar seconds: seconds from now, or since 1970 UTC.
    """

    relative: bool
    seconds: float

    def at(self, now: float) -> float:
        """The moment as seconds since 1970 UTC."""
        return now + self.seconds if self.relative else self.seconds


def parse(value: bytes) -> Moment | None:
    """The moment that a time field (without its NUL) names; None for an empty one.

    :raises TimeFormError: for anything else.
    """
    if not value:
        return None
    found = _fields(value)
    if found is None:
        raise TimeFormError("neither an absolute nor a relative time")
    year, month, day, hour, minute, second, tenths, quarters = map(int, found.groups()[:8])
    sign = found[9]
    if sign == b"R":
        if tenths or quarters:
            raise TimeFormError("a relative time ends with 000R")
        days = year * _YEAR + month * _MONTH + day * _DAY
        return Moment(True, days + hour * 3600 + minute * 60 + second)
    if quarters > _MOST_QUARTERS:
        raise TimeFormError("more than 12 hours from UTC")
    try:
        local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise TimeFormError(str(error)) from None
    offset = quarters * _QUARTER
    seconds = local.timestamp() + tenths / 10
    return Moment(False, seconds - offset if sign == b"+" else seconds + offset)


def check_validity(value: bytes, now: float) -> RefusalStatus:
    """0x62 for a validity_period that is no time, or is over at ``now``; else 0."""
    try:
        moment = parse(value)
    except TimeFormError:
        return _EXPIRED
    return NO_REFUSAL if moment is None or moment.at(now) > now else _EXPIRED


def check_schedule(value: bytes, now: float) -> RefusalStatus:
    """0x61 for a schedule_delivery_time that is no time, or lies before ``now``; else 0."""
    try:
        moment = parse(value)
    except TimeFormError:
        return _NOT_THEN
    return NO_REFUSAL if moment is None or moment.at(now) >= now else _NOT_THEN


def expiry(value: bytes, now: float) -> float | None:
    """When a message that came at ``now`` is not to be sent any more; None: never, or no time."""
    try:
        moment = parse(value)
    except TimeFormError:
        return None
    return None if moment is None else moment.at(now)


def render(value: bytes, now: float, form: str) -> bytes:
    """A time field in a provider's form: "relative", "absolute", or "none" for an empty one.

    One that has the form already is copied, and so is one that is no time.
    """
    if form == "none":
        return b""
    try:
        moment = parse(value)
    except TimeFormError:
        return value
    if moment is None or moment.relative == (form == "relative"):
        return value
    if form == "relative":
        return relative(moment.at(now) - now)
    return absolute(moment.at(now))


def relative(seconds: float) -> bytes:
    """The relative form, rounded up to a second, at least one; 99 years are the most."""
    days, rest = divmod(min(max(math.ceil(seconds), 1), _LONGEST), _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    years = months = 0
    # What fits the days goes there: all read it alike.
    if days > _MOST_DAYS:
        years, days = divmod(days, _YEAR // _DAY)
        months, days = divmod(days, _MONTH // _DAY)
    return b"%02d%02d%02d%02d%02d%02d000R" % (years, months, days, hours, minutes, rest)


def absolute(seconds: float) -> bytes:
    """The absolute form in UTC, rounded up to a second; the year 2099 is the last."""
    moment = datetime.fromtimestamp(min(math.ceil(seconds), _LAST), UTC)
    return moment.strftime("%y%m%d%H%M%S000+").encode()
