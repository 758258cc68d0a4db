"""Health, metrics and ledger as an operator's tools ask for them, over a real socket."""

from __future__ import annotations

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import formatEvent

from smppproxy.config import Admin
from smppproxy.service import SmppProxy
from tests.support.doors import ask
from tests.support.logs import logged
from tests.support.nodes import NodeCase
from tests.support.ports import free_port


class HttpTests(NodeCase):
    """Every page of the admin door."""

    async def get(self, service: SmppProxy, page: str) -> tuple[int, str]:
        """Status and text of a page."""
        reply = await ask(service, page)
        return reply.status, reply.body.decode()

    async def served(self) -> SmppProxy:
        """A node that carried ten messages."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        service = self.node(admin=self.admin())
        esme = self.client(service, count=10)
        await self.wait(lambda: esme.done and smsc.idle, "ten receipts")
        return service

    def test_health(self) -> Deferred[None]:
        """/livez is 200 while the process runs, /readyz only while new binds are welcome."""

        async def test() -> None:
            service = await self.served()
            self.assertEqual(await self.get(service, "livez"), (200, "ok\n"))
            self.assertEqual(await self.get(service, "readyz"), (200, "ok\n"))
            self.stores[0].go_away()
            self.assertEqual(await self.get(service, "readyz"), (503, "not ready\n"))
            self.assertEqual((await self.get(service, "livez"))[0], 200)
            self.stores[0].come_back()

        return ensureDeferred(test())

    def test_metrics(self) -> Deferred[None]:
        """/metrics is Prometheus text: ledger, events, binds by provider, host, bind and state."""

        async def test() -> None:
            service = await self.served()
            service.relay.reasons.counts["all", "acme", "full"] = 3
            status, text = await self.get(service, "metrics")
            self.assertEqual(status, 200)
            lines = text.splitlines()
            for line in (
                "smppproxy_submitted_total 10.0",
                "smppproxy_accepted_total 10.0",
                "smppproxy_delivered_total 10.0",
                "smppproxy_in_flight 0.0",
                'smppproxy_imbalance{equation="receipts_in"} 0.0',
                'smppproxy_imbalance{equation="submitted"} 0.0',
                "smppproxy_store_ready 1.0",
                'smppproxy_client_binds{account="demo"} 1.0',
                'smppproxy_upstream_bind'
                '{bind="1trx",host="a",provider="acme",state="Bound"} 1.0',
                'smppproxy_upstream_outstanding{bind="1trx",host="b",provider="acme"} 0.0',
                'smppproxy_events_total{event="store_ready"} 1.0',
                'smppproxy_targets_passed_over_total'
                '{provider="acme",reason="full",route="all"} 3.0',
                'smppproxy_account_submitted_total{account="demo"} 10.0',
                'smppproxy_account_accepted_total{account="demo"} 10.0',
                'smppproxy_account_receipts_queued_total{account="demo"} 10.0',
                'smppproxy_account_receipts_delivered_total'
                '{account="demo",state="DELIVRD"} 10.0',
                'smppproxy_account_answer_seconds_bucket{account="demo",le="+Inf"} 10.0',
                'smppproxy_account_final_receipt_seconds_count{account="demo"} 10.0',
            ):
                self.assertIn(line, lines)
            hosts = sum(
                float(line.rsplit(" ", 1)[1])
                for line in lines
                if line.startswith('smppproxy_host_accepted_total{host=')
            )
            self.assertEqual(hosts, 10.0)

        return ensureDeferred(test())

    def test_ledger(self) -> Deferred[None]:
        """/ledger is the ledger as one JSON object."""

        async def test() -> None:
            service = await self.served()
            ledger = (await ask(service, "ledger")).json
            self.assertEqual((ledger["submitted"], ledger["queued"]), (10, 0))

        return ensureDeferred(test())

    def test_tcp_door(self) -> Deferred[None]:
        """The door may be a TCP port; a second node on the same port says so and goes on."""

        async def test() -> None:
            smsc = self.provider("a")
            self.write_network(smsc)
            port = free_port()
            first = self.node(admin=Admin(address="127.0.0.1", port=port))
            await self.wait(lambda: first.admin_port == port, "the door")
            reply = await ask(f"http://127.0.0.1:{port}", "nothing-here")
            self.assertEqual((reply.status, reply.error["code"]), (404, "no_page"))
            seen = logged(self)
            second = self.node(admin=Admin(address="127.0.0.1", port=port))
            (told,) = [each for each in seen if each.get("event") == "admin_failed"]
            self.assertIn(f":{port}: ", formatEvent(told))
            self.assertIn("mend [admin]", formatEvent(told))
            self.assertEqual((second.running, second.admin_port), (True, 0))

        return ensureDeferred(test())
