"""Presets of providers and accounts, out of the files that the program reads."""

from __future__ import annotations

from typing import Any

from manual.words import heading, indent, literal, table
from smppproxy.config import presets as known
from smppproxy.config.effective import toml

#: What only says where the hosts are, or what a simulator does.
_NOT_WRITTEN = ("status", "hosts", "regions", "like", "seen")

STATUSES = {
    "seed": "from the provider's own document",
    "documented": "the connection was seen on the provider's page",
    "partial": "some of it was",
    "unverified": "nothing was",
    "base": "no provider at all",
}


def statuses() -> list[str]:
    """What the words about how well a provider is known mean."""
    return table(("status", "what it means"), ((literal(k), v) for k, v in STATUSES.items()), "1 4")


def overview() -> list[str]:
    """One row per provider preset."""
    rows = []
    for name in known.provider_presets():
        if name == known.BASE:
            continue
        preset = known.provider_preset(name)
        rows.append(
            (
                f":ref:`{name} <preset-{name}>`",
                preset["status"],
                preset["tls"],
                str(preset["port"] or "none"),
                str(preset["tls_port"] or "none"),
                str(preset["window"]),
                _hosts(preset),
            )
        )
    return table(("preset", "status", "tls", "port", "tls port", "window", "hosts"), rows)


def _hosts(preset: dict[str, Any]) -> str:
    regions = preset.get("regions", {})
    if regions:
        return f"{len(regions)} regions"
    return str(len(preset["hosts"]) or "yours")


def providers() -> list[str]:
    """Each provider preset: what to write, and what it sets."""
    result: list[str] = []
    for name in known.provider_presets():
        preset = known.provider_preset(name)
        result += [f".. _preset-{name}:", "", *heading(literal(name), 2)]
        if name == known.BASE:
            result += ["What every provider preset begins with.", ""]
        else:
            result += [f"Status: {preset['status']}, {STATUSES[preset['status']]}.", ""]
            result += [".. network-file::", "", *indent(example(name, preset)), ""]
        result += _set(name, preset)
    return result


def example(name: str, preset: dict[str, Any]) -> list[str]:
    """The least that a network file says to use one."""
    variable = name.upper().replace("-", "_") + "_PASSWORD"
    regions = list(preset.get("regions", {}))
    lines = [f"[provider.{name}]", f'preset = "{name}"']
    if regions:
        lines.append(f'region = "{regions[0]}"' + (_or(regions) if regions[1:] else ""))
    lines += ['system_id = "ours"', f'password = "env:{variable}"']
    if not preset["hosts"] and not regions:
        tls = preset["tls"] == "required"
        option = "tls_port" if tls else "port"
        port = preset[option] or (8775 if tls else 2775)
        lines += ["", f"[provider.{name}.host.a]", 'address = "smpp.example.net"  # by contract']
        lines.append(f"{option} = {port}")
    return lines


def _or(regions: list[str]) -> str:
    return "  # or " + ", ".join(toml(each) for each in regions[1:])


def _set(name: str, preset: dict[str, Any]) -> list[str]:
    """What it sets beside what every preset begins with."""
    base = {} if name == known.BASE else known.provider_preset(known.BASE)
    rows = []
    for option, value in _flat(preset).items():
        if _flat(base).get(option) != value:
            rows.append((f":conf:`provider.{option}`", literal(toml(value))))
    hosts = [f"``{each}``" for each in preset["hosts"]]
    result = ["Hosts: " + ", ".join(hosts) + ".", ""] if hosts else []
    return result + (table(("option", "value"), rows, "1 2") if rows else [])


def _flat(preset: dict[str, Any]) -> dict[str, Any]:
    """Options with the names of their tables before them, as far as they are options."""
    flat: dict[str, Any] = {}
    for option, value in preset.items():
        if option in known.PROFILES:
            flat |= {f"{option}.{each}": of for each, of in value.items()}
        elif option in ("port", "tls_port"):
            flat[f"host.{option}"] = value
        elif option not in _NOT_WRITTEN:
            flat[option] = value
    return flat


def accounts() -> list[str]:
    """Each account preset with the options that it sets."""
    result: list[str] = []
    for name in known.account_presets():
        result += [f".. _account-preset-{name}:", "", *heading(literal(name), 2)]
        preset = known.account_preset(name)
        rows = [(f":conf:`account.{each}`", literal(toml(value))) for each, value in preset.items()]
        result += table(("option", "value"), rows, "1 2") if rows else ["It sets nothing.", ""]
    return result
