"""What a rule of the configuration says about a value, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smppproxy.config import options
from smppproxy.routing import mo, route_rules, rules


class Unknown(TypeError):
    """A rule that nothing here puts into words."""


def value_of(field: Any) -> str:
    """What may be written for an option: "seconds, 0 to 3600".

    :raises Unknown: for a rule without words here.
    """
    special = _SPECIAL.get(field.name)
    return special or words(options.rule_of(field))


def words(rule: Any) -> str:
    """The same for a rule."""
    write = _WORDS.get(type(rule))
    if write is None:
        raise Unknown(f"write what {type(rule).__name__} means into {__name__}")
    return write(rule)


def _or(each: tuple[Any, ...]) -> str:
    shown = [f'"{one}"' for one in each]
    return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else shown[0]


def _range(rule: Any) -> str:
    if rule.high in (0xFFFF, 0xFFFFFFFF) or (rule.low, rule.high) == (0, 255):
        return f"{rule.low} to 0x{rule.high:X}"
    return f"{rule.low} to {rule.high:,}"


#: Options that the reader of their table takes apart itself.
_SPECIAL = {
    "targets": "list of providers' names, or of tables",
    "final_for": "list of tables of prefix and states",
}

_WORDS: dict[type, Callable[[Any], str]] = {
    rules.Whole: lambda rule: f"whole number, {_range(rule)}",
    rules.Seconds: lambda rule: f"seconds, {rule.low:g} to {rule.high:,g}",
    rules.Flag: lambda rule: "true or false",
    rules.OneOf: lambda rule: _or(rule.words),
    rules.SomeOf: lambda rule: f"list of {_or(rule.words)}",
    rules.Text: lambda rule: f"text, {rule.shortest} to {rule.longest:,} octets",
    rules.Secret: lambda rule: "secret",
    rules.Names: lambda rule: "list of names",
    rules.Certificates: lambda rule: "list of host names or fingerprints",
    rules.Numbers: lambda rule: f"list of numbers, {_range(rule)}",
    rules.Table: lambda rule: f"table, {words(rule.keys)} to {words(rule.values)}",
    rules.Digits: lambda rule: "list of texts of digits",
    rules.Networks: lambda rule: "list of IP addresses and networks",
    rules.Address: lambda rule: "IP address",
    rules.OptionalAddress: lambda rule: 'IP address or ""',
    rules.AllOr: lambda rule: f'{words(rule.rule)}; or "all"',
    route_rules.DigitsText: lambda rule: "digits",
    route_rules.Senders: lambda rule: "list of source addresses",
    route_rules.Words: lambda rule: f"list of texts, up to {rule.longest} octets each",
    route_rules.Patterns: lambda rule: "list of regular expressions",
    route_rules.TlvValue: lambda rule: '"any" or hexadecimal digits',
    route_rules.Hours: lambda rule: '"" or "HH:MM-HH:MM"',
    route_rules.Zone: lambda rule: "time zone",
    mo.Keywords: lambda rule: "list of words",
}
