"""A collector of OpenTelemetry spans: takes OTLP over HTTP as a real one does, and keeps it."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

Told = dict[str, Any]


class Collector:
    """Listens on a port of its own until :meth:`close`.

    :ivar status: of its answers. :ivar requests: how many came. :ivar headers: of the last one.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.requests = 0
        self.headers: dict[str, str] = {}
        self._spans: list[Told] = []
        self._lock = threading.Lock()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name that http.server looks for
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, dict(self.headers), body)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """One request."""
        with self._lock:
            self.requests += 1
            self.headers = headers
            if self.status != 200:
                return
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                of_node = _told(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self._spans += [_span(span, of_node | {"path": path}) for span in scope.spans]

    def spans(self) -> list[Told]:
        """What came so far."""
        with self._lock:
            return [*self._spans]

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _told(attributes: Any) -> Told:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes
    }


def _span(span: Any, resource: Told) -> Told:
    return {
        "name": span.name,
        "trace": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "status": span.status.code,
        "why": span.status.message,
        "resource": resource,
        **_told(span.attributes),
    }
