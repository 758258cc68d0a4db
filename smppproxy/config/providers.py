"""The tables [provider.NAME] of the network file, each with its preset below it."""

from ipaddress import ip_address
from typing import Any

import attrs

from smppproxy.config import options, references
from smppproxy.config.accounts import ZONE_MEND
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.hosts import read_hosts
from smppproxy.config.lines import Path
from smppproxy.config.presets import PROFILES, merged, provider_preset, provider_presets
from smppproxy.config.source import Source, near
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import AnswersProfile, Host, Provider, SendProfile
from smppproxy.routing.rules import Digits, SomeOf, show
from smppproxy.text.profile import TextProfile

#: Options that the reader of a table fills itself, and those that only a preset may name.
_FILLED = frozenset({"name", "password", "hosts", "host", "status", *PROFILES})
#: Of a preset only: what its hosts are made of, and what the simulator does in its place.
_OF_PRESET = frozenset({"hosts", "port", "tls_port", "regions", "seen"})
#: What to write instead of a text option that this version does not know how to follow.
_TEXT_MENDS = {"join": "write join = false, or remove it"}
#: Seconds of silence after which a provider on the net is asked (OZ-07).
_ENQUIRE_LEAST, _ENQUIRE_MOST = 5, 600
_BESIDE = (
    Beside(
        ("tls_ca", "tls_name", "tls_min"),
        lambda values: any(values["door"](host)[1] for host in values["hosts"]),
        'tls = "required"',
    ),
    Beside(
        ("reference_max", "reference_text"),
        lambda values: values["reference_echo"],
        "reference_echo = true",
    ),
    Beside(
        ("reconnect_min", "reconnect_max"),
        lambda values: not values["reconnect_delay"],
        "reconnect_delay = 0",
    ),
    Beside(
        ("window", "tps", "pace", "retry_for", "response_timeout"),
        lambda values: values["bind"] != "receiver",
        'bind = "transceiver"',
    ),
    Beside(
        ("temp_answer",),
        lambda values: values["bind"] != "transmitter",
        'bind = "transceiver"',
    ),
)
#: The words that a receipt profile may call final.
_STATES = tuple(sorted({*NORMALISED.values(), "BUFFERD"}))


@attrs.define
class _FinalFor:
    """More final states for the destinations that begin with `prefix`."""

    prefix: tuple[str, ...] = attrs.field(validator=Digits("57"))
    states: frozenset[str] = attrs.field(validator=SomeOf(_STATES))


def read_provider(source: Source, path: Path, written: dict[str, Any] | None) -> Provider | None:
    """The provider of one table, None after noting what is wrong with it."""
    if written is None:
        return None
    known = len(source.problems)
    _misplaced(source, path, written)
    preset = _preset(source, path, written)
    below = {option: value for option, value in preset.items() if option not in _OF_PRESET}
    if {"reconnect_min", "reconnect_max"} & written.keys():
        # Whoever writes the pauses of another scheme does not mean the preset's own.
        below.pop("reconnect_delay", None)
    table = merged(below, written)
    arguments = options.read(source, path, table, Provider, other=_FILLED)
    arguments["name"] = options.option(source, path, attrs.fields(Provider).name, path[-1])
    arguments["status"] = preset.get("status", "")
    _tls(source, path, preset, arguments)
    arguments["hosts"] = hosts = read_hosts(source, path, written, preset, arguments)
    arguments["password"] = _password(source, path, written, hosts)
    _profiles(source, path, table, arguments)
    if arguments.get("tls_ca"):
        arguments["tls_ca"] = source.file((*path, "tls_ca"), arguments["tls_ca"])
    _times(source, path, arguments)
    if len(source.problems) > known:
        return None
    provider = Provider(**arguments)
    _together(source, path, provider)
    _idle(source, path, written, provider)
    return provider


