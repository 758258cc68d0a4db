"""The command `smppproxy` in processes of its own that need not load it anew each time.

``python -m tests.docs.forks SOCKET`` loads the command line once and makes a fork for each call;
`ASKING` is what a shell runs in the place of the command: it hands over its arguments, folder,
environment and standard files, and ends as the fork did. The manual has many examples, and loading
is most of what each of them costs.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

ASKING = """
import json, os, socket, sys
asked = {"arguments": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}
with socket.socket(socket.AF_UNIX) as call:
    call.connect(sys.argv[1])
    socket.send_fds(call, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
    code = call.recv(8)
sys.exit(int(code or b"70"))
"""


def serve(path: str) -> None:
    """Until SIGTERM."""
    from smppproxy.admin import api
    from smppproxy.cli import main, tables
    from smppproxy.config import load_network, presets

    del api, tables, load_network, presets  # loaded is what they have to be
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen(64)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        print("ready", flush=True)
        while True:
            call, _ = door.accept()
            if os.fork() == 0:
                door.close()
                answer(call, main)
            call.close()


def answer(call: socket.socket, main: Any) -> None:
    """Be the command once; never comes back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, files, _, _ = socket.recv_fds(call, 1 << 20, 3)
    while not text.endswith(b"\n"):
        text += call.recv(1 << 20)
    asked = json.loads(text)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["smppproxy", *asked["arguments"]]
    code = 1
    try:
        main(prog_name="smppproxy")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        call.sendall(str(code).encode())
        os._exit(0)


def stand_in(folder: Path, door: Path) -> None:
    """Put a `smppproxy` into a folder that asks the server behind `door`."""
    asking = folder / "asking.py"
    asking.write_text(ASKING)
    command = folder / "smppproxy"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -ISE '{asking}' '{door}' \"$@\"\n")
    command.chmod(0o755)


if __name__ == "__main__":
    serve(sys.argv[1])
