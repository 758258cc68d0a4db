"""What a setting may be: attrs validators that say in an operator's words what is wrong.

Each rule is callable as an attrs validator and raises `RuleError`. The class that owns a setting
names its rule once; making the object checks it, and `config` asks the same rule option by option
so that one reading of a file reports every problem in it.
"""

import json
import math
import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import attrs

_FINGERPRINT = re.compile("[0-9a-fA-F]{64}")
_SHOWN = 40  # characters of a wrong value that a message repeats


class RuleError(ValueError):
    """A value breaks its rule. `text` says what is wrong with it, `mend` what to write instead."""

    def __init__(self, text: str, mend: str) -> None:
        super().__init__(f"{text}; {mend}")
        self.text = text
        self.mend = mend


def show(value: object) -> str:
    """`value` as it would stand in a TOML file, cut to a readable length."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple | frozenset):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return json.dumps(cut, ensure_ascii=False)
    return str(value)


def quoted(words: tuple[str, ...]) -> str:
    """The words in quotes with commas between them, for a sentence."""
    return ", ".join(f'"{word}"' for word in words)


def _example(attribute: Any, otherwise: object) -> str:
    """`option = value` with the option's default where it has one."""
    default = attribute.default
    plain = isinstance(default, int | float | str) and default != ""
    return f"{attribute.name} = {show(default if plain else otherwise)}"


@attrs.define
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    #: For a message; without it the option's default is the example.
    example: int | None = None

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        example = _example(attribute, self.low)
        if self.example is not None:
            example = f"{attribute.name} = {self.example}"
        mend = f"write a number from {self.low} to {self.high}, e.g. {example}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise RuleError(f"{show(value)} is not a whole number", mend)
        if not self.low <= value <= self.high:
            raise RuleError(f"{value} is out of range", mend)


@attrs.define
class Seconds:
    """A time in seconds from `low` to `high`, with or without a fraction."""

    low: float
    high: float

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = (
            f"write seconds from {self.low:g} to {self.high:g}, "
            f"e.g. {_example(attribute, self.low)}"
        )
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise RuleError(f"{show(value)} is not a number of seconds", mend)
        if not self.low <= value <= self.high:
            raise RuleError(f"{value} is out of range", mend)


