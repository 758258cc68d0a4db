"""A draft as a network file, in the form in which `etc/network.toml` explains every option."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from smppproxy.config.importers.draft import AccountDraft, Draft, Options, ProviderDraft, printable

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Secrets(Protocol):
    """Where the passwords of providers go."""

    def keep(self, name: str, password: str) -> str:
        """The reference under which a password is found: ``env:NAME`` or ``file:PATH``."""


def write(draft: Draft, secrets: Secrets, hashed: Callable[[str], str]) -> str:
    """The text of the network file.

    :param hashed: makes the argon2id line of an account's password.
    """
    origin = printable(draft.origin)
    lines = [f"# The network of {origin}. What each option means: etc/network.toml", ""]
    for account in draft.accounts.values():
        lines += _account(account, secrets, hashed)
    for provider in draft.providers.values():
        lines += _provider(provider, secrets)
    for kind, routes in (("route", draft.routes), ("mo_route", draft.mo_routes)):
        for route in routes:
            lines += [f"[[{kind}]]", *_options(route), ""]
    if draft.notes:
        lines.append("# Not carried:")
        lines += [f"#   {note}" for note in draft.notes]
        lines.append("")
    return "\n".join(lines)


def _account(
    account: AccountDraft, secrets: Secrets, hashed: Callable[[str], str]
) -> Iterable[str]:
    yield f"[account.{key(account.name)}]"
    if account.password is None:
        reference = secrets.keep(f"{account.name}_account", "")
        yield "# Its password is not known: an argon2id line made by `smppproxy password`."
        yield f"password = {value(reference)}"
    else:
        yield f"password = {value(hashed(account.password))}"
    yield from _options(account.options)
    yield ""


def _provider(provider: ProviderDraft, secrets: Secrets) -> Iterable[str]:
    name = f"provider.{key(provider.name)}"
    yield f"[{name}]"
    yield f"system_id = {value(provider.system_id)}"
    yield f"password = {value(secrets.keep(provider.name, provider.password))}"
    yield from _options(provider.options)
    yield ""
    for letter, host in zip(letters(), provider.hosts, strict=False):
        yield f"[{name}.host.{letter}]"
        yield from _options(host)
        yield ""
    for table, options in provider.tables.items():
        if options:
            yield f"[{name}.{table}]"
            yield from _options(options)
            yield ""


def letters() -> Iterable[str]:
    """Names of hosts: a to z, then a1, b1 ..."""
    yield from _LETTERS
    number = 1
    while True:
        yield from (f"{letter}{number}" for letter in _LETTERS)
        number += 1


def _options(options: Options) -> Iterable[str]:
    return (f"{key(name)} = {value(each)}" for name, each in options.items())


def key(name: str) -> str:
    """A key of TOML, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else value(name)


def value(written: Any) -> str:
    """A value of TOML on one line."""
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, str):
        # JSON's escapes are TOML's; DEL is the one character that JSON leaves as it is.
        return json.dumps(written, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(written, Mapping):
        inner = ", ".join(f"{key(name)} = {value(each)}" for name, each in written.items())
        return f"{{ {inner} }}"
    if isinstance(written, list | tuple):
        return f"[{', '.join(value(each) for each in written)}]"
    return repr(written)
