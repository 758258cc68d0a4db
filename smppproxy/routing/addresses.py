"""Source and destination addresses: what an account may say, what a provider is told.

Two steps, in this order: `account_source` and `account_destination` apply an account's promises to
what its client sent, `provider_source` and `provider_destination` a provider's wishes to what came
out of the first. Each gives (ton, npi, address), or the name of a refusal (`smpp.refusals`): of the
first field that is wrong, in the order of the PDU. Octets that no setting names pass as they came.
"""

import attrs

from smppproxy.routing.accounts import Account
from smppproxy.routing.rules import OneOf, Whole

TON_UNKNOWN = 0
TON_INTERNATIONAL = 1
TON_NETWORK_SPECIFIC = 3
TON_ALPHANUMERIC = 5
TON_ABBREVIATED = 6
#: Values that SMPP 3.4 names (5.2.5, 5.2.6).
TONS = frozenset(range(7))
NPIS = frozenset({0, 1, 3, 4, 6, 8, 9, 10, 14, 18})

ALPHANUMERIC_LONGEST = 11  # SX-14
NUMBER_LONGEST = 15  # E.164
DESTINATION_SHORTEST = 7  # SX-15
SHORT_CODE_LONGEST = 8  # OZ-10
FIELD_LONGEST = 20

#: Names of refusals.
SOURCE_TON, SOURCE_NPI, SOURCE = "source_addr_ton", "source_addr_npi", "source_addr"
DESTINATION_TON, DESTINATION_NPI = "dest_addr_ton", "dest_addr_npi"
DESTINATION = "destination_addr"

#: (ton, npi, address).
Address = tuple[int, int, bytes]

_TON = Whole(-1, 6, 1)
_NPI = Whole(-1, 18, 1)


def _passes(profile: "AddressProfile") -> bool:
    options = (field for field in attrs.fields(AddressProfile) if field.init)
    return all(getattr(profile, option.name) == option.default for option in options)


@attrs.define
class AddressProfile:
    """How a provider wants addresses; -1 leaves a TON or NPI as it came.

    Its values win over the client's and the account's (MG-25, MG-26, MG-27). By default nothing
    is rewritten, and `transparent` says so.
    """

    #: Of the destination (SX-15, GW-19).
    dest_ton: int = attrs.field(default=-1, validator=_TON)
    dest_npi: int = attrs.field(default=-1, validator=_NPI)
    #: The + before an international number: "strip" it, "keep" it and put it where it is missing
    #: (OZ-11), or leave all "as_is".
    plus: str = attrs.field(default="as_is", validator=OneOf(("as_is", "strip", "keep")))
    #: Of a source that is text, a short code or a whole number (SX-14, OZ-10).
    alpha_ton: int = attrs.field(default=-1, validator=_TON)
    alpha_npi: int = attrs.field(default=-1, validator=_NPI)
    short_ton: int = attrs.field(default=-1, validator=_TON)
    short_npi: int = attrs.field(default=-1, validator=_NPI)
    msisdn_ton: int = attrs.field(default=-1, validator=_TON)
    msisdn_npi: int = attrs.field(default=-1, validator=_NPI)
    #: Characters of a source that is text; a longer one cannot be sent. 0 = no limit.
    alpha_max: int = attrs.field(default=0, validator=Whole(0, FIELD_LONGEST, 11))
    #: Nothing is rewritten at all.
    transparent: bool = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_passes, takes_self=True)
    )


def is_number(address: bytes) -> bool:
    """Whether an address is made of digits, with or without one leading +."""
    # isdigit of octets knows ASCII digits only.
    return address.removeprefix(b"+").isdigit()


def account_source(account: Account, ton: int, npi: int, address: bytes) -> Address | str:
    """A client's source address as its account lets it: SX-14, MG-25, MG-26."""
    if account.strict_ton and ton not in TONS:
        return SOURCE_TON
    if account.strict_npi and npi not in NPIS:
        return SOURCE_NPI
    if account.sources:
        address = _provisioned(account, address)
        if not address:
            return SOURCE
    if account.strict_addresses and not _sound_source(ton, address):
        return SOURCE
    return (
        ton if account.source_ton < 0 else account.source_ton,
        npi if account.source_npi < 0 else account.source_npi,
        address,
    )


