"""Sessions with other nodes that have binds of a provider: which of them this node needs, and when.

Each node says in its beats, and at once over the bus when it changes, where its door is and how
many binds it has of which provider. While fewer than two binds of its own stand, a node keeps a
session with up to two nodes that have some: the first is there before the last bind is lost. The
pool uses it only when none of its own takes submits (``relay.pool``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import random
from typing import Any
from zlib import crc32

import attrs
import msgpack
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from smppproxy.config import Hop
from smppproxy.relay.directory import Directory
from smppproxy.relay.hop import DOUBT, NO_BIND, OURS, outcome_of
from smppproxy.relay.peers import Relay
from smppproxy.relay.via import Via
from smppproxy.routing.providers import Provider
from smppproxy.routing.states import UP
from smppproxy.smpp.constants import BIND_TRANSMITTER
from smppproxy.smpp.fields import Bind, read_bind_resp
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import Received
from smppproxy.store.interface import Store, until_it_is_back
from smppproxy.wire.bind import BindState, UpstreamBind
from smppproxy.wire.hop_door import HopDoor
from smppproxy.wire.hop_tls import HopTls
from smppproxy.wire.pauses import Pauses
from smppproxy.wire.protocol import Ticker
from smppproxy.wire.provider_session import UpstreamSession
from smppproxy.wire.sockets import is_socket
from smppproxy.wire.upstream import Core

TOPIC = b"hop"

EVERY = 1.0
"""Seconds between two looks at what is needed."""

READ = 5
"""Looks between two at what the store says of the other nodes."""

ENOUGH = 2
"""Binds of its own with which a node needs no other one."""

LINKS = 2
"""Other nodes that a node has sessions with, for one provider."""

UNNEEDED = 30.0
"""Seconds for which a session that is not needed is kept."""

LONGER = 40.0
"""Seconds by which we wait longer for an answer than the other node does: it queues messages."""

MOST_WINDOW = 10_000

log = Logger()


class HopLink(UpstreamSession):
    """A session with another node's door, on behalf of one provider.

    :param own: this node's name.
    :param denied: told that the other node has no bind of the provider any more.
    """

    def __init__(
        self, *arguments: Any, own: str, denied: Callable[[str, str], object], **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self._via: Any = self.host
        self._own = own
        self._denied = denied
        self.use(self.provider)

    def use(self, provider: Provider) -> None:
        """See :meth:`UpstreamSession.use`; the other node's door has no wishes as to times."""
        super().use(provider)
        self._timers.enquire_link = 10.0
        self._timers.enquire_answer = 5.0
        self._timers.response = provider.response_timeout + LONGER
        self.session.window.limit = min(provider.window * self._via.binds, MOST_WINDOW)

    def _send_bind(self) -> None:
        self._owner.reached()
        fields = Bind(
            system_id=self.provider.key,
            password=self._own.encode(),
            system_type=b"",
            interface_version=0x34,
            addr_ton=0,
            addr_npi=0,
            address_range=b"",
        )
        self.say(self.session.bind(self._command_id, fields, self.clock.seconds()))

    def bind_answered(self, pdu: Pdu, now: float) -> None:
        """Bound, unless somebody else answers where that node should be."""
        if not pdu.command_status and read_bind_resp(pdu)[0] != self._via.node.encode():
            self.relay.ledger.count("hop_wrong_node")
            self.abort("another node answers")
            return
        super().bind_answered(pdu, now)

    def responses(self, received: Received, now: float) -> None:
        """What the provider said goes on as if it came from there."""
        answers = received.responses
        if any(pdu.command_status in OURS for _, pdu in answers):
            received.responses = self._sorted(answers, now)
        super().responses(received, now)

    def _sorted(self, answers: list[tuple[Any, Pdu]], now: float) -> list[tuple[Any, Pdu]]:
        """The provider's own answers; the others are dealt with."""
        own: list[tuple[Any, Pdu]] = []
        doubted: list[Any] = []
        unsent: list[tuple[Any, Pdu]] = []
        gone = False
        for token, pdu in answers:
            outcome = outcome_of(pdu)
            if not outcome:
                own.append((token, pdu))
            elif outcome == DOUBT:
                self.session.window.remember(pdu.sequence_number, token, now)
                doubted.append(token)
            else:
                gone = gone or outcome == NO_BIND
                unsent.append((token, pdu))
        self.answered += len(unsent)
        self.unanswered += len(doubted)
        ledger = self.relay.ledger
        if unsent:
            ledger.count("hop_not_sent", len(unsent))
            self.counts.answered(unsent)
            self.relay.upstream_unsent(self, [token for token, _ in unsent], gone, now)
        if doubted:
            ledger.count("hop_in_doubt", len(doubted))
            self.relay.upstream_doubted(self, doubted, now)
        if gone:
            self._denied(self._via.node, self.provider.name)
        return own


