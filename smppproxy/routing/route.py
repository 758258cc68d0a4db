"""A route as the network file has it, and what a choice gives."""

from collections.abc import Iterator

import attrs

from smppproxy.routing.route_rules import (
    ANY,
    DAYS,
    Hours,
    Patterns,
    Senders,
    TlvValue,
    Words,
    Zone,
)
from smppproxy.routing.rules import (
    Digits,
    Names,
    Numbers,
    OneOf,
    RuleError,
    SomeOf,
    Table,
    Text,
    Whole,
)
from smppproxy.routing.targets import SELECTS, Rewrite, Target, rewrites_of

MILLION = 1_000_000
_AFTERWARDS = OneOf(("wait", "next"))


@attrs.define
class Route:
    """Who may go where. A condition that is empty fits every message; all that are not have to fit.

    Routes are asked by `order`; of equal order by the longest prefix of the destination, then as
    they stand in the file.
    """

    name: str = attrs.field(validator=Text(1, 64, "denmark"))
    #: A route of a lower order is asked before all of a higher one, whatever their prefixes.
    order: int = attrs.field(default=0, validator=Whole(-MILLION, MILLION, 10))
    #: Accounts by name, and by the groups they are in; one of either is enough.
    accounts: frozenset[str] = attrs.field(default=frozenset(), validator=Names("demo"))
    groups: frozenset[str] = attrs.field(default=frozenset(), validator=Names("retail"))
    #: Beginnings of the destination; those of `prefix_file` count like them.
    prefixes: tuple[str, ...] = attrs.field(default=(), validator=Digits("45"))
    prefix_file: str = attrs.field(default="", validator=Text(0, 4096, "mobile.csv"))
    #: Whole source addresses, or beginnings of them as in "46*".
    sources: frozenset[str] = attrs.field(default=frozenset(), validator=Senders())
    source_tons: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 5))
    dest_tons: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 1))
    data_codings: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 8))
    service_types: frozenset[str] = attrs.field(default=frozenset(), validator=Words(5, "OTP"))
    #: The class in TLV 0x2900, or the account's default_message_class; "" = none.
    message_classes: frozenset[str] = attrs.field(
        default=frozenset(), validator=Words(64, "premium")
    )
    priorities: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 3))
    #: TLVs by tag: "any" value, or this one in hexadecimal. All of them have to be there.
    tlvs: dict[int, str] = attrs.field(
        factory=dict, validator=Table(Whole(0, 0xFFFF), TlvValue(), '{ 0x1403 = "any" }')
    )
    #: Regular expressions, one of which is found in the text.
    text: tuple[str, ...] = attrs.field(default=(), validator=Patterns())
    #: Parts of long messages: whatever it is, "only" those, or "never" those.
    parts: str = attrs.field(default="any", validator=OneOf(("any", "only", "never")))
    #: When, on the clock of a zone. Hours that pass midnight belong to the day they begin on.
    days: frozenset[str] = attrs.field(default=frozenset(DAYS), validator=SomeOf(DAYS))
    hours: str = attrs.field(default="", validator=Hours())
    tz: str = attrs.field(default="UTC", validator=Zone())
    #: Where to, or the command_status that denies the message.
    targets: tuple[Target, ...] = ()
    deny: int = attrs.field(default=0, validator=Whole(0, 0xFFFFFFFF, 0x45))
    #: In which order the targets are tried.
    select: str = attrs.field(default="weighted", validator=OneOf(SELECTS))
    #: With full windows, or without tokens of its tps: wait for the target or take the next.
    overflow: str = attrs.field(default="wait", validator=_AFTERWARDS)
    #: Answered that it is too fast: wait for the target or take the next.
    throttled: str = attrs.field(default="wait", validator=_AFTERWARDS)
    #: Refusals after which the next target is asked.
    failover: frozenset[int] = attrs.field(
        default=frozenset(), validator=Numbers(1, 0xFFFFFFFF, 0x45)
    )
    #: The prefixes of prefix_file, set by config.
    listed: tuple[bytes, ...] = attrs.field(init=False, default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        for _, text, mend in contradictions(self.targets, self.deny, self.select):
            raise RuleError(text, mend)

    def all_prefixes(self) -> Iterator[bytes]:
        """Every beginning of a destination that the route takes; b"" when it takes all."""
        yield from self.own_prefixes()
        yield from self.listed

    def own_prefixes(self) -> Iterator[bytes]:
        """Those of them that are not listed in a file."""
        for prefix in self.prefixes:
            yield prefix.encode()
        if not self.prefixes and not self.prefix_file:
            yield b""


def contradictions(
    targets: tuple[Target, ...], deny: int, select: str
) -> Iterator[tuple[str, str, str]]:
    """(option, what is wrong, what to write) for options that are impossible together."""
    if deny and targets:
        yield "deny", "a route that denies has no targets", "remove deny, or the targets"
    elif not deny and not targets:
        yield (
            "targets",
            "the route has no target",
            'write targets = ["acme"], or [{ provider = "acme", weight = 3 }, '
            '{ provider = "beta", backup = true }]',
        )
    shares = sum(target.weight for target in targets if not target.backup)
    if targets and select == "split" and shares != 100:
        text = f"the shares of a split are {shares} % together"
        yield "targets", text, "write weights that make 100, of targets that are no backups"


class Pick:
    """What a choice gives: made when the table is built and shared, never per message.

    :ivar route: that decided.
    :ivar names: providers to try, in order.
    :ivar status: the command_status of a route that denies, else 0.
    :ivar rewrites: what providers among `names` are told differently; empty nearly always.
    :ivar overflow: "wait" or "next": full windows, no tokens of the provider's tps.
    :ivar throttled: "wait" or "next": answers that the provider is asked too much.
    :ivar failover: command_status of refusals after which the next name is tried.
    """

    __slots__ = ("failover", "names", "overflow", "rewrites", "route", "status", "throttled")

    def __init__(
        self, route: Route, names: tuple[str, ...], rewrites: dict[str, Rewrite] | None = None
    ) -> None:
        self.route = route
        self.names = names
        self.status = route.deny
        self.rewrites = rewrites_of(route.targets) if rewrites is None else rewrites
        self.overflow = route.overflow
        self.throttled = route.throttled
        self.failover = route.failover

    def __repr__(self) -> str:
        return f"<Pick {self.route.name}: {self.status or ', '.join(self.names)}>"


__all__ = ["ANY", "MILLION", "Pick", "Rewrite", "Route", "Target", "contradictions"]
