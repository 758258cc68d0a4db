"""How much is logged, room by room."""

from __future__ import annotations

from typing import Any

from twisted.logger import FilteringLogObserver, Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.log_levels import LogLevels, OfWorkers
from smppproxy.words import CONFIGURED, EVERYTHING, LOG_ROOMS
from tests.admin.test_operator import OperatorCase
from tests.support.doors import ask, asynchronous


class LevelTests(SynchronousTestCase):
    """The levels of one node."""

    def passing(self, levels: LogLevels, namespace: str) -> list[str]:
        """The levels of what an observer sees of a namespace."""
        seen: list[Any] = []
        observer = FilteringLogObserver(seen.append, [levels.passes])  # type: ignore[arg-type]
        for level in LogLevel.iterconstants():
            Logger(namespace, observer=observer).emit(level, "x")
        return [event["log_level"].name for event in seen]

    def test_rooms_of_the_node_file(self) -> None:
        """A room has the level that is written, everything else the one of all."""
        levels = LogLevels("warn", {"wire": "debug"})
        self.assertEqual(len(self.passing(levels, "smppproxy.wire.upstream")), 5)
        self.assertEqual(self.passing(levels, "smppproxy.relay.submit")[0], "warn")
        self.assertEqual(self.passing(levels, "twisted.web")[0], "warn")
        self.assertEqual((levels.is_own("wire"), levels.is_own("relay")), (True, False))

    def test_a_workers_own_levels_decide(self) -> None:
        """What a worker let pass is not sifted again by its supervisor."""
        seen: list[Any] = []
        levels = LogLevels("error", {})
        predicates = [OfWorkers(), levels.passes]
        observer = FilteringLogObserver(seen.append, predicates)  # type: ignore[arg-type]
        log = Logger("smppproxy.wire", observer=observer)
        log.debug("own")
        log.debug("a worker's", log_passed=True)
        log.error("own error")
        self.assertEqual([event["log_format"] for event in seen], ["a worker's", "own error"])

    def test_attempts_to_connect_are_no_news(self) -> None:
        """A library tells each attempt to reach the store, several a second while it is away: only
        who asks for everything sees that, but its warnings everybody."""
        noisy = "twisted.application._client_service.ClientService"
        self.assertEqual(self.passing(LogLevels("info", {}), noisy)[0], "warn")
        self.assertEqual(self.passing(LogLevels("debug", {}), noisy)[0], "debug")
        self.assertEqual(self.passing(LogLevels("error", {}), noisy)[0], "error")

    def test_changed_while_it_works(self) -> None:
        """What is set holds at once for whoever has the predicate; configured takes it back."""
        levels = LogLevels("info", {"wire": "debug"})
        self.assertEqual(levels.set("store", "error"), "info")
        self.assertEqual(self.passing(levels, "smppproxy.store.link")[0], "error")
        self.assertEqual(levels.set("wire", "critical"), "debug")
        self.assertEqual(levels.set(EVERYTHING, "warn"), "info")
        self.assertEqual(self.passing(levels, "smppproxy.relay.submit")[0], "warn")
        for room in (EVERYTHING, *LOG_ROOMS):
            levels.set(room, CONFIGURED)
        self.assertEqual(
            {room: levels.level(room) for room in (EVERYTHING, *LOG_ROOMS)},
            {EVERYTHING: "info", **dict.fromkeys(LOG_ROOMS, "info"), "wire": "debug"},
        )
        self.assertEqual(len(self.passing(levels, "smppproxy.store.link")), 4)


class DoorTests(OperatorCase):
    """The operator's hand on it."""

    @asynchronous
    async def test_on_every_node(self) -> None:
        """POST /log changes all nodes, or the one that is named; show logs tells what holds."""
        told = await ask(self.first, "api/v1/log", {"room": "wire", "level": "debug"})
        self.assertEqual(
            [(row["node"], row["was"], row["now"]) for row in told.json["done"]],
            [("n1", "info", "debug"), ("n2", "info", "debug")],
        )
        await ask(self.first, "api/v1/log", {"room": "all", "level": "warn", "node": "n2"})
        rows = await self.rows("logs")
        levels = {(row["node"], row["room"]): (row["level"], row["own"]) for row in rows}
        self.assertEqual(levels["n1", "wire"], ("debug", True))
        self.assertEqual(levels["n1", "store"], ("info", False))
        self.assertEqual(levels["n2", "store"], ("warn", False))
        self.assertEqual(levels["n2", "all"], ("warn", True))

    @asynchronous
    async def test_no_such_room(self) -> None:
        """A room or level that is not there is told with those that are."""
        for wrong in ({"room": "cellar", "level": "info"}, {"room": "wire", "level": "loud"}):
            reply = await ask(self.first, "api/v1/log", wrong)
            self.assertEqual(reply.status, 400)
            self.assertIn("wire" if "cellar" in wrong.values() else "debug", reply.error["text"])
