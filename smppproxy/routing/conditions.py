"""Conditions of routes: which routes a message fits, for all routes at once.

Routes are bits of a number, the first to be asked the lowest. A question looks at one field of the
message and gives the bits of the routes that its value fits; those that do not ask about the field
are always among them. So the routes that fit are found by as many `&` as there are fields that
matter, however many routes there are. The text is not among the questions: it is decoded when a
route that fits in all else asks for it.

A message is its octets and the offsets that `fields.walk_message` gives.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from smppproxy.routing.patterns import Pattern, compiled
from smppproxy.routing.prefixes import PrefixIndex, bare
from smppproxy.routing.route import Route
from smppproxy.routing.route_rules import ANY, DAYS, minutes_of
from smppproxy.smpp.constants import ESM_UDHI, TLV_MESSAGE_PAYLOAD
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.tlv import find_tlv
from smppproxy.text.alphabets import decode
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextSettings
from smppproxy.text.segments import concatenation
from smppproxy.text.zones import zone_of

#: Octets that name a message class (GW-47), in the range of the vendors.
TLV_MESSAGE_CLASS = 0x2900

Offsets = Sequence[int]


class Question:
    """One field.

    :ivar askers: the routes that ask about it.
    """

    __slots__ = ("askers",)

    def __init__(self, askers: int) -> None:
        self.askers = askers

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        """The routes that this message fits, as far as the field goes."""
        raise NotImplementedError


class Octet(Question):
    """A field of one octet: a TON, data_coding, priority_flag."""

    __slots__ = ("_behind", "_masks", "_offset")

    def __init__(
        self, askers: int, masks: dict[int, int], nobody: int, offset: int, behind: int
    ) -> None:
        super().__init__(askers)
        self._masks = [masks.get(value, nobody) for value in range(256)]
        self._offset = offset
        self._behind = behind

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        return self._masks[raw[offsets[self._offset] + self._behind]]


class ServiceType(Question):
    """service_type, octet by octet."""

    __slots__ = ("_masks", "_nobody")

    def __init__(self, askers: int, masks: dict[bytes, int], nobody: int) -> None:
        super().__init__(askers)
        self._masks = masks
        self._nobody = nobody

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        return self._masks.get(raw[16 : offsets[0] - 1], self._nobody)


class MessageClass(ServiceType):
    """The class that the account's rules found, or what TLV 0x2900 says."""

    __slots__ = ()

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        return self._masks.get(class_of(raw, offsets, message_class), self._nobody)


class Source(Question):
    """source_addr: whole, or its beginning. A leading + or 00 does not count."""

    __slots__ = ("_beginnings", "_whole")

    def __init__(self, askers: int, whole: dict[bytes, int], beginnings: dict[bytes, int],
                 nobody: int) -> None:  # fmt: skip
        super().__init__(askers)
        # A longer beginning fits whatever its own beginnings fit.
        folded = {
            one: _joined(mask for other, mask in beginnings.items() if one.startswith(other))
            for one in beginnings
        }
        pairs = ((one, mask | nobody) for one, mask in folded.items())
        self._beginnings = PrefixIndex(pairs, nobody)
        self._whole = {one: mask | self._beginnings.find(one) for one, mask in whole.items()}

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        source = raw[offsets[0] + 2 : offsets[1] - 1]
        if source[:1] == b"+" or source[:2] == b"00":
            source = bare(source)
        mask = self._whole.get(source)
        return self._beginnings.find(source) if mask is None else mask


class Tlvs(Question):
    """TLVs: there, or there with a value. The first of a tag counts."""

    __slots__ = ("_none", "_tags")

    def __init__(self, askers: int, tags: list[tuple[int, int, int, dict[bytes, int]]],
                 none: int) -> None:  # fmt: skip
        """
        :param tags: (tag, who does not ask for it, who takes any value, others by their value).
        """
        super().__init__(askers)
        self._none = none
        self._tags = [
            (tag, nobody, nobody | any_value,
             {value: nobody | any_value | mask for value, mask in masks.items()})
            for tag, nobody, any_value, masks in tags
        ]  # fmt: skip

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        at = offsets[5]
        if at >= len(raw):
            return self._none
        mask = -1
        for tag, nobody, any_value, masks in self._tags:
            value = find_tlv(raw, at, tag)
            mask &= nobody if value is None else masks.get(value, any_value)
        return mask


