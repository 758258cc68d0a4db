"""Accounts and providers of the product's presets, without a network file around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smppproxy.config.presets import account_preset, provider_preset
from smppproxy.routing.accounts import Account
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import Provider, SendProfile
from smppproxy.text.profile import TextProfile
from tests.support.memory_peers import make_account, make_provider

VECTORS = {
    entry["name"].split()[0]: bytes.fromhex(entry["hex"])
    for entry in json.loads((Path(__file__).parents[1] / "smpp" / "vectors.json").read_text())
}
"""V01 to V35 of the mission, octet for octet."""


def preset_account(preset: str, system_id: str = "acme", **more: Any) -> Account:
    """An account of this preset; ``more`` overrides it."""
    options = account_preset(preset) | more
    for name in ("data_codings", "versions"):
        if name in options:
            options[name] = frozenset(options[name])
    return make_account(system_id, preset=preset, **options)


def preset_provider(preset: str, name: str = "p", hosts: str = "ab", **more: Any) -> Provider:
    """A provider with the profiles of this preset; ``more`` are options of the provider."""
    table = provider_preset(preset)
    send = table["send"] | {"tlvs": frozenset(table["send"]["tlvs"])}
    options: dict[str, Any] = {
        option: table[option]
        for option in ("reference_echo", "reference_max", "per_segment")
        if option in table
    }
    options |= {
        "text": TextProfile(transparent=False, **table["text"]),
        "address": AddressProfile(**table["address"]),
        "send": SendProfile(**send),
    }
    return make_provider(name, hosts, **(options | more))
