"""The OpenAPI document is the truth: whatever it allows is answered as it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue

from tests.support.doors import TOKENS, DoorCase, asynchronous
from tests.support.nodes import reactor

SECONDS = 15


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
        arguments = [
            "run",
            f"{url}/api/v1/openapi.json",
            "--header=Authorization: Bearer " + TOKENS["admin"].decode(),
            "--checks=all",
            "--phases=examples,coverage,fuzzing",
            f"--max-time={SECONDS}",
            "--max-examples=20",
            "--seed=1",
            "--continue-on-failure",
            "--exclude-path=/api/v1/tap",  # it does not end, see test_tapping
        ]
        program = str(Path(sys.executable).parent / "st")
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": ""}
        out, err, code = await getProcessOutputAndValue(
            program, arguments, environment, str(self.network_file.parent), reactor
        )
        self.assertEqual(code, 0, f"{out.decode()}\n{err.decode()}")
        self.assertIn("passed", out.decode())
