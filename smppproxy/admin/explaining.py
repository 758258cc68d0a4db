"""`explain`: where a message would go, and why, without sending it.

A submit_sm is made as the client would send it, and asked the same questions in the same order as
one that came: the account's rules, the routes, then each provider in the order that came out.
"""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.admin.errors import ApiError, unknown
from smppproxy.admin.parameters import moment
from smppproxy.admin.rooms import Rooms
from smppproxy.relay.pool import Pool
from smppproxy.relay.reasons import UNFIT, reason_of
from smppproxy.relay.rules import (
    TLV_MESSAGE_CLASS,
    Judged,
    RefusedError,
    layout_status,
    rules_of,
)
from smppproxy.relay.submission import Submit
from smppproxy.relay.submit import not_routed
from smppproxy.relay.translate import translator_of
from smppproxy.routing.accounts import Account
from smppproxy.routing.prefixes import bare
from smppproxy.routing.providers import Provider
from smppproxy.routing.route import Pick, Route
from smppproxy.routing.targets import Rewrite, Target
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    ESM_UDHI,
    SUBMIT_SM,
    TLV_MESSAGE_PAYLOAD,
    VERSION_3_4,
    status_name,
)
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import REFUSALS, RefusalStatus, refusal_of
from smppproxy.text.alphabets import TEXTS, encode
from smppproxy.text.payload import meaning

Given = dict[str, Any]
Told = dict[str, Any]
Offsets = tuple[int, int, int, int, int, int]

INTERNATIONAL, ALPHANUMERIC = 1, 5

UCS2 = 8

FIRST_PART = b"\x05\x00\x03\x01\x02\x01"
"""The header of the first of two parts."""


@attrs.define
class Message:
    """What would be sent."""

    account: Account
    pdu: Pdu
    offsets: Offsets
    wall: float


def explain(rooms: Rooms, given: Given) -> Told:
    """What would become of this message on this node, at this moment or at another one.

    :raises ApiError: there is no such account, or no such message can be.
    """
    account = rooms.network().accounts.get(given["account"])
    if account is None:
        raise unknown("account", given["account"], rooms.network().accounts)
    wall = moment(given["at"], "at", rooms.wall())
    told: Told = {
        "node": rooms.node.name,
        "account": account.system_id,
        "destination": given["destination"],
        "notes": _notes(rooms, account),
        "routes": [],
        "route": "",
        "because": "",
        "targets": [],
        "chosen": "",
        "verdict": "",
        "command_status": "",
    }
    pdu = _submit_sm(account, given)
    try:
        message = Message(account, pdu, walk_message(pdu.raw), wall)
        judged = _judged(message)
    except BodyError as error:
        return _refused(told, layout_status(error, account))
    if isinstance(judged, RefusalStatus):
        return _refused(told, judged)
    if judged is not None:
        message.pdu, message.offsets = judged.pdu, judged.offsets
    return _routed(rooms, message, judged, told)


def _notes(rooms: Rooms, account: Account) -> list[str]:
    notes = []
    if not account.enabled:
        notes.append("the account is not enabled: it cannot bind")
    if account.system_id in rooms.barred:
        notes.append("the account is drained: it cannot bind")
    if rooms.is_draining():
        notes.append("this node is draining: nobody can bind here")
    if not rooms.store.ready:
        notes.append("the store is away: every submit_sm is refused with ESME_RSYSERR")
    return notes


def _judged(message: Message) -> Judged | RefusalStatus | None:
    """The message as the account's rules have it, or why they refuse it."""
    rules = rules_of(message.account)
    if rules is None:
        return None
    try:
        return rules.judge(message.pdu, message.offsets, message.wall, VERSION_3_4)
    except RefusedError as refused:
        return refusal_of(refused.name, message.account.errors)


def _refused(told: Told, status: RefusalStatus) -> Told:
    rule = REFUSALS[status.name].rule if status.name in REFUSALS else status.name
    told["verdict"] = f"refused: {rule}"
    told["command_status"] = status_name(status)
    return told


