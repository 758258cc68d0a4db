"""Values that stand elsewhere."""

from pathlib import Path

from smppproxy.config.references import is_reference, secret, store_url
from smppproxy.config.source import Source
from tests.config.files import FileCase

STORE = ("node", "store")
SECRET = ("p",)


class StoreUrlTest(FileCase):
    """The store's address."""

    def url(self, written: str, **environ: str) -> str | None:
        """The address, after checking that a missing one left exactly one problem."""
        self.source = Source(self.write("[node]\nstore = 1\n"), environ)
        found = store_url(self.source, STORE, written)
        self.assertEqual(len(self.source.problems), found is None)
        return found

    def test_good(self) -> None:
        """Addresses of servers pass as they are."""
        for url in (
            "redis://h:6379/0",
            "rediss://user:pass@h/1",
            "redis+unix:///run/redis.sock",
            "redis+sentinel://h1,h2,h3/name",
            "redis+cluster://h1,h2,h3/name",
            "embedded:///var/lib/smppproxy",
        ):
            self.assertEqual(self.url(url), url)

    def test_relative(self) -> None:
        """A relative embedded folder starts in the folder of the file."""
        self.assertEqual(self.url("embedded:data/x"), f"embedded://{self.folder}/data/x")
        self.assertEqual(self.url("embedded://../x"), f"embedded://{self.folder.parent}/x")

    def test_environment(self) -> None:
        """env:NAME:DEFAULT is the variable when it is set, else the default."""
        written = "env:STORE:embedded:data"
        self.assertEqual(self.url(written, STORE="redis://h"), "redis://h")
        self.assertEqual(self.url(written), f"embedded://{self.folder}/data")
        self.assertEqual(self.url(written, STORE=""), f"embedded://{self.folder}/data")
        self.assertEqual(self.url("env:STORE", STORE="redis://h"), "redis://h")

    def test_environment_relative(self) -> None:
        """A relative folder in the variable starts in the working directory, as in a shell."""
        self.assertEqual(self.url("env:STORE", STORE="embedded:x"), f"embedded://{Path.cwd()}/x")

    def test_bad(self) -> None:
        """Each wrong address has a mend, and none is repeated: it may hold a password."""
        bad = {
            "env:STORE": "set it, or write a default: env:STORE:embedded:///var/lib/smppproxy",
            "env:": "set it, or write a default: env:NAME:embedded:///var/lib/smppproxy",
            "rdis://u:hunter2@h": 'did you mean "redis:"?',
            "hunter2": "known are embedded:, redis:, redis+cluster:, redis+sentinel:, redis+unix:, "
            "rediss:",
            "mysql://u:hunter2@h": "known are embedded:, redis+cluster:, redis+sentinel:, "
            "redis+unix:, redis:, rediss:",
            "embedded:": "write embedded:///var/lib/smppproxy, or embedded:PATH for a relative one",
            "redis:hunter2": "write redis://HOST:PORT/0",
            "redis://[hunter2": "write redis://HOST:PORT/0",
            "redis+cluster:": "write redis+cluster://HOST:PORT,HOST:PORT,HOST:PORT/NAME",
            "redis+unix:": "write redis+unix:///run/redis.sock",
        }
        for written, mend in bad.items():
            self.assertIsNone(self.url(written))
            (problem,) = self.source.problems
            self.assertEqual(problem.mend, mend)
            self.assertNotIn("hunter2", str(problem))
            self.assertEqual((problem.line, problem.option), (2, "node.store"))


class SecretTest(FileCase):
    """env: and file: references."""

    def secret(self, written: object, **environ: str) -> bytes | None:
        """The secret, after checking that a missing one left exactly one problem."""
        self.source = Source(self.write("p = 1\n"), environ)
        found = secret(self.source, SECRET, written)
        self.assertEqual(len(self.source.problems), found is None)
        return found

    def test_good(self) -> None:
        """Plain text, a variable, a file; only the file's last line end is cut."""
        self.write(b"from file \xe6 \r\n", "a.secret")
        self.write(b"two\n\n", "b.secret")
        self.assertEqual(self.secret("plain"), b"plain")
        self.assertEqual(self.secret("env:P", P="from env æ"), "from env æ".encode())
        self.assertEqual(self.secret("file:a.secret"), b"from file \xe6 ")
        self.assertEqual(self.secret(f"file:{self.folder}/b.secret"), b"two\n")

    def test_bad(self) -> None:
        """What is missing or empty is told with its place."""
        self.write(b"\n", "empty.secret")
        bad: dict[object, tuple[str, str]] = {
            7: ("the value is not text", 'write "env:NAME" or "file:PATH" in quotes'),
            "": ("the value is empty", 'write "env:NAME" or "file:PATH" in quotes'),
            "env:P": (
                "the environment variable P is not set or empty",
                "set P before smppproxy starts, or use file:PATH",
            ),
            "env:": (
                "the environment variable  is not set or empty",
                "set NAME before smppproxy starts, or use file:PATH",
            ),
            "file:gone": (
                f"cannot read {self.folder}/gone: No such file or directory",
                "create it, or mend the path (relative to the file that names it)",
            ),
            "file:empty.secret": (
                f"the file {self.folder}/empty.secret is empty",
                "write the secret into it, on one line",
            ),
        }
        for written, (text, mend) in bad.items():
            self.assertIsNone(self.secret(written))
            (problem,) = self.source.problems
            self.assertEqual((problem.text, problem.mend), (text, mend))

    def test_is_reference(self) -> None:
        """Only text that begins with env: or file: is one."""
        found = [is_reference(written) for written in ("env:A", "file:a", "a", 7)]
        self.assertEqual(found, [True, True, False, False])
