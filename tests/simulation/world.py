"""Everything that takes part in a schedule, and what each reads of what came to it."""

from __future__ import annotations

from random import Random
from typing import Any, cast
from zlib import crc32

from twisted.internet.task import Clock

from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import read_message, read_message_id, walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.tlv import find_tlv
from smppproxy.store.memory import World as StoreWorld
from tests.simulation import network
from tests.simulation.history import FINALS, PASSING, History, Message, Owed, Smsc, require
from tests.simulation.node import Node
from tests.support.memory_peers import UNIX, FakeClient, FakePeer, FakeUpstream

CLOSED = "closed"
NODES = ("n1", "n2")
HOSTS = [(provider, host) for provider in network.PROVIDERS for host in "ab"]


def node_of(peer: FakePeer) -> Node:
    """The node that this is bound to."""
    return cast(Node, peer.world)


class Participants:
    """Nodes, providers and clients.

    :ivar trace: what happened, as tuples; made into text only when somebody reads it.
    :ivar digest: of all octets that anybody read.
    :ivar read_at: when everybody had read what was there the last time.
    :ivar calm: nothing has happened that lets a submit_sm overtake another one.
    :ivar disturbed: the store was away or slow.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.store_offset = 0.0
        self.shared = StoreWorld(self.store_wall)
        self.history = History()
        self.trace: list[tuple[Any, ...]] = []
        self.digest = 0
        self.calm = True
        self.read_at = self.now
        self.kills = 0
        self.losses = 0
        self.trouble = 0
        self.disturbed = False
        self.network = network.draw(self.random)
        self.may_resend = {
            name for name, each in self.network.accounts.items() if each.in_doubt == "resend"
        }
        self.smscs = {name: Smsc(name) for name in network.PROVIDERS}
        self.nodes: dict[str, Node] = {}
        self.pending: dict[FakeUpstream, list[tuple[float, Pdu]]] = {}
        self.asked: dict[FakeClient, dict[int, Message]] = {}
        self.unanswered: dict[FakeClient, list[Pdu]] = {}
        self.order: dict[tuple[FakeClient, FakeUpstream], int] = {}
        for name in NODES:
            self.start(name)

    # -- time and nodes -------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Monotonic seconds."""
        return self.clock.rightNow

    def store_wall(self) -> float:
        """The wall clock of the store."""
        return UNIX + self.clock.rightNow + self.store_offset

    def note(self, *what: Any) -> None:
        """A line of the trace."""
        self.trace.append((self.clock.rightNow, *what))

    def start(self, name: str) -> None:
        """A node begins."""
        self.note("start", name)
        self.nodes[name] = Node(name, self.clock, self.shared, self.network)

    @property
    def alive(self) -> list[Node]:
        """The nodes that run."""
        return [node for node in self.nodes.values() if not node.is_dead]

    def upstreams(self, provider: str = "") -> list[FakeUpstream]:
        """Every bind, or those to this provider."""
        return [
            each
            for node in self.alive
            for each in node.upstreams
            if not provider or each.provider.name == provider
        ]

    def clients(self) -> list[FakeClient]:
        """Every session."""
        return [each for node in self.alive for each in node.clients]

    def kill(self, node: Node) -> None:
        """kill -9. What is on its way to others arrives, or does not."""
        self.kills += 1
        arrives = self.random.random() < 0.7
        if arrives:
            self.read_all(node)
        node.kill(self.random.randint(0, node.simulated.out))
        self.trouble += node.simulated.trouble
        for upstream in node.upstreams:
            self.forget_upstream(upstream)
        for client in node.clients:
            del self.asked[client]
            del self.unanswered[client]

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Time passes; every node looks at the clock at least once a ``step``."""
        end = self.now + seconds
        while self.now < end:
            self.clock.advance(min(step, end - self.now))
            for node in self.alive:
                node.tick()

    # -- binds ----------------------------------------------------------------------------------

    def bind_upstream(self, node: Node, provider: str, host: str) -> bool:
        """A node is bound to a host, unless it is already."""
        if any((e.provider.name, e.host.name) == (provider, host) for e in node.upstreams):
            return False
        self.pending[FakeUpstream(node, node.providers[provider], host)] = []
        return True

    def lose_upstream(self, node: Node, upstream: FakeUpstream) -> None:
        """The connection is gone."""
        self.losses += 1
        self.calm = False
        if self.random.random() < 0.8:
            self.read_upstream(upstream)
        else:
            # On its way when the connection went: nobody will ever know.
            for pdu in self.read(upstream):
                if pdu.command_id == c.SUBMIT_SM:
                    self.message_of(pdu)[0].silent = True
        self.forget_upstream(upstream)
        upstream.lose()

    def forget_upstream(self, upstream: FakeUpstream) -> None:
        """The host's end of it: some of what it has not answered it has taken all the same."""
        for _, pdu in self.pending.pop(upstream):
            message, part = self.message_of(pdu)
            message.silent = True
            if self.random.random() < 0.5:
                self.accept(upstream.provider.name, pdu, message, part)
        self.smscs[upstream.provider.name].lose(upstream)

    def bind_client(self, node: Node, account: str, kind: int) -> None:
        """A client binds."""
        node.join(node.accounts[account])
        client = FakeClient(node, node.accounts[account], kind)
        self.asked[client], self.unanswered[client] = {}, []

    def lose_client(self, node: Node, client: FakeClient) -> None:
        """A client's session ends."""
        self.losses += 1
        if self.random.random() < 0.8:
            self.read_client(node, client)
        del self.asked[client]
        del self.unanswered[client]
        client.lose()
        if not node.relay.directory.binds_of(client.account):
            node.relay.leave(client.account)

    # -- octets ---------------------------------------------------------------------------------

    def send(self, peer: FakePeer, *pdus: bytes) -> None:
        """Octets arrive at a node, in one read or in a few."""
        data = b"".join(pdus)
        cuts = [0, len(data)]
        if self.random.random() < 0.15:
            cuts[1:1] = sorted(self.random.randrange(len(data)) for _ in range(2))
        for start, end in zip(cuts, cuts[1:], strict=False):
            if not peer.connected or start == end:
                continue
            if peer.unread:
                peer.unread.append(data[start:end])
                peer.read_on()
            else:
                peer.receive(data[start:end])

    def read_all(self, node: Node) -> None:
        """Everybody reads what this node wrote; who was closed is gone."""
        for upstream in [*node.upstreams]:
            if upstream.unread:
                upstream.read_on()
            if upstream.unseen:
                self.read_upstream(upstream)
            if upstream.closed_for or upstream.session.state == CLOSED:
                self.note("closed", upstream.name, upstream.closed_for)
                self.lose_upstream(node, upstream)
        for client in [*node.clients]:
            if client.unread:
                client.read_on()
            if client.unseen:
                self.read_client(node, client)
            if client.closed_for or client.session.state == CLOSED:
                self.note("closed", client.name, client.closed_for)
                self.lose_client(node, client)

    def read(self, peer: FakePeer) -> list[Pdu]:
        """What has come to this peer."""
        pdus, peer.unseen = peer.unseen, []
        for pdu in pdus:
            self.digest = crc32(pdu.raw, self.digest)
        return pdus

    # -- a host's end ---------------------------------------------------------------------------

    def message_of(self, pdu: Pdu) -> tuple[Message, bytes]:
        """The client's message that a submit_sm carries, and which part of it; b"": all."""
        raw = pdu.raw
        _, dest_at, esm_at, _, sm_at, _ = walk_message(raw)
        destination = raw[dest_at + 2 : esm_at - 1].lstrip(b"+")
        text = raw[sm_at : sm_at + raw[sm_at - 1]]
        part = text[5] if raw[esm_at] & c.ESM_UDHI else 0
        message = self.history.messages.get((destination, part))
        if message is not None and message.part:
            return message, b""
        message = self.history.messages.get((destination, 0))
        require(message, "a submit_sm that no client sent", raw)
        assert message is not None
        return message, bytes((part,)) if part else b""

    def read_upstream(self, upstream: FakeUpstream) -> None:
        """A host reads."""
        smsc = self.smscs[upstream.provider.name]
        for pdu in self.read(upstream):
            if pdu.command_id == c.DELIVER_SM_RESP:
                smsc.answered(upstream, pdu.sequence_number, pdu.command_status)
            elif pdu.command_id == c.SUBMIT_SM:
                self.pending[upstream].append((self.read_at, pdu))
                self._check_order(upstream, pdu)

    def _check_order(self, upstream: FakeUpstream, pdu: Pdu) -> None:
        """P8, as long as nothing has happened that excuses another order."""
        message, part = self.message_of(pdu)
        first, message.seen = not message.seen, True
        if self.calm and first and not message.part and part in (b"", b"\1"):
            before = self.order.get((message.session, upstream), 0)
            urgent = upstream.world.accounts[message.account].priority_lane
            require(before < message.number or urgent, "P8: order", before, message)
            self.order[message.session, upstream] = message.number

    def accept(self, name: str, pdu: Pdu, message: Message, part: bytes) -> bytes:
        """A provider takes a submit_sm: its id, and the receipts that will come."""
        smsc, random = self.smscs[name], self.random
        smsc.serial += 1
        message_id = b"%d" % smsc.serial
        raw = pdu.raw
        *_, flags_at, sm_at, tlv_at = walk_message(raw)
        reference = find_tlv(raw, tlv_at, c.TLV_USER_MESSAGE_REFERENCE) or b""
        message.accepted.append((name, part or raw[sm_at:tlv_at]))
        message.ids.append((name, message_id))
        stats = [random.choice(FINALS)]
        if raw[flags_at] & 0x10:
            stats.insert(0, PASSING)
        if not raw[flags_at] & 0x1F and random.random() < 0.8:
            stats = []
        if random.random() < 0.1:
            stats += stats
        if random.random() < 0.05:
            stats.append(random.choice(FINALS))
        for stat in stats:
            smsc.owed.append(Owed(message, name, message_id, stat, reference))
        return message_id

    # -- a client's end -------------------------------------------------------------------------

    def read_client(self, node: Node, client: FakeClient) -> None:
        """A client reads."""
        for pdu in self.read(client):
            if pdu.command_id == c.SUBMIT_SM_RESP:
                message = self.asked[client].pop(pdu.sequence_number, None)
                require(message, "an answer to nothing", client.name, pdu.sequence_number)
                assert message is not None
                self.history.answered(message, pdu.command_status, read_message_id(pdu))
                self.note("answer", message, pdu.command_status)
                if pdu.command_status == 0:
                    self._check_maps(message)
            elif pdu.command_id == c.DELIVER_SM:
                self._read_delivery(client, pdu)

    def _check_maps(self, message: Message) -> None:
        """P1: the way back of every accepted part is in the store when the client reads OK."""
        for (name, key), maps in self.shared.maps.items():
            if (name.decode(), key) in message.ids or key[:1] == b"\0":
                for each in maps:
                    mapping = each.mapping
                    if message.client_message_id in mapping.origin:
                        require(
                            mapping.account.decode() == message.account,
                            "P1: whose map",
                            message,
                            mapping,
                        )
                        return
        require(False, "P1: OK without a map", message, message.ids)

    def _read_delivery(self, client: FakeClient, pdu: Pdu) -> None:
        self.unanswered[client].append(pdu)
        account = client.account.system_id
        fields = read_message(pdu)
        if fields.short_message.startswith(b"MO"):
            written = self.history.written.get(fields.short_message)
            require(written, "an MO that nobody wrote", fields)
            assert written is not None
            require(account in written.owners, "M1: whose MO", written, account)
            return
        message, stat = self.receipt_of(client, pdu)
        self.note("delivery", client.name, node_of(client).node, message, stat)
        if message.session.connected and not message.part and not message.silent:
            self.history.early.append((message, client))

    def receipt_of(self, client: FakeClient, pdu: Pdu) -> tuple[Message, bytes]:
        """The message that a client's deliver_sm is about, and the word in it."""
        fields = read_message(pdu)
        words = fields.short_message.split(b" ")
        message_id = words[0].removeprefix(b"id:")
        stat = next(word for word in words if word.startswith(b"stat:"))[5:]
        message = self.history.receipt_of(
            client.account.system_id, fields.source_addr.lstrip(b"+"), message_id, stat
        )
        return message, stat

    def take(self, client: FakeClient, pdu: Pdu, status: int) -> None:
        """A client answers a deliver_sm: OK, or for good, or for now."""
        fields = read_message(pdu)
        account = client.account.system_id
        self.note("take", client.name, pdu.sequence_number, status, fields.short_message)
        if fields.short_message.startswith(b"MO"):
            written = self.history.written[fields.short_message]
            if status == 0:
                written.got[account] += 1
            elif status == c.ESME_RINVMSGLEN:
                written.given_up.add(account)
        else:
            words = fields.short_message.split(b" ")
            stat = next(word for word in words if word.startswith(b"stat:"))[5:]
            message_id = words[0].removeprefix(b"id:")
            message = self.history.ids.get((account, message_id))
            for each in [message] if message else self.history.by_destination[
                fields.source_addr.lstrip(b"+")
            ]:
                if status == c.ESME_RINVMSGLEN:
                    each.given_up = True
                elif status == 0 and stat != PASSING:
                    each.finals.append(stat)
                    each.ended = each.ended or self.history.turn
        client_answer = build.deliver_sm_resp(pdu.sequence_number, status)
        self.send(client, client_answer)
