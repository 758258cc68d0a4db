"""What the files in etc/ say about each option: the one place where its meaning stands."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

ETC = Path(__file__).resolve().parents[3] / "etc"

_TABLE = re.compile(r"^#?\[+([a-z_.0-9-]+)\]+")
_OPTION = re.compile(r"^#?([a-z0-9_]+) = ")

#: Tables whose second part is a name that the operator chooses.
_NAMED = {"account", "provider", "host"}


@attrs.define
class Explained:
    """Options that one comment explains.

    :ivar options: their names, in the order of the file.
    :ivar text: the comment, a line for a line.
    """

    options: list[str]
    text: list[str]


@attrs.define
class Table:
    """A table of a file: ``provider``, ``provider.host``, ``provider.ids``.

    :ivar text: what stands before its head.
    """

    name: str
    text: list[str] = attrs.field(factory=list)
    entries: list[Explained] = attrs.field(factory=list)


def table_name(written: str) -> str:
    """``provider.acme.host.a`` is a ``provider.host``."""
    parts, kept = written.split("."), []
    while parts:
        kept.append(parts.pop(0))
        if kept[-1] in _NAMED and parts:
            parts.pop(0)
    return ".".join(kept)


def read(path: Path) -> dict[str, Table]:
    """The tables of a sample file, each option where it stands first."""
    return _Reader().read(path.read_text("utf-8").splitlines())


class _Reader:
    """Line by line: a comment belongs to what follows it without an empty line."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.table = Table("")
        self.comment: list[str] = []
        self.entry: Explained | None = None
        self.seen: set[tuple[str, str]] = set()

    def read(self, lines: list[str]) -> dict[str, Table]:
        for line in lines:
            self._line(line)
        return self.tables

    def _line(self, line: str) -> None:
        option, head = _OPTION.match(line), _TABLE.match(line)
        if option:
            self._option(option[1])
        elif head:
            self._head(table_name(head[1]))
        elif line.startswith("#") and not line.startswith("# ---"):
            if self.entry is not None:
                self.comment = []
            self.entry = None
            self.comment.append(line[1:].removeprefix(" "))
        elif not line.startswith((" ", "]")):
            self.comment, self.entry = [], None

    def _head(self, name: str) -> None:
        self.table = self.tables.setdefault(name, Table(name))
        if not self.table.text and not self.table.entries:
            self.table.text = [each for each in self.comment if each]
        self.comment, self.entry = [], None

    def _option(self, name: str) -> None:
        if (self.table.name, name) in self.seen:
            # Another example of what was explained before.
            self.comment, self.entry = [], None
            return
        self.seen.add((self.table.name, name))
        if self.entry is None:
            self.entry = Explained([], self.comment)
            self.table.entries.append(self.entry)
        self.entry.options.append(name)
