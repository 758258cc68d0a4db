"""Groups smsc of kannel.conf as providers: several of one smsc-id are the hosts of one."""

from __future__ import annotations

from smppproxy.config.importers.draft import CHECKED, Draft, Options, ProviderDraft, rate_of, whole
from smppproxy.config.importers.kannel_groups import Group
from smppproxy.config.importers.kannel_joining import Joining

#: Options that become one of ours: name, least value. Times are whole seconds on both sides.
_NUMBERS = {
    "enquire-link-interval": ("enquire_link", 0),
    "reconnect-delay": ("reconnect_delay", 1),
    "max-pending-submits": ("window", 1),
    "wait-ack": ("response_timeout", 1),
    "bind-addr-ton": ("addr_ton", 0),
    "bind-addr-npi": ("addr_npi", 0),
    "instances": ("binds", 1),
}

_TEXTS = {
    "system-type": "system_type",
    "address-range": "address_range",
    "our-host": "bind_address",
}

#: msg-id-type, a bit for each way: (in submit_sm_resp, in deliver_sm).
_IDS = {0: ("dec", "dec"), 1: ("hex", "dec"), 2: ("dec", "hex"), 3: ("hex", "hex")}

#: alt-charset: what data_coding 0 means.
_CHARSETS = {
    "gsm": "gsm7",
    "gsm-03.38": "gsm7",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "latin1": "latin1",
    "latin-1": "latin1",
    "iso-8859-1": "latin1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-8": "utf-8",
    "utf8": "utf-8",
}

#: Options that say nothing here, and why.
_WHY = {
    "log-file": "logs stand in the node file",
    "log-level": "logs stand in the node file",
    "access-log": "see [message_log] of the node file",
    "wait-ack-expire": "a message without its answer is in doubt: see in_doubt of an account",
    "connection-timeout": "a silent bind is asked by enquire_link and closed without an answer",
    "throttling-sleep-time": 'see pace = "adaptive"',
    "validityperiod": "the client's validity_period goes on as it is",
    "esm-class": "the client's esm_class goes on as it is",
    "service-type": "the client's service_type goes on as it is",
    "source-addr-autodetect": "it is written as the options of [provider.NAME.address]",
    "ssl-client-certkey-file": "our side shows no certificate to a provider",
    "smpp-resp-timeout": "see response_timeout",
    "alt-addr-charset": "addresses go on as they are",
    "my-number": "the client's source_addr goes on as it is",
    "our-port": "connections leave from any port",
    "reroute": "see [[mo_route]] and [[route]]",
    "reroute-smsc-id": "see [[route]]",
    "reroute-receiver": "see [[mo_route]]",
    "reroute-dlr": "receipts go to whoever sent the message",
    "flow-control": "only for other protocols",
    "max-error-count": "receipts are delivered until they are too old",
    "allowed-smsc-id": "which routes a message takes is for [[route]] to say",
    "denied-smsc-id": "which routes a message takes is for [[route]] to say",
    "preferred-smsc-id": "which routes a message takes is for [[route]] to say",
    "allowed-smsc-id-regex": "which routes a message takes is for [[route]] to say",
    "allowed-prefix-regex": "[[route]] has prefixes, no regular expressions of numbers",
    "denied-prefix-regex": "[[route]] has prefixes, no regular expressions of numbers",
    "preferred-prefix-regex": "[[route]] has prefixes, no regular expressions of numbers",
    "unified-prefix": "see strip and prepend of a route's targets",
    "retry": "a lost bind is always tried again",
}

#: Read with the routes.
PREFIXES = ("allowed-prefix", "denied-prefix", "preferred-prefix")


def carry(draft: Draft, groups: list[Group]) -> None:
    """Every group smsc that speaks SMPP."""
    joining = Joining(draft)
    for group in groups:
        kind = group.take("smsc")
        if kind != "smpp":
            draft.note(group.where, f"smsc = {kind or 'nothing'}: only smpp is carried")
            group.taken.update(group.options)
            continue
        name = name_of(group)
        provider = _provider(draft, group, name)
        for option in PREFIXES:
            group.take(option)
        for option in group.left():
            why = _WHY.get(option, "it has no equivalent")
            draft.note(group.place(option), f"{option}: {why}")
        joining.add(group, provider, _rate(draft, group))
    joining.end()


def name_of(group: Group) -> str:
    """smsc-id, or the host of one that has none."""
    return group.take("smsc-id") or group.options.get("host", "") or "smsc"