@attrs.define
class Neighbour:
    """What another node says of itself.

    :ivar said: monotonic seconds at which it said so.
    """

    path: str = ""
    address: str = ""
    port: int = 0
    has: dict[str, int] = attrs.field(factory=dict)
    said: float = attrs.field(default=0.0, kw_only=True)

    @property
    def place(self) -> tuple[str, str, int]:
        """Where its door is."""
        return self.path, self.address, self.port


@attrs.define
class Link:
    """A session that is wanted, or was lately.

    :ivar place: of the door that it leads to.
    :ivar needed: monotonic seconds at which it was last needed.
    """

    bind: UpstreamBind
    via: Via
    place: tuple[str, str, int]
    needed: float


class HopLinks:
    """The sessions of this node with other ones."""

    def __init__(
        self,
        reactor: Any,
        hop: Hop,
        name: str,
        store: Store,
        relay: Relay,
        directory: Directory,
        ticker: Ticker,
        door: HopDoor,
        tls: HopTls | None,
    ) -> None:
        self.neighbours: dict[str, Neighbour] = {}
        self.links: dict[tuple[str, str], Link] = {}
        self._reactor = reactor
        self._hop = hop
        self._name = name
        self._store = store
        self._relay = relay
        self._directory = directory
        self._ticker = ticker
        self._door = door
        self._tls = tls
        self._providers: Mapping[str, Provider] = {}
        self._said: dict[str, Any] = {}
        self._looks = 0
        self._stopped = False
        self._soon: IDelayedCall | None = None
        self._loop = LoopingCall(self._every)
        self._loop.clock = reactor
        if hop.is_on:
            store.bus.hear(TOPIC, self._heard)

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Look for other nodes from now on; a no-op without a door."""
        if self._hop.is_on and not self._loop.running:
            self._loop.start(EVERY, now=False)
            self._announce(True)

    def stop(self) -> list[Any]:
        """Drain every session; the Deferreds fire when they are gone."""
        self._stopped = True
        if self._loop.running:
            self._loop.stop()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        links = [*self.links.values()]
        return [link.bind.stop() for link in links]

    def use(self, providers: Mapping[str, Provider]) -> None:
        """Take a network's providers."""
        self._providers = providers
        for (name, _), link in self.links.items():
            if name in providers:
                link.bind.take(providers[name])
        self.changed()

    def states(self) -> list[BindState]:
        """One row for each session, as for binds."""
        return [link.bind.state() for _, link in sorted(self.links.items())]

    def tick(self, now: float) -> None:
        """Once a second: what was sent is looked at for the rates."""
        for link in self.links.values():
            link.bind.tick(now)

    # -- who has what ---------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """What this node says of itself."""
        hop = self._hop
        return {
            "path": hop.path,
            "address": hop.advertise or hop.address,
            "port": self._door.port,
            "has": self._door.binds(),
        }

    def changed(self) -> None:
        """A bind of this node came or went: tell the others, and look at what is needed here.

        In a moment: whoever says so may be in the middle of losing a session.
        """
        if self._loop.running and self._soon is None:
            self._soon = self._reactor.callLater(0, self._changed)

    def _changed(self) -> None:
        self._soon = None
        if self.facts() != self._said:
            self._announce(False)
        self._look()

    def _announce(self, asks: bool) -> None:
        self._said = self.facts()
        self._store.bus.announce(TOPIC, msgpack.packb({**self._said, "asks": asks}))

    def _heard(self, node: bytes, payload: bytes) -> None:
        """Another node says where it is, and what it has."""
        name = node.decode("utf-8", "replace")
        if name == self._name or not self._loop.running:
            return
        facts = msgpack.unpackb(payload)
        if facts.pop("asks", False):
            self._announce(False)
        self._met(name, facts, self._reactor.seconds())
        self._look()

    def _met(self, name: str, facts: dict[str, Any], said: float) -> None:
        known = {what: facts[what] for what in ("path", "address", "port", "has")}
        self.neighbours[name] = Neighbour(**known, said=said)

    def _every(self) -> None:
        self._looks += 1
        if not self._looks % READ:
            self._store.nodes().addCallbacks(self._read, until_it_is_back)
        self.changed()

    def _read(self, nodes: dict[bytes, dict[str, Any]]) -> None:
        """What each node said at its last beat: the certainty behind the announcements."""
        found = {name.decode("utf-8", "replace"): facts for name, facts in nodes.items()}
        for name in [*self.neighbours]:
            if name not in found:
                del self.neighbours[name]
        now = self._reactor.seconds()
        for name, facts in found.items():
            hop = facts.get("hop")
            if name == self._name or not isinstance(hop, dict):
                continue
            neighbour = self.neighbours.get(name)
            said = now - facts["seconds"]
            if neighbour is None or neighbour.said < said:
                self._met(name, hop, said)
        self._look()

    def _denied(self, node: str, provider: str) -> None:
        """It said that it has none; until it says something else."""
        neighbour = self.neighbours.get(node)
        if neighbour is not None:
            neighbour.has.pop(provider, None)
        self.changed()

    # -- what is needed -------------------------------------------------------------------------

    def _look(self) -> None:
        if self._stopped:
            return
        now = self._reactor.seconds()
        for name, provider in self._providers.items():
            for node in self._wanted(provider):
                link = self.links.get((name, node))
                if link is None:
                    link = self.links[name, node] = self._link(provider, node)
                link.needed = now
                link.bind.start()
        for (name, node), link in [*self.links.items()]:
            has = self._has(node, name)
            if has and link.via.binds != has:
                link.via.binds = has
                link.bind.take(link.bind.provider)
            moved = has and self.neighbours[node].place != link.place
            if not has or moved or now - link.needed >= UNNEEDED:
                self._drop(name, node)

    def _has(self, node: str, provider: str) -> int:
        neighbour = self.neighbours.get(node)
        if neighbour is None or provider not in self._providers:
            return 0
        return neighbour.has.get(provider, 0)

    def _drop(self, provider: str, node: str) -> None:
        link = self.links.pop((provider, node))
        link.bind.stop()

    def _wanted(self, provider: Provider) -> list[str]:
        """The nodes that this one should have a session with for a provider."""
        if self._directory.states.of(provider.name, "", "") != UP:
            return []
        pool = self._directory.pools.get(provider.name)
        if pool is not None and pool.own >= ENOUGH:
            return []
        nodes = [
            node
            for node, neighbour in self.neighbours.items()
            if self._has(node, provider.name) and self._is_reachable(neighbour)
        ]
        own = self._name.encode()
        return sorted(nodes, key=lambda node: crc32(own + node.encode()))[:LINKS]

    def _is_reachable(self, neighbour: Neighbour) -> bool:
        if neighbour.path and is_socket(neighbour.path):
            return True
        return bool(neighbour.port) and self._tls is not None

    # -- one session ----------------------------------------------------------------------------

    def _link(self, provider: Provider, node: str) -> Link:
        neighbour = self.neighbours[node]
        local = bool(neighbour.path) and is_socket(neighbour.path)
        via = Via(f"via {node}"[:64], neighbour.path if local else neighbour.address)
        via.node = node
        via.binds = self._has(node, provider.name)
        tls = None
        if local:
            endpoint: Any = UNIXClientEndpoint(self._reactor, neighbour.path)
        else:
            tls = self._tls
            endpoint = TCP4ClientEndpoint(self._reactor, neighbour.address, neighbour.port)
            if tls is not None:
                endpoint = wrapClientTLS(tls, endpoint, clock=self._reactor)
        quick = attrs.evolve(provider, reconnect_delay=0.0, reconnect_min=0.1, reconnect_max=2.0)
        core = Core(
            provider=provider,
            host=via,
            number=1,
            command_id=BIND_TRANSMITTER,
            endpoint=endpoint,
            tls=tls,
            relay=self._relay,
            ticker=self._ticker,
            pauses=Pauses(quick, random),
            make_session=partial(HopLink, own=self._name, denied=self._denied),
        )
        bind = UpstreamBind(core, partial(self._entered, provider.name, node))
        return Link(bind, via, neighbour.place, self._reactor.seconds())

    def _entered(self, provider: str, node: str, bind: UpstreamBind, state: str) -> None:
        if state == "Bound":
            self._told("hop_bound", provider, node)
        elif state in ("Waiting", "Stopped"):
            self._told("hop_lost", provider, node)

    def _told(self, event: str, provider: str, node: str) -> None:
        log.info(
            "{provider} via {node}: {event}",
            event=event,
            direction="out",
            provider=provider,
            node=node,
        )
