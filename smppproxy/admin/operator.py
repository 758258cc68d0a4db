"""The operator: answers every operation of the door, for this node and for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import attrs
from twisted.internet.defer import Deferred, FirstError, ensureDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from smppproxy.admin.access import Caller
from smppproxy.admin.api import Operation
from smppproxy.admin.catalogue import VIEWS, View
from smppproxy.admin.charting import ChartOperations
from smppproxy.admin.cluster import Nodes, Request, Said
from smppproxy.admin.errors import ApiError, unknown
from smppproxy.admin.explaining import explain
from smppproxy.admin.ledgers import SOME_SILENT, together
from smppproxy.admin.network import NetworkOperations
from smppproxy.admin.parameters import moment
from smppproxy.admin.reporting import ReportOperations
from smppproxy.admin.rooms import Rooms
from smppproxy.admin.settling import Settling
from smppproxy.admin.shared import ASKED_ONCE, SOUGHT
from smppproxy.admin.sums import summed
from smppproxy.admin.tapping import Taps
from smppproxy.admin.targets import NODE, Target
from smppproxy.admin.tracing import TraceOperations
from smppproxy.admin.verbs import Hands, Verbs, is_shared
from smppproxy.admin.verbs import row as done_row
from smppproxy.admin.views import OF_A_NODE, Row
from smppproxy.relay.replays import Filter
from smppproxy.store.interface import StoreUnavailable
from smppproxy.wire.protocol import Ticker
from smppproxy.words import UNROUTED

log = Logger()

Given = dict[str, Any]


class Operator(NetworkOperations, TraceOperations, ReportOperations, ChartOperations):
    """See :mod:`smppproxy.admin.api` for what it can be asked.

    :ivar settling: sets the books of all nodes right when one has come or gone.

    Every method that answers an operation takes the operation, its parameters and who asks.
    """

    def __init__(self, rooms: Rooms, hands: Hands, ticker: Ticker) -> None:
        """
        :param ticker: of all sessions.
        """
        self._rooms = rooms
        self.tap = Taps(rooms, ticker).tap
        self._verbs = Verbs(rooms, hands)
        self._nodes = Nodes(rooms.store, rooms.node.name, self._answer, rooms.node.part.of)
        self.settling = Settling(rooms, self._nodes)

    # -- views ----------------------------------------------------------------------------------

    def show(self, operation: Operation, given: Given, caller: Caller) -> Deferred[Any]:
        """The rows of a view."""
        view = VIEWS[operation.view]
        if view.asked == "nodes":
            asked = self._nodes.ask(
                {
                    "do": "show",
                    "view": view.name,
                    "limit": given["limit"] + 1,
                    "node": given["node"],
                    "name": given["name"],
                },
                given["here"],
            )
            return asked.addCallback(self._shown, view, given)
        if view.name in SOUGHT:
            return ensureDeferred(self._sought(view, given)).addErrback(_away)
        rows = ASKED_ONCE[view.name](self._rooms, given["limit"] + 1)
        rows.addErrback(_away)
        return rows.addCallback(self._chosen, view, given)

    async def _sought(self, view: View, given: Given) -> Any:
        """Of many rows those of a name; where there are none, the newest tell what there is."""
        seek, name, limit = SOUGHT[view.name], given["name"], given["limit"] + 1
        rows = await seek(self._rooms, limit, name)
        if not rows and name:
            return self._chosen(await seek(self._rooms, MOST_NAMES, ""), view, given)
        return self._told(view, rows, given, [], "")

    def _answer(self, request: Request) -> Any:
        """What this node says to a question of any node."""
        answer = self._answers.get(request["do"])
        if answer is None:
            raise ApiError(501, "unknown_question", "this node is older than the one that asks")
        return answer(self, request)

    def _rows(self, request: Request) -> Any:
        view = VIEWS[request["view"]]
        own = self._rooms.node.name
        rows = ({"node": own, **row} for row in OF_A_NODE[view.name](self._rooms))
        found, others = _named(rows, view, request["name"], request["limit"])
        return {"rows": found, "others": others}

    def _shown(self, said: Said, view: View, given: Given) -> Any:
        rows: list[Row] = []
        others: set[str] = set()
        for node, answer in said.good.items():
            rows += [{"node": node, **row} for row in answer["rows"]]
            others.update(answer["others"])
        if view.name == "nodes":
            rows += [_silent(node) for node in said.silent if given["name"] in ("", node)]
        notes = [*said.notes]
        if view.name == "ledger" and (len(rows) > 1 or said.silent):
            rows = together(rows, said.silent)
            notes += [SOME_SILENT] * bool(said.silent)
        if given.get("sum"):
            rows = summed(view, rows)
        if given["name"] and not rows and others and not said.silent:
            raise unknown(view.noun, given["name"], others)
        return self._told(view, rows, given, said.silent, "; ".join(notes))

    def _chosen(self, found: list[Row], view: View, given: Given) -> Any:
        rows, others = _named(found, view, given["name"], given["limit"] + 1)
        if given["name"] and not rows and others:
            raise unknown(view.noun, given["name"], others)
        return self._told(view, rows, given, [], "")

    # -- one message ----------------------------------------------------------------------------

    def explain(self, operation: Operation, given: Given, caller: Caller) -> Deferred[Any]:
        """Where a message would go, on this node or on another one."""
        own = self._rooms.node
        node = given["node"] or own.name
        request = {"do": "explain", "node": node, "given": given}
        # Of a node with workers these have the binds: one of them knows.
        asked = self._nodes.ask(request, here=node == own.name and own.workers == 1)
        return asked.addCallback(_only, node)

    def _explain(self, request: Request) -> Any:
        own = self._rooms.node
        if not own.part.has_doors:
            raise ApiError(503, "silent", f"no worker of node {own.name} answers")
        return explain(self._rooms, request["given"])

    # -- verbs ----------------------------------------------------------------------------------

    def do(self, operation: Operation, given: Given, caller: Caller) -> Deferred[Any]:
        """A verb, on every node or on one."""
        verb = operation.path.strip("/")
        target = self._verbs.check(verb, given["target"])
        node = target.name if target.kind == NODE else given["node"]
        who = f"{caller.who}@{caller.peer}"
        if is_shared(verb, target):
            done = self._known(node).addCallback(
                lambda _: self._verbs.do(verb, target, node, who)
            )
            done.addErrback(_away)
            done.addCallback(lambda rows: Said({node or EVERY_NODE: {"rows": rows}}, []))
        else:
            request = {"do": "act", "verb": verb, "target": str(target), "node": node, "who": who}
            done = self._nodes.ask(request)
        return done.addCallback(_done, verb, target)

    def log(self, operation: Operation, given: Given, caller: Caller) -> Deferred[Any]:
        """Another level of logging, on every node or on one, until it ends."""
        request = {
            "do": "log",
            "room": given["room"],
            "level": given["level"],
            "node": given["node"],
            "who": f"{caller.who}@{caller.peer}",
        }
        return self._nodes.ask(request).addCallback(_done, "log", given["room"])

    def _log(self, request: Request) -> Any:
        room, levels = request["room"], self._rooms.log_levels
        was = levels.set(room, request["level"])
        log.warn(
            "{who}: {room} logs {least}",
            event="operator",
            verb="log",
            room=room,
            least=levels.level(room),
            who=request["who"],
        )
        return {"rows": [done_row(f"log:{room}", was, levels.level(room))]}

    def replay(self, operation: Operation, given: Given, caller: Caller) -> Deferred[Any]:
        """Look for the owners of what has none; the store does each of them once, whoever asks."""
        kind, dry_run, force = given["kind"], given["dry_run"], bool(given["force"])
        if force and (not given["id"] or kind == UNROUTED):
            raise ApiError(409, "one_only", "only a single receipt can be forced: give its id")
        since = moment(given["since"], "since", 0.0)
        until = moment(given["until"], "until", 0.0)
        if until and since >= until:
            raise ApiError(409, "empty_range", "since is not before until")
        where = Filter(given["provider"], since, until, given["id"], given["number"])
        log.info(
            "{who}: replay {target}",
            event="operator",
            verb="replay",
            target=kind,
            who=f"{caller.who}@{caller.peer}",
            where=attrs.asdict(where),
            dry_run=dry_run,
            force=force,
        )
        replays = self._rooms.relay.replays
        done: Deferred[Any] = replays.replay(kind, where, dry_run=dry_run, force=force)
        done.addErrback(_away)
        return done.addCallback(self._replayed, kind, dry_run, where)

    def _replayed(self, counts: dict[str, int], kind: str, dry_run: bool, where: Filter) -> Any:
        """What became of them; what is named and is not there is told, when it was nowhere."""
        providers = self._rooms.network().providers
        if not counts["selected"]:
            if where.provider and where.provider not in providers:
                raise unknown("provider", where.provider, providers)
            if where.entry_id:
                found = f"nothing of {kind} has the id {where.entry_id} and all that was asked for"
                raise ApiError(404, "unknown_name", f"{found}; smppproxy show tells the ids")
        return {"kind": kind, "dry_run": dry_run, "counts": counts}

    def _known(self, node: str) -> Deferred[Any]:
        """Whether there is a node of this name."""
        if node in ("", self._rooms.node.name):
            return succeed(None)

        def looked(nodes: dict[bytes, Any]) -> None:
            names = {name.decode("utf-8", "replace") for name in nodes}
            if node not in names:
                raise unknown("node", node, names)

        nodes: Deferred[Any] = self._rooms.store.nodes()
        return nodes.addCallback(looked)

    def _act(self, request: Request) -> Deferred[Any]:
        target = self._verbs.check(request["verb"], request["target"])
        rows = self._verbs.do(request["verb"], target, request["node"], request["who"])
        return rows.addCallback(lambda found: {"rows": found})

    _answers: dict[str, Callable[[Operator, Request], Any]] = {
        "show": _rows,
        "act": _act,
        "explain": _explain,
        "log": _log,
        "trace": TraceOperations._trace,
        "history": ChartOperations._history,
    }

    # -------------------------------------------------------------------------------------------

    def _told(self, view: View, rows: list[Row], given: Given, silent: list[str], note: str) -> Any:
        limit = given["limit"]
        return {
            "view": view.name,
            "node": self._rooms.node.name,
            "at": round(self._rooms.wall(), 3),
            "rows": rows[:limit],
            "silent": silent,
            "note": note,
            "more": len(rows) > limit,
        }


def _named(
    rows: Iterable[Row], view: View, name: str, limit: int
) -> tuple[list[Row], list[str]]:
    """The rows of this name or below it; where there are none, the names that there are."""
    if not name:
        return [*islice(rows, limit)], []
    found: list[Row] = []
    others: dict[str, None] = {}
    for row in rows:
        names = [str(row[column]) for column in view.names if column in row]
        if any(is_of(each, name) for each in names):
            found.append(row)
            if len(found) >= limit:
                break
        elif len(others) < MOST_NAMES:
            others[names[0] if names else ""] = None
    return found, [] if found else [*others]


MOST_NAMES = 200
"""Names of one node among which the nearest to a wrong one is looked for."""


def is_of(name: str, wanted: str) -> bool:
    """Whether a name is the one that is wanted, or lies below it: acme/a/2 below acme and acme/a.

    ``shop#17`` lies below ``shop``.
    """
    return name == wanted or name.startswith((f"{wanted}/", f"{wanted}#", f"{wanted}."))


def _only(said: Said, node: str) -> Any:
    """The answer of the one node that was asked, or of its first worker."""
    workers = sorted(name for name in said.answers if name != node)
    answer = said.answers.get(workers[0] if workers else node)
    if answer is None:
        raise ApiError(503, "silent", f"node {node} does not answer")
    if "error" in answer:
        error = answer["error"]
        raise ApiError(error["status"], error["code"], error["text"])
    return answer


EVERY_NODE = "all"
"""Stands for the node where all of them are meant."""


def _done(said: Said, verb: str, target: Target | str) -> Any:
    """What was done, by all nodes; an error only when none of them did anything."""
    rows: list[Row] = []
    errors: list[dict[str, Any]] = []
    for node, answer in sorted(said.answers.items()):
        if "error" in answer:
            errors.append(answer["error"])
        else:
            rows += [{"node": node, **row} for row in answer["rows"]]
    if errors and not rows:
        raise ApiError(errors[0]["status"], errors[0]["code"], errors[0]["text"])
    return {
        "verb": verb,
        "target": str(target),
        "note": said.note,
        "silent": said.silent,
        "done": rows,
    }


def _silent(node: str) -> Row:
    """The row of a node that is known and said nothing."""
    row: Row = {field.name: _EMPTY[field.kind] for field in VIEWS["nodes"].columns}
    return row | {"node": node, "state": "silent"}


_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False}


def _away(failure: Failure) -> Any:
    if isinstance(failure.value, FirstError):
        failure = failure.value.subFailure
    failure.trap(StoreUnavailable)
    raise ApiError(503, "store_away", f"the store has to be asked for this: {failure.value}")
