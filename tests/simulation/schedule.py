"""One schedule: random events, then everything heals, then the promises are checked."""

from __future__ import annotations

from collections.abc import Callable

from smppproxy.admin.ledgers import ALONE
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import NOT_SENT
from smppproxy.store.leftovers import UNROUTED
from tests.simulation import network
from tests.simulation.checker import check
from tests.simulation.history import Message, Owed, Written, require
from tests.simulation.node import Node
from tests.simulation.store import DONE, UNDONE
from tests.simulation.world import HOSTS, NODES, Participants, node_of
from tests.support.memory_peers import FakeClient, FakeUpstream, mo, part, receipt, submit

KINDS = (c.BIND_TRANSCEIVER, c.BIND_TRANSCEIVER, c.BIND_RECEIVER, c.BIND_TRANSMITTER)
REFUSALS = (
    c.ESME_RTHROTTLED,
    c.ESME_RTHROTTLED,
    c.ESME_RMSGQFUL,
    c.ESME_RSYSERR,
    c.ESME_RINVDSTADR,
    0x410,
    c.ESME_RINVBNDSTS,
)
TEMPORARY = (c.ESME_RX_T_APPN, c.ESME_RTHROTTLED, c.ESME_RMSGQFUL)
WANTS = (0, 1, 1, 1, 0x11, 0x11, 2)
"""registered_delivery."""

LONG = b"x" * 300


