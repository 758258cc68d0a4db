"""The node's log as JSON lines."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import LogEvent, Logger
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.admin.log_json import as_json


class JsonTests(SynchronousTestCase):
    """One object per event."""

    def line(self, *arguments: Any, **fields: Any) -> dict[str, Any]:
        """What becomes of an event."""
        found: list[LogEvent] = []
        Logger("smppproxy.test", observer=found.append).warn(  # type: ignore[arg-type]
            *arguments, **fields
        )
        written = as_json(found[0])
        assert written is not None
        self.assertEqual(written[-1], "\n")
        self.assertEqual(written.count("\n"), 1)
        told: dict[str, Any] = json.loads(written)
        return told

    def test_fields(self) -> None:
        """Time, level, source, event, the sentence, and every field with a type that JSON has."""
        told = self.line(
            "bind of {account} refused", event="bind_refused", account="shop", count=3, alarm=True,
            stat=b"DELI\xff", names={"b"}, ids=(1, b"2"), more={1: None}, odd=object, seconds=0.5,
        )  # fmt: skip
        self.assertRegex(told.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(told.pop("odd"), "<class 'object'>")
        self.assertEqual(told, {
            "level": "warn", "source": "smppproxy.test", "event": "bind_refused",
            "message": "bind of shop refused", "account": "shop", "count": 3, "alarm": True,
            "stat": "DELI\u00ff", "names": ["b"], "ids": [1, "2"], "more": {"1": None},
            "seconds": 0.5,
        })  # fmt: skip

    def test_names_that_are_taken(self) -> None:
        """A field of the name of ours stands beside it."""
        told = self.line("x", time="noon", message="hello")
        self.assertEqual((told["time_"], told["message_"], told["message"]), ("noon", "hello", "x"))

    def test_failures(self) -> None:
        """A traceback is one field of the one line."""
        found: list[LogEvent] = []
        log = Logger("t", observer=found.append)  # type: ignore[arg-type]
        try:
            raise ValueError("broken")
        except ValueError:
            log.failure("it broke")
        written = as_json(found[0])
        assert written is not None
        told = json.loads(written)
        self.assertIn("ValueError: broken", told["traceback"])
        self.assertEqual((told["level"], written.count("\n")), ("critical", 1))

    def test_nothing(self) -> None:
        """An event that says nothing is no line."""
        self.assertIsNone(as_json({}))
