"""The operator's door over HTTP: health pages for everybody, the API for those who may.

twisted.web and one table (:mod:`smppproxy.admin.api`) instead of a framework: klein's last release
is two years old, and what it would do here are thirty lines. A body has a limit before it is read,
a request has one for its time, and the door one for its connections.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, maybeDeferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from smppproxy.admin.access import UNIX, Access, Caller, own_page
from smppproxy.admin.api import ADMIN, OPERATIONS, PREFIX, Operation
from smppproxy.admin.errors import ApiError
from smppproxy.admin.openapi import document
from smppproxy.admin.parameters import of_body, of_query
from smppproxy.config.source import near

IDLE = 60.0
"""Seconds that a connection has from its beginning, or from its last answer, to a whole request."""

SMALL_BODY = 65_536
"""Octets of a body at most."""

MOST_BODY = 16 * 1024 * 1024
"""The same for the role admin: a network version with its tables of prefixes and prices."""

MOST_CONNECTIONS = 200
"""Connections at once; further ones are closed."""

OF_A_BROWSER = (b"host", b"origin", b"sec-fetch-site")
"""Headers that tell whose page asks."""

log = Logger()

Answer = tuple[int, bytes, bytes]


class Asked(Request):
    """One request; its body is cut off where it grows too long."""

    channel: Any
    too_long = False
    _length = 0
    _limit = SMALL_BODY

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """The headers are whole: how much body may come, and how much was promised."""
        self._limit = self.channel.site.body_limit(self)
        self.too_long = length is not None and length > self._limit
        super().gotLength(0 if self.too_long else length)  # type: ignore[no-untyped-call]

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep what is within the limit; whoever goes on far beyond it is cut off."""
        self._length += len(data)
        if self.too_long or self._length > self._limit:
            self.too_long = True
            if self._length > 2 * self._limit:
                self.channel.transport.abortConnection()
            return
        super().handleContentChunk(data)  # type: ignore[no-untyped-call]


class Channel(HTTPChannel):
    """One connection. Time runs from its beginning, or from its last answer, to a whole request:
    an octet now and then does not keep it open."""

    site: Any
    transport: Any

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's name
        """Nothing: see above."""

    def connectionMade(self) -> None:
        """Counted; one too many is closed."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.site.connections += 1
        if self.site.connections > MOST_CONNECTIONS:
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Not counted any more."""
        self.site.connections -= 1
        super().connectionLost(reason)  # type: ignore[no-untyped-call]


class Door(Site):
    """The site: no access log, since scrapes every few seconds say nothing an operator needs.

    :ivar connections: that are open.
    """

    noisy = False
    protocol = Channel  # type: ignore[assignment]
    requestFactory = Asked

    def __init__(self, root: Resource, access: Access, clock: Any) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, timeout=IDLE, reactor=clock, parsePOSTFormSubmission=False
        )
        self.connections = 0
        self._access = access

    def log(self, request: object) -> None:
        """Nothing."""

    def acceptableProtocols(self) -> list[bytes]:  # noqa: N802 - Twisted's name
        """What is spoken over TLS."""
        return [b"http/1.1"]

    def body_limit(self, request: Request) -> int:
        """Octets that the body of this request may have."""
        try:
            caller = self._access.caller(
                request.channel.transport, request.getHeader(b"authorization")
            )
        except ApiError:
            return SMALL_BODY
        return MOST_BODY if caller.role == ADMIN else SMALL_BODY


