"""A simulated provider with the habits of a shipped preset.

Everything is read from the presets that the product itself reads: the two cannot drift.
"""

from __future__ import annotations

from typing import Any

import attrs

from smppproxy.config.presets import provider_preset
from smppproxy.receipts.dialects import FINAL_BY_DEFAULT
from smppproxy.receipts.message_ids import IdProfile
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import SendProfile
from smppproxy.simulator.demands import Demands
from smppproxy.simulator.options import SmscOptions
from smppproxy.simulator.shapes import SUCCESSES
from smppproxy.smpp.timers import Timers
from smppproxy.text.profile import TextProfile

#: The first id, so that ten digits begin with zeros.
FIRST_ID = 90_125_333

#: (response, receipt) where a preset says "auto": numbers in one base or two, zeros, letter case.
SPELLINGS = (("hex", "dec"), ("dec", "HEX"), ("dec", "padded"), ("hex", "padded-hex"))

#: What is written where a preset says a base: zeros and letter case mean nothing in numbers.
_IN_RESPONSES = {"dec": "dec", "hex": "hex"}
_IN_RECEIPTS = {"dec": "padded", "hex": "padded-hex"}
#: A string that would suffer from being read as a number.
_STRING = "padded"


def options_for(preset: str, spelling: int = 0) -> SmscOptions:
    """The habits of the provider that a preset describes.

    Passwords, delays and trouble are the caller's to add. Where the preset says "auto" for ids,
    ``spelling`` chooses one of :data:`SPELLINGS`. Raises KeyError for an unknown preset.
    """
    table = provider_preset(preset)
    seen = table.get("seen", {})
    receipt = table["receipt"]
    throttle, bind_full = (_first(table["answers"], name) for name in ("throttle", "bind_full"))
    final = [word.encode() for word in receipt.get("final", sorted(FINAL_BY_DEFAULT))]
    resp, text, tlv = _spelled(IdProfile(**table["ids"]), seen.get("ids", _STRING), spelling)
    echo = table.get("reference_echo", False)
    return SmscOptions(
        system_id=preset.encode()[:15],
        id_format=resp,
        receipt_id_format=text,
        tlv_id_format=tlv,
        id_start=FIRST_ID,
        shape=seen.get("shape", "both"),
        tps=table.get("tps", 0),
        max_binds=table.get("max_binds", 0),
        # Who is to notice a silent client does not wake it.
        timers=Timers(enquire_link=0.0),
        demands=_demands(table, seen),
        submit_window=table["window"],
        throttle=throttle,
        bind_full=bind_full,
        system_type=table.get("system_type", "").encode(),
        interface_version=table["interface_version"],
        max_password=table.get("max_password", 0),
        idle_timeout=table["idle_timeout"],
        failures=[word for word in final if word not in SUCCESSES],
        outcomes=_outcomes(receipt),
        err=receipt["err"],
        dates=seen.get("dates", "minute"),
        tz=receipt["tz"],
        lean=seen.get("lean", False),
        shown="reference" if table.get("reference_text", False) else "message",
        reference_max=table.get("reference_max", 2) if echo else 0,
        per_segment=table.get("per_segment", False),
    )


def habits_of(preset: str, spelling: int = 0, **changes: Any) -> SmscOptions:
    """The habits of a preset, or none in particular for "", with some of them changed.

    Raises ValueError for an unknown preset and for a habit that nobody can have.
    """
    if not preset:
        return SmscOptions(**changes)
    try:
        options = options_for(preset, spelling)
    except KeyError:
        raise ValueError(f"there is no preset {preset}; see smppproxy show presets") from None
    return attrs.evolve(options, **changes)


def _first(answers: dict[str, list[int]], name: str) -> int:
    return answers[name][0]


def _demands(table: dict[str, Any], seen: dict[str, Any]) -> Demands:
    send = dict(table["send"])
    send["tlvs"] = frozenset(send["tlvs"])
    return Demands(
        text=TextProfile(transparent=False, **table["text"]),
        address=AddressProfile(**table["address"]),
        send=SendProfile(**send),
        tlvs_required=frozenset(seen.get("tlvs_required", ())),
    )


def _outcomes(receipt: dict[str, Any]) -> dict[bytes, bytes]:
    """Where ENROUTE is the last word, it is the word of what went well (MG-22)."""
    return {
        each["prefix"].encode(): b"ENROUTE"
        for each in receipt.get("final_for", ())
        if "ENROUTE" in each["states"]
    }


def _spelled(ids: IdProfile, string: str, spelling: int) -> tuple[str, str, str]:
    """Forms of the id in the response, in a receipt's text and in its TLV."""
    resp, receipt = SPELLINGS[spelling % len(SPELLINGS)]
    if ids.resp != "auto":
        resp = _IN_RESPONSES.get(ids.resp, string)
    forms = {"auto": receipt if ids.auto else resp, "string": resp, **_IN_RECEIPTS}
    return resp, forms[ids.receipt_text], forms[ids.receipt_tlv]
