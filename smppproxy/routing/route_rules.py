"""What the conditions of a route may say, as rules in the manner of `routing.rules`."""

import re
from typing import Any

import attrs

from smppproxy.routing.patterns import PatternError, compiled
from smppproxy.routing.rules import RuleError, show
from smppproxy.text.zones import zone_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: A TLV that has to be there, whatever its value.
ANY = "any"
MINUTES = 24 * 60

_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_SOURCE_LONGEST = 20


@attrs.define
class DigitsText:
    """At most 20 digits as text, or ""."""

    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write digits in quotes, e.g. {attribute.name} = {show(self.example)}"
        if not isinstance(value, str):
            raise RuleError(f"{show(value)} is not text", mend)
        if value and not (value.isascii() and value.isdigit()):
            raise RuleError(f"{show(value)} is not made of digits", mend)
        if len(value) > 20:
            raise RuleError(f"{show(value)} has more than 20 digits", mend)


@attrs.define
class Senders:
    """A list of whole source addresses, or of their beginnings with a * behind them."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f'write a list of senders, e.g. {attribute.name} = ["Acme", "1204", "46*"]'
        if not isinstance(value, tuple | frozenset):
            raise RuleError(f"{show(value)} is not a list", mend)
        for sender in sorted(value, key=str):
            if not isinstance(sender, str):
                raise RuleError(f"{show(sender)} is not text", mend)
            if "*" in sender[:-1]:
                raise RuleError(f"{show(sender)} has its * before the end", mend)
            if len(sender.encode()) > _SOURCE_LONGEST + sender.endswith("*"):
                raise RuleError(
                    f"{show(sender)} is too long", f"write at most {_SOURCE_LONGEST} octets"
                )


@attrs.define
class Words:
    """A list of texts, each of at most `longest` octets; "" is one of them."""

    longest: int
    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write a list of texts, e.g. {attribute.name} = [{show(self.example)}]"
        if not isinstance(value, tuple | frozenset):
            raise RuleError(f"{show(value)} is not a list", mend)
        for word in sorted(value, key=str):
            if not isinstance(word, str):
                raise RuleError(f"{show(word)} is not text", mend)
            if len(word.encode()) > self.longest:
                raise RuleError(
                    f"{show(word)} is too long", f"write at most {self.longest} octets"
                )


@attrs.define
class Patterns:
    """A list of regular expressions, see ``routing.patterns``."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write a list of regular expressions, e.g. {attribute.name} = ['(?i)pin code']"
        if not isinstance(value, tuple):
            raise RuleError(f"{show(value)} is not a list", mend)
        for pattern in value:
            if not isinstance(pattern, str) or not pattern:
                raise RuleError(f"{show(pattern)} is not a regular expression", mend)
            try:
                compiled(pattern)
            except PatternError as error:
                raise RuleError(f"{show(pattern)}: {error}", mend) from None


@attrs.define
class TlvValue:
    """What the value of a TLV has to be: "any", or its octets in hexadecimal."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = 'write "any", or the octets of the value as in "01ff"'
        if not isinstance(value, str) or (value != ANY and not _HEX.fullmatch(value)):
            raise RuleError(f"{show(value)} is no value of a TLV", mend)


@attrs.define
class Hours:
    """A part of the day, as in "08:00-20:00"; "22:00-06:00" passes midnight; "" = all of it."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f'write {attribute.name} = "08:00-20:00", or "22:00-06:00" for the night'
        if value == "":
            return
        if not isinstance(value, str) or not _HOURS.fullmatch(value):
            raise RuleError(f"{show(value)} is no part of a day", mend)
        begin, end = minutes_of(value)
        if max(begin, end) > MINUTES or begin == MINUTES:
            raise RuleError(f"{show(value)} goes beyond the day", mend)
        if begin == end:
            raise RuleError(f"{show(value)} ends where it begins", mend)


@attrs.define
class Zone:
    """A time zone of the zone database."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = 'write "UTC" or a name of the zone database, e.g. "Europe/Copenhagen"'
        try:
            if isinstance(value, str) and zone_of(value):
                return
        except ValueError:
            pass
        raise RuleError(f"{show(value)} is not a time zone", mend)


def minutes_of(hours: str) -> tuple[int, int]:
    """Begin and end of "HH:MM-HH:MM" in minutes from midnight; "" is the whole day."""
    found = _HOURS.fullmatch(hours)
    if found is None:
        return 0, MINUTES
    numbers = [int(each) for each in found.groups()]
    return numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