def _misplaced(source: Source, path: Path, written: dict[str, Any]) -> None:
    for option, mend in (
        ("name", "remove it; the name of the table is the provider's name"),
        ("hosts", f"write each host as a table of its own, [{path[0]}.{path[1]}.host.a]"),
        ("status", "remove it; it is the preset's"),
    ):
        if option in written:
            source.problem((*path, option), "this does not stand here", mend)


def _preset(source: Source, path: Path, written: dict[str, Any]) -> dict[str, Any]:
    """The options of the preset that the table names; {} without one: nothing is rewritten."""
    name = written.get("preset", "")
    if name in provider_presets():
        return provider_preset(name)
    if name and isinstance(name, str):
        text = f"there is no provider preset {show(name)}"
        source.problem((*path, "preset"), text, near(name, provider_presets()))
    return {}


def _tls(
    source: Source, path: Path, preset: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """A provider that speaks TLS only is never spoken to in plain (MG-03)."""
    tls = arguments.get("tls", "required")
    if preset.get("tls") == "required" and tls != "required":
        text = f'preset {arguments["preset"]} is spoken to over TLS only, not with "{tls}"'
        mend = "remove the option; for a server without TLS name no preset"
        source.problem((*path, "tls"), text, mend)
        arguments["tls"] = "required"


def _sub(source: Source, path: Path, table: dict[str, Any], name: str) -> dict[str, Any]:
    mend = f"write its options below [{path[0]}.{path[1]}.{name}]"
    return source.table((*path, name), table.get(name, {}), mend) or {}


def _profiles(
    source: Source, path: Path, table: dict[str, Any], arguments: dict[str, Any]
) -> None:
    """The values made of the tables below the provider's own."""
    ids = options.read(source, (*path, "ids"), _sub(source, path, table, "ids"), IdProfile)
    arguments["ids"] = IdProfile(**ids)
    receipt = _sub(source, path, table, "receipt")
    arguments["receipt"] = _receipt(source, (*path, "receipt"), receipt)
    kinds: dict[str, type] = {
        "address": AddressProfile,
        "send": SendProfile,
        "answers": AnswersProfile,
    }
    for name, kind in kinds.items():
        part = _sub(source, path, table, name)
        arguments[name] = kind(**options.read(source, (*path, name), part, kind))
    arguments["text"] = _text(source, (*path, "text"), _sub(source, path, table, "text"))


def _text(source: Source, path: Path, table: dict[str, Any]) -> TextProfile:
    """Transparent as long as nobody says anything about text."""
    arguments = {"transparent": not table} | options.read(source, path, table, TextProfile)
    try:
        return TextProfile(**arguments)
    except ValueError as error:
        option, _, text = str(error).partition(": ")
        mend = _TEXT_MENDS.get(option, f"mend {option}, or remove it")
        source.problem((*path, option), text, mend)
        return TextProfile()


def _receipt(source: Source, path: Path, table: dict[str, Any]) -> ReceiptProfile | None:
    known = len(source.problems)
    arguments = options.read(
        source, path, table, ReceiptProfile, other=frozenset({"final", "final_for"})
    )
    field = attrs.fields(_FinalFor).states
    if "final" in table:
        arguments["final"] = options.option(source, (*path, "final"), field, table["final"])
    arguments["final_for"] = _final_for(source, (*path, "final_for"), table.get("final_for", []))
    if len(source.problems) > known:
        return None
    try:
        return ReceiptProfile(**arguments)
    except (KeyError, ValueError, OSError):
        text = f"{show(arguments['tz'])} is not a time zone"
        source.problem((*path, "tz"), text, ZONE_MEND)
        return None


def _final_for(
    source: Source, path: Path, written: object
) -> tuple[tuple[str, frozenset[str]], ...]:
    mend = 'write final_for = [{ prefix = "57", states = ["REJECTD"] }]'
    if not isinstance(written, list):
        source.problem(path, "this is not a list of tables", mend)
        return ()
    found: list[tuple[str, frozenset[str]]] = []
    for place, item in enumerate(written):
        table = source.table((*path, place), item, mend)
        if table is None:
            continue
        if isinstance(table.get("prefix"), str):
            table = {**table, "prefix": [table["prefix"]]}
        arguments = options.read(source, (*path, place), table, _FinalFor)
        if len(arguments) == 2:
            found += [(prefix, arguments["states"]) for prefix in arguments["prefix"]]
    return tuple(found)


def _password(
    source: Source, path: Path, table: dict[str, Any], hosts: tuple[Host, ...]
) -> bytes | None:
    place = (*path, "password")
    reference = 'write password = "env:NAME" or password = "file:PATH"'
    if "password" not in table:
        options.missing(source, path, "password", reference)
        return None
    if not references.is_reference(table["password"]) and not all(map(_loopback, hosts)):
        source.problem(
            place, "a password in plain text is taken for hosts on 127.0.0.1 only", reference
        )
        return None
    value = references.secret(source, place, table["password"])
    if value is None:
        return None
    field = attrs.fields(Provider).password
    octets: bytes | None = options.option(source, place, field, value)
    return octets


def _loopback(host: Host) -> bool:
    if host.address == "localhost":
        return True
    try:
        return ip_address(host.address).is_loopback
    except ValueError:
        return False


def _times(source: Source, path: Path, arguments: dict[str, Any]) -> None:
    """Pairs of times of which the first may not be longer than the second."""
    fields: dict[str, Any] = attrs.fields_dict(Provider)
    for shorter, longer in (("reconnect_min", "reconnect_max"), ("final_ttl", "mapping_ttl")):
        low = arguments.get(shorter, fields[shorter].default)
        high = arguments.get(longer, fields[longer].default)
        if low > high:
            named = shorter if shorter in arguments else longer
            text = f"{shorter} ({low:g} s) is longer than {longer} ({high:g} s)"
            source.problem((*path, named), text, f"write {longer} of at least {shorter}")


def _together(source: Source, path: Path, provider: Provider) -> None:
    """What is fine alone and impossible with this provider."""
    refuse = source.refuser(path)
    if 0 < provider.max_password < len(provider.password):
        text = f"the password is longer than the {provider.max_password} octets that it may have"
        refuse("password", text, "take the password that the provider gave, or set max_password")
    sessions = provider.binds * (2 if provider.bind == "transmitter+receiver" else 1)
    if 0 < provider.max_binds < sessions:
        text = f"{sessions} binds per host are more than max_binds ({provider.max_binds}) allows"
        refuse("binds", text, "write fewer, or the max_binds that the provider has agreed to")
    idle, enquire = provider.idle_timeout, provider.enquire_link
    fine = not enquire or _ENQUIRE_LEAST <= enquire <= _ENQUIRE_MOST
    if not fine and not all(map(_loopback, provider.hosts)):
        text = f"enquire_link ({enquire:g} s) is not {_ENQUIRE_LEAST} to {_ENQUIRE_MOST} s"
        mend = f"write {_ENQUIRE_LEAST} to {_ENQUIRE_MOST}, or 0 for never"
        refuse("enquire_link", text, mend)
    if idle and not 0 < enquire < idle / 2:
        text = f"enquire_link ({enquire:g} s) is not less than half of idle_timeout ({idle:g} s)"
        refuse("enquire_link", text, f"write less than {idle / 2:g}: the provider ends idle binds")


def _idle(source: Source, path: Path, written: dict[str, Any], provider: Provider) -> None:
    """What was written and has no effect on this provider."""
    values = attrs.asdict(provider, recurse=False) | {"door": provider.door}
    refuse_idle(source.refuser(path), Provider, _BESIDE, written, values)
    for option in ("strip_zeros", "fold_case"):
        if provider.ids.auto and written.get("ids", {}).get(option) is False:
            text = f'{option} is always true with "auto", which tries every spelling'
            source.problem((*path, "ids", option), text, f"remove {option}, or name the forms")