class Parts(Question):
    """Part of a long message, or not."""

    __slots__ = ("_part", "_whole")

    def __init__(self, askers: int, only: int, never: int, nobody: int) -> None:
        super().__init__(askers)
        self._part = only | nobody
        self._whole = never | nobody

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        return self._part if is_part(raw, offsets) else self._whole


class Clock(Question):
    """Day and hour on the clocks of zones, looked at once a minute."""

    __slots__ = ("_mask", "_minute", "_nobody", "_times")

    def __init__(self, askers: int, times: dict["Times", int], nobody: int) -> None:
        super().__init__(askers)
        self._times = times
        self._nobody = nobody
        self._minute = -1.0
        self._mask = 0

    def fits(self, raw: bytes, offsets: Offsets, wall: float, message_class: bytes) -> int:
        minute = wall // 60
        if minute != self._minute:
            mask = self._nobody
            for times, routes in self._times.items():
                if times.hold(wall):
                    mask |= routes
            self._mask = mask
            self._minute = minute
        return self._mask


class Times:
    """Days and hours of one zone. Equal ones are one key of a dict."""

    __slots__ = ("_begin", "_days", "_end", "_key", "_zone")

    def __init__(self, days: frozenset[str], hours: str, tz: str) -> None:
        self._key = (days, hours, tz)
        self._days = frozenset(DAYS.index(day) for day in days)
        self._begin, self._end = minutes_of(hours)
        self._zone = zone_of(tz)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Times) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def hold(self, wall: float) -> bool:
        """Whether it is such a time at this unix time.

        What the clock shows decides: hours that a zone skips in spring do not come, those that it
        repeats in autumn come twice. Hours behind midnight belong to the day before.
        """
        local = datetime.fromtimestamp(wall, self._zone)
        minute = local.hour * 60 + local.minute
        today = local.weekday()
        if self._begin < self._end:
            return today in self._days and self._begin <= minute < self._end
        if minute >= self._begin:
            return today in self._days
        return minute < self._end and (today - 1) % 7 in self._days

    def told(self, wall: float) -> str:
        """What the clock shows, for people."""
        local = datetime.fromtimestamp(wall, self._zone)
        return f"{DAYS[local.weekday()]} {local.hour:02}:{local.minute:02} {self._key[2]}"


# -- what a message says ---------------------------------------------------------------------------


def class_of(raw: bytes, offsets: Offsets, message_class: bytes) -> bytes:
    """The message class: as given, else what TLV 0x2900 says, b"" for none."""
    if message_class or offsets[5] >= len(raw):
        return message_class
    return (find_tlv(raw, offsets[5], TLV_MESSAGE_CLASS) or b"").rstrip(b"\0")


def is_part(raw: bytes, offsets: Offsets) -> bool:
    """Whether this is a part of a long message."""
    if not raw[offsets[2]] & ESM_UDHI and offsets[5] >= len(raw):
        return False
    return concatenation(raw, offsets) is not None


def text_of(raw: bytes, offsets: Offsets, settings: TextSettings) -> str | None:
    """The text of a message, or of this part of it; None where it is none."""
    sm_at = offsets[4]
    octets = raw[sm_at : sm_at + raw[sm_at - 1]]
    if not octets and offsets[5] < len(raw):
        octets = find_tlv(raw, offsets[5], TLV_MESSAGE_PAYLOAD) or b""
    if raw[offsets[2]] & ESM_UDHI and octets:
        octets = octets[octets[0] + 1 :]
    alphabet, _ = meaning(raw[offsets[3] + 2], settings)
    try:
        return decode(alphabet, octets)
    except BodyError:
        return None


def patterns_of(route: Route) -> tuple[Pattern, ...]:
    """The regular expressions of a route, compiled."""
    return tuple(compiled(pattern) for pattern in route.text)


# -- the questions of a table ----------------------------------------------------------------------


def timed(route: Route) -> bool:
    """Whether a route asks for the time."""
    return bool(route.hours) or len(route.days) < len(DAYS)


