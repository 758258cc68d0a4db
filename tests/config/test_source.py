"""One file while it is read."""

from smppproxy.config import ConfigError
from smppproxy.config.source import Source, near, spelled
from tests.config.files import FileCase

SYNTAX = "write option = value on one line, below the [table] it belongs to"
QUOTES = 'put text in quotes, e.g. name = "acme"; numbers, true and false go without'
TWICE = "give each table and each option of a table its own name, once"

#: (text, line, what tomllib says in short, mend)
NOT_TOML = [
    ("a = 1\nb 2\n", 2, "Expected '='", SYNTAX),
    ("[node]\nname = acme\n", 2, "Invalid value", QUOTES),
    ("[node]\nname = node 1\n", 2, "Invalid value", QUOTES),
    ("[a.h.a]\nx = 1\n[a.h.a]\n", 3, "Cannot declare", TWICE),
    ("x = 1\nx = 2\n", 2, "Cannot overwrite a value", TWICE),
    ("x = {a = 1, a = 2}\n", 1, "Duplicate inline table key", TWICE),
    ("[node\nx = 1\n", 1, "Expected ']'", SYNTAX),
    ('a = 1\nx = """abc\n\n', 2, "", SYNTAX),
    ("x = " + 10_000 * "[", 1, "too many brackets", SYNTAX),
    ("x = " + 5_000 * "1", 1, "a number has too many digits", SYNTAX),
]


class SourceTest(FileCase):
    """What keeps a file from being read, and what a file that was read can tell."""

    def test_not_there(self) -> None:
        """A missing file is one problem of the whole file."""
        error = self.assertRaises(ConfigError, Source, self.folder / "gone.toml", {})
        self.assertEqual(
            str(error),
            f"{self.folder}/gone.toml: cannot read the file: No such file or directory; "
            "check the path and its rights",
        )

    def test_not_utf8(self) -> None:
        """Octets that are no UTF-8 are reported with their line."""
        path = self.write(b'a = 1\nb = "\xe6"\n')
        error = self.assertRaises(ConfigError, Source, path, {})
        self.assertEqual(str(error), f"{path}:2: this is not UTF-8; save the file as UTF-8")

    def test_not_toml(self) -> None:
        """Each mistake of syntax has a line and a mend."""
        for text, line, said, mend in NOT_TOML:
            error = self.assertRaises(ConfigError, Source, self.write(text), {})
            (problem,) = error.problems
            self.assertEqual((problem.line, problem.mend), (line, mend), text)
            self.assertIn(f"not valid TOML: {said}", problem.text)
            self.assertNotIn("at line", problem.text)

    def test_windows_line_ends(self) -> None:
        """Lines that end in CR LF are counted like others."""
        source = Source(self.write(b'a = """\r\n"""\r\n[t]\r\nb = 1\r\n'), {})
        source.problem(("t", "b"), "x", "y")
        self.assertEqual(source.problems[0].line, 4)

    def test_raise_problems(self) -> None:
        """Nothing noted, nothing raised; else everything at once."""
        source = Source(self.write("a = 1\nb = 2\n"), {})
        source.raise_problems()
        source.problem(("b",), "x", "y")
        source.problem(("a",), "x", "y")
        error = self.assertRaises(ConfigError, source.raise_problems)
        self.assertEqual([problem.option for problem in error.problems], ["a", "b"])

    def test_near(self) -> None:
        """The mend of a wrong name is the nearest known one, or all that are known."""
        self.assertEqual(near("windw", ["window", "tps"]), 'did you mean "window"?')
        self.assertEqual(near("zzz", ["window", "tps"]), "known are tps, window")
        self.assertEqual(near("zzz", []), "none is defined in this file")

    def test_spelled(self) -> None:
        """Items of lists count from 1, as people do."""
        self.assertEqual(spelled(("route", 1, "targets", 0)), "route[2].targets[1]")
        self.assertEqual(spelled(("account", "demo", "tps")), "account.demo.tps")

    def test_spelled_names(self) -> None:
        """Names that TOML wants in quotes are quoted, control characters escaped."""
        self.assertEqual(spelled(("account", "a b")), 'account."a b"')
        self.assertEqual(spelled(("a\x1b[2J",)), '"a\\u001b[2J"')
