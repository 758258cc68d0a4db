"""Prices by prefix: who carries a message for least."""

from collections.abc import Mapping

import attrs

from smppproxy.routing.prefixes import PrefixIndex

#: A price where there is none: more than any.
NO_PRICE = float("inf")
#: Numbers' beginnings whose order is remembered; then it is found anew.
REMEMBERED = 20_000


@attrs.define
class PriceList:
    """The prices of one provider, in the currency that all lists of a file have in common.

    :ivar digits: of the longest prefix.
    """

    prices: PrefixIndex[float] = attrs.field(repr=False)
    digits: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.digits = max((len(prefix) for prefix, _ in self.prices.items()), default=0)

    def price(self, number: bytes) -> float:
        """What a message to this number costs; `NO_PRICE` when the list does not say."""
        return self.prices.find(number)


class Cheapest:
    """Orders the providers of one route by what they charge, those without a price last.

    Of equal prices the order of the file decides.
    """

    __slots__ = ("_digits", "_lists", "_names", "_orders")

    def __init__(self, names: tuple[str, ...], lists: Mapping[str, PriceList]) -> None:
        self._names = names
        self._lists = [(name, lists.get(name)) for name in names]
        self._digits = max((each.digits for _, each in self._lists if each), default=0)
        self._orders: dict[bytes, tuple[str, ...]] = {}

    def order(self, number: bytes) -> tuple[str, ...]:
        """The names, cheapest first."""
        beginning = number[: self._digits]
        order = self._orders.get(beginning)
        if order is None:
            if len(self._orders) >= REMEMBERED:
                self._orders.clear()
            prices = self.prices(beginning)
            order = tuple(sorted(self._names, key=prices.__getitem__))
            self._orders[beginning] = order
        return order

    def prices(self, number: bytes) -> dict[str, float]:
        """By name, what each charges for this number."""
        return {
            name: NO_PRICE if each is None else each.price(number) for name, each in self._lists
        }