class Shown(Resource):
    """What is there to be read, by GET or HEAD, for everybody or for those who may."""

    isLeaf = True

    def __init__(self, access: Access | None = None) -> None:
        """
        :param access: asks who it is; None: everybody may.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.access = access

    def render(self, request: Request) -> bytes | int:
        """GET and HEAD; anything else is told so."""
        if request.method not in (b"GET", b"HEAD"):
            return refuse_method(request)
        if self.access is not None:
            try:
                caller_of(self.access, request)
            except ApiError as error:
                return refuse(request, error)
        return self.show(request)

    def show(self, request: Request) -> bytes | int:
        """The answer of this moment."""
        raise NotImplementedError


class Page(Shown):
    """What a function returns: status, content type, octets."""

    def __init__(self, answer: Callable[[], Answer], access: Access | None = None) -> None:
        """
        :param access: asks who it is; None: everybody may.
        """
        super().__init__(access)
        self._answer = answer

    def show(self, request: Request) -> bytes:
        """Never cached."""
        return write(request, *self._answer())


class Nothing(Resource):
    """There is no such page."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """404."""
        text = f"there is no such page; the API is below {PREFIX}"
        return refuse(request, ApiError(404, "no_page", text))


class Root(Resource):
    """The pages by their names."""

    def getChild(self, path: bytes, request: Request) -> IResource:  # noqa: N802 - Twisted's name
        """There is no such page."""
        return Nothing()  # type: ignore[no-untyped-call]

    def render(self, request: Request) -> bytes:
        """There is nothing at / either."""
        return Nothing().render(request)  # type: ignore[no-untyped-call]


class Api(Resource):
    """Everything below /api/v1.

    :param operator: answers; its methods are named by the table of operations.
    """

    isLeaf = True

    def __init__(self, operator: Any, access: Access, clock: Any, version: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._operator = operator
        self._access = access
        self._clock = clock
        self._document = json.dumps(document(OPERATIONS.values(), version)).encode()

    def render(self, request: Request) -> bytes | int:
        """Authenticate, find the operation, check its parameters, and let it be answered."""
        try:
            caller = caller_of(self._access, request)
            if request.postpath == [b"openapi.json"] and request.method in (b"GET", b"HEAD"):
                return write(request, 200, b"application/json", self._document)
            operation = self._operation(request)
            self._allow(caller, operation, request)
            parameters = read_parameters(operation, request)
        except ApiError as error:
            return refuse(request, error)
        if operation.stream:
            return self._stream(request, operation, parameters, caller)
        self._answer(request, operation, parameters, caller)
        return NOT_DONE_YET

    def _operation(self, request: Request) -> Operation:
        path = "/" + b"/".join(request.postpath or []).decode("utf-8", "replace")
        method = "GET" if request.method == b"HEAD" else request.method.decode("latin-1")
        operation = OPERATIONS.get((path, method))
        if operation is not None:
            return operation
        methods = [known for at, known in OPERATIONS if at == path]
        if path == "/openapi.json":
            methods = ["GET"]
        if methods:
            request.setHeader(b"allow", ", ".join(methods).encode())
            raise ApiError(405, "method", f"{path} is only for {', '.join(methods)}")
        mend = near(path, {at for at, _ in OPERATIONS})
        if mend.startswith("known are"):
            mend = f"{PREFIX}/openapi.json tells what there is"
        raise ApiError(404, "no_operation", f"there is no {PREFIX}{path[:64]}; {mend}")

    def _allow(self, caller: Caller, operation: Operation, request: Request) -> None:
        try:
            caller.needs(operation.role, operation.path.strip("/"))
        except ApiError as error:
            self._access.refused(caller.peer, operation.path, error)
            raise

    def _answer(
        self, request: Request, operation: Operation, parameters: dict[str, Any], caller: Caller
    ) -> None:
        answer: Deferred[Any] = maybeDeferred(
            lambda: getattr(self._operator, operation.handler)(operation, parameters, caller)
        )
        gone: list[bool] = []

        def left(_: object) -> None:
            gone.append(True)
            answer.cancel()

        request.notifyFinish().addErrback(left)
        answer.addTimeout(operation.patience, self._clock)
        answer.addCallback(lambda value: write(request, 200, b"application/json", as_json(value)))
        answer.addErrback(lambda failure: b"" if gone else refuse(request, error_of(failure)))
        answer.addCallback(lambda octets: None if gone else finish(request, octets))
        answer.addErrback(lambda failure: log.failure("an answer was not sent", failure))

    def _stream(
        self, request: Request, operation: Operation, parameters: dict[str, Any], caller: Caller
    ) -> bytes | int:
        """The operator's method gets the stream, and gives what is to be called at its end."""
        lines = Lines(request)
        handler = getattr(self._operator, operation.handler)
        try:
            stop = handler(operation, parameters, caller, lines)
        except ApiError as error:
            return refuse(request, error)
        request.notifyFinish().addBoth(lambda _: lines.over(stop))
        headers(request, 200, b"application/x-ndjson")
        lines.begin()
        return NOT_DONE_YET


