"""Every option of the node file and of the network file.

What kind of value it takes, its limits and its default are those of the class that holds it; what
it means is what the sample file in etc/ says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import attrs

from manual import rules, sample
from manual.words import heading, indent, paragraphs
from smppproxy.config import Node
from smppproxy.config.effective import toml
from smppproxy.config.node import Log
from smppproxy.config.presets import PROFILES
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.routing.accounts import Account
from smppproxy.routing.mo import MoRoute, MoSettings
from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.routes import Route, Target

#: Filled from names of tables, given by a preset only, or refused but for the default.
_NO_OPTION = {
    Account: {"system_id"},
    Provider: {"name", "hosts", "status", *PROFILES},
    Host: {"name"},
}
_REFUSED_BUT_DEFAULT = {"join"}

#: Options that people know in hexadecimal.
_HEXADECIMAL = {
    "throttle", "temporary", "bind_full", "bind_auth", "interface_version", "temp_answer",
}  # fmt: skip


class Unexplained(LookupError):
    """An option that no sample explains, or a sample of what is no option."""


@attrs.define
class Section:
    """A table of a file, with the class that holds it.

    :ivar name: its options are known as ``name.option``.
    :ivar written: how its head stands in a file.
    """

    name: str
    written: str
    kind: type
    without: set[str] = attrs.field(factory=set)

    def fields(self) -> dict[str, Any]:
        """Its options by name."""
        attrs.resolve_types(self.kind)
        without = self.without | _NO_OPTION.get(self.kind, set()) | _REFUSED_BUT_DEFAULT
        fields = attrs.fields(self.kind)
        return {f.name: f for f in fields if f.init and f.name not in without}


def node_sections() -> list[Section]:
    """Those of the node file: its class has a field for each of its tables."""
    attrs.resolve_types(Node)
    own = {f.name: f for f in attrs.fields(Node) if f.init}
    tables: dict[str, type] = {}
    for name, field in own.items():
        kind = next(iter(get_args(field.type)), field.type)
        if isinstance(kind, type) and attrs.has(kind):
            tables[name] = kind
    log = {name for name in own if name.startswith("log_")}
    sections = [Section("node", "[node]", Node, log | tables.keys())]
    for name, kind in tables.items():
        several = name.endswith("s")
        one = name.removesuffix("s")
        sections.append(Section(one, f"[[{one}]]" if several else f"[{one}]", kind))
    sections.insert(-1, Section("log", "[log]", Log))
    return sections


def network_sections() -> list[Section]:
    """Those of the network file."""
    attrs.resolve_types(Provider)
    profiles: dict[str, Any] = {"ids": IdProfile, "receipt": ReceiptProfile}
    for field in attrs.fields(Provider):
        if field.name in PROFILES:
            profiles.setdefault(field.name, field.type)
    return [
        Section("account", "[account.SYSTEM_ID]", Account),
        Section("provider", "[provider.NAME]", Provider),
        Section("provider.host", "[provider.NAME.host.LETTER]", Host),
        *(
            Section(f"provider.{name}", f"[provider.NAME.{name}]", kind)
            for name, kind in profiles.items()
        ),
        Section("route", "[[route]]", Route),
        Section("route.targets", "[[route.targets]]", Target),
        Section("mo_route", "[[mo_route]]", MoRoute),
        Section("mo", "[mo]", MoSettings),
    ]


FILES = {
    "node": ("smppproxy.toml", node_sections),
    "network": ("network.toml", network_sections),
}


def names(file: str) -> list[str]:
    """Every option of a file, as ``table.option``."""
    _, sections = FILES[file]
    return [f"{section.name}.{option}" for section in sections() for option in section.fields()]


def lines(file: str) -> list[str]:
    """The reference of one file.

    :raises Unexplained: for an option that its sample does not explain.
    """
    name, sections = FILES[file]
    tables = sample.read(sample.ETC / name)
    result: list[str] = []
    for section in sections():
        table = tables.pop(section.name, None)
        if table is None:
            raise Unexplained(f"etc/{name} has no table {section.written}")
        result += _section(section, table, name)
    if tables:
        raise Unexplained(f"etc/{name} has tables of no class: {', '.join(tables)}")
    return result


def _section(section: Section, table: sample.Table, name: str) -> list[str]:
    fields = section.fields()
    links = {option: f":conf:`{option} <{section.name}.{option}>`" for option in fields}
    result = [f".. _{section.name}-table:", "", *heading(f"``{section.written}``", 1)]
    result += paragraphs(table.text, links)
    explained: set[str] = set()
    for entry in table.entries:
        if not entry.text and not table.text:
            raise Unexplained(f"etc/{name}, {section.written}: {entry.options} without a comment")
        known = [option for option in entry.options if option in fields]
        explained |= set(known)
        if known:
            others = {word: link for word, link in links.items() if word not in known}
            result += list(_entry(section, known, fields, entry.text, others))
    missing = fields.keys() - explained
    if missing:
        raise Unexplained(f"etc/{name}, {section.written}: nothing explains {sorted(missing)}")
    return result


def _entry(
    section: Section, known: list[str], fields: dict[str, Any], text: list[str],
    links: dict[str, str],
) -> Iterator[str]:  # fmt: skip
    for place, option in enumerate(known):
        head = ".. conf:: " if place == 0 else "          "
        field = fields[option]
        yield f"{head}{section.name}.{option} | {rules.value_of(field)} | {default(field)}"
    yield ""
    yield from indent(paragraphs(text, links))
    yield ""


def default(field: Any) -> str:
    """The default as a file would say it, or "required"."""
    value = field.default
    if value is attrs.NOTHING:
        return "required"
    if isinstance(value, attrs.Factory):  # type: ignore[arg-type]
        value = value.factory()
    return f"default {toml(value, field.name in _HEXADECIMAL) if value != () else '[]'}"
