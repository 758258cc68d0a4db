"""Which program this is."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smppproxy import compiled
from smppproxy.admin import program


class ProgramTests(SynchronousTestCase):
    """Release, commit, kind."""

    def setUp(self) -> None:
        """Whatever this process found out before, or a test pretended."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir(parents=True)
        program.commit.cache_clear()
        self.addCleanup(program.commit.cache_clear)
        self.patch(compiled, "octets", None)

    def git(self, *words: str) -> str:
        """A git command in the folder; what it says."""
        command = ("git", "-C", str(self.folder), "-c", "user.name=t", "-c", "user.email=t@t")
        return subprocess.run(
            (*command, *words), capture_output=True, text=True, check=True
        ).stdout.strip()

    def test_of_a_repository(self) -> None:
        """The commit of the checkout, with a + once a file is another one."""
        file = self.folder / "file"
        file.write_text("one")
        self.git("init", "-q")
        self.git("add", "file")
        self.git("commit", "-q", "-m", "one")
        short = self.git("rev-parse", "--short", "HEAD")
        self.assertEqual(program.commit_of(self.folder), short)
        file.write_text("two")
        self.assertEqual(program.commit_of(self.folder), f"{short}+")

    def test_of_no_repository(self) -> None:
        """Nobody knows: the release alone. Nor where there is no git."""
        self.assertEqual(program.commit_of(self.folder), "")
        self.patch(program, "FILE", self.folder / "smppproxy" / "commit.txt")
        self.assertEqual(program.program(), f"{version('smppproxy')}, pure Python")
        (self.folder / ".git").mkdir()
        self.assertEqual(program.commit_of(self.folder), "")
        self.patch(program, "GIT", str(self.folder / "no-git"))
        self.assertEqual(program.commit_of(self.folder), "")

    def test_of_what_was_built(self) -> None:
        """A wheel holds the commit it was made from."""
        file = self.folder / "commit.txt"
        file.write_text("c0ffee1\n")
        self.patch(program, "FILE", file)
        self.assertEqual(program.program(), f"{version('smppproxy')} (c0ffee1), pure Python")

    def test_kind(self) -> None:
        """It says so where the part in C is in use."""
        self.patch(compiled, "octets", object())
        self.assertTrue(program.program().endswith(", compiled"))