def _routed(rooms: Rooms, message: Message, judged: Judged | None, told: Told) -> Told:
    message_class = judged.message_class if judged is not None else b""
    explanation = rooms.network().routes.explain(
        message.account, message.pdu.raw, message.offsets, message.wall, message_class
    )
    pick = explanation.pick
    told["routes"] = [
        {
            "place": each.place,
            "route": each.route,
            "order": each.order,
            "prefix": each.prefix or "",
            "prefix_fits": each.prefix is not None,
            "asked": each.asked,
            "fits": each.fits,
            "why": each.why,
        }
        for each in explanation.asked
    ]
    told["because"] = explanation.because
    if pick is not None:
        told["route"] = pick.route.name
    if judged is not None and judged.first and not (pick is not None and pick.status):
        pick = _asked_for(pick, judged.first)
        told["because"] = f"the message itself asks for {judged.first}; {explanation.because}"
    if pick is None or pick.status:
        return _refused(told, not_routed(pick, message.account))
    targets = [_target(rooms, message, pick, name) for name in pick.names]
    measured = _measured(rooms, message) if pick.route.select == "quality" else {}
    for target in targets:
        price = explanation.prices.get(target["provider"])
        target["price"] = "" if price is None else f"{price:g}"
        target["measured"] = measured.get(target["provider"], "")
    told["targets"] = targets
    return _chosen(rooms, told, pick, message)


def _measured(rooms: Rooms, message: Message) -> dict[str, str]:
    """By provider, what was measured of it for the prefix that the message is counted for."""
    watch = rooms.relay.quality
    if watch.zones is None:
        return {}
    offsets = message.offsets
    zone = watch.zones.find(bare(message.pdu.raw[offsets[1] + 2 : offsets[2] - 1])).decode()
    found: dict[str, str] = {}
    for row in watch.quality.measures(rooms.clock.seconds()):
        if row["prefix"] == zone:
            known = row["ratio"] is not None
            said = f"{row['ratio']:.1%} in {row['latency']} s" if known else "too few to say"
            found[str(row["provider"])] = f"{said}, of {row['messages']} messages"
    return found


def _asked_for(pick: Pick | None, first: str) -> Pick:
    route = Route("selected", targets=(Target(first),)) if pick is None else pick.route
    names = () if pick is None else pick.names
    return Pick(route, (first, *(name for name in names if name != first)))


def _target(rooms: Rooms, message: Message, pick: Pick, name: str) -> Told:
    """One provider of the route, and whether it would take the message now."""
    provider = rooms.network().providers[name]
    pool = rooms.relay.directory.pools.get(name)
    now = rooms.clock.seconds()
    why = rooms.relay.directory.why(name, "", now)
    unfit = _unfit(message, provider, pick, now)
    if unfit:
        why = f"cannot carry it: {unfit}"
    bound = pool is not None and bool(pool.binds)
    return {
        "provider": name,
        "state": UNFIT if unfit else ("ready" if not why else reason_of(pool)),
        "why": why,
        "bound": bound,
        "fits": not unfit,
        "rewritten": _rewritten(message, pick.rewrites.get(name)),
    }


def _via(pool: Pool | None) -> str:
    """Over which other nodes it is reached; "" where this one has a bind itself."""
    if pool is None or pool.own:
        return ""
    return " or ".join(sorted({bind.host.name for bind in pool.binds}))


def _unfit(message: Message, provider: Provider, pick: Pick, now: float) -> str:
    """Why a provider cannot carry the message; "" when it can."""
    translator = translator_of(provider, lambda what: None)
    if translator is None:
        return ""
    nobody: Any = None
    submit = Submit(nobody, message.account, message.pdu, message.offsets, pick, 1, now, -1)
    try:
        translator.bodies(submit, now, message.wall, pick.rewrites.get(provider.name))
    except RefusedError as refused:
        return REFUSALS[refused.name].rule
    return ""


