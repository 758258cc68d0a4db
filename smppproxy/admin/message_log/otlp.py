"""Sends spans to a collector, in a thread of the scribe's process: it never waits for one.

Of the extra ``tracing``: OpenTelemetry's own exporter makes the requests (OTLP over HTTP, protobuf,
gzip) and tries a batch again until its time is over. What does not fit into the queue meanwhile,
and what could not be sent, is dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from smppproxy.admin.message_log.spans import Span, Spans
from smppproxy.admin.program import program

MOST_WAITING = 10_000
"""Spans that wait for a collector that is slow or away."""

MOST_AT_ONCE = 512
"""Spans of one request."""

GATHER = 0.5
"""Seconds in which a request gathers spans."""

LAST_WORDS = 5.0
"""Seconds that the rest may take when the node stops."""

_KINDS = {
    "submit_sm": SpanKind.SERVER,
    "receipt": SpanKind.CONSUMER,
    "deliver_sm": SpanKind.PRODUCER,
}


class Exporter:
    """Takes lines of the message log; their spans leave by a thread of its own.

    :ivar trouble: whether the last request failed.
    """

    def __init__(self, node: str, settings: Mapping[str, Any]) -> None:
        """:param settings: those of [tracing], by their names."""
        # It tells every attempt that failed; we tell once, with a count.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self.trouble = False
        self._spans = Spans(settings["one_in"])
        self._waiting: queue.Queue[Span | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._sent = self._dropped = 0
        self._stopping = False
        # Not Resource.create: what it looks for in the environment is not this node's.
        self._resource = Resource(
            {
                "service.name": "smppproxy",
                "service.instance.id": node,
                "service.version": program(),
            }
        )
        self._exporter = OTLPSpanExporter(
            endpoint=settings["endpoint"],
            certificate_file=settings["ca"] or None,
            headers=dict(settings["headers"]),
            timeout=settings["timeout"],
            compression=Compression.Gzip,
        )
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def write(self, lines: Sequence[bytes]) -> None:
        """The spans of these lines go, or are counted as dropped. Never waits."""
        for span in self._spans.read(lines):
            try:
                self._waiting.put_nowait(span)
            except queue.Full:
                with self._lock:
                    self._dropped += 1

    def take(self) -> tuple[int, int]:
        """How many spans were sent, and how many dropped, since the last time."""
        with self._lock:
            counts = self._sent, self._dropped
            self._sent = self._dropped = 0
        return counts

    def close(self) -> None:
        """Send the rest, within :data:`LAST_WORDS`; what is left then is dropped."""
        self._stopping = True
        until = time.monotonic() + LAST_WORDS
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=LAST_WORDS)
        self._thread.join(max(0.0, until - time.monotonic()))
        # Ends the pauses between attempts of a batch that does not get through.
        self._exporter.shutdown()
        with contextlib.suppress(queue.Empty):
            while True:
                left = self._waiting.get_nowait() is not None
                with self._lock:
                    self._dropped += left
        self._waiting.put(None)
        self._thread.join(1.0)

    # -- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._gather()
            if batch:
                self._send(batch)

    def _gather(self) -> tuple[list[Span], bool]:
        """What came in a moment; and whether it was the last."""
        batch: list[Span] = []
        first = self._waiting.get()
        if first is None:
            return batch, True
        batch.append(first)
        until = time.monotonic() + (0.0 if self._stopping else GATHER)
        while len(batch) < MOST_AT_ONCE:
            try:
                more = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return batch, False
            if more is None:
                return batch, True
            batch.append(more)
        return batch, False

    def _send(self, batch: list[Span]) -> None:
        result = self._exporter.export([self._readable(span) for span in batch])
        good = result is SpanExportResult.SUCCESS
        with self._lock:
            if good:
                self._sent += len(batch)
            else:
                self._dropped += len(batch)
        self.trouble = not good

    def _readable(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            context=_context(span.trace_id, span.span_id),
            parent=_context(span.trace_id, span.parent) if span.parent else None,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS.get(span.name, SpanKind.INTERNAL),
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.OK),
            start_time=span.start,
            end_time=span.end,
        )


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, False, TraceFlags(TraceFlags.SAMPLED))
