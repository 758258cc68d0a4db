"""The tables [account.NAME] of the network file, each with its preset below it."""

from collections.abc import Iterable
from itertools import product
from typing import Any

import attrs

from smppproxy.config import options, passwords, references
from smppproxy.config.beside import Beside, refuse_idle
from smppproxy.config.lines import Path
from smppproxy.config.presets import account_preset, account_presets, merged
from smppproxy.config.source import Source, near
from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import account_source
from smppproxy.routing.rules import show
from smppproxy.smpp.refusals import REFUSALS
from smppproxy.text.zones import zone_of

#: Options that the reader of a table fills itself.
_FILLED = frozenset({"system_id", "password", "second_password"})
#: Options that send a message to a provider by its name.
_CHOICES = ("service_types", "message_classes")
#: Refusals that an account may give another command_status.
_REFUSALS = frozenset(
    refusal.name for refusal in REFUSALS.values() if refusal.command_status > 0
)
#: Options of receipts, and all of what a submit_sm is judged by.
_OF_RECEIPTS = (
    *("intermediate", "receipt_limit", "receipt_keep", "dialect", "receipt_tz"),
    *("enroute_final_as", "late_delivery", "on_no_receipt"),
)
_OF_SUBMITS = (
    *("tps", "window", "window_full", "in_doubt", "schedule", "max_priority", "max_parts"),
    *("sources", "source_ton", "source_npi", "dest_ton", "dest_npi", "service_types"),
    *("strict_addresses", "strict_ton", "strict_npi", "strict_fields", "strict_payload"),
    *("default_alphabet", "alphabets", "data_codings", "dcs_extra", "shrink_ucs2"),
    *("message_classes", "pass_vendor_status", "receipts", "priority_lane"),
)
_BESIDE = (
    Beside(
        ("max_outstanding",),
        lambda values: values["window_full"] == "throttle",
        'window_full = "throttle"',
    ),
    Beside(
        ("strict_gsm7", "strict_latin1", "strict_utf16", "max_payload"),
        lambda values: values["strict_payload"],
        "strict_payload = true",
    ),
    Beside(("strip_00",), lambda values: values["strict_addresses"], "strict_addresses = true"),
    Beside(_OF_RECEIPTS, lambda values: values["receipts"], "receipts = true"),
    Beside(
        ("client_certificates",), lambda values: values["tls"] == "required", 'tls = "required"'
    ),
    Beside(("mo_limit", "mo_keep"), lambda values: values["service"] != "mt", 'service = "both"'),
    Beside(_OF_SUBMITS, lambda values: values["service"] != "mo", 'service = "both"'),
    Beside(
        ("deliver_window",),
        lambda values: values["bind_types"] != {"tx"},
        '"rx" or "trx" in bind_types',
    ),
    # The lane is for messages of this priority_flag or a higher one.
    Beside(("priority_lane",), lambda values: values["max_priority"] >= 2, "max_priority = 3"),
)
#: Refusals among them that are answered while nobody knows which account it is.
_OF_NOBODY = frozenset({"unknown_system_id", "not_bound"})
ZONE_MEND = 'write "UTC" or a name of the zone database, e.g. "Europe/Copenhagen"'


def read_account(source: Source, path: Path, written: dict[str, Any] | None) -> Account | None:
    """The account of one table, None after noting what is wrong with it."""
    if written is None:
        return None
    known = len(source.problems)
    preset = _preset(source, path, written)
    table = merged(preset, written)
    arguments = options.read(source, path, table, Account, other=_FILLED)
    arguments["system_id"] = options.option(
        source, path, attrs.fields(Account).system_id, path[-1]
    )
    if "system_id" in written:
        mend = "remove it; the name of the table is the system_id, in quotes where it needs them"
        source.problem((*path, "system_id"), "this does not stand here", mend)
    if "password" in written:
        arguments["password"] = _hash(source, (*path, "password"), written["password"])
    else:
        mend = f'run "smppproxy password {path[-1]}" and paste its line here'
        options.missing(source, path, "password", mend)
    if written.get("second_password", "") != "":
        second = (*path, "second_password")
        arguments["second_password"] = _hash(source, second, written["second_password"])
    _together(source, path, preset, written, arguments)
    if len(source.problems) > known:
        return None
    account = Account(**arguments)
    _sources(source, path, account)
    return account


