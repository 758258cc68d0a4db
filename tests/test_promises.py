"""docs/promises.rst is complete, and every test that it names is there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.test_security_list import named

PAGE = Path(__file__).resolve().parents[1] / "docs" / "promises.rst"
IDS = [
    *(f"P{number}" for number in range(1, 10)),
    *(f"D{number}" for number in range(1, 12)),
    *(f"M{number}" for number in range(1, 5)),
    *(f"L{number}" for number in range(1, 5)),
]


def missing(name: str) -> str:
    """The name of a test, if there is none of that name; else nothing."""
    *path, case, method = name.split(".")
    module = ".".join(path)
    try:
        found = getattr(getattr(import_module(module), case), method)
    except (ImportError, AttributeError):
        return name
    return "" if callable(found) and method.startswith("test_") else name


class PromisesTests(SynchronousTestCase):
    """The page that people trust."""

    def test_every_promise_has_its_tests(self) -> None:
        """P1 to P9, D1 to D11, M1 to M4, L1 to L4, in order, each with a test."""
        parts = re.split(r"^\*\*([PDML]\d+)\. ", PAGE.read_text(), flags=re.MULTILINE)
        self.assertEqual(parts[1::2], IDS)
        without = [which for which, text in zip(parts[1::2], parts[2::2], strict=True)
                   if not named(text)]
        self.assertEqual(without, [])

    def test_every_named_test_exists(self) -> None:
        """A test that was renamed is renamed on the page too."""
        names = named(PAGE.read_text())
        self.assertGreater(len(names), 60)
        self.assertEqual([name for name in names if missing(name)], [])

    def test_what_is_not_there_is_told(self) -> None:
        """A module, a class and a method that do not exist, and what is no test."""
        for name in ("tests.nowhere.X.test_y", "tests.test_promises.Nobody.test_y",
                     "tests.test_promises.PromisesTests.test_gone",
                     "tests.test_promises.PromisesTests.assertEqual"):
            self.assertEqual(missing(name), name)
