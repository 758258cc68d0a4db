"""The two ends as processes: orders come in as JSON lines, sums go out as JSON lines.

``python -m tests.chaos.peers SETTINGS``: a provider with hosts a and b, or clients. What they are
and do is :mod:`smppproxy.simulator`; here they write their histories, and do what a nemesis wants.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall

from smppproxy.simulator.esme import Esme, EsmeLink, EsmeOptions
from smppproxy.simulator.records import Accepted, Sent
from smppproxy.simulator.smsc import Smsc, SmscLink, SmscOptions
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.timers import Timers
from tests.chaos.events import History
from tests.chaos.orders import Orders, say

reactor: Any = global_reactor

RECEIPT = re.compile(rb"id:(\S+) .*stat:(\w+)", re.DOTALL)
UNDER_WAY = 4000
"""Messages of one client that may be without their answer or receipt at a time."""
QUICK = Timers(enquire_link=4.0, enquire_answer=4.0, response=90.0)
"""Ends that notice a silent node by themselves, and wait for answers as long as they may take."""


class Client(Esme):
    """A client with sessions to every node; one that is lost is bound again to the next node."""

    def __init__(self, name: str, options: EsmeOptions, history: History) -> None:
        super().__init__(reactor, options)
        self.name = name
        self.ports: list[int] = []
        self._history = history
        self._next = 0

    def _owed(self, now: float) -> int:
        """No more than a second's worth at a time, and nothing while too much is under way.

        A node that was away is not made up for, and an account's queue stays far below its limit
        (L1): what is dropped there would look as if it had been lost.
        """
        if not self.options.rate:
            return super()._owed(now)
        if self.pending > UNDER_WAY:
            self._started_at = now - len(self.history) / self.options.rate
            return 0
        owed, most = super()._owed(now), int(self.options.rate) + 1
        if owed <= most:
            return owed
        self._started_at += (owed - most) / self.options.rate
        return most

    def _connect(self, command_id: int) -> None:
        self._next += 1
        self.options.port = self.ports[self._next % len(self.ports)]
        super()._connect(command_id)

    def bind_answered(self, link: EsmeLink, pdu: Pdu) -> None:
        """Write it down."""
        super().bind_answered(link, pdu)
        if link.bound:
            self._history.add("B", link.number, link.transport.getPeer().port)

    def disconnected(self, link: EsmeLink) -> None:
        """Write it down."""
        self._history.add("X", link.number)
        super().disconnected(link)

    def _submit(self, link: EsmeLink, count: int, now: float) -> None:
        self._history.add("S", len(self.history), count, link.number)
        super()._submit(link, count, now)

    def answered(self, answers: Sequence[tuple[Any, Pdu]], now: float) -> None:
        """Write it down."""
        super().answered(answers, now)
        for sent, _ in answers:
            told = sent.message_id.decode("latin-1") or "-"
            self._history.add("A", sent.number, sent.status, told, sent.session)

    def gave_up(self, tokens: Sequence[Sent]) -> None:
        """Write it down."""
        super().gave_up(tokens)
        for sent in tokens:
            self._history.add("L", sent.number)

    def _hear(self, link: EsmeLink, pdu: Pdu, now: float) -> None:
        raw = pdu.raw
        source_at, dest_at, *_ = walk_message(raw)
        found = RECEIPT.search(raw)
        source = raw[source_at + 2 : dest_at - 1].decode("latin-1") or "-"
        if found is not None:
            message_id, stat = (each.decode("latin-1") for each in found.groups())
            self._history.add("R", source, message_id, stat, link.number)
        super()._hear(link, pdu, now)


class Provider(Smsc):
    """A provider that writes down what it took and which receipts it owes."""

    def __init__(self, options: SmscOptions, history: History) -> None:
        super().__init__(reactor, options)
        self._history = history

    def _accept(self, link: SmscLink, pdu: Pdu) -> tuple[bytes, Accepted | None]:
        answer, accepted = super()._accept(link, pdu)
        if accepted is not None:
            to = accepted.destination[2].decode("latin-1")
            self._history.add("P", to, accepted.message_id.decode(), accepted.host)
        return answer, accepted

    def _deliver_receipt(self, accepted: Accepted, stat: bytes, final: bool) -> None:
        to = accepted.destination[2].decode("latin-1")
        self._history.add("D", to, accepted.message_id.decode(), stat.decode())
        super()._deliver_receipt(accepted, stat, final)
        self.tidy()

    def tidy(self) -> None:
        """What it took long ago is in its file."""
        if len(self.history) > 20_000:
            del self.history[:10_000]


class Actor:
    """What both ends have in common."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._teller = LoopingCall(self.tell)
        StandardIO(Orders(self))
        self._teller.start(0.5)

    def tell(self) -> None:
        """The sums so far, twice a second."""
        self.history.flush()
        say("sums", **self.sums())

    def sums(self) -> dict[str, Any]:
        """What the other side of the pipe wants to know."""
        raise NotImplementedError

    def stop(self) -> Deferred[Any]:
        """Close all connections."""
        raise NotImplementedError

    def end(self) -> None:
        """Close the books; the process ends."""
        if self._teller.running:
            self._teller.stop()

        def over(_: object) -> None:
            self.history.close()
            if reactor.running:
                reactor.stop()

        self.stop().addBoth(over)


