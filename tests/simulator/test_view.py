"""The demo's picture: what a person sees, in one line and on a screen."""

import io

from rich.console import Console
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.simulator import view
from smppproxy.simulator.view import HostRow, Picture

PICTURE = Picture(
    elapsed=12.3,
    duration=30.0,
    hint=["bind with any SMPP client"],
    hosts=[
        HostRow("acme", "a", False, ["waiting", "connecting"], 0.0, 1234),
        HostRow("acme", "b", True, ["bound", "bound"], 199.6, 5678),
        HostRow("backup", "a", True, [], 0.0, 0),
    ],
    clients={"demo": 1, "sample": 2},
    submit_rate=200.4,
    receipt_rate=180.0,
    answer_ms=(12.04, 30.9),
    receipt_ms=(300.0, 600.0),
    ledger={"accepted": 6912, "delivered": 6800, "resent": 3, "parked": 2},
    events=[f"event {number}" for number in range(9)],
)


class Pictures(SynchronousTestCase):
    """line and screen."""

    def test_line(self) -> None:
        """Hosts with their binds and rates, latencies, what came home."""
        self.assertEqual(
            view.line(PICTURE),
            " 12.3 s  acme/a down 0/s  acme/b 2 bound 200/s  backup/a none 0/s  receipts 180/s  "
            "p50 12 p99 31 ms  accepted 6912 delivered 6800 resent 3 parked 2",
        )

    def test_screen(self) -> None:
        """The same on a screen, with the last events and the counts in thousands."""
        out = io.StringIO()
        Console(file=out, width=120).print(view.screen(PICTURE))
        shown = out.getvalue()
        for text in (
            "smppproxy demo   12 of 30 s",
            "down (1 waiting, 1 connecting)",
            "2 bound",
            "5,678",
            "demo 1, sample 2",
            "12.0 / 30.9 ms",
            "6,912",
            "event 8",
        ):
            self.assertIn(text, shown)
        self.assertNotIn("event 2", shown)

    def test_nobody_there(self) -> None:
        """Without clients and hosts there is still a picture."""
        out = io.StringIO()
        empty = Picture(0.0, 3.0, [], [], {}, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0), {}, [])
        Console(file=out, width=100).print(view.screen(empty))
        self.assertIn("none", out.getvalue())