def _provider(draft: Draft, group: Group, name: str) -> ProviderDraft:
    options: Options = {}
    provider = ProviderDraft(
        name,
        group.take("smsc-username"),
        group.take("smsc-password"),
        options,
        where=group.where,
    )
    for option, ours in _TEXTS.items():
        if written := group.take(option):
            options[ours] = written
    if version := group.take("interface-version"):
        _version(draft, group, options, version)
    bind, port = _ports(draft, group)
    options["bind"] = bind
    if group.yes("use-ssl"):
        options["tls"] = "required"
        draft.note(group.place("use-ssl"), CHECKED)
    for option, (ours, least) in _NUMBERS.items():
        _number(draft, group, option, ours, least, options)
    group.take("throughput")
    if group.yes("dead-start"):
        options["state"] = "down"
    for unused in ("window", "response_timeout") if bind == "receiver" else ():
        options.pop(unused, None)
    provider.tables["ids"] = _ids(draft, group)
    provider.tables["address"] = _addresses(draft, group)
    provider.tables["text"] = _text(draft, group)
    door = "tls_port" if "tls" in options else "port"
    provider.hosts.append({"address": group.take("host") or "127.0.0.1", door: port})
    if not provider.system_id or not group.options.get("host"):
        missing = "smsc-username" if group.options.get("host") else "host"
        draft.note(group.where, f"{missing} is missing: the provider {name} is not complete")
    return provider


def _version(draft: Draft, group: Group, options: Options, version: str) -> None:
    number = whole("0x" + version)
    if number in (0x33, 0x34, 0x50):
        options["interface_version"] = number
    else:
        draft.note(group.place("interface-version"), f"interface-version {version} is not known")


def _ports(draft: Draft, group: Group) -> tuple[str, int]:
    """How it binds, and to which port: Kannel has one for each way, or one for both."""
    port = whole(group.take("port"), 1) or 0
    receive = whole(group.take("receive-port"), 1) or 0
    if group.yes("transceiver-mode"):
        return "transceiver", port or receive or 2775
    if port and receive:
        if port != receive:
            draft.note(
                group.place("receive-port"),
                f"receive-port {receive} is another one than port {port}: a host has one port; "
                f"receivers bind to {port} too, ask the operator whether they may",
            )
        return "transmitter+receiver", port
    return ("receiver", receive) if receive else ("transmitter", port or 2775)


def _number(
    draft: Draft, group: Group, option: str, ours: str, least: int, options: Options
) -> None:
    written = group.take(option)
    if not written:
        return
    number = whole(written, least)
    if number is None:
        draft.note(group.place(option), f"{option} = {written} is not carried: no such number")
    else:
        options[ours] = number


def _rate(draft: Draft, group: Group) -> float:
    """Messages a second that may be sent over a bind of the group; 0: no limit."""
    written = group.options.get("throughput", "")
    rate = rate_of(written)
    if rate is None:
        draft.note(group.place("throughput"), f"throughput = {written} is not carried")
    return rate or 0.0


def _ids(draft: Draft, group: Group) -> Options:
    written = group.take("msg-id-type")
    if not written:
        return {}
    number = whole(written)
    if number not in _IDS:
        draft.note(group.place("msg-id-type"), f"msg-id-type = {written} is not known")
        return {}
    resp, receipt = _IDS[number]
    return {"resp": resp, "receipt_text": receipt, "receipt_tlv": receipt}


def _addresses(draft: Draft, group: Group) -> Options:
    found: Options = {}
    detect = group.yes("source-addr-autodetect", default=True)
    for what in ("ton", "npi"):
        dest = whole(group.take(f"dest-addr-{what}"))
        source = whole(group.take(f"source-addr-{what}"))
        if dest is not None:
            found[f"dest_{what}"] = dest
        if source is None:
            continue
        found[f"msisdn_{what}"] = found[f"short_{what}"] = source
        # Kannel sees by itself what is text, unless told not to.
        found[f"alpha_{what}"] = source if not detect else 5 * (what == "ton")
    return found


def _text(draft: Draft, group: Group) -> Options:
    written = group.take("alt-charset")
    if not written:
        return {}
    alphabet = _CHARSETS.get(written.lower())
    if alphabet is None:
        draft.note(group.place("alt-charset"), f"alt-charset = {written} is not known")
        return {}
    return {"default_alphabet": alphabet}
