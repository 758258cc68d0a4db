"""Time zones by name."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.text.zones import zone_of

NO_DATABASE = """
import sys
sys.modules["tzdata"] = None
from smppproxy.routing.routes import Route, Target
from smppproxy.text.zones import zone_of
print(Route("x", targets=(Target("a"),)).tz, zone_of("UTC"))
zone_of("Europe/Copenhagen")
"""


class ZoneTests(SynchronousTestCase):
    """zone_of."""

    def test_no_such_zone(self) -> None:
        """A name that is no zone, a folder of zones or no name at all: one error that says so."""
        for name in ("Europe/Atlantis", "Europe", "", "../../etc/passwd", "UTC\0"):
            self.assertRaises(ValueError, zone_of, name)

    def test_utc_needs_no_database(self) -> None:
        """A machine without tzdata: UTC, which every route has by default, is a zone there too."""
        done = subprocess.run(
            [sys.executable, "-c", NO_DATABASE], env=os.environ | {"PYTHONTZPATH": ""},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.stdout, "UTC UTC\n", done.stderr)
        self.assertIn("ValueError: no such time zone: Europe/Copenhagen", done.stderr)
