"""What holds for one provider or account: every option, its value, and who says so.

The lines are TOML: pasted into a network file, with the password added, they mean the same.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from smppproxy.config.presets import PROFILES, account_preset, provider_preset
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Host, Provider

#: Options that people know in hexadecimal.
_HEX = frozenset(
    ("versions", "interface_version", "temp_answer", "tlvs", "message_class", "errors")
    + ("throttle", "temporary", "bind_full", "bind_auth")
)
#: Filled from names of tables, or never shown.
_UNSAID = frozenset(
    ("system_id", "name", "hosts", "password", "second_password", *PROFILES)
)
#: What only a preset can say.
_REMARKS = frozenset(("status", "region"))


@attrs.define
class Line:
    """One option. `origin` is "file", "preset NAME" or "default"; "" for lines that are none."""

    text: str
    origin: str = ""


def read_written(path: str | Path, kind: str, name: str) -> dict[str, Any]:
    """The table [kind.name] of a network file that was found good before."""
    table: dict[str, Any] = tomllib.loads(Path(path).read_text("utf-8"))[kind][name]
    return table


def account_lines(account: Account, written: Mapping[str, Any]) -> list[Line]:
    """An account's options; `written` is its table."""
    said = _Said(written, account_preset(account.preset), account.preset)
    head = Line(f"[account.{_name(account.system_id)}]")
    lines = [head, Line("# password: not shown", "file")]
    if account.second_password:
        lines.append(Line("# second_password: not shown", "file"))
    return [*lines, *_options(account, said)]


def provider_lines(provider: Provider, written: Mapping[str, Any]) -> list[Line]:
    """A provider's options, hosts and profiles; `written` is its table."""
    preset = provider_preset(provider.preset) if provider.preset else {}
    said = _Said(written, preset, provider.preset)
    table = f"provider.{_name(provider.name)}"
    system_id = f"system_id = {toml(provider.system_id)}"
    lines = [Line(f"[{table}]"), Line(system_id, "file"), Line("# password: not shown", "file")]
    lines += _options(provider, said)
    own = written.get("host", {})
    for host in provider.hosts:
        lines += [Line(""), Line(f"[{table}.host.{_name(host.name)}]")]
        lines += _host(host, _Said(own.get(host.name, {}), {} if own else preset, provider.preset))
    for name in PROFILES:
        lines += [Line(""), Line(f"[{table}.{name}]")]
        part = _Said(written.get(name, {}), preset.get(name, {}), provider.preset)
        lines += _options(getattr(provider, name), part)
    return lines


def toml(value: Any, hexadecimal: bool = False) -> str:
    """A value as it would stand in the file."""
    if value is None:
        return '"all"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"0x{value:02X}" if hexadecimal else str(value)
    if isinstance(value, float):
        return str(value)
    if isinstance(value, bytes):
        return toml(value.decode("utf-8", "replace"))
    if isinstance(value, dict):
        pairs = (f"{_name(str(key))} = {toml(item, hexadecimal)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, frozenset):
        value = sorted(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(item, hexadecimal) for item in value)}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


@attrs.define
class _Said:
    """Who says something about the options of one table."""

    written: Mapping[str, Any]
    preset: Mapping[str, Any]
    name: str

    def origin(self, option: str) -> str:
        if option in self.written:
            return "file"
        return f"preset {self.name}" if option in self.preset else "default"


def _options(value: Any, said: _Said) -> Iterator[Line]:
    for field in attrs.fields(type(value)):
        if not field.init or field.name in _UNSAID:
            continue
        item = getattr(value, field.name)
        if field.name == "final_for":
            item = [{"prefix": prefix, "states": states} for prefix, states in item]
        if field.name not in _REMARKS:
            text = f"{field.name} = {toml(item, field.name in _HEX)}"
        elif item:
            text = f"# {field.name}: {item}"
        else:
            continue
        yield Line(text, said.origin(field.name))


def _host(host: Host, said: _Said) -> Iterator[Line]:
    origin = "file" if said.written else f"preset {said.name}"
    yield Line(f"address = {toml(host.address)}", origin)
    yield Line(f"port = {host.port}", origin)
    yield Line(f"tls_port = {host.tls_port}", origin)


def _name(name: str) -> str:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else toml(name)
