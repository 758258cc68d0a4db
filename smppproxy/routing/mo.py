"""Routes of MO messages: whose account a number belongs to (SX-23), and a keyword sent to it.

Asked first is a lower ``order``, then a whole number before a longer prefix before a shorter one;
for the same number or prefix a route with the message's keyword before one that asks for none;
of equals the first in the file. The first route whose providers and sources fit too decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from smppproxy.routing.route_rules import Senders
from smppproxy.routing.routes import bare
from smppproxy.routing.rules import (
    Digits,
    Flag,
    Names,
    OneOf,
    RuleError,
    Seconds,
    Text,
    Whole,
    show,
)
from smppproxy.text.words import keyword

_MILLION = 1_000_000


@attrs.define
class Keywords:
    """A list of first words of messages."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        Names("STOP", 70)(instance, attribute, value)
        for word in sorted(value):
            # What is cut from a message's word can never be found in it.
            found = keyword(word)
            if keyword(found) != found or not found or len(word.split()) > 1:
                mend = f"write {show(found)}" if found else 'write a word, e.g. "STOP"'
                raise RuleError(f"{show(word)} is not a single word", mend)


@attrs.define
class MoRoute:
    """Numbers (whole, or by their beginnings) of an account. Neither of them: every number.

    A condition that is empty fits every message; all that are not have to fit.
    """

    #: Who gets the message: one account, or a copy each for several; or `drop`.
    account: str = attrs.field(default="", validator=Text(0, 255, "demo"))
    #: Whole numbers and short codes.
    numbers: frozenset[str] = attrs.field(default=frozenset(), validator=Digits("1234"))
    prefixes: tuple[str, ...] = attrs.field(default=(), validator=Digits("4570"))
    #: Whichever of these providers brings the message.
    providers: frozenset[str] = attrs.field(default=frozenset(), validator=Names("acme"))
    accounts: tuple[str, ...] = attrs.field(default=(), validator=Names("demo"))
    #: The first word of the text, in any letter case.
    keywords: frozenset[str] = attrs.field(default=frozenset(), validator=Keywords())
    #: Whole source addresses, or beginnings of them as in "46*".
    sources: frozenset[str] = attrs.field(default=frozenset(), validator=Senders())
    order: int = attrs.field(default=0, validator=Whole(-_MILLION, _MILLION, 10))
    #: Answer the message and forget it.
    drop: bool = attrs.field(default=False, validator=Flag())
    _senders: frozenset[bytes] = attrs.field(init=False, eq=False, repr=False)
    _beginnings: tuple[bytes, ...] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._senders = frozenset(
            each.encode() for each in self.sources if not each.endswith("*")
        )
        self._beginnings = tuple(
            each[:-1].encode() for each in sorted(self.sources) if each.endswith("*")
        )
        for _, text, mend in contradictions(self.account, self.accounts, self.drop):
            raise RuleError(text, mend)

    @property
    def takers(self) -> tuple[str, ...]:
        """The accounts that get the message; () drops it."""
        return (self.account,) if self.account else self.accounts

    def takes(self, provider: str, source: bytes) -> bool:
        """Whether it takes what this provider brings from this sender."""
        if self.providers and provider not in self.providers:
            return False
        if not self.sources:
            return True
        return source in self._senders or source.startswith(self._beginnings)


def contradictions(
    account: str, accounts: tuple[str, ...], drop: bool
) -> Iterator[tuple[str, str, str]]:
    """(option, what is wrong, what to write) for options that are impossible together."""
    example = 'write account = "demo", accounts = ["demo", "shop"] for a copy each, or drop = true'
    said = [name for name, value in (("account", account), ("accounts", accounts)) if value]
    if drop and said:
        yield "drop", f"a route that drops has no {said[0]}", f"remove drop, or {said[0]}"
    elif len(said) > 1:
        yield "accounts", "account says already who gets the message", "write them all in accounts"
    elif not said and not drop:
        yield "account", "the route says nobody who gets the message", example
    for number, name in enumerate(accounts):
        if name in accounts[:number]:
            yield "accounts", f"{show(name)} stands there twice", "name each account once"


