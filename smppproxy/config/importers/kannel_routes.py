"""Which smsc Kannel would take, as routes.

Kannel asks of each smsc whether it may have the message (allowed-prefix, denied-prefix) and
whether it is preferred for it (preferred-prefix); among those that are left it takes any. So for
each prefix that is named anywhere there is one answer, and a route with it: the longest prefix of
a number decides here as well.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from smppproxy.config.importers.draft import Draft, Options
from smppproxy.config.importers.kannel_groups import Group
from smppproxy.config.importers.kannel_providers import PREFIXES, name_of

_DENIED = "ESME_RINVDSTADR"


@attrs.define
class _Smsc:
    """One provider's say about numbers."""

    name: str
    allowed: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()

    def takes(self, prefix: str) -> bool:
        """As Kannel decides: with both lists, only what is denied and not allowed is refused."""
        if _within(prefix, self.allowed):
            return True
        return not self.allowed if not self.denied else not _within(prefix, self.denied)

    def prefers(self, prefix: str) -> bool:
        return _within(prefix, self.preferred)


def _within(number: str, prefixes: Iterable[str]) -> bool:
    return any(number.startswith(prefix) for prefix in prefixes)


def carry(draft: Draft, groups: list[Group]) -> None:
    """The routes of all providers, those of single users, and MO routes."""
    smscs = _smscs(draft, groups)
    if not smscs:
        return
    answers: dict[str, list[str]] = {}
    named = {prefix for smsc in smscs for prefix in smsc.allowed | smsc.denied | smsc.preferred}
    for prefix in sorted(named):
        answers.setdefault(repr(_targets(smscs, prefix)), []).append(prefix)
    for prefixes in answers.values():
        route: Options = {"name": f"to {', '.join(prefixes[:3])}", "prefixes": prefixes}
        draft.routes.append(_decided(route, _targets(smscs, prefixes[0])))
    everything = _targets(smscs, "")
    if everything:
        draft.routes.append({"name": "everything", "targets": everything})
    for group in groups:
        if group.kind == "sendsms-user" and group.options.get("username") in draft.accounts:
            _of_user(draft, group, smscs)
        elif group.kind == "smsbox-route":
            _mo(draft, group)


def _smscs(draft: Draft, groups: list[Group]) -> list[_Smsc]:
    """By smsc-id; what several groups of one say counts together."""
    found: dict[str, _Smsc] = {}
    for group in groups:
        if group.kind != "smsc" or name_of(group) not in draft.providers:
            continue
        if draft.providers[name_of(group)].options["bind"] == "receiver":
            continue
        smsc = found.setdefault(name_of(group), _Smsc(name_of(group)))
        for option in PREFIXES:
            kind = option.partition("-")[0]
            prefixes = frozenset(_digits(draft, group, option))
            setattr(smsc, kind, getattr(smsc, kind) | prefixes)
    return list(found.values())


def _digits(draft: Draft, group: Group, option: str) -> list[str]:
    """Prefixes as we have them: international, without + and 00."""
    found = []
    for written in group.listed(option):
        prefix = written.removeprefix("+")
        prefix = prefix.removeprefix("00")
        if prefix.isdigit() and not prefix.startswith("0"):
            found.append(prefix)
        else:
            text = f"{option}: {written} is no beginning of an international number"
            draft.note(group.place(option), text)
    return found


def _targets(smscs: list[_Smsc], prefix: str) -> list[object]:
    able = [smsc for smsc in smscs if smsc.takes(prefix)]
    first = [smsc.name for smsc in able if smsc.prefers(prefix)]
    if not first:
        return [smsc.name for smsc in able]
    rest = [smsc.name for smsc in able if smsc.name not in first]
    return [*first, *({"provider": name, "backup": True} for name in rest)]


def _decided(route: Options, targets: list[object]) -> Options:
    return {**route, "targets": targets} if targets else {**route, "deny": _DENIED}


def _of_user(draft: Draft, group: Group, smscs: list[_Smsc]) -> None:
    """forced-smsc and default-smsc, and prefixes that only this user may or may not use."""
    user = group.options["username"]
    denied = _digits(draft, group, "denied-prefix")
    if denied:
        draft.routes.append({
            "name": f"{user} may not", "order": -2, "accounts": [user], "prefixes": denied,
            "deny": _DENIED,
        })  # fmt: skip
    forced = group.options.get("forced-smsc") or group.options.get("default-smsc", "")
    targets: list[object] = [smsc.name for smsc in smscs if smsc.name == forced]
    if forced and not targets:
        option = "forced-smsc" if "forced-smsc" in group.options else "default-smsc"
        draft.note(group.place(option), f"there is no smsc {forced} that speaks SMPP")
    allowed = _digits(draft, group, "allowed-prefix")
    if allowed:
        for prefix in allowed:
            chosen = targets or _targets(smscs, prefix)
            route: Options = {
                "name": f"{user} to {prefix}", "order": -1, "accounts": [user],
                "prefixes": [prefix],
            }  # fmt: skip
            draft.routes.append(_decided(route, chosen))
        draft.routes.append({
            "name": f"{user} nowhere else", "order": -1, "accounts": [user], "deny": _DENIED,
        })  # fmt: skip
    elif targets:
        draft.routes.append({
            "name": f"{user} by {forced}", "order": -1, "accounts": [user], "targets": targets,
        })  # fmt: skip


def _mo(draft: Draft, group: Group) -> None:
    """smsbox-route: what an opensmppbox client, known by its system type, gets."""
    box = group.options.get("smsbox-id", "")
    accounts = [
        account.name
        for account in draft.accounts.values()
        if box and account.options.get("require_system_type") == box
    ]
    if not accounts:
        draft.note(group.where, f"smsbox-route: no client has the system type {box or '(none)'}")
        return
    route: Options = {"accounts": accounts} if len(accounts) > 1 else {"account": accounts[0]}
    numbers = [each.removeprefix("+") for each in group.listed("shortcode")]
    if numbers:
        route["numbers"] = numbers
    providers = [each for each in group.listed("smsc-id") if each in draft.providers]
    if providers:
        route["providers"] = providers
    draft.mo_routes.append(route)
