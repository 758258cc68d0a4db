"""What Jasmin's console lists: ``user -l``, ``group -l``, ``smppccm -l``, ``mtrouter -l`` ...

A list is a line of headings and a line for each object, all of which begin with ``#``. Columns are
as wide as what stands in them makes them, so rows are read word by word. Routes are whole there,
their filters are shown by what they ask; users have no password, connectors next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Settings = list[tuple[str, str]]
Listed = tuple[str, str, str, Settings]
"""Kind, name, where it stands, and what is shown of it."""

#: Each list by the beginning of its headings. Those of MT routes have one column more.
_HEADINGS = (
    (re.compile(r"User id\s+Group id"), "user"),
    (re.compile(r"Group id\s*$"), "group"),
    (re.compile(r"Connector id\s+Service"), "smppccm"),
    (re.compile(r"Order\s+Type\s+Rate"), "mtrouter"),
    (re.compile(r"Order\s+Type\s+Connector"), "morouter"),
    (re.compile(r"Httpcc id\s"), "httpccm"),
    (re.compile(r"Order\s+Type\s+Script"), "interceptor"),
    (re.compile(r"Filter id\s+Type"), "filter"),
)
_USER = re.compile(r"(!?)(\S+)\s+(!?)(\S+)\s+(\S+)(?:\s+(.*))?")
_GROUP = re.compile(r"(!?)(\S+)")
_CONNECTOR = re.compile(r"(\S+)\s+(started|stopped)\b")
_ROUTE = re.compile(
    r"(\d+)\s+(\w+)\s+(?:(\d+(?:\.\d+)?)(?:\s*\(!\))?\s+)?"
    r"(\w+\([^)]*\)(?:,\s*\w+\([^)]*\))*)(?:\s+(<.*>))?"
)
_FILTER = re.compile(r"<([A-Za-z]+)(?:\s*\((.*?)\))?>(?=,\s*<|$)")

#: How a filter is shown: its type, and the setting that a script would have given.
_FILTERS = {
    "T": ("TransparentFilter", ""),
    "C": ("ConnectorFilter", "cid"),
    "U": ("UserFilter", "uid"),
    "G": ("GroupFilter", "gid"),
    "SA": ("SourceAddrFilter", "source_addr"),
    "DA": ("DestinationAddrFilter", "destination_addr"),
    "SM": ("ShortMessageFilter", "short_message"),
    "DI": ("DateIntervalFilter", "dateInterval"),
    "TI": ("TimeIntervalFilter", "timeInterval"),
    "TG": ("TagFilter", "tag"),
    "Ev": ("EvalPyFilter", "pyCode"),
}


class Lists:
    """All lists of a file.

    :ivar found: their objects, filters before the routes that name them.
    :ivar off: (kind, name) of what is disabled or stopped.
    :ivar connectors: name -> where it stands, of those that a list names.
    """

    def __init__(self, note: Callable[[str, str], None]) -> None:
        """:param note: takes where something stands and why it is not carried."""
        self.found: list[Listed] = []
        self.off: set[tuple[str, str]] = set()
        self.connectors: dict[str, str] = {}
        self._note = note
        self._kind = ""
        self._readers = {
            "user": self._user,
            "group": self._group,
            "smppccm": self._connector,
            "mtrouter": self._route,
            "morouter": self._route,
            "httpccm": self._not_ours,
            "interceptor": self._not_ours,
        }

    def end(self) -> None:
        """Something else begins."""
        self._kind = ""

    def read(self, where: str, line: str) -> None:
        """A line that began with ``#``: headings, a row, or somebody's own comment."""
        for headings, kind in _HEADINGS:
            if headings.match(line):
                self._kind = kind
                return
        reader = self._readers.get(self._kind)
        if reader is not None and line.strip() and not reader(where, line.strip()):
            self._note(where, f"this is no row of a list of {self._kind}: {line.strip()}")

    def _user(self, where: str, line: str) -> bool:
        found = _USER.fullmatch(line)
        if found is None:
            return False
        off, uid, off_group, gid, username, rest = found.groups("")
        settings = [("uid", uid), ("gid", gid), ("username", username)]
        *balance, throughput = (rest or "ND").split()
        of_smpp = throughput.rpartition("/")[2]
        if of_smpp.partition(".")[0].isdigit():
            settings.append(("mt_messaging_cred", f"quota smpps_throughput {of_smpp}"))
        if balance and balance[0] != "ND":
            settings.append(("mt_messaging_cred", f"quota balance {balance[0]}"))
        self.found.append(("user", uid, where, settings))
        self._switched("user", uid, bool(off))
        if off_group:
            self._switched("group", gid, True)
            self.found.append(("group", gid, where, [("gid", gid)]))
        return True

    def _group(self, where: str, line: str) -> bool:
        found = _GROUP.fullmatch(line)
        if found is None:
            return False
        self._switched("group", found[2], bool(found[1]))
        self.found.append(("group", found[2], where, [("gid", found[2])]))
        return True

    def _connector(self, where: str, line: str) -> bool:
        found = _CONNECTOR.match(line)
        if found is None:
            return False
        self._switched("smppccm", found[1], found[2] == "stopped")
        self.connectors.setdefault(found[1], where)
        return True

    def _switched(self, kind: str, name: str, off: bool) -> None:
        if off:
            self.off.add((kind, name))

    def _route(self, where: str, line: str) -> bool:
        found = _ROUTE.fullmatch(line)
        if found is None:
            return False
        order, kind, rate, connectors, filters = found.groups("")
        names = [self._filter(where, *each.groups("")) for each in _FILTER.finditer(filters)]
        settings = [
            ("type", kind),
            ("order", order),
            ("connectors", connectors.replace(",", ";")),
            ("filters", ";".join(names)),
            ("rate", rate or "0"),
        ]
        self.found.append((self._kind, "", where, settings))
        return True

    def _filter(self, where: str, short: str, asked: str) -> str:
        """A filter under the name that it is shown by."""
        kind, setting = _FILTERS.get(short, (short, ""))
        # A script separates names by this character.
        name = f"<{short}{f' ({asked})' if asked else ''}>".replace(";", ",")
        value = asked.partition("=")[2] or asked.replace(",", ";")
        settings = [("fid", name), ("type", kind)]
        if setting:
            settings.append((setting, value))
        self.found.append(("filter", name, where, settings))
        return name

    def _not_ours(self, where: str, line: str) -> bool:
        """Told as an object of a script would be."""
        kind = "httpccm" if self._kind == "httpccm" else "mtinterceptor"
        self.found.append((kind, line.split()[0], where, [("listed", "yes")]))
        return True