@attrs.define
class MoSettings:
    """What becomes of MO messages that no route takes, and of parts of long ones."""

    #: What a message for nobody is answered: OK, and it is kept and listed; or 0x0B (M2).
    unrouted: str = attrs.field(default="keep", validator=OneOf(("keep", "refuse")))
    #: The newest so many of them are kept, for so many seconds.
    unrouted_limit: int = attrs.field(default=10_000, validator=Whole(1, 1_000_000))
    unrouted_keep: int = attrs.field(default=172_800, validator=Whole(60, 31_536_000))
    #: Seconds that a later part of a long message waits for the first one, which has the keyword.
    first_part_wait: float = attrs.field(default=3.0, validator=Seconds(0.0, 60.0))


Word = Callable[[], str]
"""Gives a message's keyword; asked only when a route of its number wants one."""


class MoTable:
    """All MO routes, and the settings that go with them."""

    __slots__ = ("_levels", "routes", "settings")

    def __init__(
        self,
        routes: Iterable[MoRoute] = (),
        settings: MoSettings | None = None,
    ) -> None:
        self.routes = tuple(routes)
        self.settings = MoSettings() if settings is None else settings
        orders = sorted({route.order for route in self.routes})
        self._levels = [
            _Numbers([route for route in self.routes if route.order == order])
            for order in orders
        ]

    def pick(
        self, provider: str, source: bytes, destination: bytes, word: Word
    ) -> MoRoute | None:
        """The route that takes an MO message, None when none does.

        :param source: source_addr without its NUL; ``destination`` is destination_addr. A leading
            + or 00 does not count in either.
        """
        number, sender = bare(destination), bare(source)
        for level in self._levels:
            for entry in level.entries(number):
                route = entry.pick(provider, sender, word)
                if route is not None:
                    return route
        return None

    def account(self, provider: str, destination: bytes) -> str | None:
        """Who gets a message without text and sender; None when it is nobody's, or of several."""
        route = self.pick(provider, b"", destination, str)
        return route.account or None if route is not None else None


class _Entry:
    """The routes of one number or prefix: those by keyword, and those that ask for none."""

    __slots__ = ("_all_ask", "_askers", "_keywords", "_plain")

    def __init__(self, routes: Iterable[MoRoute]) -> None:
        self._plain: list[MoRoute] = []
        self._keywords: dict[str, list[MoRoute]] = {}
        self._askers: set[str] = set()
        self._all_ask = False
        for route in routes:
            if not route.keywords:
                self._plain.append(route)
                continue
            self._askers |= route.providers
            self._all_ask = self._all_ask or not route.providers
            for word in sorted(route.keywords):
                self._keywords.setdefault(keyword(word), []).append(route)

    def pick(self, provider: str, source: bytes, word: Word) -> MoRoute | None:
        if self._all_ask or provider in self._askers:
            for route in self._keywords.get(word(), ()):
                if route.takes(provider, source):
                    return route
        for route in self._plain:
            if route.takes(provider, source):
                return route
        return None


class _Numbers:
    """The routes of one ``order`` by number: one look-up, and one per length of prefix."""

    __slots__ = ("_prefixes", "_whole")

    def __init__(self, routes: list[MoRoute]) -> None:
        whole: dict[bytes, tuple[int, ...]] = {}
        tables: dict[int, dict[bytes, tuple[int, ...]]] = {}
        for place, route in enumerate(routes):
            own = (place,)
            for number in route.numbers:
                key = number.encode()
                whole[key] = whole.get(key, ()) + own
            for prefix in dict.fromkeys(route.prefixes or (() if route.numbers else ("",))):
                table = tables.setdefault(len(prefix), {})
                key = prefix.encode()
                table[key] = table.get(key, ()) + own
        entries: dict[tuple[int, ...], _Entry] = {}

        # Numbers of the same routes share what is known of them.
        def entry(places: tuple[int, ...]) -> _Entry:
            found = entries.get(places)
            if found is None:
                found = entries[places] = _Entry([routes[place] for place in places])
            return found

        self._whole = {number: entry(places) for number, places in whole.items()}
        self._prefixes = [
            (length, {prefix: entry(places) for prefix, places in table.items()})
            for length, table in sorted(tables.items(), reverse=True)
        ]

    def entries(self, number: bytes) -> Iterator[_Entry]:
        """What is known of a number, the best first."""
        found = self._whole.get(number)
        if found is not None:
            yield found
        for length, table in self._prefixes:
            found = table.get(number[:length])
            if found is not None:
                yield found