@implementer(IPushProducer)
class Lines:
    """An answer of one JSON object a line, for as long as both sides like."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._is_full = False
        self._is_over = False

    def begin(self) -> None:
        """The headers go out; from now on the connection says when it is full."""
        self._request.registerProducer(self, True)
        self._request.write(b"\n")

    def send(self, row: Any) -> bool:
        """A line; false when it does not fit now: who reads too slowly misses lines."""
        if self._is_full or self._is_over:
            return False
        self._request.write(as_json(row))
        return True

    def end(self) -> None:
        """The last line was sent; idempotent."""
        if not self._is_over:
            self._is_over = True
            self._request.unregisterProducer()
            self._request.finish()

    def over(self, stop: Callable[[], object]) -> None:
        """Nobody reads any more."""
        self._is_over = True
        stop()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The buffer is full."""
        self._is_full = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """There is room again."""
        self._is_full = False

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._is_full = True


def caller_of(access: Access, request: Request) -> Caller:
    """Who asks.

    :raises ApiError: 401 or 403; it is in the log by then.
    """
    transport: Any = request.channel.transport
    try:
        caller = access.caller(transport, request.getHeader(b"authorization"))
        if caller.peer == UNIX:
            own_page(*(request.getHeader(name) for name in OF_A_BROWSER))
        return caller
    except ApiError as error:
        path = request.path.decode("utf-8", "replace")[:100]
        access.refused(getattr(transport.getPeer(), "host", "unix"), path, error)
        raise


def read_parameters(operation: Operation, request: Any) -> dict[str, Any]:
    """What the request gives its operation."""
    if request.too_long:
        raise ApiError(413, "too_long", f"the body has more than {request._limit} octets")
    if operation.method == "GET":
        return of_query(operation, request.args)
    if request.args:
        raise ApiError(400, "bad_parameter", "the parameters stand in the body, not in the query")
    kind = (request.getHeader(b"content-type") or b"application/json").partition(b";")[0]
    if kind.strip().lower() != b"application/json":
        raise ApiError(415, "not_json", "write the header Content-Type: application/json")
    return of_body(operation, request.content.read())


def error_of(failure: Failure) -> ApiError:
    """What is told about something that went wrong; a fault of ours goes to the log."""
    if isinstance(failure.value, ApiError):
        return failure.value
    if failure.check(TimeoutError, CancelledError):
        return ApiError(504, "too_slow", "it took too long; ask for less, or look at the log")
    log.failure("the admin door has a fault", failure, event="admin_failed")
    return ApiError(500, "fault", "a fault of ours; it is in the log of the node")


def as_json(value: Any) -> bytes:
    """A value on one line."""
    return json.dumps(value).encode() + b"\n"


def headers(request: Request, status: int, content_type: bytes) -> None:
    """Status and headers of any answer; never cached, never guessed at."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type)
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"x-content-type-options", b"nosniff")


def write(request: Request, status: int, content_type: bytes, body: bytes) -> bytes:
    """A whole answer."""
    headers(request, status, content_type)
    request.setHeader(b"content-length", b"%d" % len(body))
    return b"" if request.method == b"HEAD" else body


def refuse(request: Request, error: ApiError) -> bytes:
    """An error as JSON."""
    if error.status == 401:
        request.setHeader(b"www-authenticate", b'Bearer realm="smppproxy"')
    return write(request, error.status, b"application/json", as_json(error.as_dict()))


def refuse_method(request: Request) -> bytes:
    """Whoever wants to change a page is told that it is to be read."""
    request.setHeader(b"allow", b"GET, HEAD")
    return refuse(request, ApiError(405, "method", "this page is only for GET"))


def finish(request: Request, octets: bytes) -> None:
    """Send what was answered later."""
    request.write(octets)
    request.finish()
