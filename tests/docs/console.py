"""Commands of the manual, run by a shell as a reader would, and what they print held against what
the page shows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import attrs

from tests.docs.building import ROOT
from tests.docs.examples import Example
from tests.docs.forks import stand_in
from tests.support.waiting import holds

PATIENCE = 60.0
"""Seconds that a command, or what it waits for, may take on a machine that is slow and busy."""

HERE = "127.0.0.1"
_NUMBER = re.compile(r"\d[\d.,]*")
_SPACE = re.compile(r"\s+")
_LISTENS = re.compile(r"\b(smppproxy simulate (?:smsc|esme))\b")
_LOADS = re.compile(r"\bsmppproxy load\b")
_EXPORT = re.compile(r"export (\w+)=(\S+)")
STAND_INS = Path(__file__).parent / "bin"


class Unlike(AssertionError):
    """A command did not do what its page says."""


@attrs.define
class Command:
    """One command of an example, and the lines that a reader sees below it."""

    line: str
    shown: list[str] = attrs.field(factory=list)


def commands(text: str) -> list[Command]:
    """Those of one example: a ``$`` begins one, a ``>`` goes on with it."""
    found: list[Command] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif line.startswith("> ") and found and not found[-1].shown:
            found[-1].line += "\n" + line[2:]
        elif found:
            found[-1].shown.append(line)
        else:
            raise Unlike(f"no command before {line!r}")
    return found


def fits(shown: list[str], printed: str) -> bool:
    """Whether a command printed what its page shows: ``...`` is anything, a number is any number,
    blanks are any blanks."""
    wanted = _SPACE.sub(" ", " ".join(shown).strip())
    parts = [_pattern(part) for part in re.split(r" ?\.\.\. ?", wanted)]
    got = _SPACE.sub(" ", printed.strip())
    return re.fullmatch(".*?".join(parts), got) is not None


def _pattern(text: str) -> str:
    pieces, end = [], 0
    for found in _NUMBER.finditer(text):
        pieces += [re.escape(text[end : found.start()]), r"\d[\d.,]*"]
        # What ends a sentence is no part of the number.
        end = found.start() + len(found[0].rstrip(".,"))
    return "".join([*pieces, re.escape(text[end:])])


@attrs.define
class Background:
    """A command in a terminal of its own."""

    process: subprocess.Popen[bytes]
    output: Path

    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text("utf-8", "replace")

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, and its exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, by)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait()


class Shell:
    """A folder, an environment, and an address of this machine that nobody else listens on.

    Pages say 127.0.0.1; here each test has a loopback address of its own, so that the ports of the
    manual are free.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="smppproxy-docs-"))
        high, low = divmod(os.getpid(), 256)
        self.address = f"127.{64 + high // 256}.{high % 256}.{low}"
        self.tools = self.folder / ".tools"
        self.tools.mkdir()
        (self.folder / ".venv").symlink_to(sys.prefix)
        self.background: list[Background] = []
        own = Path(sys.executable).parent
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
            "PATH": f"{self.tools}:{STAND_INS}:{own}:{os.environ['PATH']}",
            "SMPPPROXY_CHECKOUT": str(ROOT),
            "REAL_MAKE": shutil.which("make") or "make",
            "COLUMNS": "100",
        }
        self._serve()

    def _serve(self) -> None:
        door = self.tools / "door"
        stand_in(self.tools, door)
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.docs.forks", str(door)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.server.stdout is not None
        assert self.server.stdout.readline() == "ready\n"

    def close(self) -> None:
        """End all that runs, and remove the folder."""
        for each in reversed(self.background):
            each.end(signal.SIGTERM)
        # With whatever it has begun and what did not end.
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()
        assert self.server.stdout is not None
        self.server.stdout.close()
        shutil.rmtree(self.folder)

    def write(self, name: str, text: str) -> None:
        """A file of the reader's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.moved(text))

    def moved(self, text: str) -> str:
        """A page's text with this shell's own address."""
        text = _LISTENS.sub(rf"\1 --address {self.address}", text)
        text = _LOADS.sub(f"smppproxy load --host {self.address}", text)
        return text.replace(HERE, self.address)

    def example(self, example: Example) -> None:
        """Do one console example; `Unlike` says which command went wrong, and how."""
        wanted = example["wanted"]
        found = commands(example["text"])
        last = found[-1]
        for command in found:
            if command is last and "until" in wanted:
                self.leave(command, wanted["until"])
            else:
                status = wanted.get("status", 0) if command is last else 0
                self.run(command, status, patient="patience" in wanted)
        if "interrupt" in wanted:
            self.interrupt(last)

    def run(self, command: Command, status: int = 0, patient: bool = False) -> None:
        """One command to its end; again and again where its page says that it takes a moment."""
        export = _EXPORT.fullmatch(command.line)
        if export is not None:
            self.environment[export[1]] = export[2].replace("$PWD", str(self.folder))
            return
        code, printed = 0, ""

        def is_good() -> bool:
            nonlocal code, printed
            code, printed = self.once(command.line)
            return code == status and (not command.shown or fits(command.shown, printed))

        if not holds(is_good, PATIENCE if patient else 0.0):
            shown = "\n".join(command.shown)
            raise Unlike(
                f"$ {command.line}\nexit status {code}, not {status}, or other words than"
                f" these:\n{shown}\nit printed:\n{printed}"
            )

    def once(self, line: str) -> tuple[int, str]:
        """Exit status and output of one command line."""
        try:
            result = subprocess.run(
                ["bash", "-c", self.moved(line)], cwd=self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            told = (error.output or b"").decode("utf-8", "replace")
            raise Unlike(f"$ {line}\ndid not end; it printed:\n{told}") from None
        printed = result.stdout.decode("utf-8", "replace")
        return result.returncode, printed.replace(self.address, HERE)

    def leave(self, command: Command, until: str) -> None:
        """Start a command in a terminal of its own, and wait until it has printed something."""
        output = self.tools / f"terminal-{len(self.background)}"
        path = self.environment["PATH"].removeprefix(f"{self.tools}:")
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {self.moved(command.line)}"],
                cwd=self.folder, env={**self.environment, "PATH": path}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        left = Background(process, output)
        self.background.append(left)

        def is_told() -> bool:
            return self.is_told(left, until, command.shown)

        if not holds(lambda: is_told() or process.poll() is not None, PATIENCE) or not is_told():
            wanted = "\n".join([until, *command.shown])
            told = f"it did not print\n{wanted}\nbut\n{left.text()}"
            raise Unlike(f"$ {command.line}\n{told}")

    def is_told(self, left: Background, until: str, shown: list[str]) -> bool:
        """Whether a command that was left running has printed what a page waits for."""
        text = left.text().replace(self.address, HERE)
        return until in text and (not shown or fits([*shown, "..."], text))

    def interrupt(self, command: Command) -> None:
        """Ctrl-C in the terminal of a command that was left running."""
        code = self.background.pop().end()
        if code not in (0, 130):
            raise Unlike(f"$ {command.line}\nended by Ctrl-C with {code}")
