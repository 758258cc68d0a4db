"""What a verb is done to, as operators spell it, and what there is.

``acme``, ``acme/a``, ``acme/a/2`` (also ``provider:acme``): a provider, a host, a bind.
``account:shop``: an account; ``account:shop#17``: one of its sessions. ``node:n2``: a node.
"""

from __future__ import annotations

import attrs

from smppproxy.admin.errors import ApiError, unknown
from smppproxy.admin.rooms import Rooms
from smppproxy.wire.pool import hosts_of, labels_of

BIND, HOST, PROVIDER, ACCOUNT, SESSION, NODE = (
    "bind",
    "host",
    "provider",
    "account",
    "session",
    "node",
)


@attrs.frozen
class Target:
    """What a verb is done to.

    :ivar name: of the account, the node or the provider.
    :ivar host: of the provider, "" = all of them.
    :ivar bind: ``2``, or ``2rx`` where a bind goes one way; "" = all of them.
    :ivar session: its number.
    """

    kind: str
    name: str
    host: str = ""
    bind: str = ""
    session: str = ""

    def __str__(self) -> str:
        if self.kind in (ACCOUNT, NODE):
            return f"{self.kind}:{self.name}"
        if self.kind == SESSION:
            return f"account:{self.name}#{self.session}"
        return "/".join(part for part in (self.name, self.host, self.bind) if part)


def parse(text: str) -> Target:
    """What a target's text names; whether it exists is another question.

    :raises ApiError: 404, it cannot be a name.
    """
    kind, colon, name = text.partition(":")
    if colon and kind == ACCOUNT:
        name, hash_, number = name.rpartition("#") if "#" in name else (name, "", "")
        return Target(SESSION, name, session=number) if hash_ else Target(ACCOUNT, name)
    if colon and kind == NODE:
        return Target(NODE, name)
    if colon and kind == PROVIDER:
        text = name
    parts = text.split("/")
    if len(parts) > 3 or not all(parts):
        spelled = "write acme, acme/a, acme/a/2, account:shop or node:n2"
        raise ApiError(404, "unknown_name", f"there is nothing like {text}; {spelled}")
    return Target((PROVIDER, HOST, BIND)[len(parts) - 1], *parts)


def check(rooms: Rooms, target: Target, kinds: tuple[str, ...], verb: str) -> None:
    """Whether there is such a thing, and the verb can be done to it.

    :raises ApiError: 404 says what there is, 400 what the verb takes.
    """
    if target.kind in (PROVIDER, HOST, BIND):
        _check_place(rooms, target)
    elif target.kind in (ACCOUNT, SESSION) and target.name not in rooms.network().accounts:
        raise unknown("account", target.name, rooms.network().accounts)
    if target.kind not in kinds:
        article = "an" if target.kind == ACCOUNT else "a"
        takes = " or ".join(kinds)
        text = f"{article} {target.kind} cannot be told to {verb}; it takes {takes}"
        raise ApiError(409, "wrong_kind", text)


def _check_place(rooms: Rooms, target: Target) -> None:
    network = rooms.network()
    provider = network.providers.get(target.name)
    if provider is None:
        error = unknown("provider", target.name, network.providers)
        if target.name in network.accounts:
            error.text += f"; there is an account of this name: account:{target.name}"
        raise error
    hosts = [host.name for host in hosts_of(provider)]
    if target.host and target.host not in hosts:
        names = [f"{target.name}/{host}" for host in hosts]
        raise unknown("host", f"{target.name}/{target.host}", names)
    if target.bind:
        # Of the settings, not of the pool: that has a part of them where workers share them.
        binds = labels_of(provider)
        if target.bind not in binds:
            names = [f"{target.name}/{host}/{bind}" for host in hosts for bind in binds]
            raise unknown("bind", str(target), names)
