"""On which line of a TOML file an option stands, which tomllib does not tell.

The text has been read by tomllib before, so this walk may take its syntax for granted.
"""

import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


class Lines:
    """The lines of one valid TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._seen_at = 0
        self._seen_line = 1
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._document()

    def find(self, path: Path) -> int:
        """The line of an option, or of the closest table around it that stands in the text."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 1

    def _document(self) -> None:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`: the path that the keys below it hang from."""
        line = self._line()
        several = self._text.startswith("[[", self._at)
        self._at += 2 if several else 1
        self._skip()
        names = self._dotted()
        self._skip()
        self._at += 2 if several else 1
        path: Path = ()
        for name in names[:-1]:
            path = self._latest((*path, name))
            self._lines.setdefault(path, line)
        path = (*path, names[-1])
        if several:
            self._counts[path] = self._counts.get(path, -1) + 1
            self._lines.setdefault(path, line)
        path = self._latest(path)
        self._lines[path] = line
        return path

    def _latest(self, path: Path) -> Path:
        return (*path, self._counts[path]) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        """`a.b = value`."""
        line = self._line()
        path = table
        for name in self._dotted():
            path = (*path, name)
            self._lines.setdefault(path, line)
        self._skip()
        self._at += 1  # the equals sign
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._take(_SCALAR)

    def _array(self, path: Path) -> None:
        index = 0
        while self._more("]"):
            self._lines[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1

    def _inline(self, path: Path) -> None:
        while self._more("}"):
            self._pair(path)

    def _more(self, closing: str) -> bool:
        """Step over an opening bracket or a comma; False once the closing bracket is passed."""
        self._skip()
        if self._text[self._at] != closing:
            self._at += 1
            self._skip()
        if self._text[self._at] == closing:
            self._at += 1
            return False
        return True

    def _dotted(self) -> list[str]:
        names = [self._key()]
        while self._take(_DOT):
            names.append(self._key())
        return names

    def _key(self) -> str:
        raw = self._take(_KEY)
        if raw[0] in "\"'":
            return str(tomllib.loads(f"key = {raw}")["key"])
        return raw

    def _skip(self) -> None:
        self._take(_BLANK)

    def _take(self, token: re.Pattern[str]) -> str:
        """The token here, stepped over; "" when something else stands here."""
        match = token.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _line(self) -> int:
        self._seen_line += self._text.count("\n", self._seen_at, self._at)
        self._seen_at = self._at
        return self._seen_line
