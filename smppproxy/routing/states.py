"""What an operator wants of a provider, of one of its hosts, of one bind (administrative states).

``up``: it carries traffic. ``isolate``: it stays bound, its receipts and MO messages are taken, and
no new submit_sm goes to it. ``drain``: as isolate, and it is unbound once everything outstanding is
answered; it stays unbound. ``down``: it is unbound now. Of what is said of a bind, of its host and
of its provider, on this node and on all nodes, the strictest holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smppproxy.routing.providers import STATES, Provider

UP, ISOLATE, DRAIN, DOWN = STATES

Place = tuple[str, str, str]
"""Provider, host, bind; "" for host and bind, or for bind: all of them."""

Wish = tuple[str, str, str, str]
"""Node ("" = every node), then a place.

A place without a provider is an account, by its name in place of the host's: it is ``up``, or
nobody may bind as it.
"""


def strictest(states: Iterable[str]) -> str:
    """The state that holds where several are wanted; ``up`` of none."""
    return max(states, key=STATES.index, default=UP)


class States:
    """Every state that is wanted, as one node sees it.

    What an operator says outlives the process, in the store; a provider's and a host's ``state``
    in the network file is what holds until one says something else of that provider or host.

    :ivar wishes: what operators said, see :data:`Wish`.
    :ivar whole: the node that this one is a worker of, whose wishes hold here too; "" = of none.
    """

    def __init__(self, node: str) -> None:
        self.node = node
        self.whole = ""
        self.wishes: dict[Wish, str] = {}
        self._written: dict[Place, str] = {}
        self._known: dict[Place, str] = {}

    def use(self, providers: Mapping[str, Provider]) -> None:
        """Take the states that the network file begins with."""
        written: dict[Place, str] = {}
        for name, provider in providers.items():
            written[name, "", ""] = provider.state
            for host in provider.hosts:
                written[name, host.name, ""] = host.state
        self._written = {place: state for place, state in written.items() if state != UP}
        self._known.clear()

    def take(self, wishes: Mapping[Wish, str]) -> bool:
        """Take what operators said, as the store has it; whether that is anything new."""
        names = ("", self.node, self.whole)
        mine = {wish: state for wish, state in wishes.items() if wish[0] in names}
        if mine == self.wishes:
            return False
        self.wishes = mine
        self._known.clear()
        return True

    def of(self, provider: str, host: str = "", bind: str = "") -> str:
        """What holds there, all that is above it included."""
        place = (provider, host, bind)
        state = self._known.get(place)
        if state is None:
            above = {(provider, host, ""), place} | ({(provider, "", "")} if provider else set())
            state = self._known[place] = strictest(map(self.said, above))
        return state

    def said(self, place: Place) -> str:
        """What is wanted of this place alone, by this node's and by every node's wish."""
        everywhere = self.wishes.get(("", *place)) or self._written.get(place, UP)
        ours = (self.node, self.whole) if self.whole else (self.node,)
        return strictest((everywhere, *(self.wishes.get((name, *place), UP) for name in ours)))

    @property
    def barred(self) -> set[str]:
        """The accounts that nobody may bind as."""
        names = {wish[2] for wish in self.wishes if not wish[1]}
        return {name for name in names if self.of("", name) != UP}

    def needless(self, wish: Wish, state: str) -> bool:
        """Whether this would hold if nobody had said anything: nothing has to be kept for it."""
        node, *place = wish
        provider, host, bind = place
        return state == (UP if node else self._written.get((provider, host, bind), UP))


def key_of(wish: Wish) -> bytes:
    """The name of a wish in the store."""
    return b"\0".join(part.encode() for part in wish)


def wishes_of(kept: Mapping[bytes, bytes]) -> dict[Wish, str]:
    """The wishes in what the store kept; what is none, or of another version, is left out."""
    found: dict[Wish, str] = {}
    for key, value in kept.items():
        try:
            parts = key.decode().split("\0")
            state = value.decode()
        except UnicodeDecodeError:
            continue
        if len(parts) == 4 and state in STATES:
            node, provider, host, bind = parts
            found[node, provider, host, bind] = state
    return found
