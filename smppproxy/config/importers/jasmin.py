"""Jasmin's settings as a draft: what is typed into its console (jcli), or what that shows.

A script is the lines between ``smppccm -a`` (or ``user -a``, ``mtrouter -a`` ...) and ``ok``, with
or without the prompts ``jcli :`` and ``>``; what the console answers in between is passed over. A
listing is what ``smppccm -s CID`` and ``user -s UID`` show, and what ``-l`` lists of users, groups,
connectors and routes (``jasmin_listings``): of what a script and a list both tell, the script
counts. Jasmin's own files in its store folder
are pickles, which run what they hold: they are not read, by nobody here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from smppproxy.config.importers import jasmin_routes
from smppproxy.config.importers.draft import (
    CHECKED,
    AccountDraft,
    Draft,
    Options,
    ProviderDraft,
    rate_of,
    whole,
)
from smppproxy.config.importers.jasmin_listings import Lists

_PROMPT = re.compile(r"^\s*(?:jcli\s*:\s*|>\s*)+")
_COMMAND = re.compile(
    r"^(user|group|smppccm|httpccm|mtrouter|morouter|filter|mtinterceptor|mointerceptor|stats)"
    r"\s+(-\w|--[\w-]+)\s*(?:=?\s*(.*))?$"
)
_LONG = {"--add": "-a", "--show": "-s", "--update": "-u", "--disable": "-d", "--enable": "-e"}

#: What the console says by itself, and what belongs to no object.
_CHATTER = ("Adding ", "Updating ", "Successfully", "jasmin.", "Welcome", "Type help",
            "Session ref", "Authentication", "Username:", "Password:", "Total ")  # fmt: skip

#: Options of a connector that become one of ours: name, least value.
_NUMBERS = {
    "elink_interval": ("enquire_link", 0),
    "bind_to": ("bind_timeout", 1),
    "res_to": ("response_timeout", 1),
    "con_loss_delay": ("reconnect_min", 1),
    "con_fail_delay": ("reconnect_max", 1),
    "dlr_expiry": ("mapping_ttl", 60),
    "bind_ton": ("addr_ton", 0),
    "bind_npi": ("addr_npi", 0),
}
_TEXTS = {"systype": "system_type", "addr_range": "address_range"}

#: dlr_msgid: how ids are spelled in (submit_sm_resp, deliver_sm).
_IDS = {0: None, 1: ("hex", "dec"), 2: ("dec", "hex")}

#: Settings that are read by themselves.
_OF_HOST = frozenset({"cid", "host", "port", "username", "password"})

_WHY = {
    "trx_to": "see enquire_link and enquire_answer",
    "con_loss_retry": "a lost bind is always tried again",
    "con_fail_retry": "a lost bind is always tried again",
    "requeue_delay": "nothing is queued: the client gets the provider's own answer",
    "pdu_red_to": "a PDU may come in as many pieces as it likes",
    "coding": "the client's data_coding goes on as it is",
    "priority": "the client's priority_flag goes on as it is",
    "validity": "the client's validity_period goes on as it is",
    "def_msg_id": "the client's sm_default_msg_id goes on as it is",
    "proto_id": "the client's protocol_id goes on as it is",
    "ripf": "the client's replace_if_present_flag goes on as it is",
    "logfile": "logs stand in the node file",
    "loglevel": "logs stand in the node file",
    "logrotate": "logs stand in the node file",
    "logprivacy": "see message_log and mask_numbers of an account",
}


@attrs.define
class Item:
    """One object of the script: a command and its settings, each with its line."""

    kind: str
    name: str
    where: str
    settings: list[tuple[str, str, str]] = attrs.field(factory=list)

    def take(self, name: str, default: str = "") -> str:
        """The last value of a setting."""
        found = [value for key, value, _ in self.settings if key == name]
        return found[-1] if found else default

    @property
    def identity(self) -> str:
        """What no other one of its kind has."""
        if self.kind in ("mtrouter", "morouter"):
            return self.take("order") or "0"
        names = {"user": "uid", "group": "gid", "smppccm": "cid", "filter": "fid"}
        return self.take(names.get(self.kind, "")) or self.name


class _Reader:
    """The script as objects; a second ``-a`` or ``-u`` of a name changes the first."""

    def __init__(self, draft: Draft, name: str) -> None:
        self.draft = draft
        self.name = name
        self.items: list[Item] = []
        self.off: set[tuple[str, str]] = set()
        self.lists = Lists(draft.note)
        self._open: Item | None = None

    def read(self, text: str) -> None:
        """All lines."""
        for number, raw in enumerate(text.splitlines(), 1):
            line = _PROMPT.sub("", raw).strip()
            if line.startswith("#"):
                self.lists.read(f"{self.name}:{number}", line[1:])
            elif line:
                self.lists.end()
                if not line.startswith(_CHATTER):
                    self._line(f"{self.name}:{number}", line)
        self._close()
        self._take_listed()

    def _take_listed(self) -> None:
        """What lists name and nothing else here tells more of."""
        known = {(item.kind, item.identity) for item in self.items}
        for kind, name, where, settings in self.lists.found:
            item = Item(kind, name, where, [(key, value, where) for key, value in settings])
            if (kind, item.identity) not in known:
                self.items.append(item)
                known.add((kind, item.identity))
        self.off |= self.lists.off
        shown = {item.take("cid") or item.name for item in self.of("smppccm")}
        for cid, where in self.lists.connectors.items():
            if cid not in shown:
                self.draft.note(where, f"{cid}: a list shows nothing of a connector but its name; "
                                f"add what smppccm -s {cid} shows")  # fmt: skip

    def _line(self, where: str, line: str) -> None:
        command = _COMMAND.match(line)
        if command is not None:
            self._close()
            self._command(where, *command.groups(""))
        elif self._open is None:
            if line.split()[0] not in ("persist", "load", "quit", "ok", "help"):
                self.draft.note(where, f"{line.split()[0]} stands outside of any object")
        elif line in ("ok", "ko", "quit"):
            if line == "ko":
                self._open = None
            self._close()
        else:
            key, _, value = line.partition(" ")
            self._open.settings.append((key, value.strip(), where))

    def _command(self, where: str, kind: str, option: str, rest: str) -> None:
        option = _LONG.get(option, option)
        name = rest.strip().removeprefix("=")
        if option in ("-a", "-s", "-u"):
            self._open = Item(kind, name, where)
        elif option in ("-d", "-0"):
            self.off.add((kind, name))
        elif option in ("-e", "-1"):
            self.off.discard((kind, name))
        elif option not in ("-l", "--list", "--list-all"):
            self.draft.note(where, f"{kind} {option} {name}".rstrip() + " is not carried")

    def _close(self) -> None:
        if self._open is not None and self._open.settings:
            self.items.append(self._open)
        self._open = None

    def of(self, kind: str) -> Iterator[Item]:
        """The objects of a kind."""
        return (item for item in self.items if item.kind == kind)


def import_jasmin(name: str, text: str) -> Draft:
    """The draft of a script or a listing."""
    draft = Draft(f"Jasmin ({name})")
    reader = _Reader(draft, name)
    if text.startswith(("(", "Persisted on", "\x80")) or "\0" in text:
        draft.note(name, "this is one of Jasmin's own files, a pickle: they are never read; give "
                   "a jcli script, or what smppccm -s and user -s show")  # fmt: skip
        return draft
    reader.read(text)
    connectors = {item.take("cid") or item.name: item for item in reader.of("smppccm")}
    for cid, item in connectors.items():
        _provider(draft, cid, item, ("smppccm", cid) in reader.off)
    users = _users(draft, reader)
    jasmin_routes.carry(draft, reader.items, users)
    for item in reader.items:
        if item.kind in ("httpccm", "mtinterceptor", "mointerceptor"):
            why = "clients speak SMPP" if item.kind == "httpccm" else "no code runs on messages"
            draft.note(item.where, f"{item.kind} is not carried: {why}")
    if not draft.providers:
        draft.note("", "there is no smppccm: the file has no provider")
    return draft


# ---------------------------------------------------------------- connectors


def _provider(draft: Draft, cid: str, item: Item, stopped: bool) -> None:
    options: Options = {}
    tables: dict[str, Options] = {"ids": {}, "address": {}}
    for key, value, where in item.settings:
        if key not in _OF_HOST:
            _setting(draft, where, key, value, options, tables)
    tls = options.get("tls") == "required"
    if tls:
        draft.note(item.where, f"{cid}: {CHECKED}")
    if not item.take("submit_throughput"):
        draft.note(item.where, f"{cid}: Jasmin sends 1 message a second where submit_throughput is "
                   "not written; here it is without limit, unless you write tps")  # fmt: skip
    if options.get("bind") == "receiver":
        for unused in ("tps", "response_timeout"):
            options.pop(unused, None)
    if stopped:
        options["state"] = "down"
    if options.get("reconnect_max", 1e9) < options.get("reconnect_min", 0):
        options["reconnect_max"] = options["reconnect_min"]
    host = item.take("host", "127.0.0.1")
    port = whole(item.take("port", "2775"), 1) or 2775
    password = item.take("password")
    if not password:
        draft.note(item.where, f"{cid}: its password is not shown; put it where its reference says")
    draft.providers[cid] = ProviderDraft(
        cid,
        item.take("username") or "smppclient",
        password,
        options,
        tables,
        [{"address": host, "tls_port" if tls else "port": port}],
        item.where,
    )


def _setting(
    draft: Draft, where: str, key: str, value: str, options: Options, tables: dict[str, Options]
) -> None:
    """One line of a connector."""
    if key in _NUMBERS:
        _number(draft, where, key, value, _NUMBERS[key], options)
    elif key in _TEXTS:
        if value and value != "None":
            options[_TEXTS[key]] = value
    elif key == "bind":
        options["bind"] = value if value in ("transmitter", "receiver") else "transceiver"
    elif key == "ssl":
        options["tls"] = "required" if value.lower() in ("yes", "true", "1", "y") else "none"
    elif key in ("src_ton", "src_npi", "dst_ton", "dst_npi"):
        _address(tables["address"], key, whole(value))
    elif key == "submit_throughput":
        _throughput(draft, where, value, options)
    elif key == "dlr_msgid":
        tables["ids"] = _ids(draft, where, value)
    else:
        draft.note(where, f"{key}: {_WHY.get(key, 'it has no equivalent')}")


def _number(
    draft: Draft, where: str, key: str, value: str, ours: tuple[str, int], options: Options
) -> None:
    number = whole(value, ours[1])
    if number is None:
        if value != "None":
            draft.note(where, f"{key} {value} is not carried: no such number")
    else:
        options[ours[0]] = number


def _address(found: Options, key: str, number: int | None) -> None:
    """Jasmin gives every message the TON and NPI of its connector."""
    if number is None:
        return
    what = key[-3:]
    names = (f"dest_{what}",) if key.startswith("dst") else (
        f"alpha_{what}", f"short_{what}", f"msisdn_{what}"
    )  # fmt: skip
    found.update(dict.fromkeys(names, number))


def _throughput(draft: Draft, where: str, value: str, options: Options) -> None:
    rate = rate_of(value)
    if rate is None:
        draft.note(where, f"submit_throughput {value} is not carried")
        return
    if rate > 0:
        options["tps"] = max(1, int(rate))
        if options["tps"] != rate:
            draft.note(where, f"submit_throughput {value} became tps = {options['tps']}")


def _ids(draft: Draft, where: str, value: str) -> Options:
    number = whole(value)
    if number not in _IDS:
        draft.note(where, f"dlr_msgid {value} is not known")
        return {}
    pair = _IDS[number]
    return {"resp": pair[0], "receipt_text": pair[1], "receipt_tlv": pair[1]} if pair else {}


# --------------------------------------------------------------------- users


def _users(draft: Draft, reader: _Reader) -> dict[str, str]:
    """Accounts of the users; uid -> system_id, by which filters know them."""
    off = {item.take("gid") or item.name for item in reader.of("group")}
    off = {gid for gid in off if ("group", gid) in reader.off}
    found: dict[str, str] = {}
    for item in reader.of("user"):
        uid = item.take("uid") or item.name or item.take("username")
        name = item.take("username") or uid
        options: Options = {}
        if gid := item.take("gid"):
            options["groups"] = [gid]
        if ("user", uid) in reader.off or gid in off:
            options["enabled"] = False
        for key, value, where in item.settings:
            if key in ("mt_messaging_cred", "smpps_cred"):
                _credential(draft, where, key, value.split(), options)
            elif key not in ("uid", "gid", "username", "password"):
                draft.note(where, f"{key}: it has no equivalent")
        password = item.take("password") or None
        if password is None:
            draft.note(item.where, f"{name}: Jasmin does not show its password, and keeps only an "
                       "MD5 of it; ask the client, or give it a new one")  # fmt: skip
        if draft.add_account(AccountDraft(name, password, options, item.where)):
            found[uid] = name
    return found


def _credential(
    draft: Draft, where: str, kind: str, words: list[str], options: Options
) -> None:
    section, name, value = (*words, "", "", "")[:3]
    number = whole(value.partition(".")[0])
    no = value.lower() in ("no", "false", "0")
    if (section, name) == ("quota", "smpps_throughput") and number:
        options["tps"] = number
    elif (section, name) == ("quota", "max_bindings") and number:
        options["max_binds"] = number
    elif (section, name) == ("authorization", "bind") and kind == "smpps_cred":
        if no:
            options["enabled"] = False
    elif (section, name) == ("authorization", "smpps_send"):
        if no:
            options["service"] = "mo"
    elif (section, name) == ("defaultvalue", "src_addr") and value != "None":
        # The first one stands in for an empty one.
        options["sources"] = list(dict.fromkeys([value, *options.get("sources", ())]))
    elif (section, name) == ("valuefilter", "src_addr"):
        _sources(draft, where, value, options)
    elif not _says_nothing(section, name, value):
        draft.note(where, f"{kind} {' '.join(words)}: it has no equivalent")


def _says_nothing(section: str, name: str, value: str) -> bool:
    """Whether it is the other side's default, or about its HTTP interface."""
    unlimited = value in ("None", "ND", ".*", "^.*$", "") or (
        section == "authorization" and value.lower() in ("yes", "true", "1")
    )
    return unlimited or name.startswith("http") or (name, value) == ("priority", "^[0-3]$")


def _sources(draft: Draft, where: str, value: str, options: Options) -> None:
    """A filter of source addresses that names them one by one becomes their list."""
    if value in (".*", "^.*$", "None"):
        return
    names = jasmin_routes.alternatives(value)
    if names is None or any(name.endswith("*") for name in names):
        draft.note(where, f"the filter {value} of source addresses is not carried; see sources")
        return
    options["sources"] = list(dict.fromkeys([*options.get("sources", ()), *names]))
    options["source_policy"] = "enforce"


__all__ = ["Item", "import_jasmin"]
