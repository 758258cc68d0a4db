"""Versions of the network as the operator sees them: history, plan, apply, rollback."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import attrs
import msgpack
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from smppproxy.admin.access import Caller
from smppproxy.admin.errors import ApiError, bad
from smppproxy.admin.following import TOPIC, Run, Standing, check_files
from smppproxy.admin.views import utc
from smppproxy.config import ConfigError, Network
from smppproxy.config.bundle import Bundle, BundleError, unpack
from smppproxy.config.network import unbundle
from smppproxy.config.plan import Shift, compare, shift
from smppproxy.relay.recent import Recent
from smppproxy.store.bus import MAX_PAYLOAD
from smppproxy.store.cluster import VERSIONS_KEPT, Version
from smppproxy.store.interface import Store, StoreUnavailable
from smppproxy.wire.tls import TlsError

SHIFT = b"network-shift"
"""On the bus: where would your last messages go with this network?"""

CHECK = b"network-check"
"""On the bus: could you take this network? Answered with why not."""

WAIT = 5.0
"""Seconds that other nodes have to look at a network."""

TRIES = 5
"""How often a version is made again that another one was quicker than, where nobody minds which."""

Given = dict[str, Any]
Asked = Generator[Deferred[Any], Any, Any]


@attrs.define
class Desk:
    """Where versions are made and compared. Every method fails with ApiError only.

    :param run: does work in a thread.
    :param folder: where relative paths of secrets and CAs begin on this node.
    :param network: gives the network in force.
    :param standing: gives what the node says of it.
    :param wall: unix seconds.
    """

    store: Store
    run: Run
    folder: str
    network: Callable[[], Network]
    standing: Callable[[], Standing]
    recent: Recent
    wall: Callable[[], float]

    def listen(self) -> None:
        """Answer other nodes from now on."""
        self.store.bus.answer(SHIFT, self._asked)
        self.store.bus.answer(CHECK, self._checked)

    # -- what there is --------------------------------------------------------------------------

    @inlineCallbacks
    def history(self, limit: int) -> Asked:
        """The newest versions, newest first."""
        current = yield self.store.versions.number()
        versions = yield self.store.versions.newest(limit)
        rows = [attrs.asdict(version) | {"at": utc(version.at)} for version in versions]
        return {"current": current, "versions": rows}

    @inlineCallbacks
    def nodes(self) -> Asked:
        """What each known node has in force."""
        current = yield self.store.versions.number()
        known = yield self.store.nodes()
        rows = [
            {
                "node": name.decode("utf-8", "replace"),
                "version": int(facts.get("version", 0)),
                "refused": int(facts.get("refused", 0)),
                "reason": str(facts.get("reason", "")),
                "network_file": str(facts.get("network_file", "")),
                "seconds": facts["seconds"],
            }
            for name, facts in sorted(known.items())
        ]
        return {"current": current, "nodes": rows}

    @inlineCallbacks
    def version(self, number: int) -> Asked:
        """What a version says."""
        _, blob = yield self._found(number)
        bundle = unpack(blob)
        return {"number": number, "name": bundle.name, "bundle": b64encode(blob).decode()}

    @inlineCallbacks
    def _found(self, number: int) -> Asked:
        found = yield self.store.versions.get(number)
        if found is None:
            newest = yield self.store.versions.newest(VERSIONS_KEPT)
            known = (
                f"known are {newest[-1].number} to {newest[0].number}"
                if newest
                else ('there is none yet; "smppproxy apply FILE" makes the first')
            )
            raise ApiError(404, "no_version", f"there is no version {number}; {known}")
        return found

    # -- what would be --------------------------------------------------------------------------

    @inlineCallbacks
    def plan(self, written: str, number: int, messages: int) -> Asked:
        """What would be different, and where the last messages would go.

        :param written: a bundle; "" = see the number: of a version, 0 = of the current one.
        """
        if written:
            blob = _octets(written)
        else:
            number = number or (yield self.store.versions.number())
            _, blob = yield self._found(number)
        new = yield self.run(partial(self._read, blob))
        old, standing = self.network(), self.standing()
        changes = yield self.run(partial(compare, old, new))
        found, note = Shift(), ""
        if messages and changes:
            found, note = yield self._shift(blob, messages)
        return {
            "current": standing.version,
            "same": new.bundle.sha256 == standing.sha256,
            "messages": found.messages,
            "elsewhere": found.elsewhere,
            "note": note,
            "changes": [attrs.asdict(change) for change in changes],
            "ways": [
                {"was": was, "now": now, "messages": count}
                for (was, now), count in sorted(found.ways.items(), key=lambda way: -way[1])
            ],
        }

    @inlineCallbacks
    def _shift(self, blob: bytes, messages: int) -> Asked:
        payload = msgpack.packb([blob, messages])
        note = ""
        if len(payload) > MAX_PAYLOAD:
            answers = {b"": (yield self._asked(payload))}
            note = "the network is too large to ask other nodes: only this one's messages count"
        else:
            answers = yield self.store.bus.ask(SHIFT, payload, WAIT)
        whole = Shift()
        for answer in answers.values():
            looked, elsewhere, ways = msgpack.unpackb(answer)
            whole.add(Shift(looked, elsewhere, {(was, now): count for was, now, count in ways}))
        return whole, note

    def _asked(self, payload: bytes) -> Deferred[bytes]:
        """Another node wants to know where the messages of this one would go."""
        blob, count = msgpack.unpackb(payload)
        messages, bundle = self.recent.messages(count), self.network().bundle

        def look() -> bytes:
            # Not the tables in force: what they remember is the reactor's.
            old, new = unbundle(bundle, self.folder), unbundle(unpack(blob), self.folder)
            found = shift(old, new, messages, self.wall())
            ways = [(was, now, times) for (was, now), times in found.ways.items()]
            answer: bytes = msgpack.packb([found.messages, found.elsewhere, ways])
            return answer

        return self.run(look).addErrback(_none_known)

    # -- what shall be --------------------------------------------------------------------------

    @inlineCallbacks
    def apply(self, written: str, by: str, why: str, expected: int | None, force: bool) -> Asked:
        """Make a network the current version.

        :param force: even if nodes that are there now cannot take it.
        """
        blob = _octets(written)
        network = yield self.run(partial(self._read, blob))
        yield self._ask_others(blob, force)
        made = yield self._make(blob, network.bundle.sha256, by, why, expected, 0)
        return made

    @inlineCallbacks
    def rollback(self, number: int, by: str, why: str, expected: int | None, force: bool) -> Asked:
        """Make what a version says the current one again, under a new number."""
        version, blob = yield self._found(number)
        yield self.run(partial(self._read, blob))
        yield self._ask_others(blob, force)
        why = why or f"rollback to version {number}"
        made = yield self._make(blob, version.sha256, by, why, expected, number)
        return made

    @inlineCallbacks
    def _ask_others(self, blob: bytes, force: bool) -> Asked:
        """Whether every node that is there could take it; too large a one is not asked about."""
        if force or len(blob) > MAX_PAYLOAD:
            return
        answers = yield self.store.bus.ask(CHECK, blob, WAIT)
        reasons = [
            f"node {name.decode('utf-8', 'replace')} cannot take it: {reason.decode()}"
            for name, reason in sorted(answers.items())
            if reason
        ]
        if reasons:
            raise ApiError(409, "node_refuses", "\n".join([*reasons, "nothing was changed"]))

    def _checked(self, blob: bytes) -> Deferred[bytes]:
        """Another node wants to know whether this one could take a network."""
        return self.run(partial(self._read, blob)).addCallbacks(lambda _: b"", _why_not)

    @inlineCallbacks
    def _make(
        self, blob: bytes, sha256: str, by: str, why: str, expected: int | None, origin: int
    ) -> Asked:
        versions = self.store.versions
        for _ in range(TRIES):
            current = yield versions.number()
            found = (yield versions.get(current)) if current else None
            if expected is not None and current != expected:
                raise _overtaken(current, expected, found[0] if found else None)
            if found is not None and found[0].sha256 == sha256:
                return {"number": current, "was": current, "made": False}
            took, number = yield versions.add(blob, by, why, sha256, current, origin)
            if took:
                self.store.bus.announce(TOPIC, b"")
                return {"number": number, "was": current, "made": True}
        raise ApiError(409, "overtaken", "others make versions all the time; try again")

    def _read(self, blob: bytes) -> Network:
        """In the thread: a network that this node can use."""
        network = unbundle(unpack(blob), self.folder)
        check_files(network)
        return network


def _why_not(failure: Failure) -> bytes:
    failure.trap(ConfigError, BundleError, TlsError, OSError)
    return failure.getErrorMessage().encode()


def _none_known(failure: Failure) -> bytes:
    """This node could not take that network: it has no word on messages."""
    failure.trap(ConfigError, BundleError)
    answer: bytes = msgpack.packb([0, 0, []])
    return answer


def packed(bundle: Bundle) -> str:
    """A bundle as the door takes it.

    :raises BundleError: it is too large.
    """
    return b64encode(bundle.pack()).decode()


def _octets(written: str) -> bytes:
    try:
        return b64decode(written, validate=True)
    except ValueError:
        raise bad("bundle is not base64") from None


def _overtaken(current: int, expected: int, version: Version | None) -> ApiError:
    who = f" was made by {version.by} meanwhile ({version.why})" if version else " is current"
    text = f"version {current}{who}, not {expected}; look at the plan again, then apply"
    return ApiError(409, "overtaken", text)


def told(failure: Failure) -> Any:
    """What went wrong, as the door says it."""
    error = failure.value
    if isinstance(error, StoreUnavailable):
        done = (
            "it may have been made all the same: look at the history"
            if (error.fate == "unknown")
            else "nothing was changed"
        )
        raise ApiError(503, "store_away", f"the store does not answer; {done}")
    if isinstance(error, ConfigError):
        raise ApiError(409, "bad_network", str(error))
    if isinstance(error, BundleError | TlsError):
        raise ApiError(409, "bad_network", str(error))
    return failure


class NetworkOperations:
    """The operator's methods for :mod:`smppproxy.admin.network_api`."""

    _rooms: Any

    def network_history(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.history`."""
        asked: Deferred[Any] = self._desk.history(given["limit"])
        return asked.addErrback(told)

    def network_nodes(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.nodes`."""
        asked: Deferred[Any] = self._desk.nodes()
        return asked.addErrback(told)

    def network_version(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.version`."""
        asked: Deferred[Any] = self._desk.version(given["number"])
        return asked.addErrback(told)

    def network_plan(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.plan`."""
        asked: Deferred[Any] = self._desk.plan(given["bundle"], given["number"], given["messages"])
        return asked.addErrback(told)

    def network_apply(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.apply`."""
        asked: Deferred[Any] = self._desk.apply(
            given["bundle"], _who(given, caller), given["why"], given["expected"], given["force"]
        )
        return asked.addErrback(told)

    def network_rollback(self, operation: object, given: Given, caller: Caller) -> Deferred[Any]:
        """See :meth:`Desk.rollback`."""
        asked: Deferred[Any] = self._desk.rollback(
            given["number"], _who(given, caller), given["why"], given["expected"], given["force"]
        )
        return asked.addErrback(told)

    @property
    def _desk(self) -> Desk:
        desk: Desk = self._rooms.desk
        return desk


def _who(given: Given, caller: Caller) -> str:
    """Who makes a version: who they say they are, or who the door takes them for."""
    return given["by"] or f"{caller.who}@{caller.peer}"