def questions_of(routes: Sequence[Route]) -> list[Question]:
    """The questions that these routes ask, route n having bit n. Cheap questions first."""
    everyone = (1 << len(routes)) - 1
    found = [
        *_octets(routes, everyone),
        *_words(routes, everyone),
        *_source(routes, everyone),
        *_times(routes, everyone),
        *_parts(routes, everyone),
        *_tlvs(routes, everyone),
    ]
    return [question for question in found if question.askers]


def _joined(masks: Iterable[int]) -> int:
    mask = 0
    for each in masks:
        mask |= each
    return mask


def _bits(routes: Sequence[Route], asks: Callable[[Route], object]) -> int:
    return _joined(1 << number for number, route in enumerate(routes) if asks(route))


def _by_value(
    routes: Sequence[Route], values: Callable[[Route], Iterable[int]], nobody: int
) -> dict[int, int]:
    masks: dict[int, int] = {}
    for number, route in enumerate(routes):
        for value in values(route):
            masks[value] = masks.get(value, nobody) | 1 << number
    return masks


def _by_word(
    routes: Sequence[Route], values: Callable[[Route], Iterable[str]], nobody: int
) -> dict[bytes, int]:
    masks: dict[bytes, int] = {}
    for number, route in enumerate(routes):
        for value in values(route):
            key = value.encode()
            masks[key] = masks.get(key, nobody) | 1 << number
    return masks


#: Option, and where its octet stands: which offset, how far behind it.
_OCTETS: tuple[tuple[Callable[[Route], Iterable[int]], int, int], ...] = (
    (lambda route: route.data_codings, 3, 2),
    (lambda route: route.source_tons, 0, 0),
    (lambda route: route.dest_tons, 1, 0),
    (lambda route: route.priorities, 2, 2),
)


def _octets(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    for values, offset, behind in _OCTETS:
        askers = _bits(routes, values)
        nobody = everyone & ~askers
        yield Octet(askers, _by_value(routes, values, nobody), nobody, offset, behind)


def _words(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    askers = _bits(routes, lambda route: route.service_types)
    nobody = everyone & ~askers
    masks = _by_word(routes, lambda route: route.service_types, nobody)
    yield ServiceType(askers, masks, nobody)
    askers = _bits(routes, lambda route: route.message_classes)
    nobody = everyone & ~askers
    masks = _by_word(routes, lambda route: route.message_classes, nobody)
    yield MessageClass(askers, masks, nobody)


def _source(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    whole: dict[bytes, int] = {}
    beginnings: dict[bytes, int] = {}
    for number, route in enumerate(routes):
        for sender in route.sources:
            masks = beginnings if sender.endswith("*") else whole
            key = bare(sender.removesuffix("*").encode())
            masks[key] = masks.get(key, 0) | 1 << number
    askers = _bits(routes, lambda route: route.sources)
    yield Source(askers, whole, beginnings, everyone & ~askers)


def _times(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    times: dict[Times, int] = {}
    for number, route in enumerate(routes):
        if timed(route):
            key = Times(route.days, route.hours, route.tz)
            times[key] = times.get(key, 0) | 1 << number
    askers = _joined(times.values())
    yield Clock(askers, times, everyone & ~askers)


def _parts(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    only = _bits(routes, lambda route: route.parts == "only")
    never = _bits(routes, lambda route: route.parts == "never")
    yield Parts(only | never, only, never, everyone & ~(only | never))


def _tlvs(routes: Sequence[Route], everyone: int) -> Iterable[Question]:
    tags: list[tuple[int, int, int, dict[bytes, int]]] = []
    for tag in sorted({tag for route in routes for tag in route.tlvs}):
        masks: dict[bytes, int] = {}
        any_value = askers = 0
        for number, route in enumerate(routes):
            wanted = route.tlvs.get(tag)
            if wanted is None:
                continue
            askers |= 1 << number
            if wanted == ANY:
                any_value |= 1 << number
            else:
                value = bytes.fromhex(wanted)
                masks[value] = masks.get(value, 0) | 1 << number
        tags.append((tag, everyone & ~askers, any_value, masks))
    askers = _bits(routes, lambda route: route.tlvs)
    yield Tlvs(askers, tags, everyone & ~askers)
