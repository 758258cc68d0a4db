"""What one node does when the operator tells it to: drain, isolate, resume, kick, reconnect.

What is wanted of a provider, a host or a bind is kept in the store and holds on every node, over
restarts (:mod:`smppproxy.routing.states`). What is wanted of an account or a node holds until it is
resumed or the process ends: what should last stands in the network file, as ``enabled = false``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger

from smppproxy.admin.errors import unknown
from smppproxy.admin.rooms import Rooms
from smppproxy.admin.targets import (
    ACCOUNT,
    BIND,
    HOST,
    NODE,
    PROVIDER,
    SESSION,
    Target,
    check,
    parse,
)
from smppproxy.admin.views import Row
from smppproxy.admin.vocabulary import VERBS

KEPT = frozenset({PROVIDER, HOST, BIND, ACCOUNT})
"""Of these the store keeps what is wanted, for all nodes and over restarts."""

STATES = {"drain": "drain", "isolate": "isolate", "resume": "up"}
"""What a verb wants of a provider, a host, a bind or an account."""

log = Logger()


class Hands(Protocol):
    """What the composition root lets an operator do to this node."""

    def want(self, target: Target, state: str, node: str) -> Deferred[str]:
        """Keep what is wanted of a provider, host, bind or account, on one node or (``""``) on all.

        Nobody binds as an account that is drained; who is bound is unbound.

        Fires with what was wanted before.
        """

    def reconnect(self, target: Target) -> int:
        """Unbind and bind anew; how many binds that is."""

    def kick(self, target: Target) -> int:
        """End the connection of a bind to a provider, which binds again; how many that were."""

    def drain_node(self) -> bool:
        """Let nobody in and unbind every client; false when that was so already.

        The binds to providers stay, and so do their receipts.
        """

    def resume_node(self) -> bool:
        """Let clients in again; false when that was so already."""


class Verbs:
    """Does what is told, and writes down who told it."""

    def __init__(self, rooms: Rooms, hands: Hands) -> None:
        self._rooms = rooms
        self._hands = hands

    def check(self, verb: str, text: str) -> Target:
        """What is meant by a target's text.

        :raises ApiError: there is no such thing, or the verb cannot be done to it.
        """
        target = parse(text)
        check(self._rooms, target, VERBS[verb].kinds, verb)
        return target

    def do(self, verb: str, target: Target, node: str, who: str) -> Deferred[list[Row]]:
        """One row for whatever changed here.

        :param node: only on this node; "" = on all.
        :param who: for the log.
        """
        log.info(
            "{who}: {verb} {target}",
            event="operator",
            verb=verb,
            target=str(target),
            node=node,
            who=who,
        )
        if verb in STATES and target.kind in KEPT:
            state = STATES[verb]
            wanted = maybeDeferred(self._hands.want, target, state, node)
            return wanted.addCallback(lambda was: [row(str(target), was, state)])
        return succeed([*self._acts[verb, target.kind](self, target)])

    def _reconnect(self, target: Target) -> list[Row]:
        count = self._hands.reconnect(target)
        return [row(str(target), "", "", f"{count} {_plural('bind', count)} made anew")]

    def _kick_bind(self, target: Target) -> list[Row]:
        count = self._hands.kick(target)
        told = "its connection is ended; it binds again" if count else "it had no connection"
        return [row(str(target), "", "", told)]

    def _kick(self, target: Target) -> list[Row]:
        sessions = self._rooms.sessions_of(target.name)
        if target.kind == SESSION:
            name = f"{target.name}#{target.session}"
            names = {session.name.partition(" ")[0]: session for session in sessions}
            if name not in names:
                raise unknown("session", name, names)
            sessions = [names[name]]
        for session in sessions:
            session.drain(self._rooms.node.drain_timeout)
        return [
            row(f"account:{session.name.partition(' ')[0]}", session.session.state, "unbound")
            for session in sessions
        ]

    def _drain_node(self, target: Target) -> list[Row]:
        done = self._hands.drain_node()
        return [row(str(target), "up" if done else "drain", "drain")]

    def _resume_node(self, target: Target) -> list[Row]:
        done = self._hands.resume_node()
        return [row(str(target), "drain" if done else "up", "up")]

    _acts: dict[tuple[str, str], Callable[[Verbs, Target], list[Row]]] = {
        ("reconnect", PROVIDER): _reconnect,
        ("reconnect", HOST): _reconnect,
        ("reconnect", BIND): _reconnect,
        ("kick", BIND): _kick_bind,
        ("kick", ACCOUNT): _kick,
        ("kick", SESSION): _kick,
        ("drain", NODE): _drain_node,
        ("resume", NODE): _resume_node,
    }


def row(target: str, was: str, now: str, note: str = "") -> Row:
    """One line of what was done."""
    return {"target": target, "was": was, "now": now, "note": note}


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def is_shared(verb: str, target: Target) -> bool:
    """Whether one node does it for all: the store tells the others."""
    return verb in STATES and target.kind in KEPT
