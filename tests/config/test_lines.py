"""On which line an option stands."""

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.config.lines import Lines, Path

TEXT = r'''
# comment [not.a.table]
top = 1 # [nor.this]
[account.demo] # a table
tps = 5
"quoted \"key\"" = 'x'
'lit.eral' = """
tps = 9
[account.fake]
""""
dotted . inner = { a = 1, "b" = [1, 2] }
list = [
  "one", # comment ]
  # comment of its own
  { x = 1, y = 2 },
  ["in", """
multi"""],
]
date = 1979-05-27 07:32:00 # a time
lit = '''.lstrip("\n") + "'''\n[x]\n'''\nempty = []\nnone = {}\n" + '''
[[route]]
name = "a"
[[ route ]]
name = "b"
[route.sub]
deep = true
[provider.acme.host.a]
port = 1
[provider.acme]
window = 2
'''

EXPECTED: dict[Path, int] = {
    ("top",): 2,
    ("account", "demo"): 3,
    ("account", "demo", "tps"): 4,
    ("account", "demo", 'quoted "key"'): 5,
    ("account", "demo", "lit.eral"): 6,
    ("account", "demo", "dotted"): 10,
    ("account", "demo", "dotted", "inner", "a"): 10,
    ("account", "demo", "dotted", "inner", "b", 1): 10,
    ("account", "demo", "list"): 11,
    ("account", "demo", "list", 0): 12,
    ("account", "demo", "list", 1, "x"): 14,
    ("account", "demo", "list", 1, "y"): 14,
    ("account", "demo", "list", 2): 15,
    ("account", "demo", "list", 2, 1): 15,
    ("account", "demo", "date"): 18,
    ("account", "demo", "lit"): 19,
    ("account", "demo", "empty"): 22,
    ("account", "demo", "none"): 23,
    ("route",): 25,
    ("route", 0, "name"): 26,
    ("route", 1): 27,
    ("route", 1, "name"): 28,
    ("route", 1, "sub", "deep"): 30,
    ("provider",): 31,
    ("provider", "acme"): 33,
    ("provider", "acme", "host", "a", "port"): 32,
    ("provider", "acme", "window"): 34,
}


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Every path of a document."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(found for key, item in items for found in paths(item, (*path, key)))]


class LinesTest(SynchronousTestCase):
    """The walk through the text."""

    def test_lines(self) -> None:
        """Tables, lists of tables, dotted and quoted keys, values over several lines."""
        lines = Lines(TEXT)
        self.assertEqual({path: lines.find(path) for path in EXPECTED}, EXPECTED)

    def test_knows_every_path(self) -> None:
        """Whatever tomllib finds has a line of its own, none before the table it stands in."""
        lines = Lines(TEXT)
        for path in paths(tomllib.loads(TEXT)):
            self.assertGreaterEqual(lines.find(path), 1)
            self.assertIn(path, {(), *lines._lines})

    def test_missing(self) -> None:
        """What does not stand there has the line of the closest table around it."""
        lines = Lines(TEXT)
        self.assertEqual(lines.find(("account", "demo", "password")), 3)
        self.assertEqual(lines.find(("route", 1, "targets", 3)), 27)
        self.assertEqual(lines.find(("nothing", "here")), 1)
        self.assertEqual(Lines("").find(("x",)), 1)

    @given(st.lists(st.sampled_from(["a", '"b c"', "'d'", "e.f"]), unique=True), st.data())
    @settings(deadline=None)
    def test_any_value(self, keys: list[str], data: st.DataObject) -> None:
        """The value of one option never hides the next."""
        values = ('"]"', "'#'", "[1, [2], {x = 1}]", '"""\n[t]\n"""', "1.5", "{ y = '}' }", "[]")
        chosen = [data.draw(st.sampled_from(values)) for _ in keys]
        text, expected, line = "", {}, 1
        for key, value in zip(keys, chosen, strict=True):
            text += f"{key} = {value} # c\n"
            expected[key] = line
            line += value.count("\n") + 1
        document = tomllib.loads(text)
        lines = Lines(text)
        for key, at in expected.items():
            path = tuple(part.strip("\"'") for part in key.split("."))
            self.assertEqual(lines.find(path), at)
        self.assertLessEqual(set(paths(document)), {(), *lines._lines})
