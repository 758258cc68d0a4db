"""Jasmin's routers as routes. It asks the highest order first, we the lowest: signs change.

A filter is a regular expression there. Those that only say how an address begins, or that name a
few addresses, have an equivalent; a route with any other filter is left out and told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from smppproxy.config.importers.draft import Draft, Options, whole
from smppproxy.routing.patterns import PatternError, compiled

_CONNECTOR = re.compile(r"(smppc|smpps|http)\(([^)]*)\)")
_PLAIN = re.compile(r"[A-Za-z0-9 _.&-]+")
#: What matches any rest of an address.
_REST = re.compile(r"(?:\\d|\[0-9\]|\.|\d)?(?:\*|\+|\{\d+(?:,\d*)?\})")
_TIMES = re.compile(r"(\d\d:\d\d)(?::\d\d)?;(\d\d:\d\d)(?::\d\d)?")

_MT_TYPES = {
    "defaultroute": "weighted",
    "staticmtroute": "weighted",
    "randomroundrobinmtroute": "weighted",
    "failovermtroute": "ordered",
}
_MO_TYPES = frozenset({"defaultroute", "staticmoroute", "randomroundrobinmoroute"})


class Item(Protocol):
    """What this needs of an object of the script."""

    kind: str
    name: str
    where: str

    def take(self, name: str, default: str = "") -> str:
        """The last value of a setting."""


def alternatives(pattern: str) -> list[str] | None:
    """The addresses that a regular expression names; "46*" for a beginning. None: it says more.

    Jasmin matches at the beginning, so ``46`` is a beginning and ``^46$`` a whole address.
    """
    body = pattern.removeprefix("^").removeprefix("\\+?")
    whole_address = body.endswith("$")
    body = body.removesuffix("$")
    rest = ""
    group = re.fullmatch(r"\((?:\?:)?([^()]*)\)(.*)", body)
    if group is not None:
        body, rest = group.groups()
        if rest and not _REST.fullmatch(rest):
            return None
    found = []
    for part in body.split("|"):
        part = part.removeprefix("\\+")
        open_end = _REST.search(part)
        end = bool(rest) or (open_end is not None and open_end.end() == len(part))
        if open_end is not None and end and not rest:
            part = part[: open_end.start()]
        part = part.replace("\\", "")
        if not _PLAIN.fullmatch(part) or "." in part:
            return None
        found.append(part if whole_address and not end else f"{part}*")
    return found


def carry(draft: Draft, items: Sequence[Item], users: Mapping[str, str]) -> None:
    """Every MT and MO route; ``users`` are uid -> system_id."""
    filters = {item.take("fid"): item for item in items if item.kind == "filter"}
    for item in items:
        if item.kind == "mtrouter":
            _mt(draft, item, filters, users)
        elif item.kind == "morouter":
            _mo(draft, item, filters)


def _order(item: Item) -> int:
    return -(whole(item.take("order", "0")) or 0)


def _left_out(draft: Draft, item: Item, why: str) -> None:
    name = item.take("type") or item.name
    draft.note(item.where, f"{item.kind} {name} {-_order(item)} is left out: {why}")


def _mt(draft: Draft, item: Item, filters: Mapping[str, Item], users: Mapping[str, str]) -> None:
    kind = item.take("type").lower()
    if kind not in _MT_TYPES:
        _left_out(draft, item, "such routes are not known")
        return
    written = item.take("connectors") or item.take("connector")
    targets = [name for how, name in _CONNECTOR.findall(written) if how == "smppc"]
    missing = [name for name in targets if name not in draft.providers]
    if not targets or missing:
        _left_out(draft, item, f"there is no connector {', '.join(missing) or 'for SMPP'}")
        return
    targets = [name for name in targets if draft.submits(item.where, name)]
    if not targets:
        return
    order = _order(item)
    route: Options = {"name": f"{item.take('type')} {-order}", "order": order}
    for fid in _named(item):
        why = _condition(route, fid, filters.get(fid), users)
        if why:
            _left_out(draft, item, why)
            return
    route["targets"] = list(dict.fromkeys(targets))
    if _MT_TYPES[kind] != "weighted":
        # It takes the first connector that is bound.
        route["select"] = _MT_TYPES[kind]
    rate = item.take("rate", "0").split()
    if rate and rate[0].strip("0.") and rate[0] != "ND":
        draft.note(item.where, f"rate {rate[0]}: messages are not charged here")
    draft.routes.append(route)


def _named(item: Item) -> list[str]:
    return [fid.strip() for fid in item.take("filters").split(";") if fid.strip()]


def _condition(
    route: Options, fid: str, found: Item | None, users: Mapping[str, str]
) -> str:
    """Add what a filter asks to a route; why that cannot be, or ""."""
    if found is None:
        return f"there is no filter {fid}"
    kind = found.take("type").lower()
    if kind == "transparentfilter":
        return ""
    reader = _FILTERS.get(kind)
    if reader is None:
        return f"its filter {fid} is a {found.take('type')}, which has no equivalent"
    condition = reader(found, users)
    if condition is None:
        return f"its filter {fid} says more than a route can ask"
    name, values = condition
    if name in route:
        return f"its filter {fid} asks a second time for {name}"
    route[name] = values
    return ""


_Condition = tuple[str, object] | None


def _user(item: Item, users: Mapping[str, str]) -> _Condition:
    name = users.get(item.take("uid"))
    return ("accounts", [name]) if name else None


def _group(item: Item, users: Mapping[str, str]) -> _Condition:
    return "groups", [item.take("gid")]


def _destination(item: Item, users: Mapping[str, str]) -> _Condition:
    found = alternatives(item.take("destination_addr"))
    if found is None or not all(each.endswith("*") for each in found):
        return None
    digits = [each[:-1].removeprefix("00") for each in found]
    if not all(each.isdigit() and not each.startswith("0") for each in digits):
        return None
    return "prefixes", digits


def _source(item: Item, users: Mapping[str, str]) -> _Condition:
    found = alternatives(item.take("source_addr"))
    return ("sources", found) if found else None


def _short_message(item: Item, users: Mapping[str, str]) -> _Condition:
    pattern = item.take("short_message")
    try:
        compiled(pattern)
    except PatternError:
        return None
    return "text", [pattern if pattern.startswith("^") else f"^(?:{pattern})"]


def _times(item: Item, users: Mapping[str, str]) -> _Condition:
    found = _TIMES.fullmatch(item.take("timeInterval"))
    return ("hours", "-".join(found.groups())) if found else None


_FILTERS: dict[str, Callable[[Item, Mapping[str, str]], _Condition]] = {
    "userfilter": _user,
    "groupfilter": _group,
    "destinationaddrfilter": _destination,
    "sourceaddrfilter": _source,
    "shortmessagefilter": _short_message,
    "timeintervalfilter": _times,
}


def _mo(draft: Draft, item: Item, filters: Mapping[str, Item]) -> None:
    """What goes to a client of the SMPP server; what goes to a web server is told."""
    written = item.take("connectors") or item.take("connector")
    found = _CONNECTOR.findall(written)
    accounts = [name for how, name in found if how == "smpps" and name in draft.accounts]
    if item.take("type").lower() not in _MO_TYPES or not accounts:
        _left_out(draft, item, f"nobody takes it who speaks SMPP ({written or 'no connector'})")
        return
    route: Options = {"account": accounts[0], "order": _order(item)}
    for fid in _named(item):
        why = _mo_condition(draft, route, fid, filters.get(fid))
        if why:
            _left_out(draft, item, why)
            return
    if len(accounts) > 1:
        draft.note(item.where, f"of the clients {', '.join(accounts)} only the first gets these: "
                   "an account is a client with any number of binds")  # fmt: skip
    draft.mo_routes.append(route)


def _mo_condition(draft: Draft, route: Options, fid: str, found: Item | None) -> str:
    kind = found.take("type").lower() if found is not None else ""
    if found is None:
        return f"there is no filter {fid}"
    if kind == "transparentfilter":
        return ""
    if kind == "connectorfilter":
        cid = found.take("cid")
        if cid not in draft.providers:
            return f"there is no connector {cid}"
        route["providers"] = [cid]
        return ""
    if kind == "destinationaddrfilter":
        return _mo_numbers(route, fid, alternatives(found.take("destination_addr")))
    if kind == "sourceaddrfilter":
        sources = alternatives(found.take("source_addr"))
        if sources is None:
            return f"its filter {fid} says more than a route can ask"
        route["sources"] = sources
        return ""
    return f"its filter {fid} is a {found.take('type')}, which has no equivalent"


def _mo_numbers(route: Options, fid: str, found: list[str] | None) -> str:
    digits = [each.removesuffix("*") for each in found or ()]
    if not digits or not all(each.isdigit() for each in digits):
        return f"its filter {fid} says more than a route can ask"
    for name, wanted in (("prefixes", True), ("numbers", False)):
        matching = [
            each.removesuffix("*") for each in found or () if each.endswith("*") is wanted
        ]
        if matching:
            route[name] = matching
    return ""
