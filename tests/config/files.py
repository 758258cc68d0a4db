"""Configuration files written for one test.

A text marks the line that a problem must name with the comment `# <--`.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config import ConfigError

MARK = "# <--"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$s+RL4oNIKP9ry/0ejq0WVA$" + "A" * 43
SCRYPT = "$scrypt$ln=14,r=8,p=1$7UeGOJaePqnsZtdpFRASNQ$" + "A" * 43


class FileCase(SynchronousTestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        """An empty folder."""
        # Not mktemp(): below a checkout a path may be too long for a socket.
        self.folder = Path(self.enterContext(TemporaryDirectory())).resolve()

    def write(self, text: str | bytes, name: str = "file.toml") -> Path:
        """A file of the folder."""
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def problems(self, load: object, text: str, environ: Mapping[str, str] | None = None) -> str:
        """What `load` says about a text, one problem a line: `option: text; mend`.

        Checks that each of them names the file and a marked line, and each marked line is named.
        """
        path = self.write(text)
        assert callable(load)
        error = self.assertRaises(ConfigError, load, path, environ or {})
        marked = {n for n, line in enumerate(text.split("\n"), 1) if MARK in line}
        self.assertEqual({problem.line for problem in error.problems}, marked, str(error))
        for problem in error.problems:
            self.assertEqual(problem.file, str(path))
            self.assertTrue(str(problem).startswith(f"{path}:{problem.line}: "))
        said = (str(problem).split(": ", 1)[1] for problem in error.problems)
        return "\n".join(said).replace(str(self.folder), "DIR")
