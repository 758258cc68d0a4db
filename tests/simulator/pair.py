"""A simulated provider and a simulated client on real sockets of 127.0.0.1, for the tests here."""

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from smppproxy.simulator.clock import until
from smppproxy.simulator.esme import Esme, EsmeOptions
from smppproxy.simulator.smsc import Smsc, SmscOptions

reactor: Any = global_reactor


class PairCase(TestCase):
    """Makes both sides and closes them at the end of the test."""

    timeout = 240

    def provider(self, *hosts: str, **options: Any) -> Smsc:
        """A provider with these hosts (default: one, named a) listening on free ports."""
        smsc = Smsc(reactor, SmscOptions(**options))
        for host in hosts or ("a",):
            smsc.listen(host)
        self.addCleanup(smsc.stop)
        return smsc

    def client(self, port: int, **options: Any) -> Esme:
        """A client of this port, started."""
        options.setdefault("reconnect_delay", 0.02)
        esme = Esme(reactor, EsmeOptions(port=port, **options))
        esme.start()
        self.addCleanup(esme.stop)
        return esme

    def wait(self, condition: Callable[[], object], what: str = "") -> Deferred[None]:
        """Until the condition is true, thirty seconds at most."""
        return until(reactor, condition, 30.0, what)

    def bound(self, esme: Esme, sessions: int = 1) -> Deferred[None]:
        """Until so many sessions of the client are bound."""
        return self.wait(lambda: esme.bound == sessions, f"{sessions} bound")

    def finished(self, esme: Esme, smsc: Smsc) -> Deferred[None]:
        """Until everything has its answer and its receipt, and that its acknowledgement."""
        return self.wait(lambda: esme.done and smsc.idle, "every message has its receipt")

    async def run_through(self, count: int = 20, **options: Any) -> tuple[Smsc, Esme]:
        """A provider with these options takes ``count`` messages, each with its receipt."""
        smsc = self.provider(**options)
        esme = self.client(smsc.ports["a"], count=count)
        await self.finished(esme, smsc)
        return smsc, esme
