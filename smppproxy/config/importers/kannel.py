"""kannel.conf, with its includes and the logins of opensmppbox, as a draft.

Groups are blocks of ``option = value`` between empty lines, the first option being ``group``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from smppproxy.config.importers import kannel_accounts, kannel_providers, kannel_routes
from smppproxy.config.importers.draft import Draft
from smppproxy.config.importers.kannel_groups import Group

Read = Callable[[str, str], list[tuple[str, str]]]
"""``(name, file that names it)`` -> the files behind it, each with its text; OSError: none."""

DEPTH = 10
"""Includes in includes."""

#: Groups about which there is nothing to say for an SMPP proxy, and where that part of it lives.
_ELSEWHERE = {
    "core": "doors, logs and the store of a node stand in the node file",
    "smsbox": "there is no HTTP interface for sending: clients speak SMPP",
    "wapbox": "WAP is not carried",
    "sms-service": "services that answer messages are a client's: it gets them by an MO route",
    "modems": "modems are not carried",
    "ppg": "WAP push is not carried",
    "wap-push-user": "WAP push is not carried",
}


@attrs.define
class _Line:
    file: str
    number: int
    text: str

    @property
    def where(self) -> str:
        return f"{self.file}:{self.number}"


def import_kannel(name: str, text: str, read: Read) -> Draft:
    """The draft of a kannel.conf.

    :param name: of the file, for notes; :param read: gives included files and the logins.
    """
    draft = Draft(f"Kannel ({name})")
    groups = list(_groups(draft, _lines(draft, name, text, read, 0)))
    kannel_providers.carry(draft, [each for each in groups if each.kind == "smsc"])
    kannel_accounts.carry(draft, groups, read)
    kannel_routes.carry(draft, groups)
    carried = {"smsc", "sendsms-user", "opensmppbox", "smsbox-route"}
    for group in groups:
        if group.kind not in carried:
            _elsewhere(draft, group)
    if not draft.providers:
        draft.note("", "there is no group smsc with smsc = smpp: the file has no provider")
    return draft


def _elsewhere(draft: Draft, group: Group) -> None:
    why = _ELSEWHERE.get(group.kind, "such groups are not known")
    names = ", ".join(group.options) or "nothing"
    draft.note(group.where, f"group {group.kind} ({names}): {why}")


def _lines(draft: Draft, name: str, text: str, read: Read, depth: int) -> Iterator[_Line]:
    """The lines that count, those of included files in the place of their include."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = _Line(name, number, raw.strip())
        if line.text.startswith("#"):
            continue
        option, _, value = line.text.partition("=")
        if option.strip() != "include":
            yield line
            continue
        if depth == DEPTH:
            draft.note(line.where, f"includes are nested more than {DEPTH} deep")
            continue
        try:
            files = read(unquoted(value), name)
        except OSError as error:
            draft.note(line.where, f"cannot read {unquoted(value)}: {error.strerror}")
            continue
        for file, inner in files:
            yield from _lines(draft, file, inner, read, depth + 1)
            # The end of a file ends a group.
            yield _Line(file, 0, "")


def _groups(draft: Draft, lines: Iterator[_Line]) -> Iterator[Group]:
    group: Group | None = None
    for line in lines:
        if not line.text:
            if group is not None:
                yield group
            group = None
            continue
        option, equals, value = line.text.partition("=")
        option, value = option.strip(), unquoted(value)
        if not equals:
            draft.note(line.where, "this is no option = value")
        elif option == "group":
            if group is not None:
                yield group
            group = Group(value, line.where)
        elif group is None:
            draft.note(line.where, f"{option} stands in no group")
        else:
            if option in group.options:
                draft.note(line.where, f"{option} stands twice in this group; the last one counts")
            group.options[option] = value
            group.places[option] = line.where
    if group is not None:
        yield group


def unquoted(text: str) -> str:
    """A value without its quotes."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
