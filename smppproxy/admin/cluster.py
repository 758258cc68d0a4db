"""The operator's questions to every node of the store, over its bus.

Whatever becomes of the store, this node answers: then its rows come with a note that says why the
others' are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import msgpack
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.admin.errors import ApiError, unknown
from smppproxy.store.interface import Store, StoreUnavailable

TOPIC = b"operator"

WAIT = 2.0
"""Seconds that another node has to answer."""

MOST_OCTETS = 3 << 20
"""Of one node's answer: a bus carries no more than 4 MiB."""

log = Logger()

Request = dict[str, Any]


@attrs.define
class Said:
    """What the nodes answered.

    :ivar answers: by the name of the node.
    :ivar silent: nodes that are known and said nothing.
    :ivar note: why nobody else was asked; "" when they were.
    """

    answers: dict[str, Any]
    silent: list[str]
    note: str = ""

    @property
    def good(self) -> dict[str, Any]:
        """What those answered that could, in the order of their names."""
        return {node: each for node, each in sorted(self.answers.items()) if "error" not in each}

    @property
    def notes(self) -> list[str]:
        """What one should know about these answers: the note, and what the others could not."""
        errors = [
            f"{node}: {each['error']['text']}"
            for node, each in sorted(self.answers.items())
            if "error" in each
        ]
        return [self.note, *errors] if self.note else errors


class Nodes:
    """Asks all nodes, and answers for this one.

    :param answer: what this node says to a request; raises ApiError.
    :param whole: the node that this one is a worker of: who asks that one asks this one too.
    """

    def __init__(
        self, store: Store, name: str, answer: Callable[[Request], Any], whole: str = ""
    ) -> None:
        self._store = store
        self._name = name
        self._names = (None, "", name, whole)
        self._answer = answer
        store.bus.answer(TOPIC, self._asked)

    def _asked(self, payload: bytes) -> Deferred[bytes]:
        """Another node wants to know something."""
        request = msgpack.unpackb(payload)
        if request.get("node") not in self._names:
            return maybeDeferred(lambda: b"")
        return maybeDeferred(self._answer, request).addCallbacks(_packed, _packed_error)

    def ask(
        self, request: Request, here: bool = False, wait: float = 0.0
    ) -> Deferred[Said]:
        """What every node says, or only this one.

        :param wait: seconds that the others have, 0: the usual two.

        :raises ApiError: of this node, where it is the only one.
        """
        if here:
            return maybeDeferred(self._answer, request).addCallback(self._alone)
        said = self._store.bus.ask(TOPIC, msgpack.packb(request), wait or WAIT)
        known = self._store.nodes().addErrback(_unknown)
        return gatherResults([said, known], consumeErrors=True).addCallback(
            self._together, request.get("node") or ""
        )

    def _alone(self, answer: Any) -> Said:
        return Said({self._name: answer}, [])

    def _together(self, found: list[Any], only: str) -> Said:
        packed, known = found
        answers = {
            node.decode("utf-8", "replace"): msgpack.unpackb(octets)
            for node, octets in packed.items()
            if octets
        }
        note = ""
        if isinstance(known, StoreUnavailable):
            note = f"the store is away ({known.reason}): other nodes could not be asked for"
            known = {}
        names = {node.decode("utf-8", "replace") for node in known}
        if only and only not in names and not answers:
            raise unknown("node", only, {*names, self._name})
        if only:
            names &= {only}
        return Said(answers, sorted(names - answers.keys()), note)


def _unknown(failure: Failure) -> Any:
    failure.trap(StoreUnavailable)
    return failure.value


def _packed(answer: Any) -> bytes:
    octets: bytes = msgpack.packb(answer)
    if len(octets) > MOST_OCTETS:
        text = f"the answer has {len(octets)} octets; ask for fewer rows, or for a name"
        octets = msgpack.packb(ApiError(413, "too_much", text).as_dict())
    return octets


def _packed_error(failure: Failure) -> bytes:
    error = failure.value
    if not isinstance(error, ApiError):
        log.failure("a question of another node failed", failure, event="admin_failed")
        error = ApiError(500, "fault", "a fault of ours; it is in the log of that node")
    octets: bytes = msgpack.packb(error.as_dict())
    return octets
