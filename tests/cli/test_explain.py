"""smppproxy explain: which routes are worth a line."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.cli.explain import FEW, tried


def route(name: str, prefix: str | None, asked: bool) -> dict[str, Any]:
    """As the door tells of it."""
    fits = prefix is not None
    return {"route": name, "prefix": prefix or "", "prefix_fits": fits, "asked": asked}


class TriedTests(SynchronousTestCase):
    """The table of a network with many routes."""

    def test_a_thousand_routes(self) -> None:
        """Those that had a say are listed; the others are counted by what kept them out."""
        said = [route("denied", "45", True), route("decides", "", True)]
        behind = [route(f"behind {place}", "", False) for place in range(3)]
        elsewhere = [route(f"other {place}", None, place == 0) for place in range(995)]
        listed, rest = tried([elsewhere[0], *said, *behind, *elsewhere[1:]])
        self.assertEqual([each["route"] for each in listed], ["denied", "decides"])
        self.assertEqual(
            rest,
            "Routes not listed: 995 of other prefixes and 3 behind the one that decides; "
            "--all lists them",
        )

    def test_only_one_kind(self) -> None:
        """A kind that there is none of is not told."""
        _, rest = tried([route("x", None, True)] * (FEW + 1))
        self.assertEqual(rest, f"Routes not listed: {FEW + 1} of other prefixes; --all lists them")

    def test_few(self) -> None:
        """A handful is listed whole."""
        routes = [route("decides", "45", True), *[route("other", None, False)] * FEW]
        self.assertEqual(tried(routes), (routes, ""))
