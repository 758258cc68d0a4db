"""A provider's hosts: as tables of their own, or those of its preset and region."""

from collections.abc import Iterable
from typing import Any

import attrs

from smppproxy.config import options
from smppproxy.config.lines import Path
from smppproxy.config.problems import Problem
from smppproxy.config.source import Source, near
from smppproxy.routing.providers import Host, Provider
from smppproxy.routing.rules import show

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def read_hosts(
    source: Source,
    path: Path,
    written: dict[str, Any],
    preset: dict[str, Any],
    arguments: dict[str, Any],
) -> tuple[Host, ...]:
    """The hosts of one provider.

    `written` is its table, `preset` its preset's ({} = none) and `arguments` what both give. Every
    host has the port that the option tls makes it need, or a problem is noted.
    """
    known = len(source.problems)
    region = _region(source, path, written, preset)
    hosts = _written(source, path, written, preset)
    if not hosts and len(source.problems) == known:
        hosts = _of_preset(source, path, preset, region, arguments.get("hosts_mode", "all"))
    if len(hosts) > 1 and arguments.get("hosts_mode") == "one":
        text = f'there are {len(hosts)} hosts, and hosts_mode is "one"'
        mend = 'keep one of them, or write hosts_mode = "all"'
        source.problem((*path, "hosts_mode"), text, mend)
    tls = arguments.get("tls", "none")
    for host in hosts:
        _door(source, path, written, host, tls)
    return tuple(hosts)


def _region(
    source: Source, path: Path, written: dict[str, Any], preset: dict[str, Any]
) -> str:
    """The region that was chosen; "" for none, also after noting what is wrong with it."""
    region = written.get("region", "")
    if not region or not isinstance(region, str):
        return ""
    regions = preset.get("regions", {})
    trouble = mend = ""
    if not regions:
        trouble, mend = "there are no regions without a preset that has some", "remove it"
    elif written.get("host"):
        trouble, mend = "the provider has hosts of its own", "remove the region, or the hosts"
    elif region not in regions:
        trouble = f"preset {written['preset']} has no region {show(region)}"
        mend = near(region, regions)
    if trouble:
        source.problem((*path, "region"), trouble, mend)
    return region if not trouble else ""


def _written(
    source: Source, path: Path, table: dict[str, Any], preset: dict[str, Any]
) -> list[Host]:
    """The hosts with tables of their own."""
    mend = f"write its options below [{path[0]}.{path[1]}.host]"
    hosts: list[Host] = []
    for name, value in (source.table((*path, "host"), table.get("host", {}), mend) or {}).items():
        host = _host(source, (*path, "host", name), value, preset)
        if host is not None:
            hosts.append(host)
    _same(source, path, hosts)
    return hosts


def _host(source: Source, path: Path, value: object, preset: dict[str, Any]) -> Host | None:
    name = str(path[-1])
    known = len(source.problems)
    mend = f"write its options below [provider.{path[1]}.host.{name}]"
    table = source.table(path, value, mend)
    if table is None:
        return None
    if "name" in table:
        source.problem((*path, "name"), "this does not stand here", "remove it")
        return None
    if not {"port", "tls_port"} & table.keys():
        # The preset's ports belong together: one that is written is the only one.
        table = {**{option: preset.get(option, 0) for option in ("port", "tls_port")}, **table}
    arguments = options.read(source, path, table, Host, other=frozenset({"name"}))
    options.option(source, path, attrs.fields(Host).name, name)
    return Host(name, **arguments) if len(source.problems) == known else None


def _same(source: Source, path: Path, hosts: list[Host]) -> None:
    seen: dict[tuple[str, int, int], str] = {}
    for host in hosts:
        door = (host.address.lower(), host.port, host.tls_port)
        if door in seen:
            text = f"host {seen[door]} has this address and port already"
            mend = "remove one of them; for more binds to one host set binds"
            source.problem((*path, "host", host.name), text, mend)
        seen.setdefault(door, host.name)


def _of_preset(
    source: Source, path: Path, preset: dict[str, Any], region: str, mode: str
) -> list[Host]:
    regions: dict[str, list[str]] = preset.get("regions", {})
    names = regions[region] if region else preset.get("hosts", [])
    if not names and mode == "all":
        names = [name for of_region in regions.values() for name in of_region]
    if not names:
        _none(source, path, preset)
    return [
        Host(letter, name, preset["port"], preset["tls_port"])
        for letter, name in zip(_LETTERS, names, strict=False)
    ]


def _none(source: Source, path: Path, preset: dict[str, Any]) -> None:
    """Nobody says where the provider is (MG-12)."""
    if preset.get("regions"):
        mend = f'write region = one of {", ".join(preset["regions"])}'
        source.problem((*path, "region"), "the provider has a host per region; choose one", mend)
        return
    port = "tls_port" if preset.get("tls") == "required" else "port"
    number = 8775 if preset.get("tls") == "required" else 2775
    mend = f'write [provider.{path[1]}.host.a] with address = "..." and {port} = {number}'
    source.problem((*path, "host"), "the provider has no host", mend)


def _door(
    source: Source, path: Path, written: dict[str, Any], host: Host, tls: str
) -> None:
    """Note a host that lacks the port that is to be used."""
    own = written.get("host", {}).get(host.name)
    option, text, mend = "port", f"host {host.name} has no port", "write port = 2775"
    if tls == "required":
        # The plain port of a preset is none for TLS; one that the operator wrote is.
        fine = host.tls_port or (host.port and own and "port" in own)
        option, mend = "tls_port", "write tls_port = 8775"
        text = f"host {host.name} has no port for TLS, which is required"
    elif tls == "none":
        fine = host.port
        if host.tls_port:
            text = f'host {host.name} has a port for TLS only, and tls is "none"'
    else:
        fine = host.port or host.tls_port
    if not fine:
        place: Path = (*path, "host", host.name, option) if own else (*path, "tls")
        source.problem(place, text, mend if own else f"{mend} in [provider.{path[1]}.host.a]")


def shared_logins(source: Source, providers: Iterable[Provider]) -> list[Problem]:
    """Providers that log in to one host as somebody else does already: hardly meant."""
    found: list[Problem] = []
    known: dict[tuple[str, int, str], str] = {}
    for provider in providers:
        for host in provider.hosts:
            port, login = provider.door(host)[0], provider.system_id.decode("latin-1")
            first = known.setdefault((host.address, port, login), provider.name)
            if first != provider.name:
                text = (
                    f"it binds to {host.address}:{port} as {show(login)}, as provider "
                    f"{first} does: receipts of one may come on binds of the other, and are parked"
                )
                mend = "make them one provider, with as many binds"
                found.append(source.warning(("provider", provider.name), text, mend))
                break
    return found
