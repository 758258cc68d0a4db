"""The OpenAPI document is the truth: whatever it allows is answered as it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue

from tests.support.doors import TOKENS, DoorCase, asynchronous
from tests.support.nodes import reactor

SECONDS = 15

TAPPED = """
[[operations]]
include-path = "/api/v1/tap"
parameters = { "query.seconds" = 1 }
"""
"""A tap does not end by itself: each one that is tried ends after a second."""


class SchemaTests(DoorCase):
    """schemathesis against a node that carries messages."""

    timeout = 240

    @asynchronous
    async def test_schemathesis_finds_no_failure(self) -> None:
        """Every operation, with good and with bad parameters: answers are of the statuses, the
        content types and the schemas that the document names, and nothing makes a fault."""
        smsc = self.provider("a", "b")
        self.write_network(smsc)
        node, url = self.with_port()
        esme = self.client(node, count=50)
        await self.wait(lambda: esme.done, "traffic")
        await self.schemathesis(url, f"--max-time={SECONDS}", "--exclude-path=/api/v1/tap")
        config = self.network_file.parent.absolute() / "schemathesis.toml"
        config.write_text(TAPPED)
        ending = (f"--config-file={config}",)
        await self.schemathesis(url, "--include-path=/api/v1/tap", before=ending)

    async def schemathesis(self, url: str, *more: str, before: tuple[str, ...] = ()) -> None:
        """Run it; it finds nothing."""
        arguments = [
            *before,
            "run",
            f"{url}/api/v1/openapi.json",
            "--header=Authorization: Bearer " + TOKENS["admin"].decode(),
            "--checks=all",
            "--phases=examples,coverage,fuzzing",
            "--max-examples=20",
            "--seed=1",
            "--continue-on-failure",
            *more,
        ]
        program = str(Path(sys.executable).parent / "st")
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": ""}
        out, err, code = await getProcessOutputAndValue(
            program, arguments, environment, str(self.network_file.parent), reactor
        )
        self.assertEqual(code, 0, f"{out.decode()}\n{err.decode()}")
        self.assertIn("passed", out.decode())
