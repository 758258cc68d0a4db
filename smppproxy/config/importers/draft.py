"""A network as another gateway describes it, before it is written down. Values of TOML."""

from __future__ import annotations

from typing import Any

import attrs

Options = dict[str, Any]

MOST_RATE = 1e9

CHECKED = "the provider's certificate and its name are checked from now on: see tls_ca and tls_name"
"""What is told of a provider with TLS: the others take any certificate."""


@attrs.define
class Note:
    """One thing that could not be carried; ``where`` is a file and a line, or ``""``."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


@attrs.define
class AccountDraft:
    """An account; ``password`` is in clear, None when the other side shows none."""

    name: str
    password: str | None = attrs.field(repr=False)
    options: Options = attrs.field(factory=dict)
    where: str = ""


@attrs.define
class ProviderDraft:
    """A provider; ``tables`` are those below it, ``hosts`` the options of hosts a, b ..."""

    name: str
    system_id: str
    password: str = attrs.field(repr=False)
    options: Options = attrs.field(factory=dict)
    tables: dict[str, Options] = attrs.field(factory=dict)
    hosts: list[Options] = attrs.field(factory=list)
    where: str = ""


@attrs.define
class Draft:
    """All of it; ``origin`` names the gateway."""

    origin: str
    accounts: dict[str, AccountDraft] = attrs.field(factory=dict)
    providers: dict[str, ProviderDraft] = attrs.field(factory=dict)
    routes: list[Options] = attrs.field(factory=list)
    mo_routes: list[Options] = attrs.field(factory=list)
    notes: list[Note] = attrs.field(factory=list)

    def note(self, where: str, text: str) -> None:
        """Something that could not be carried."""
        self.notes.append(Note(printable(where), printable(text)))

    def submits(self, where: str, provider: str) -> bool:
        """Whether messages can go there; False, and a note, for one that only receives."""
        if self.providers[provider].options.get("bind") != "receiver":
            return True
        self.note(where, f"{provider} only receives: it is no target of a route")
        return False

    def add_account(self, account: AccountDraft) -> bool:
        """False, and a note, when the name is taken by another one."""
        known = self.accounts.get(account.name)
        if known is None:
            self.accounts[account.name] = account
            return True
        if known.password != account.password:
            self.note(
                account.where,
                f"the user {account.name} stands at {known.where} with another password already; "
                "only the first one is carried",
            )
        return False


def printable(text: str) -> str:
    """A text on one line, for terminals and comments: what is typed into a file may be anything."""
    return "".join(each if each.isprintable() else " " for each in text)


def rate_of(text: str) -> float | None:
    """A number of messages a second, None when it is none."""
    try:
        rate = float(text or 0)
    except ValueError:
        return None
    return rate if 0 <= rate < MOST_RATE else None


def whole(text: str, least: int = 0) -> int | None:
    """A whole number, None when it is none or too small."""
    try:
        number = int(text, 0) if text.lower().startswith("0x") else int(text)
    except ValueError:
        return None
    return number if number >= least else None
