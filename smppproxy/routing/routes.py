"""Routes of submits: which providers to try for a message, in order.

The rule, in one sentence: routes are asked by their `order`, of equal order the one with the
longest prefix of the destination first, then as they stand in the file; the first of which all
conditions fit decides. `explain` reads the rule just so; `pick` gives the same from what was
prepared when the table was made.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zlib import crc32

from smppproxy.routing.accounts import Account
from smppproxy.routing.conditions import Offsets, Question, questions_of, text_of
from smppproxy.routing.explain import Explanation, explained
from smppproxy.routing.facts import Facts
from smppproxy.routing.prefixes import MANY, STEM, Classes, Levels, PrefixIndex, bare
from smppproxy.routing.prepared import Arrange, Picks, Prepared
from smppproxy.routing.prices import PriceList
from smppproxy.routing.route import MILLION, Pick, Route
from smppproxy.routing.targets import Rewrite, Target
from smppproxy.text.profile import TextSettings

__all__ = ["Pick", "Rewrite", "Route", "RouteTable", "Target", "bare"]

#: Pairs of accounts and class of destinations whose answer is remembered; then it is found anew.
REMEMBERED = 50_000

_ONE = 0x31
_NINE = 0x39
#: What stands around the destination of a submit_sm that says nothing else.
_BEFORE = bytes(16) + b"\0" + b"\0\0\0" + b"\0\0"
_BEHIND = bytes(11)
_PLAIN = TextSettings()


class RouteTable:
    """All routes, prepared so that a choice costs about the same however many there are.

    The choice is a pure function of the table, the message and what `arrange` says. The recipient
    alone decides between the orders of one route, so that all parts of a long message have the same
    one (XC-06).

    :ivar groups: of the accounts that are in any.
    :ivar prices: of the providers that have a list.
    :ivar ordered: the routes by `order`, of equal order as in the file.
    :ivar arrange: orders the providers of routes with select "quality"; None: as in the file.
    :ivar zones: the prefixes of these routes, None without any.
    """

    __slots__ = (
        "_accounts", "_classes", "_index", "_levels", "_looked", "_orders", "_others", "_prepared",
        "_questions", "_stems", "_unconditional", "_way", "_ways", "arrange", "groups", "ordered",
        "prices", "routes", "zones",
    )  # fmt: skip

    def __init__(
        self,
        routes: Iterable[Route] = (),
        groups: Mapping[str, frozenset[str]] | None = None,
        prices: Mapping[str, PriceList] | None = None,
    ) -> None:
        """
        :param groups: by system_id.
        :param prices: by name.
        """
        self.routes = tuple(routes)
        self.groups = groups or {}
        self.prices = prices or {}
        self.arrange: Arrange | None = None
        ordered = sorted(self.routes, key=_order)
        self.ordered = tuple(ordered)
        self._prepared = [Prepared(route, self.prices) for route in ordered]
        self._questions = questions_of(ordered)
        self._classes = Classes(_owners(ordered))
        self._index = self._classes.index
        self._stems, self._levels = self._index.stems, self._index.others
        orders: dict[int, int] = {}
        asked = 0
        for number, route in enumerate(ordered):
            orders[route.order] = orders.get(route.order, 0) | 1 << number
            asked |= bool(route.text) << number
        for question in self._questions:
            asked |= question.askers
        #: Sets of routes of the same order, the lowest first.
        self._orders = tuple(orders.values())
        self._unconditional = ((1 << len(ordered)) - 1) & ~asked
        self._looked = 0
        self._accounts, self._others = _seen(ordered, self.groups)
        self._ways = {name: self._way_of(seen) for name, seen in self._accounts.items()}
        self._way = self._way_of(self._others)
        self.zones = _zones(ordered)

    def _way_of(self, seen: "_Seen") -> "_Way":
        """Where numbers of these accounts are looked up: not where only others have prefixes.

        None: among many levels, as the number's first digits say.
        """
        levels = self._index.levels(seen.lengths)
        return (levels if len(levels) <= MANY else None, seen.sure)

    # -- the choice -----------------------------------------------------------------------------

    def pick(
        self,
        account: Account,
        raw: bytes,
        offsets: Offsets,
        wall: float,
        message_class: bytes = b"",
    ) -> Pick | None:
        """What to do with a submit_sm; None when no route fits.

        :param offsets: as `walk_message` gives them.
        :param wall: unix seconds.
        :param message_class: that the account's rules found; b"": see its TLV.
        """
        number = raw[offsets[1] + 2 : offsets[2] - 1]
        if number and not _ONE <= number[0] <= _NINE:
            number = bare(number)
        levels, sure = self._ways.get(account.system_id, self._way)
        if levels is None:
            levels = self._stems.get(number[:STEM], self._levels)
        # As in `PrefixIndex.find`, without its call.
        found: int | None = 0
        for length, table in levels:
            found = table.get(number[:length])
            if found is not None:
                break
        else:
            found = 0
        picks = sure.get(found)
        if picks is None:
            seen = self._accounts.get(account.system_id, self._others)
            settings = account.text_settings
            picks = self._decide(
                seen, found, number, raw, offsets, wall, message_class, settings
            )
        if len(picks) == 1:
            return picks[0]
        return picks[crc32(number) % len(picks)] if picks else None

    def targets(self, account: str, destination: bytes, spread: int) -> tuple[str, ...]:
        """Names of the providers to try for a message of which only its destination is known.

        () when no route fits.

        :param spread: picks one of the orders of the route, in the place of the recipient's hash.
        """
        number = bare(destination)
        raw = _BEFORE + destination + _BEHIND
        end = 23 + len(destination)
        offsets = (17, 20, end, end + 5, end + 10, end + 10)
        seen = self._accounts.get(account, self._others)
        found = self._index.find(number)
        picks = self._decide(seen, found, number, raw, offsets, 0.0, b"", _PLAIN)
        return picks[spread % len(picks)].names if picks else ()

    def _decide(
        self,
        seen: "_Seen",
        found: int,
        number: bytes,
        raw: bytes,
        offsets: Offsets,
        wall: float,
        message_class: bytes,
        settings: TextSettings,
    ) -> Picks:
        """The picks of the route that decides, where conditions have a say."""
        questions, segments = seen.decisions.get(found) or self._look(seen, found)
        mask = -1
        for question in questions:
            mask &= question.fits(raw, offsets, wall, message_class)
        text: str | None = None
        decoded = False
        for segment in segments:
            hits = segment & mask
            while hits:
                lowest = hits & -hits
                prepared = self._prepared[lowest.bit_length() - 1]
                if prepared.patterns and not decoded:
                    text = text_of(raw, offsets, settings)
                    decoded = True
                if not prepared.patterns or (text is not None and prepared.says(text)):
                    if prepared.is_live:
                        return prepared.live(number, self.arrange, self.zones)
                    return prepared.picks
                hits ^= lowest
        return ()

    def _look(self, seen: "_Seen", found: int) -> "_Decision":
        """Which routes these accounts have for this class of destinations, and what they ask.

        Nothing behind a route that fits whatever comes is ever asked.
        """
        self._looked += 1
        if self._looked > REMEMBERED:
            self._forget()
        segments: list[int] = []
        asked = 0
        unconditional = self._unconditional
        for each in self._ordered(self._classes.chain(found, seen.mask)):
            sure = each & unconditional
            if sure:
                # No more than the first that asks nothing.
                each &= (sure & -sure) * 2 - 1
            asked |= each
            if segments and segments[-1] < each & -each:
                segments[-1] |= each
            else:
                segments.append(each)
            if sure:
                break
        questions: tuple[Question, ...] = ()
        if asked & ~unconditional:
            questions = tuple([each for each in self._questions if each.askers & asked])
        decision = seen.decisions[found] = (questions, tuple(segments))
        if not segments:
            seen.sure[found] = ()
        else:
            first = segments[0] & -segments[0]
            prepared = self._prepared[first.bit_length() - 1]
            if first & unconditional and not prepared.is_live:
                seen.sure[found] = prepared.picks
        return decision

    def _ordered(self, chain: list[int]) -> Sequence[int]:
        """The routes of a chain in the order of asking: sets of growing bits.

        Bits grow with the order of routes, so only a longer prefix can be in the way.
        """
        if len(self._orders) == 1:
            return chain
        last = -MILLION
        for each in chain:
            if self.ordered[(each & -each).bit_length() - 1].order < last:
                break
            last = self.ordered[each.bit_length() - 1].order
        else:
            return chain
        return [each & level for level in self._orders for each in chain if each & level]

    def _forget(self) -> None:
        for seen in (*self._accounts.values(), self._others):
            seen.sure.clear()
            seen.decisions.clear()
        self._looked = 1

    # -- for people -----------------------------------------------------------------------------

    def class_of(self, prefix: bytes) -> int:
        """Numbers of one class come to the same routes, by prefixes in the same order."""
        return self._index.find(prefix)

    def asked_before(self, number: int, found: int) -> int:
        """The routes that a message comes to before route `number`.

        They are bits, by their places in `ordered`; `number` is such a place.

        :param found: the class of one of its prefixes.
        """
        chain = self._classes.chain(found)
        order = self.ordered[number].order
        lower = (1 << bisect_left(self.ordered, order, key=_order)) - 1
        before = chain[0] & ((1 << number) - 1) & ~lower
        for each in chain:
            before |= each & lower
        return before

    def explain(
        self,
        account: Account,
        raw: bytes,
        offsets: Offsets,
        wall: float,
        message_class: bytes = b"",
    ) -> Explanation:
        """Why `pick` gives what it gives. Slow, and independent of how `pick` finds it."""
        facts = Facts.of(account, raw, offsets, wall, message_class)
        groups = self.groups.get(account.system_id, frozenset())
        return explained(self._prepared, facts, groups, self.routes, (self.arrange, self.zones))


def _order(route: Route) -> int:
    return route.order


#: What the routes that may decide ask, and these routes in the order of asking.
_Decision = tuple[tuple[Question, ...], tuple[int, ...]]


#: Where numbers are looked up, and what is remembered by their class.
_Way = tuple[Levels[int] | None, dict[int, Picks]]


class _Seen:
    """The routes of some accounts, and what is remembered of their choices by class of numbers.

    :ivar lengths: of the prefixes of these routes, as bits.
    """

    __slots__ = ("decisions", "lengths", "mask", "sure")

    def __init__(self, mask: int, lengths: int) -> None:
        self.mask = mask
        self.lengths = lengths
        self.sure: dict[int, Picks] = {}
        self.decisions: dict[int, _Decision] = {}


def _seen(
    ordered: Sequence[Route], groups: Mapping[str, frozenset[str]]
) -> tuple[dict[str, _Seen], _Seen]:
    """By account that routes name or find by its groups, and for all others.

    Accounts with the same routes share what is remembered.
    """
    everybody = (0, 0)
    by_account: dict[str, tuple[int, int]] = {}
    by_group: dict[str, tuple[int, int]] = {}
    lists: dict[int, int] = {}
    for number, route in enumerate(ordered):
        if id(route.listed) not in lists:
            lists[id(route.listed)] = _lengths(route.listed)
        its = (1 << number, _lengths(route.own_prefixes()) | lists[id(route.listed)])
        if not route.accounts and not route.groups:
            everybody = _both(everybody, its)
        for name in route.accounts:
            by_account[name] = _both(by_account.get(name, _NONE), its)
        for name in route.groups:
            by_group[name] = _both(by_group.get(name, _NONE), its)
    for account, member_of in groups.items():
        for group in member_of & by_group.keys():
            by_account[account] = _both(by_account.get(account, _NONE), by_group[group])
    others = _Seen(*everybody)
    shared: dict[int, _Seen] = {others.mask: others}
    accounts: dict[str, _Seen] = {}
    for account, its in by_account.items():
        mask, lengths = _both(its, everybody)
        accounts[account] = shared.setdefault(mask, _Seen(mask, lengths))
    return accounts, others


#: Routes as bits, and the lengths of their prefixes as bits.
_NONE = (0, 0)


def _both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] | other[0], one[1] | other[1]


def _lengths(prefixes: Iterable[bytes]) -> int:
    bits = 0
    for length in set(map(len, prefixes)):
        bits |= 1 << length
    return bits


def _owners(ordered: Sequence[Route]) -> Iterator[tuple[int, Iterable[bytes]]]:
    """Routes as bits, with their prefixes. A list that several routes have is given once."""
    lists: dict[int, tuple[int, tuple[bytes, ...]]] = {}
    for number, route in enumerate(ordered):
        yield 1 << number, route.own_prefixes()
        if route.listed:
            mask, _ = lists.get(id(route.listed), (0, ()))
            lists[id(route.listed)] = mask | 1 << number, route.listed
    yield from lists.values()


def _zones(routes: Iterable[Route]) -> PrefixIndex[bytes] | None:
    quality = [route for route in routes if route.select == "quality"]
    if not quality:
        return None
    return PrefixIndex(((each, each) for route in quality for each in route.all_prefixes()), b"")
