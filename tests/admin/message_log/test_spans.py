"""Spans of messages: made of lines in memory, and sent by a real node to a real collector."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.message_log import otlp, spans
from smppproxy.admin.message_log.otlp import Exporter
from smppproxy.admin.message_log.spans import Span, Spans
from smppproxy.config.tracing import Tracing
from tests.support.collector import Collector
from tests.support.memory_peers import World, make_account, submit
from tests.support.message_log import LoggedWorld
from tests.support.nodes import NodeCase

STAMP = "2026-11-23T10:00:00.250Z"
AT = 1_795_428_000_250_000_000


def line(event: str, message_id: str = "1000000001", **fields: Any) -> bytes:
    """A line as the message log has it."""
    told = {
        "time": STAMP, "event": event, "node": "node1", "account": "shop", "peer": "192.0.2.1",
        "session": "shop#0", "sequence_number": 7, "command_status": "ESME_ROK",
        "client_message_id": message_id, "provider_message_id": "", "provider": "acme",
        "host": "a", "bind": "acme/a#0", "source_addr": "", "destination_addr": "4670***",
    }  # fmt: skip
    return (json.dumps(told | fields, separators=(",", ":")) + "\n").encode()


class SpanTests(SynchronousTestCase):
    """What a line becomes."""

    def read(self, *lines: bytes, one_in: int = 1) -> list[Span]:
        return Spans(one_in).read(lines)

    def test_a_message_is_one_trace(self) -> None:
        """Submit, receipt and delivery; a receipt begins its delivery, the submit is the root."""
        sent, came, gone = self.read(
            line("accepted", latency=0.2, route="all", parts=2, skipped={"a": "full"}),
            line("receipt", verdict="queued", message_state="DELIVRD"),
            line("delivered", time="2026-11-23T10:00:01.000Z", kind="receipt", latency=1.5),
        )
        self.assertEqual({sent.trace_id, came.trace_id, gone.trace_id}, {sent.trace_id})
        self.assertEqual((sent.parent, came.parent), (0, sent.span_id))
        self.assertEqual(gone.parent, sent.span_id)
        self.assertEqual((sent.start, sent.end), (AT - 200_000_000, AT))
        self.assertEqual((came.start, came.end), (AT, AT))
        self.assertEqual((gone.start, gone.end), (AT, AT + 750_000_000))
        self.assertEqual([sent.name, came.name, gone.name], ["submit_sm", "receipt", "deliver_sm"])
        self.assertEqual(sent.attributes["smppproxy.provider"], "acme")
        self.assertEqual(sent.attributes["smppproxy.skipped"], '{"a": "full"}')
        self.assertEqual(sent.attributes["smppproxy.destination_addr"], "4670***")
        self.assertNotIn("smppproxy.source_addr", sent.attributes)
        self.assertEqual(len({sent.span_id, came.span_id, gone.span_id}), 3)

    def test_two_nodes_agree(self) -> None:
        """What another node knows of a message belongs to the same trace, and is taken as well."""
        for number in range(200):
            message_id = f"{1_000_000_000 + number}"
            here = self.read(line("accepted", message_id, latency=0.0), one_in=4)
            there = self.read(line("receipt", message_id, node="node2"), one_in=4)
            self.assertEqual(len(here), len(there))
            if here:
                self.assertEqual(there[0].trace_id, here[0].trace_id)
                self.assertEqual(there[0].parent, here[0].span_id)
        other = self.read(line("receipt", account="other"))
        self.assertNotEqual(other[0].trace_id, self.read(line("receipt"))[0].trace_id)

    def test_one_in_so_many(self) -> None:
        """About the part that was asked for."""
        lines = [line("accepted", f"{1_000_000_000 + n}", latency=0.0) for n in range(4000)]
        self.assertTrue(300 < len(self.read(*lines, one_in=10)) < 500)

    def test_what_went_wrong(self) -> None:
        """A refusal is a trace of its own; errors have their command_status."""
        one, other, doubt, left, second = self.read(
            line("refused", "", command_status="ESME_RTHROTTLED"),
            line("refused", "", command_status="ESME_RTHROTTLED", sequence_number=8),
            line("in_doubt", command_status="ESME_RUNKNOWNERR"),
            line("abandoned", command_status=""),
            line("resent", command_status=""),
        )
        self.assertNotEqual(one.trace_id, other.trace_id)
        self.assertEqual((one.error, doubt.error), ("ESME_RTHROTTLED", "ESME_RUNKNOWNERR"))
        self.assertIn("client went", left.error)
        self.assertEqual((second.name, second.error), ("submit_sm resent", ""))
        self.assertEqual(second.parent, doubt.span_id)

    def test_no_text_and_nothing_without_a_message(self) -> None:
        """MO messages, gaps and what is no line leave nothing; no text gets into a span."""
        (span,) = self.read(
            line("accepted", latency=0.0, text="secret", data_coding=0),
            line("mo", "", text="secret"),
            line("delivered", "", kind="mo"),
            b'{"time":"x","event":"lost","node":"a","count":3}\n',
            line("something", "1"),
        )
        self.assertNotIn("secret", repr(span))

    def test_bounded(self) -> None:
        """No more receipts are remembered than may be."""
        self.patch(spans, "MOST_RECEIPTS", 2)
        reader = Spans(1)
        reader.read([line("receipt", str(number)) for number in range(5)])
        self.assertEqual(len(reader._received), 2)

    def test_lines_of_a_world(self) -> None:
        """The lines that the message log really makes, masked numbers and all."""
        world = World([make_account(mask_numbers=True, message_log="full")])
        logged = LoggedWorld(world)
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, b"4510203040"))
        upstream.accept(*[(pdu, b"U1") for pdu in upstream.submits()])
        (event,) = logged.take()
        (span,) = Spans(1).read(logged.raw.splitlines(keepends=True))
        self.assertEqual((span.name, span.error), ("submit_sm", ""))
        self.assertEqual(span.attributes["smppproxy.provider_message_id"], "U1")
        self.assertEqual(span.attributes["smppproxy.destination_addr"], "4510***")
        self.assertIn("text", event)
        self.assertNotIn("smppproxy.text", span.attributes)


class ExporterTests(SynchronousTestCase):
    """The thread that sends."""

    def exporter(self, collector: Collector, **settings: Any) -> Exporter:
        tracing = Tracing(collector.url, one_in=1, **settings)
        return Exporter("node1", attrs.asdict(tracing))

    def test_sent(self) -> None:
        """Protobuf over HTTP, with the headers that were asked for; the rest at the end."""
        collector = Collector()
        self.addCleanup(collector.close)
        exporter = self.exporter(collector, headers={"x-scope": "sms"})
        exporter.write([line("accepted", str(number), latency=0.0) for number in range(600)])
        exporter.close()
        self.assertEqual(exporter.take(), (600, 0))
        self.assertEqual(exporter.take(), (0, 0))
        self.assertFalse(exporter.trouble)
        told = collector.spans()
        self.assertEqual(len(told), 600)
        self.assertGreater(collector.requests, 1)
        self.assertEqual(collector.headers["x-scope"], "sms")
        resource = told[0]["resource"]
        self.assertEqual((resource["service.name"], resource["path"]), ("smppproxy", "/v1/traces"))
        self.assertEqual(resource["service.instance.id"], "node1")
        self.assertEqual(told[0]["status"], 1)

    def test_refused(self) -> None:
        """A collector that does not want them: they are dropped, and counted."""
        collector = Collector(status=403)
        self.addCleanup(collector.close)
        exporter = self.exporter(collector)
        exporter.write([line("accepted", latency=0.0)])
        exporter.close()
        self.assertEqual(exporter.take(), (0, 1))
        self.assertTrue(exporter.trouble)

    def test_nobody_there(self) -> None:
        """The end of the node does not wait for a collector that is gone."""
        collector = Collector()
        collector.close()
        self.patch(otlp, "LAST_WORDS", 0.2)
        self.patch(otlp, "MOST_WAITING", 3)
        exporter = self.exporter(collector, timeout=0.5)
        exporter.write([line("accepted", str(number), latency=0.0) for number in range(50)])
        exporter.close()
        exporter._thread.join(30)
        sent, dropped = exporter.take()
        self.assertEqual((sent, dropped), (0, 50))


class NodeTests(NodeCase):
    """A whole node, its scribe and a collector."""

    timeout = 120

    async def test_spans_of_a_node(self) -> None:
        """Each message is one trace of three spans, without a folder for lines."""
        collector = Collector()
        self.addCleanup(collector.close)
        smsc = self.provider("a")
        self.write_network(smsc)
        service = self.node(tracing=Tracing(collector.url, one_in=1))
        await self.wait(lambda: any(bind.state == "Bound" for bind in service.binds()), "a bind")
        ledger = service.relay.ledger
        esme = self.client(service, count=20)
        await self.wait(lambda: esme.done and ledger.delivered == 20, "receipts")
        await esme.stop()
        await self.wait(lambda: len(collector.spans()) == 60, "spans")
        traces: dict[str, list[dict[str, Any]]] = {}
        for span in collector.spans():
            traces.setdefault(span["trace"], []).append(span)
        self.assertEqual(len(traces), 20)
        for found in traces.values():
            names = {span["name"]: span for span in found}
            root = names["submit_sm"]
            self.assertEqual(root["parent"], "")
            self.assertEqual(names["receipt"]["parent"], root["id"])
            self.assertEqual(names["deliver_sm"]["parent"], root["id"])
            self.assertLessEqual(names["receipt"]["end"], names["deliver_sm"]["end"])
            self.assertEqual(
                {span["smppproxy.client_message_id"] for span in found},
                {root["smppproxy.client_message_id"]},
            )
            self.assertEqual((root["smppproxy.provider"], root["smppproxy.host"]), ("acme", "a"))
        await self.wait(lambda: ledger.events["trace_spans_exported"] == 60, "counted")
        await service.stopService()
        self.assertEqual(ledger.events["trace_spans_dropped"], 0)
