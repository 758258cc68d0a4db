"""Users of kannel.conf as accounts: groups sendsms-user, and the logins of opensmppbox."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from smppproxy.config.importers.draft import AccountDraft, Draft, Options, whole
from smppproxy.config.importers.kannel_groups import Group

_WHY = {
    "user-deny-ip": "see allow_from: who may bind",
    "max-messages": "see max_parts",
    "concatenation": "a client divides long messages, or sends them in message_payload",
    "split-chars": "texts are never divided by their characters",
    "omit-empty": "there is no HTTP interface",
    "header": "texts go on as they are",
    "footer": "texts go on as they are",
    "dlr-url": "receipts are deliver_sm",
    "name": "a note for people; accounts have their system_id",
    "forced-smsc": "it became a route",
    "default-smsc": "it became a route",
}

#: What the route reader looks at.
_ROUTED = ("forced-smsc", "default-smsc", "allowed-prefix", "denied-prefix")

Read = Callable[[str, str], list[tuple[str, str]]]


def carry(draft: Draft, groups: list[Group], read: Read) -> None:
    """Every user of every group."""
    for group in groups:
        if group.kind == "sendsms-user":
            _user(draft, group)
        elif group.kind == "opensmppbox":
            _box(draft, group, read)


def _user(draft: Draft, group: Group) -> None:
    name, password = group.take("username"), group.take("password")
    options: Options = {}
    if networks := _networks(draft, group.place("user-allow-ip"), group.listed("user-allow-ip")):
        options["allow_from"] = networks
    if sender := group.take("faked-sender"):
        options["sources"], options["source_policy"] = [sender], "replace"
    elif sender := group.take("default-sender"):
        options["sources"] = [sender]
    if throughput := group.take("throughput"):
        tps = whole(throughput.partition(".")[0], 1)
        if tps is None:
            draft.note(group.place("throughput"), f"throughput = {throughput} is not carried")
        else:
            options["tps"] = tps
    for option in _ROUTED:
        group.take(option)
    for option in group.left():
        draft.note(group.place(option), f"{option}: {_WHY.get(option, 'it has no equivalent')}")
    if not name or not password:
        draft.note(group.where, "a sendsms-user without username and password is not carried")
        return
    draft.add_account(AccountDraft(name, password, options, group.where))


def _box(draft: Draft, group: Group, read: Read) -> None:
    """A group opensmppbox: its logins are a file of their own."""
    if port := group.take("opensmppbox-port"):
        draft.note(
            group.place("opensmppbox-port"),
            f"clients bind to port {port}: write it into a [[listener]] of the node file",
        )
    logins = group.take("smpp-logins")
    for option in group.left():
        draft.note(group.place(option), f"{option}: the node has its own way of this")
    if not logins:
        draft.note(group.where, "opensmppbox has no smpp-logins: none of its clients are carried")
        return
    try:
        files = read(logins, group.place("smpp-logins").rpartition(":")[0])
    except OSError as error:
        text = f"cannot read {logins}: {error.strerror}; none of its clients are carried"
        draft.note(group.place("smpp-logins"), text)
        return
    for file, text in files:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                _login(draft, f"{file}:{number}", line.split())


def _login(draft: Draft, where: str, words: list[str]) -> None:
    """``user password system-type [addresses]``: all three have to be right there."""
    if len(words) < 2:
        draft.note(where, "a login is: user password system-type [addresses]")
        return
    options: Options = {}
    system_type = words[2] if len(words) > 2 else ""
    if system_type:
        options["require_system_type"] = system_type
    addresses = [each for word in words[3:] for each in word.split(";") if each]
    if networks := _networks(draft, where, addresses):
        options["allow_from"] = networks
    known = draft.accounts.get(words[0])
    if not draft.add_account(AccountDraft(words[0], words[1], options, where)):
        assert known is not None
        if known.options.get("require_system_type", "") != system_type:
            known.options.pop("require_system_type", None)
            draft.note(
                where,
                f"{words[0]} binds with several system types: all of them may, and routes do not "
                "tell them apart",
            )


def _networks(draft: Draft, where: str, written: list[str]) -> list[str]:
    """Addresses with stars, such as 192.0.2.*, as networks."""
    found = []
    for each in written:
        parts = each.split(".")
        stars = parts.count("*")
        if stars == len(parts) or each == "*.*.*.*":
            continue
        text = each
        if stars and parts[-stars:] == ["*"] * stars and len(parts) == 4:
            text = ".".join([*parts[:-stars], *["0"] * stars]) + f"/{32 - 8 * stars}"
        try:
            ip_network(text)
        except ValueError:
            draft.note(where, f"{each} is not carried: write a network into allow_from")
            continue
        found.append(text)
    return found