def choices(source: Source, accounts: Iterable[Account | None], providers: Iterable[str]) -> None:
    """A problem for each provider that an account names and the file does not have."""
    known = set(providers)
    for account, option in product(filter(None, accounts), _CHOICES):
        for word, provider in getattr(account, option).items():
            if provider and provider not in known:
                path: Path = ("account", account.system_id, option, word)
                text = f"there is no provider {show(provider)}"
                source.problem(path, text, near(provider, known))


def _preset(source: Source, path: Path, written: dict[str, Any]) -> dict[str, Any]:
    name = written.get("preset", "default")
    if name in account_presets():
        return account_preset(name)
    if isinstance(name, str):
        text = f"there is no account preset {show(name)}"
        source.problem((*path, "preset"), text, near(name, account_presets()))
    return {}


def _hash(source: Source, path: Path, written: object) -> str:
    """The hash of an account's password; "" after noting what is wrong with it."""
    octets = references.secret(source, path, written)
    if octets is None:
        return ""
    stored = octets.decode("utf-8", "replace")
    trouble = passwords.trouble(stored)
    if trouble:
        mend = f'run "smppproxy password {path[-2]}" and paste its line'
        if references.is_reference(written):
            mend += " here, or give what stands in its quotes to what this names"
        source.problem(path, trouble, mend)
    return stored


def _together(
    source: Source,
    path: Path,
    preset: dict[str, Any],
    written: dict[str, Any],
    arguments: dict[str, Any],
) -> None:
    """Options that are fine alone and impossible together."""
    effective: dict[str, Any] = {
        field.name: field.default for field in attrs.fields(Account)
    } | arguments

    refuse = source.refuser(path)
    if effective["burst"] and not effective["tps"]:
        refuse("burst", "burst without tps means nothing", "set tps too, or remove burst")
    # A preset may enforce the sources that an account will have once they are agreed.
    policy = effective["source_policy"]
    if policy not in ("any", preset.get("source_policy")) and not arguments.get("sources"):
        text = f"there are no sources to {policy}"
        refuse("source_policy", text, 'write sources = ["1204"] too, or remove source_policy')
    if effective["service"] == "mo" and effective["bind_types"] == {"tx"}:
        text = 'service "mo" needs a bind that receives, bind_types has none'
        refuse("service", text, 'add "rx" or "trx" to bind_types')
    refuse_idle(refuse, Account, _BESIDE, written, effective)
    _idle(refuse, effective)
    _codings(refuse, effective, arguments.get("alphabets", {}))
    _message_class(refuse, effective["default_message_class"], arguments)
    for name in arguments.get("errors", {}):
        if name not in _REFUSALS:
            refuse("errors", f"there is no refusal {show(name)}", near(name, _REFUSALS))
        elif name in _OF_NOBODY:
            text = f"{show(name)} is answered before the account is known"
            refuse("errors", text, "remove it; smppproxy show refusals has them all")
    if not _is_zone(effective["receipt_tz"]):
        text = f"{show(effective['receipt_tz'])} is not a time zone"
        refuse("receipt_tz", text, ZONE_MEND)


def _idle(refuse: Any, effective: dict[str, Any]) -> None:
    """OZ-08, from our side: we ask before we lose patience."""
    idle, enquire = effective["idle_timeout"], effective["enquire_interval"]
    if idle and enquire >= idle / 2:
        text = (
            f"enquire_interval ({enquire:g} s) is not less than half of idle_timeout ({idle:g} s)"
        )
        refuse("enquire_interval", text, f"write less than {idle / 2:g}, or a longer idle_timeout")


def _codings(refuse: Any, effective: dict[str, Any], alphabets: dict[int, str]) -> None:
    taken = effective["data_codings"]
    for data_coding in alphabets:
        if taken and data_coding not in taken:
            text = f"data_coding {data_coding} has an alphabet but is not taken"
            refuse("alphabets", text, "add it to data_codings, or remove its alphabet")


def _message_class(refuse: Any, name: str, arguments: dict[str, Any]) -> None:
    classes = arguments.get("message_classes", {})
    if name and name not in classes:
        text = f"{show(name)} is none of message_classes"
        refuse("default_message_class", text, near(name, classes))


def _is_zone(name: str) -> bool:
    try:
        return bool(zone_of(name))
    except ValueError:
        return False


def _sources(source: Source, path: Path, account: Account) -> None:
    """A provisioned source that the account's own strictness would refuse."""
    for place, name in enumerate(account.sources):
        if isinstance(account_source(account, 0, 0, name.encode()), str):
            text = f"{show(name)} is refused by strict_addresses"
            mend = "write 1 to 11 characters or at most 15 digits"
            source.problem((*path, "sources", place), text, mend)