def _rewritten(message: Message, rewrite: Rewrite | None) -> str:
    """What the provider is told instead of what the client wrote."""
    if rewrite is None:
        return ""
    raw, (source_at, dest_at, esm_at, _, _, _) = message.pdu.raw, message.offsets
    destination = rewrite.destination(raw[dest_at + 2 : esm_at - 1])
    sender = rewrite.sender(raw[source_at], raw[source_at + 1], raw[source_at + 2 : dest_at - 1])
    return f"to {destination.decode('latin-1')} from {sender[2].decode('latin-1')}"


def _chosen(rooms: Rooms, told: Told, pick: Pick, message: Message) -> Told:
    """The first that would take it; where it would have to wait, the first that lets it."""
    usable = [each for each in told["targets"] if each["bound"] and each["fits"]]
    ready = [each for each in usable if each["state"] == "ready"]
    first = (ready or usable)[:1] if pick.overflow == "next" else usable[:1]
    if not first:
        unfit = [each for each in told["targets"] if not each["fits"]]
        if unfit and len(unfit) == len(told["targets"]):
            told["verdict"] = "refused: none of its providers can carry it"
            return told
        return _refused(told, refusal_of("no_provider", message.account.errors))
    (target,) = first
    told["chosen"] = target["provider"]
    told["verdict"] = f"goes to {target['provider']}"
    via = _via(rooms.relay.directory.pools.get(target["provider"]))
    if via:
        told["verdict"] += f", {via}"
    if target["state"] != "ready":
        told["verdict"] = f"waits for {target['provider']}, which {target['why']}"
    return told


# -- the message --------------------------------------------------------------------------------


def _submit_sm(account: Account, given: Given) -> Pdu:
    """The submit_sm that a client would send."""
    source, destination = (given[name].encode("latin-1") for name in ("source", "destination"))
    data_coding, text = _text(account, given["text"], given["data_coding"])
    source_ton = given["source_ton"]
    if source_ton is None:
        source_ton = INTERNATIONAL if source.lstrip(b"+").isdigit() else ALPHANUMERIC
    tlvs = [_tlv(each) for each in given["tlvs"] or ()]
    if given["message_class"]:
        tlvs.append((TLV_MESSAGE_CLASS, given["message_class"].encode("latin-1") + b"\0"))
    if given["part"]:
        text = FIRST_PART + text
    if len(text) > 254:
        tlvs.append((TLV_MESSAGE_PAYLOAD, text))
        text = b""
    raw = build.submit_sm(
        1,
        service_type=given["service_type"].encode("latin-1"),
        source_addr_ton=source_ton,
        source_addr_npi=0 if source_ton == ALPHANUMERIC else 1,
        source_addr=source,
        dest_addr_ton=given["dest_ton"],
        dest_addr_npi=1,
        destination_addr=destination,
        esm_class=ESM_UDHI if given["part"] else 0,
        priority_flag=given["priority"],
        registered_delivery=1,
        data_coding=data_coding,
        short_message=text,
        tlvs=tlvs,
    )
    return Pdu(SUBMIT_SM, 0, 1, raw)


def _text(account: Account, text: str, data_coding: int | None) -> tuple[int, bytes]:
    """The text in the alphabet of its data_coding; without one in the first that fits."""
    settings = account.text_settings
    for each in (0, UCS2) if data_coding is None else (data_coding,):
        alphabet = meaning(each, settings)[0]
        octets = encode(alphabet, text) if alphabet in TEXTS else text.encode()
        if octets is not None:
            return each, octets
    text = f"the text does not fit into data_coding {data_coding}; leave that out, or take 8"
    raise ApiError(409, "unfit_text", text)


def _tlv(written: str) -> tuple[int, bytes]:
    """``0x1403=0a0b``: the value in hexadecimal."""
    tag, _, value = written.partition("=")
    return int(tag, 16), bytes.fromhex(value)