@attrs.define
class Flag:
    """true or false."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, bool):
            raise RuleError(
                f"{show(value)} is neither true nor false",
                f"write {attribute.name} = true or {attribute.name} = false, without quotes",
            )


@attrs.define
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, str) or value not in self.words:
            raise RuleError(
                f"{show(value)} is not a word known here", f"write one of {quoted(self.words)}"
            )


@attrs.define
class SomeOf:
    """A set of at least one word, each of them known."""

    words: tuple[str, ...]

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        example = f"{attribute.name} = [{show(self.words[0])}]"
        mend = f"write a list of {quoted(self.words)}, e.g. {example}"
        words = _several(value, mend)
        if not words:
            raise RuleError("the list is empty", mend)
        for word in words:
            if word not in self.words:
                raise RuleError(f"{show(word)} is not a word known here", mend)


@attrs.define
class Text:
    """Text (str, or bytes where the field goes out on the wire) of `shortest` to `longest` octets.

    Control characters are refused: a NUL would end the field early in a PDU.
    """

    shortest: int
    longest: int
    example: str = ""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        name = attribute.name
        mend = f"write text in quotes, e.g. {name} = {show(self.example or name)}"
        if not isinstance(value, str | bytes):
            raise RuleError(f"{show(value)} is not text", mend)
        octets = value.encode() if isinstance(value, str) else value
        if len(octets) < self.shortest:
            raise RuleError("the text is empty", mend)
        if len(octets) > self.longest:
            raise RuleError(
                f"the text has {len(octets)} octets", f"write at most {self.longest} octets"
            )
        if any(octet < 0x20 or octet == 0x7F for octet in octets):
            raise RuleError(f"{show(value)} holds a control character", "write visible text only")


@attrs.define
class Secret:
    """A password or its hash. A complaint never repeats the value."""

    longest: int = 1024

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, str | bytes):
            raise RuleError("the value is not text", "write text in quotes")
        octets = value.encode() if isinstance(value, str) else value
        if len(octets) > self.longest or b"\0" in octets:
            raise RuleError(
                "the secret is too long or holds a NUL", f"write at most {self.longest} octets"
            )


@attrs.define
class Names:
    """A list of names, none of them empty, of at most `longest` octets. No name at all is fine."""

    example: str
    longest: int = 255

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write a list of names, e.g. {attribute.name} = [{show(self.example)}]"
        for name in _several(value, mend):
            if not isinstance(name, str) or not name:
                raise RuleError(f"{show(name)} is not a name", mend)
            if len(name.encode()) > self.longest:
                raise RuleError(
                    f"{show(name)} is too long", f"write at most {self.longest} octets"
                )


@attrs.define
class Certificates:
    """Certificates by a host name they are for, or by `sha256:` and 64 hexadecimal digits."""

    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        Names(self.example)(instance, attribute, value)
        for name in value:
            kind, colon, digits = name.partition(":")
            if colon and (kind != "sha256" or not _FINGERPRINT.fullmatch(digits)):
                mend = (
                    "write sha256: and 64 hexadecimal digits without colons, "
                    "as of: openssl x509 -in FILE -outform DER | sha256sum"
                )
                raise RuleError(f"{show(name)} is no fingerprint", mend)


@attrs.define
class Numbers:
    """A list of whole numbers from `low` to `high`, both included. No number at all is fine."""

    low: int
    high: int
    example: int

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = (
            f"write a list of numbers from {self.low} to {self.high}, "
            f"e.g. {attribute.name} = [{self.example}]"
        )
        for number in _several(value, mend):
            if isinstance(number, bool) or not isinstance(number, int):
                raise RuleError(f"{show(number)} is not a whole number", mend)
            if not self.low <= number <= self.high:
                raise RuleError(f"{number} is out of range", mend)


@attrs.define
class Table:
    """Pairs of which both sides have a rule. No pair at all is fine."""

    keys: Any
    values: Any
    #: A whole table, for messages.
    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write a table, e.g. {attribute.name} = {self.example}"
        if not isinstance(value, dict):
            raise RuleError(f"{show(value)} is not a table", mend)
        for key, item in value.items():
            try:
                self.keys(None, attribute, key)
                self.values(None, attribute, item)
            except RuleError as error:
                raise RuleError(f"at {show(key)}: {error.text}", mend) from None


@attrs.define
class Digits:
    """A list of numbers or beginnings of numbers: digits only, international, 1 to 20 of them."""

    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write digits only, without + or 00, e.g. {attribute.name} = [{show(self.example)}]"
        for number in _several(value, mend):
            plain = isinstance(number, str) and number.isascii() and number.isdigit()
            if not plain:
                raise RuleError(f"{show(number)} is not made of digits", mend)
            if len(number) > 20:
                raise RuleError(f"{show(number)} has more than 20 digits", mend)
            if number.startswith("00"):
                raise RuleError(f"{show(number)} begins with 00", mend)


@attrs.define
class Networks:
    """A list of IP networks."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = (
            "write addresses or networks without host bits, "
            f'e.g. {attribute.name} = ["192.0.2.0/24", "2001:db8::1"]'
        )
        for network in _several(value, mend):
            if not isinstance(network, IPv4Network | IPv6Network):
                raise RuleError(f"{show(network)} is not an IP network", mend)


@attrs.define
class Address:
    """An IP address of this machine to listen on, not a name."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f'write {attribute.name} = "127.0.0.1", or "0.0.0.0" or "::" for every address'
        try:
            if isinstance(value, str):
                ip_address(value)
                return
        except ValueError:
            pass
        raise RuleError(f"{show(value)} is not an IP address", mend)


@attrs.define
class OptionalAddress:
    """An IP address of this machine to connect from, or "" for whichever the system takes."""

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        if value == "":
            return
        try:
            Address()(instance, attribute, value)
        except RuleError as error:
            mend = f'write {attribute.name} = "192.0.2.1", an address of this machine'
            raise RuleError(error.text, mend) from None


@attrs.define
class AllOr:
    """Another rule's value, or None for "all"; a file says the word."""

    rule: Any

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        if value is not None:
            self.rule(instance, attribute, value)


@attrs.define
class Several:
    """At least one value of one class."""

    kind: type
    example: str

    def __call__(self, instance: object, attribute: Any, value: Any) -> None:
        mend = f"write at least one, e.g. {self.example}"
        items = _several(value, mend)
        if not items:
            raise RuleError("there is none", mend)
        for item in items:
            if not isinstance(item, self.kind):
                raise RuleError(f"{show(item)} is not of the right shape", mend)


def _several(value: object, mend: str) -> list[Any]:
    """The members of a tuple, or of a set in a fixed order, so that messages do not vary."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    raise RuleError(f"{show(value)} is not a list", mend)