def account_destination(account: Account, ton: int, npi: int, address: bytes) -> Address | str:
    """A client's destination address as its account lets it: SX-15, GW-18, GW-19, MG-27."""
    if account.strict_ton:
        if ton > TON_INTERNATIONAL and ton != account.dest_ton:
            return DESTINATION_TON
        if ton == TON_UNKNOWN:
            ton, npi = TON_INTERNATIONAL, npi or 1
    if account.strict_npi and npi > 1 and npi != account.dest_npi:
        return DESTINATION_NPI
    if account.strict_addresses:
        address = address.removeprefix(b"+")
        if account.strip_00:
            address = address.removeprefix(b"00")
        if not (address.isdigit() and DESTINATION_SHORTEST <= len(address) <= NUMBER_LONGEST):
            return DESTINATION
    return (
        ton if account.dest_ton < 0 else account.dest_ton,
        npi if account.dest_npi < 0 else account.dest_npi,
        address,
    )


def provider_source(profile: AddressProfile, ton: int, npi: int, address: bytes) -> Address | str:
    """A source address as a provider wants it: SX-14, OZ-10, MG-26."""
    if profile.transparent or not address:
        return ton, npi, address
    if not is_number(address) or ton == TON_ALPHANUMERIC:
        if 0 < profile.alpha_max < len(address):
            return SOURCE
        new_ton, new_npi = profile.alpha_ton, profile.alpha_npi
    elif _is_short(ton, address):
        new_ton, new_npi = profile.short_ton, profile.short_npi
    else:
        new_ton, new_npi = profile.msisdn_ton, profile.msisdn_npi
        if profile.plus == "strip":
            address = address.removeprefix(b"+")
    return ton if new_ton < 0 else new_ton, npi if new_npi < 0 else new_npi, address


def provider_destination(profile: AddressProfile, ton: int, npi: int, address: bytes) -> Address:
    """A destination address as a provider wants it: SX-15, OZ-11, MG-27."""
    if profile.transparent:
        return ton, npi, address
    if profile.dest_ton >= 0:
        ton = profile.dest_ton
    if profile.dest_npi >= 0:
        npi = profile.dest_npi
    if profile.plus == "strip" and is_number(address):
        address = address.removeprefix(b"+")
    elif profile.plus == "keep" and _lacks_plus(ton, address):
        address = b"+" + address
    return ton, npi, address


def _provisioned(account: Account, address: bytes) -> bytes:
    """The source to use; b"" when the account may not use this one (MG-25)."""
    default = account.sources[0].encode()
    if not address:
        return default
    if account.source_policy == "any" or address.decode("utf-8", "replace") in account.sources:
        return address
    return default if account.source_policy == "replace" else b""


def _sound_source(ton: int, address: bytes) -> bool:
    """1 to 11 visible characters or at most 15 digits; no address at all leaves it to others."""
    if not address:
        return True
    if ton != TON_ALPHANUMERIC and is_number(address):
        return len(address.removeprefix(b"+")) <= NUMBER_LONGEST
    if ton not in (TON_ALPHANUMERIC, TON_UNKNOWN) or min(address) < 0x20:
        return False
    return len(address) <= ALPHANUMERIC_LONGEST


def _is_short(ton: int, address: bytes) -> bool:
    """A short code: by its TON where that says so, else by its length."""
    if ton in (TON_NETWORK_SPECIFIC, TON_ABBREVIATED):
        return True
    return (
        ton != TON_INTERNATIONAL
        and len(address) <= SHORT_CODE_LONGEST
        and not address.startswith(b"+")
    )


def _lacks_plus(ton: int, address: bytes) -> bool:
    """A whole international number that begins with its country code."""
    return (
        ton <= TON_INTERNATIONAL
        and address.isdigit()
        and not address.startswith(b"0")
        and DESTINATION_SHORTEST <= len(address) < FIELD_LONGEST
    )