class Schedule(Participants):
    """See the module."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seed = seed
        random = self.random
        self._bind_all()
        self.actions: list[Callable[[], None]] = []
        self.weights: list[float] = []
        for act, weight in self._possible():
            self.actions.append(act)
            # Each schedule has its own mixture, and leaves some things out.
            self.weights.append(weight * random.choice((0, 0.5, 1, 2)) if weight < 8 else weight)
        self.length = random.choice((8, 15, 30, 80))

    def _possible(self) -> list[tuple[Callable[[], None], float]]:
        return [
            (self.submit, 30),
            (self.answer, 30),
            (self.bring_receipts, 20),
            (self.acknowledge, 20),
            (self.let_time_pass, 10),
            (self.write_mo, 5),
            (self.lose_a_bind, 3),
            (self.rest_a_bind, 1),
            (self.lose_patience, 1),
            (self.bind_host, 6),
            (self.lose_a_client, 3),
            (self.bind_a_client, 6),
            (self.make_store_fail, 4),
            (self.make_store_slow, 3),
            (self.take_store_away, 2),
            (self.heal_store, 8),
            (self.kill_node, 1),
            (self.restart_node, 8),
            (self.jump, 1),
            (self.move_wall_clocks, 1),
            (self.reload, 1.5),
            (self.change_state, 2),
            (self.lose_leases, 1),
        ]

    def _bind_all(self) -> None:
        random = self.random
        for node in self.alive:
            for provider, host in HOSTS:
                if random.random() < 0.75:
                    self.bind_upstream(node, provider, host)
            for account in network.ACCOUNTS:
                if random.random() < 0.75:
                    self.bind_client(node, account, random.choice(KINDS))

    def run(self) -> None:
        """The whole of it; raises when a promise is broken."""
        random, actions, weights = self.random, self.actions, self.weights
        for _ in range(self.length):
            act = random.choices(actions, weights)[0]
            self.note(act.__name__)
            act()
            self.collect()
        self.heal()
        self.drain()
        check(self)
        self.end()

    def collect(self) -> None:
        """Everybody reads, and the ledgers balance."""
        for node in self.alive:
            self.read_all(node)
        self.read_at = self.now
        self.history.turn += 1
        early, self.history.early = self.history.early, []
        for message, client in early:
            told = message.status is not None or not message.session.connected
            if client.world is message.session.world:
                require(told, "a receipt before its submit_sm_resp", message, client.name)
        for node in self.alive:
            found = node.ledger.imbalance()
            if found and ALONE & found.keys():
                require(False, "ledger", node.node, found)
        limits = self.shared.limits
        for queue, entries in self.shared.queues.items():
            if entries and queue in limits and len(entries) > limits[queue].count:
                require(False, "L1", queue, len(entries))

    # -- clients --------------------------------------------------------------------------------

    def submit(self) -> None:
        """A client sends a few messages in one read: short ones, a long one, or one that it cut."""
        random = self.random
        senders = [each for each in self.clients() if each.session.can_submit]
        if not senders:
            return
        client = random.choice(senders)
        node = node_of(client)
        refuses = not client.held and not node.relay.store.ready
        pdus: list[bytes] = []
        messages: list[Message] = []
        for _ in range(random.choice((1, 1, 2, 4, 8))):
            kind = random.random()
            if kind < 0.08:
                number = len(self.history.messages) + 1
                wants = random.choice(WANTS)
                for place in (1, 2):
                    message = self._message(client, b"46%08d" % number, place, wants)
                    messages.append(message)
                    pdus.append(
                        part(
                            message.sequence_number,
                            number % 256,
                            place,
                            destination=message.destination,
                            registered_delivery=message.wants,
                        )
                    )
                continue
            message = self._message(client, b"45%08d" % (len(self.history.messages) + 1))
            messages.append(message)
            long = kind > 0.92
            pdus.append(
                submit(
                    message.sequence_number,
                    message.destination,
                    registered_delivery=message.wants,
                    priority_flag=random.choice((0, 0, 2)),
                    short_message=b"" if long else b"text %d" % message.number,
                    tlvs=[(c.TLV_MESSAGE_PAYLOAD, LONG)] if long else [],
                )
            )
        self.note(client.name, *messages)
        self.send(client, *pdus)
        if refuses and client.connected:
            self.read_client(node, client)
            for message in messages:
                require(message.status, "reading 4: 0x08 at once", message, message.status)

    def _message(
        self, client: FakeClient, destination: bytes, place: int = 0, wants: int = -1
    ) -> Message:
        asked = self.asked[client]
        number = len(self.history.messages) + 1
        message = Message(
            number,
            client.account.system_id,
            node_of(client).node,
            client,
            number,
            destination,
            place,
            self.random.choice(WANTS) if wants < 0 else wants,
            client.account.system_id in self.may_resend,
        )
        asked[number] = message
        self.history.add(message)
        return message

    def acknowledge(self) -> None:
        """A client answers some of its deliver_sm, in any order, with any status."""
        random = self.random
        clients = [each for each in self.clients() if self.unanswered[each]]
        if not clients:
            return
        client = random.choice(clients)
        pdus = self.unanswered[client]
        random.shuffle(pdus)
        for _ in range(random.randint(1, len(pdus))):
            chance = random.random()
            status = 0
            if chance < 0.1:
                status = random.choice(TEMPORARY)
            elif chance < 0.12:
                status = c.ESME_RINVMSGLEN
            if not client.connected:
                return
            self.take(client, pdus.pop(), status)

    def lose_a_client(self) -> None:
        """A client's connection breaks."""
        node = self.random.choice([*self.nodes.values()])
        if node.clients and not node.is_dead:
            client = self.random.choice(node.clients)
            self.note(client.name)
            self.lose_client(node, client)

    def bind_a_client(self) -> None:
        """A client binds, to any node."""
        node = self.random.choice([*self.nodes.values()])
        account = self.random.choice(network.ACCOUNTS)
        if not node.is_dead and node.relay.directory.binds_of(node.accounts[account]) < 3:
            self.bind_client(node, account, self.random.choice(KINDS))

    # -- providers ------------------------------------------------------------------------------

    def answer(self) -> None:
        """A host answers some submit_sm, in any order: OK, or refused for one reason or another."""
        random = self.random
        hosts = [each for each in self.upstreams() if self.pending[each]]
        if not hosts:
            return
        upstream = random.choice(hosts)
        pending = self.pending[upstream]
        random.shuffle(pending)
        answers: list[bytes] = []
        for _ in range(random.randint(1, len(pending))):
            since, pdu = pending.pop()
            answers.append(self._answer_to(upstream, since, pdu, random.random() < 0.12))
            if random.random() < 0.02:
                answers.append(answers[-1])
        if random.random() < 0.25:
            self.bring(upstream.provider.name, 3)
        if upstream.connected:
            self.send(upstream, *answers)

    def _answer_to(self, upstream: FakeUpstream, since: float, pdu: Pdu, refuse: bool) -> bytes:
        message, place = self.message_of(pdu)
        if self.now - since >= upstream.provider.response_timeout - 0.01:
            message.silent = True
            self.calm = False
        if refuse:
            self.calm = False
            status = self.random.choice(REFUSALS)
            self.note("refuse", upstream.name, message, status)
            return build.refusal(pdu, pdu.sequence_number, status)
        message_id = self.accept(upstream.provider.name, pdu, message, place)
        self.note("accept", upstream.name, message, message_id)
        return build.submit_sm_resp(pdu.sequence_number, message_id)

    def bring_receipts(self) -> None:
        """A provider brings some receipts, each on any of its binds."""
        self.bring(self.random.choice(network.PROVIDERS), 5)

    def bring(self, provider: str, most: int) -> None:
        """Up to so many of the receipts that are due, in any order."""
        random = self.random
        smsc = self.smscs[provider]
        due = [each for each in smsc.owed if each.on is None and not each.taken]
        for owed in random.sample(due, min(len(due), random.randint(1, most))):
            binds = self.upstreams(provider)
            if not binds:
                return
            self.send_receipt(random.choice(binds), owed)
        if len(smsc.owed) > 60:
            smsc.owed = [each for each in smsc.owed if not each.taken]

    def send_receipt(self, upstream: FakeUpstream, owed: Owed) -> None:
        """On this bind."""
        number = upstream.next_sequence_number()
        self.smscs[owed.provider].out[upstream, number] = owed
        owed.on = upstream
        owed.message.said.add(owed.stat)
        self.note("receipt", upstream.name, owed.message, owed.stat)
        tlvs = [(c.TLV_USER_MESSAGE_REFERENCE, owed.reference)] if owed.reference else []
        pdu = receipt(
            number, owed.message_id, owed.message.destination, owed.stat, tlvs=tlvs
        )
        self.send(upstream, pdu)

    def write_mo(self) -> None:
        """A person writes, or a message that was not taken comes again."""
        random = self.random
        provider = random.choice(network.PROVIDERS)
        smsc = self.smscs[provider]
        waiting = [each for each in smsc.written if each.on is None and not each.taken]
        if not waiting or random.random() < 0.7:
            number, owners = random.choice([*network.MO_NUMBERS.items()])
            text = b"MO %d" % len(self.history.written)
            written = Written(text, provider, number, owners)
            self.history.written[text] = written
            smsc.written.append(written)
            waiting = [written]
        binds = self.upstreams(provider)
        if binds:
            self.send_mo(random.choice(binds), waiting[0])

    def send_mo(self, upstream: FakeUpstream, written: Written) -> None:
        """On this bind."""
        number = upstream.next_sequence_number()
        self.smscs[written.provider].out[upstream, number] = written
        written.on = upstream
        self.note("mo", upstream.name, written.text)
        self.send(upstream, mo(number, written.number, short_message=written.text))

    def lose_a_bind(self) -> None:
        """A bind breaks, or a host with all its binds."""
        random = self.random
        binds = self.upstreams()
        if not binds:
            return
        chosen = random.choice(binds)
        lost = [chosen]
        if random.random() < 0.3:
            lost = [each for each in binds if each.host is chosen.host]
        for upstream in lost:
            self.note(upstream.name)
            if upstream.connected:
                self.lose_upstream(node_of(upstream), upstream)

    def lose_patience(self) -> None:
        """A provider sends again what was not answered."""
        self.note("again")
        self.smscs[self.random.choice(network.PROVIDERS)].give_up()

    def rest_a_bind(self) -> None:
        """A host says that it wants to unbind."""
        binds = self.upstreams()
        if binds:
            self.calm = False
            self.random.choice(binds).drain()

    def bind_host(self) -> None:
        """A node binds to a host."""
        node = self.random.choice([*self.nodes.values()])
        if not node.is_dead:
            self.bind_upstream(node, *self.random.choice(HOSTS))

    # -- the store ------------------------------------------------------------------------------

    def _a_node(self) -> Node | None:
        node = self.random.choice([*self.nodes.values()])
        return None if node.is_dead else node

    def make_store_fail(self) -> None:
        """The next calls of a node fail, with any fate."""
        node = self._a_node()
        if node is not None:
            fates = [
                self.random.choice((NOT_SENT, DONE, UNDONE))
                for _ in range(self.random.randint(1, 3))
            ]
            self.note(node.node, *fates)
            node.simulated.fates += fates

    def make_store_slow(self) -> None:
        """Calls of a node wait, or what waits is done, or lost."""
        self.disturbed = True
        node = self._a_node()
        if node is None:
            return
        store = node.simulated
        if not store.is_slow:
            store.is_slow = True
        elif self.random.random() < 0.5:
            store.release()
        else:
            store.lose(self.random.randint(0, store.out))

    def take_store_away(self) -> None:
        """Nobody reaches the store, or one node does not, or it is full."""
        self.disturbed = True
        chance = self.random.random()
        if chance < 0.4:
            for each in self.alive:
                each.simulated.inner.go_away()
            return
        node = self._a_node()
        if node is None:
            return
        if chance < 0.8:
            node.simulated.inner.go_away()
        else:
            node.simulated.fill()

    def heal_store(self) -> None:
        """A node's connection to the store works again."""
        node = self._a_node()
        if node is not None:
            node.simulated.heal()

    def lose_leases(self) -> None:
        """The store forgets who holds which part of what is shared."""
        self.shared.parts.clear()

    # -- nodes, time, operators -----------------------------------------------------------------

    def kill_node(self) -> None:
        """kill -9."""
        node = self._a_node()
        if node is not None:
            self.note(node.node)
            self.kill(node)

    def restart_node(self) -> None:
        """A killed node comes back, later than the moment it died."""
        for name in NODES:
            if self.nodes[name].is_dead:
                self.pass_time(0.1)
                self.start(name)
                return

    def let_time_pass(self) -> None:
        """A little, or some seconds."""
        self.pass_time(self.random.choice((0.05, 0.05, 0.3, 1.0, 3.0, 8.0)))

    def jump(self) -> None:
        """Nobody looks at the clock for a long while."""
        self.disturbed = True
        self.calm = False
        self.pass_time(self.random.choice((20.0, 70.0)), 70.0)

    def move_wall_clocks(self) -> None:
        """Wall clocks of nodes go back and forth; the store's goes on, and all leases end."""
        if self.random.random() < 0.3:
            self.disturbed = True
            self.store_offset += 3600.0
        else:
            node = self.random.choice([*self.nodes.values()])
            node.wall_offset += self.random.choice((-3600.0, 3600.0))

    def reload(self) -> None:
        """Another version of the network, on all nodes or on one first."""
        self.calm = False
        self.network = network.changed(self.network, self.random)
        for name, account in self.network.accounts.items():
            if account.in_doubt == "resend":
                self.may_resend.add(name)
                for message in self.history.messages.values():
                    message.may_resend |= message.account == name
        for node in self.alive[: self.random.choice((1, 2))]:
            node.use(self.network)

    def change_state(self) -> None:
        """An operator isolates a host, or lets it go on."""
        self.calm = False
        node = self._a_node()
        if node is None:
            return
        provider, host = self.random.choice(HOSTS)
        states = node.relay.directory.states
        wishes = dict(states.wishes)
        wishes["", provider, host, ""] = self.random.choice(("isolate", "drain", "up", "up"))
        self.note(node.node, wishes)
        states.take(wishes)
        node.relay.restate(self.now)

    # -- the end --------------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything works, everybody is bound."""
        self.note("heal")
        self.pass_time(0.1)
        for name in NODES:
            if self.nodes[name].is_dead:
                self.start(name)
        for node in self.alive:
            node.use(self.network)
            node.simulated.heal()
            node.relay.directory.states.take({})
            node.relay.restate(self.now)
            for provider, host in HOSTS:
                self.bind_upstream(node, provider, host)
            for account in network.ACCOUNTS:
                self.bind_client(node, account, c.BIND_TRANSCEIVER)
        self.collect()
        for smsc in self.smscs.values():
            smsc.give_up()

    def drain(self) -> None:
        """Everybody does what is due until nothing is."""
        waited, step = 0.0, 0.3
        while not self._do_what_is_due():
            require(waited < 3000.0, "nothing is stuck", self._left())
            self.pass_time(step, step)
            waited += step
            step = min(step * 1.3, 20.0)
            self.collect()
        if self.shared.drops:  # they are counted with the next sweep
            self.pass_time(64.0, 16.0)
            self.collect()

    def _do_what_is_due(self) -> bool:
        """Whether nothing was."""
        idle = True
        for upstream in self.upstreams():
            pending, self.pending[upstream] = self.pending[upstream], []
            answers = [self._answer_to(upstream, since, pdu, False) for since, pdu in pending]
            if answers:
                idle = False
                self.send(upstream, *answers)
        for name, smsc in self.smscs.items():
            binds = self.upstreams(name)
            for owed in smsc.owed:
                if owed.on is None and not owed.taken:
                    self.send_receipt(self.random.choice(binds), owed)
            for written in smsc.written:
                if written.on is None and not written.taken:
                    self.send_mo(self.random.choice(binds), written)
            idle = idle and not smsc.out
        for client in self.clients():
            pdus, self.unanswered[client] = self.unanswered[client], []
            for pdu in pdus:
                idle = False
                self.take(client, pdu, 0)
        self.collect()
        return idle and not self._left()

    def _left(self) -> list[object]:
        """What is not finished."""
        left: list[object] = [
            (queue, len(entries))
            for queue, entries in self.shared.queues.items()
            if entries and queue[:2] in (b"r:", b"m:") and queue != UNROUTED
        ]
        left += [message for asked in self.asked.values() for message in asked.values()]
        left += [smsc.name for smsc in self.smscs.values() if smsc.out]
        for node in self.alive:
            ledger = node.ledger
            if ledger.in_flight or ledger.withheld:
                left.append((node.node, ledger.in_flight, ledger.withheld))
        return left

    def end(self) -> None:
        """The nodes stop, and nothing is left of them."""
        for node in self.alive:
            node.stop()
        self.clock.advance(0)
        calls = self.clock.getDelayedCalls()
        require(not calls, "no timer is left", calls)
        for node in self.nodes.values():
            require(not node.simulated.out, "no call is left", node.node)