class ProviderActor(Actor):
    """One provider."""

    def __init__(self, history: History, settings: dict[str, Any]) -> None:
        options = SmscOptions(accounts={b"smppproxy": b"upstream"}, window=100, timers=QUICK)
        for name, value in settings["options"].items():
            setattr(options, name, tuple(value) if isinstance(value, list) else value)
        options.errors = {int(status): share for status, share in settings["errors"].items()}
        self.smsc = Provider(options, history)
        for host in "ab":
            self.smsc.listen(host)
        super().__init__(history)
        say("ports", ports=self.smsc.ports)

    def sums(self) -> dict[str, Any]:
        """As :class:`Actor`."""
        smsc = self.smsc
        return {
            "accepted": smsc.counts.accepted,
            "receipts_acked": smsc.counts.receipts_acked,
            "idle": smsc.idle,
            "bound": {host: len(smsc.links(host, bound=True)) for host in smsc.ports},
        }

    def stop(self) -> Deferred[Any]:
        """As :class:`Actor`."""
        return self.smsc.stop()

    def do_crash(self, host: str) -> None:
        """A host dies."""
        self.smsc.crash(host).addCallback(lambda _: say("crashed", host=host))

    def do_restore(self, host: str) -> None:
        """A host is back."""
        self.smsc.restore(host)

    def do_reset(self, host: str) -> None:
        """All connections of a host are reset."""
        self.smsc.drop(host)

    def do_unbind(self, host: str) -> None:
        """A host stops as planned."""
        self.smsc.unbind(host)

    def do_mute(self, host: str, seconds: float) -> None:
        """A host hears and says nothing for a while."""
        links = self.smsc.links(host)
        for link in links:
            link.transport.pauseProducing()

        def heal() -> None:
            for link in links:
                if link.up:
                    link.transport.resumeProducing()

        reactor.callLater(seconds, heal)

    def do_silence(self, share: float) -> None:
        """This share of the messages is taken and not answered."""
        self.smsc.options.silence = share

    def do_still(self) -> None:
        """Answer everything from now on, and well: what is owed shall come to its end."""
        self.smsc.options.errors = {}
        self.smsc.options.silence = 0.0


class ClientsActor(Actor):
    """All clients."""

    def __init__(self, history: History, settings: dict[str, Any]) -> None:
        self.clients: list[Client] = []
        self.histories: list[History] = []
        for name, more in settings["clients"].items():
            own = History(Path(settings["folder"]) / f"client-{name}")
            given = {**settings["options"], **more}
            prefix = given.pop("prefix").encode()
            options = EsmeOptions(
                system_id=name.encode(), password=name.encode(), prefixes=(prefix,), timers=QUICK
            )
            for key, value in given.items():
                setattr(options, key, value)
            options.deliver_status = {0x64: settings["refusals"]}
            self.histories.append(own)
            self.clients.append(Client(name, options, own))
        super().__init__(history)

    def tell(self) -> None:
        """As :class:`Actor`."""
        for each in self.histories:
            each.flush()
        super().tell()

    def sums(self) -> dict[str, Any]:
        """As :class:`Actor`."""
        names = ("submitted", "accepted", "refused", "lost", "receipted", "duplicated")
        return {
            **{name: sum(getattr(c.tally, name) for c in self.clients) for name in names},
            "pending": sum(client.pending for client in self.clients),
            "bound": sum(client.bound for client in self.clients),
        }

    def stop(self) -> Deferred[Any]:
        """As :class:`Actor`."""

        def closed(result: object) -> None:
            for each in self.histories:
                each.close()

        return DeferredList([client.stop() for client in self.clients]).addBoth(closed)

    def do_ports(self, ports: list[int]) -> None:
        """Where the nodes are now."""
        for client in self.clients:
            client.ports = ports

    def do_go(self) -> None:
        """Bind and submit."""
        for client in self.clients:
            client.start()

    def do_rate(self, rate: float) -> None:
        """From now on so many a second, all together."""
        for client in self.clients:
            if client.options.rate:
                client.change_rate(rate / len(self.clients))
                client.options.count = 0

    def do_quit(self) -> None:
        """Submit nothing more."""
        for client in self.clients:
            client.quit()

    def do_drop(self, number: int) -> None:
        """Half of a client's connections are reset."""
        for link in self.clients[number].links[::2]:
            if link.up:
                link.abort()

    def do_leave(self, number: int) -> None:
        """A client unbinds, and binds again."""
        for link in list(self.clients[number].links):
            if link.up and link.bound:
                link.leave()


def main(settings: dict[str, Any]) -> None:
    """Run until the orders end."""
    history = History(Path(settings["folder"]) / settings["name"])
    if settings["kind"] == "provider":
        ProviderActor(history, settings)
    else:
        ClientsActor(history, settings)
    # Histories grow to a million; looking through them for cycles takes ever longer.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    reactor.run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
