"""Starts that cannot be: twistd ends at once, says what to mend, and shows no traceback."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.support.running import TWISTD

PATIENCE = 60.0
LISTENER = '[[listener]]\naddress = "127.0.0.1"\nport = {}\n'


class WrongStartTests(SynchronousTestCase):
    """What an operator sees who starts it for the first time."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.taken = self.enterContext(socket.create_server(("127.0.0.1", 0)))

    def start(self, name: str, text: str) -> subprocess.Popen[str]:
        """twistd with this node file."""
        file = self.folder / f"{name}.toml"
        file.write_text(text)
        command = [TWISTD, "-n", "--pidfile=", "smppproxy", "-c", file.name]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, cwd=self.folder, text=True, **both)  # type: ignore[call-overload]
        self.addCleanup(process.kill)
        return process

    def node(self, store: str = "store", more: str = "", port: int = 0) -> str:
        """A node file."""
        head = f'[node]\nname = "n1"\nstore = "embedded:{store}"\n'
        return f"{head}{more}\n{LISTENER.format(port)}"

    def test_each_says_file_line_and_mend(self) -> None:
        """The exit status is not 0, the message is a problem of the file, and that is all."""
        port = self.taken.getsockname()[1]
        wrong = {
            "option": (self.node(more="colour = 1"), "option.toml:4: node.colour: there is no"),
            "port": (self.node(port=port), "port.toml:7: listener[1].port: cannot listen on"),
            "workers": (
                self.node(more="workers = 2", port=port),
                "workers.toml:7: listener[1].port: cannot listen on",
            ),
            "store": (
                self.node(store="/proc/none", more='journal = "off"'),
                "store.toml:3: node.store: the store's folder /proc/none cannot be used",
            ),
            "journal": (
                self.node(store="other", more='journal = "/proc/none"'),
                "journal.toml:4: node.journal: the journal's folder /proc/none cannot be used",
            ),
        }
        started = {name: self.start(name, text) for name, (text, _) in wrong.items()}
        for name, process in started.items():
            said, _ = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 1, said)
            self.assertIn(wrong[name][1], said)
            self.assertNotIn("Traceback", said)
