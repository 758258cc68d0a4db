"""Routes of MO messages: whose account a number belongs to (SX-23)."""

import attrs

from smppproxy.routing.routes import bare
from smppproxy.routing.rules import Digits, Names, Text


@attrs.define
class MoRoute:
    """Numbers (whole, or by their beginnings) of an account. Neither of them: every number.

    No providers: whichever provider brings the message.
    """

    account: str = attrs.field(validator=Text(1, 255, "demo"))
    numbers: frozenset[str] = attrs.field(default=frozenset(), validator=Digits("1234"))
    prefixes: tuple[str, ...] = attrs.field(default=(), validator=Digits("4570"))
    providers: frozenset[str] = attrs.field(default=frozenset(), validator=Names("acme"))


class MoTable:
    """All MO routes. A whole number wins over a prefix, a longer prefix over a shorter one.

    Of equals the first in the file wins.
    """

    __slots__ = ("_any", "_plans", "routes")

    def __init__(self, routes: tuple[MoRoute, ...] | list[MoRoute] = ()) -> None:
        self.routes = tuple(routes)
        named = {provider for route in self.routes for provider in route.providers}
        self._any = _Numbers([route for route in self.routes if not route.providers])
        self._plans = {
            name: _Numbers([r for r in self.routes if not r.providers or name in r.providers])
            for name in named
        }

    def account(self, provider: str, destination: bytes) -> str | None:
        """The account that gets an MO for `destination` from `provider`, None when it is nobody's.

        destination is destination_addr without its NUL; a leading + or 00 does not count.
        """
        return self._plans.get(provider, self._any).account(bare(destination))


class _Numbers:
    """The numbers that one provider brings."""

    __slots__ = ("_prefixes", "_whole")

    def __init__(self, routes: list[MoRoute]) -> None:
        self._whole: dict[bytes, str] = {}
        tables: dict[int, dict[bytes, str]] = {}
        for route in routes:
            for number in route.numbers:
                self._whole.setdefault(number.encode(), route.account)
            for prefix in route.prefixes or (() if route.numbers else ("",)):
                tables.setdefault(len(prefix), {}).setdefault(prefix.encode(), route.account)
        self._prefixes = sorted(tables.items(), reverse=True)

    def account(self, number: bytes) -> str | None:
        account = self._whole.get(number)
        if account is not None:
            return account
        for length, table in self._prefixes:
            account = table.get(number[:length])
            if account is not None:
                return account
        return None
