"""What one network makes different from another, for people: option by option. Pure.

Secrets are never shown, only that they are others. What a session has to be closed for is said
beside the change; whatever else changes holds at once, and nobody is unbound for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from smppproxy.config.effective import toml
from smppproxy.config.network import Network
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.routing.states import UP
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"

OF_A_BIND = frozenset(
    ("tls", "tls_name", "tls_ca", "tls_min", "bind_address", "system_id", "password")
    + ("system_type", "interface_version", "addr_ton", "addr_npi", "address_range")
)
"""Options of a provider that a bind which stands cannot change any more."""

OF_A_HOST = frozenset({"address", "port", "tls_port"})
"""The same of a host."""

COUNTS_OF_BINDS = frozenset({"binds", "bind", "max_binds", "hosts_mode"})
"""Options of a provider that add binds or take some away."""

_SECRETS = frozenset({"password", "second_password"})
_LONGEST = 60
_MANY = 6


@attrs.define
class Change:
    """One difference.

    :ivar kind: ``account``, ``provider``, ``route``, ``mo_route``, ``mo`` or ``file``.
    :ivar change: ``added``, ``removed``, ``changed`` or ``moved``.
    :ivar option: which one; "" for the whole.
    :ivar was: its value; "" where there was none. Likewise ``now``.
    :ivar closes: which sessions end; "" = none does.
    """

    kind: str
    name: str
    change: str
    option: str = ""
    was: str = ""
    now: str = ""
    closes: str = ""


def compare(old: Network, new: Network) -> list[Change]:
    """Every difference: accounts, providers, routes, MO routes, then the tables beside the file."""
    return [
        *_named("account", old.accounts, new.accounts, _account),
        *_named("provider", old.providers, new.providers, _provider),
        *_listed("route", old.routes.routes, new.routes.routes),
        *_listed("mo_route", old.mo.routes, new.mo.routes),
        *_options("mo", "", old.mo.settings, new.mo.settings),
        *_files(old.bundle.files, new.bundle.files),
    ]


# -- accounts and providers -----------------------------------------------------------------------


def _named(kind: str, old: Mapping[str, Any], new: Mapping[str, Any], look: Any) -> list[Change]:
    found: list[Change] = []
    for name in sorted({**old, **new}):
        found += look(kind, name, old.get(name), new.get(name))
    return found


def _account(kind: str, name: str, old: Account | None, new: Account | None) -> Iterator[Change]:
    if old is None:
        yield Change(kind, name, ADDED)
    elif new is None:
        yield Change(kind, name, REMOVED, closes="every session of it")
    else:
        for change in _options(kind, name, old, new):
            if change.option == "enabled" and not new.enabled:
                change.closes = "every session of it"
            yield change


def _provider(kind: str, name: str, old: Provider | None, new: Provider | None) -> Iterator[Change]:
    if old is None:
        yield Change(kind, name, ADDED)
    elif new is None:
        yield Change(kind, name, REMOVED, closes="every bind to it")
    else:
        for change in _options(kind, name, old, new):
            if change.option in OF_A_BIND:
                change.closes = "every bind to it, one after the other"
            elif change.option in COUNTS_OF_BINDS:
                change.closes = "binds that are not wanted any more"
            yield change
        yield from _hosts(kind, name, old, new)


def _hosts(kind: str, name: str, old: Provider, new: Provider) -> Iterator[Change]:
    before = {host.name: host for host in old.hosts}
    after = {host.name: host for host in new.hosts}
    for host in sorted(before | after):
        place = f"{name}/{host}"
        if host not in before:
            yield Change(kind, place, ADDED)
        elif host not in after:
            yield Change(kind, place, REMOVED, closes="every bind to it")
        else:
            for change in _options(kind, place, before[host], after[host]):
                if change.option in OF_A_HOST:
                    change.closes = "every bind to it, one after the other"
                yield change


# -- routes ---------------------------------------------------------------------------------------


def _listed(kind: str, old: Iterable[Any], new: Iterable[Any]) -> Iterator[Change]:
    """Routes by their names; those of which only the place is another one are moved."""
    before, after = _by_name(kind, old), _by_name(kind, new)
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Change(kind, name, ADDED, now=_short(_said(after[name])))
        elif name not in after:
            yield Change(kind, name, REMOVED, was=_short(_said(before[name])))
        else:
            yield from _options(kind, name, before[name], after[name])
    stay = [name for name in before if name in after]
    moved = [name for name in after if name in before]
    for name in _moved(stay, moved):
        yield Change(
            kind,
            name,
            MOVED,
            was=f"place {[*before].index(name) + 1}",
            now=f"place {[*after].index(name) + 1}",
        )


def _by_name(kind: str, routes: Iterable[Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for place, route in enumerate(routes, 1):
        name = getattr(route, "name", "") or f"{kind} {place}"
        named[name if name not in named else f"{name} ({place})"] = route
    return named


def _moved(old: list[str], new: list[str]) -> list[str]:
    """The names to take out so that the others stand in the same order: few, not the fewest."""
    places = {name: place for place, name in enumerate(old)}
    moved: list[str] = []
    last = -1
    for index, name in enumerate(new):
        ahead = new[index + 1] if index + 1 < len(new) else None
        jumps = ahead is not None and last < places[ahead] < places[name]
        if places[name] < last or jumps:
            moved.append(name)
        else:
            last = places[name]
    return moved


def _said(route: Any) -> str:
    """A route in one line: what it asks and where it sends to."""
    told = []
    for field in attrs.fields(type(route)):
        value = getattr(route, field.name)
        if field.init and field.name not in ("name", "targets") and value != _default(field):
            told.append(f"{field.name} = {_value(value)}")
    targets = getattr(route, "targets", ())
    if targets:
        told.append("to " + ", ".join(target.provider for target in targets))
    return ", ".join(told)


def _default(field: Any) -> Any:
    default = field.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


# -- options --------------------------------------------------------------------------------------


def _options(kind: str, name: str, old: Any, new: Any, part: str = "") -> Iterator[Change]:
    """What differs between two values of one class; profiles within them option by option."""
    for field in attrs.fields(type(new)):
        if not field.init or field.name in ("name", "hosts"):
            continue
        was, now = getattr(old, field.name), getattr(new, field.name)
        if was == now:
            continue
        option = f"{part}{field.name}"
        if attrs.has(type(now)) and type(was) is type(now):
            yield from _options(kind, name, was, now, f"{option}.")
        elif field.name in _SECRETS:
            yield Change(kind, name, CHANGED, option, "(not shown)", "(another one)")
        else:
            yield Change(kind, name, CHANGED, option, *_both(was, now))


_LISTS = (frozenset, tuple, list)


def _both(was: Any, now: Any) -> tuple[str, str]:
    """Two values; of long lists only what one has and the other has not."""
    if isinstance(was, _LISTS) and isinstance(now, _LISTS) and max(len(was), len(now)) > _MANY:
        gone, come = _less(was, now), _less(now, was)
        if gone or come:
            return (
                f"{len(was)} items" + (f", without {_some(gone)} now" if gone else ""),
                f"{len(now)} items" + (f", new {_some(come)}" if come else ""),
            )
    return _short(_value(was)), _short(_value(now))


def _less(these: Iterable[Any], those: Iterable[Any]) -> list[str]:
    others = {_value(item) for item in those}
    return [text for text in map(_value, these) if text not in others]


def _some(items: list[str]) -> str:
    shown = ", ".join(items[:3])
    return shown if len(items) <= 3 else f"{shown} and {len(items) - 3} more"


def _value(value: Any) -> str:
    if attrs.has(type(value)):
        return (
            "{"
            + ", ".join(
                f"{field.name} = {_value(getattr(value, field.name))}"
                for field in attrs.fields(type(value))
                if field.init and getattr(value, field.name) != _default(field)
            )
            + "}"
        )
    if isinstance(value, tuple | list | frozenset):
        items = [_value(item) for item in value]
        return f"[{', '.join(sorted(items) if isinstance(value, frozenset) else items)}]"
    return toml(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _files(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[Change]:
    """Tables of prefixes and prices, by their rows."""
    for name in sorted({**old, **new}):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            yield Change("file", name, ADDED, now=_rows(now))
        elif now is None and was is not None:
            yield Change("file", name, REMOVED, was=_rows(was))
        elif was is not None and now is not None and was != now:
            before, after = set(was.splitlines()), set(now.splitlines())
            text = f"{_rows(now)}: {len(after - before)} new, {len(before - after)} gone"
            yield Change("file", name, CHANGED, "rows", _rows(was), text)


def _rows(octets: bytes) -> str:
    count = len(octets.splitlines())
    return f"{count} row" if count == 1 else f"{count} rows"


# -- messages -------------------------------------------------------------------------------------


@attrs.define
class Shift:
    """Where messages would go: ``messages`` were looked at, ``elsewhere`` of them have another
    first provider that is to be up, or are refused otherwise; ``ways`` counts these by (from, to).
    """

    messages: int = 0
    elsewhere: int = 0
    ways: dict[tuple[str, str], int] = attrs.field(factory=dict)

    def add(self, other: "Shift") -> None:
        """Count those of another node too."""
        self.messages += other.messages
        self.elsewhere += other.elsewhere
        for way, count in other.ways.items():
            self.ways[way] = self.ways.get(way, 0) + count


def shift(old: Network, new: Network, messages: Iterable[tuple[str, bytes]], wall: float) -> Shift:
    """Where real messages would go: account names and the octets of their submit_sm.

    What cannot be read is left out. `wall` is in unix seconds: routes may ask the time.
    """
    found = Shift()
    for account, raw in messages:
        try:
            offsets = walk_message(raw)
        except BodyError:
            continue
        was = _goes(old, account, raw, offsets, wall)
        now = _goes(new, account, raw, offsets, wall)
        found.messages += 1
        if was != now:
            found.elsewhere += 1
            found.ways[was, now] = found.ways.get((was, now), 0) + 1
    return found


def _goes(network: Network, name: str, raw: bytes, offsets: Any, wall: float) -> str:
    """The first provider that is to be up, or why there is none."""
    account = network.accounts.get(name)
    if account is None or not account.enabled:
        return "no account"
    pick = network.routes.pick(account, raw, offsets, wall)
    if pick is None:
        return "no route"
    if pick.status:
        return f"refused with 0x{pick.status:02X}"
    takers = (name for name in pick.names if _takes(network.providers[name]))
    return next(takers, f"no provider of {pick.route.name} that is up")


def _takes(provider: Provider) -> bool:
    """Whether the network wants submits to go there."""
    return provider.state == UP and any(host.state == UP for host in provider.hosts)
