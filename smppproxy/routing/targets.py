"""Targets of a route: the providers, in which order they are tried, what each is told."""

import math

import attrs

from smppproxy.routing.prefixes import bare
from smppproxy.routing.route_rules import DigitsText
from smppproxy.routing.rules import Flag, OneOf, Text, Whole

#: All orders of a route's providers; the recipient's hash picks one of them.
Orders = tuple[tuple[str, ...], ...]

#: How a route orders its targets.
SELECTS = ("weighted", "ordered", "least_cost", "split", "quality")

_ROUNDS = 64  # orders per first target; more would not spread a failed target's share finer
_PERCENT = 100


@attrs.define
class Target:
    """A provider of a route, and how numbers are written for it.

    Weight 0 takes no new messages: the provider is being drained.
    """

    provider: str = attrs.field(validator=Text(1, 64, "acme"))
    #: Its share beside the weights of the others; with select "split" in percent.
    weight: int = attrs.field(default=1, validator=Whole(0, 100))
    #: Tried only after all that are not backups, in file order whatever their weights.
    backup: bool = attrs.field(default=False, validator=Flag())
    #: Leading digits of the destination that it does not get, then digits put in front.
    strip: str = attrs.field(default="", validator=DigitsText("0045"))
    prepend: str = attrs.field(default="", validator=DigitsText("0045"))
    #: The + before the destination, when the two above are done.
    plus: str = attrs.field(default="as_is", validator=OneOf(("as_is", "add", "strip")))
    #: Another source_addr, "" = as it is; with its TON and NPI, -1 = as they are.
    source: str = attrs.field(default="", validator=Text(0, 20, "1204"))
    source_ton: int = attrs.field(default=-1, validator=Whole(-1, 6, 5))
    source_npi: int = attrs.field(default=-1, validator=Whole(-1, 18, 0))


@attrs.define(frozen=True)
class Rewrite:
    """What a target changes about addresses; made with the table, never per message."""

    strip: bytes
    prepend: bytes
    plus: str
    source: bytes
    source_ton: int
    source_npi: int

    def destination(self, address: bytes) -> bytes:
        """destination_addr as the provider gets it.

        A + counts as no digit: it stays where it is while `strip` and `prepend` work behind it.
        A 00, which prefixes do not count either (SX-15), goes with the digits that are stripped
        behind it, and gives way to a + that is added.
        Digits to strip that are not there are no mistake: nothing is stripped.
        """
        sign = address[:1] if address[:1] == b"+" else b""
        digits = address[len(sign) :]
        if self.strip and digits.startswith(self.strip):
            digits = digits[len(self.strip) :]
        elif self.strip and bare(address).startswith(self.strip):
            digits = bare(address)[len(self.strip) :]
        elif self.plus == "add" and not self.prepend:
            digits = bare(address)
        if self.plus != "as_is":
            sign = b"+" if self.plus == "add" else b""
        return sign + self.prepend + digits

    def sender(self, ton: int, npi: int, address: bytes) -> tuple[int, int, bytes]:
        """(source_addr_ton, source_addr_npi, source_addr) as the provider gets them."""
        return (
            ton if self.source_ton < 0 else self.source_ton,
            npi if self.source_npi < 0 else self.source_npi,
            self.source or address,
        )


def rewrites_of(targets: tuple[Target, ...]) -> dict[str, Rewrite]:
    """By provider, those that change anything."""
    nothing = Rewrite(b"", b"", "as_is", b"", -1, -1)
    found = {
        target.provider: Rewrite(
            target.strip.encode(),
            target.prepend.encode(),
            target.plus,
            target.source.encode(),
            target.source_ton,
            target.source_npi,
        )
        for target in targets
    }
    return {name: rewrite for name, rewrite in found.items() if rewrite != nothing}


def orders_of(targets: tuple[Target, ...], select: str = "weighted") -> Orders:
    """Every order in which a route's targets are tried, backups last.

    "weighted": the first follows a wheel in which each has as many places as its weight; each full
    turn shifts the order of the others, so that a failed target's share spreads over all of them.
    "split": a hundred places, handed out in file order, so that a recipient whose place was the
    first target's keeps it when that grows. Otherwise: one order, that of the file.
    """
    main = {t.provider: t.weight for t in targets if t.weight and not t.backup}
    backups = tuple(t.provider for t in targets if t.weight and t.backup)
    if not main:
        return (backups,)
    if select == "split":
        return _split(main, backups)
    if select != "weighted":
        return ((*main, *backups),)
    wheel = _wheel(main)
    others = {
        first: _wheel({name: weight for name, weight in main.items() if name != first})
        for first in main
    }
    rounds = min(_ROUNDS, max(len(rest) for rest in others.values())) if len(main) > 2 else 1
    return tuple(
        (first, *_turned(others[first], turn), *backups)
        for turn in range(rounds)
        for first in wheel
    )


def _split(main: dict[str, int], backups: tuple[str, ...]) -> Orders:
    places = [name for name, percent in main.items() for _ in range(percent)]
    orders = {
        first: (first, *(name for name in main if name != first), *backups) for first in main
    }
    return tuple(orders[name] for name in places[:_PERCENT])


def _wheel(weights: dict[str, int]) -> list[str]:
    """Each name as often as its weight (in lowest terms), spread as evenly as can be."""
    share = math.gcd(*weights.values())
    places = [
        ((2 * place + 1) * share / (2 * weight), name)
        for name, weight in weights.items()
        for place in range(weight // share)
    ]
    return [name for _, name in sorted(places, key=lambda item: item[0])]


def _turned(wheel: list[str], turn: int) -> dict[str, None]:
    """The names of a wheel, each once, in the order met when starting `turn` places on."""
    start = turn % len(wheel) if wheel else 0
    return dict.fromkeys(wheel[start:] + wheel[:start])
