"""Accounts: what is promised to a configured ESME and what it is allowed (mission section 6)."""

from ipaddress import IPv4Network, IPv6Network

import attrs

from smppproxy.routing.rules import (
    Certificates,
    Flag,
    Names,
    Networks,
    Numbers,
    OneOf,
    Seconds,
    Secret,
    SomeOf,
    Table,
    Text,
    Whole,
)
from smppproxy.text.profile import TextSettings

MILLION = 1_000_000
HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 30 * 24 * 3600
#: What octets may mean under data_coding 0, and under others.
DEFAULT_ALPHABETS = ("gsm7", "ascii", "latin1", "cp1252", "utf-8")
ALPHABETS = (*DEFAULT_ALPHABETS, "cyrillic", "ucs2", "binary")


def _key(account: "Account") -> bytes:
    return account.system_id.encode()


def _text_settings(account: "Account") -> TextSettings:
    names = [field.name for field in attrs.fields(TextSettings)]
    return TextSettings(**{name: getattr(account, name) for name in names})


@attrs.define
class Account:
    """One configured ESME.

    Limits are of the whole account, over its binds and over all nodes, unless they say "per bind".
    Times are whole seconds. A value outside its rule raises `RuleError`.
    """

    #: What the client binds with; up to 255 octets (SX-06).
    system_id: str = attrs.field(validator=Text(1, 255, "acme"))
    #: An argon2id or scrypt string, never the password itself.
    password: str = attrs.field(repr=False, validator=Secret())
    #: Which binds are allowed: tx, rx, trx (MG-04).
    bind_types: frozenset[str] = attrs.field(
        default=frozenset({"tx", "rx", "trx"}), validator=SomeOf(("tx", "rx", "trx"))
    )
    #: Binds at once (MG-28).
    max_binds: int = attrs.field(default=10, validator=Whole(1, 10_000))
    #: submit_sm per second, 0 = no limit (SX-21); beyond it 0x58.
    tps: int = attrs.field(default=0, validator=Whole(0, MILLION))
    #: submit_sm that may come at once after silence, 0 = as many as tps.
    burst: int = attrs.field(default=0, validator=Whole(0, MILLION))
    #: submit_sm a client may have unanswered, per bind (SX-19).
    window: int = attrs.field(default=50, validator=Whole(1, 10_000))
    #: A full window: "pause", more of them wait, up to a bound (XC-16), or "throttle" with 0x58.
    window_full: str = attrs.field(default="pause", validator=OneOf(("pause", "throttle")))
    #: deliver_sm we may have unanswered, per bind (GW-48).
    deliver_window: int = attrs.field(default=50, validator=Whole(1, 10_000))
    #: submit_sm of all binds of the account that may be unanswered at once (row 39); says something
    #: with window_full "throttle" only, a client that is paused is bounded by its window.
    max_outstanding: int = attrs.field(default=200, validator=Whole(1, MILLION))
    #: Whether a plain bind is taken (MG-03).
    tls: str = attrs.field(default="optional", validator=OneOf(("optional", "required")))
    #: Where binds may come from (MG-17); empty = anywhere.
    allow_from: tuple[IPv4Network | IPv6Network, ...] = attrs.field(
        default=(), validator=Networks()
    )
    #: A host lost before its submit_sm_resp: send once more elsewhere, or answer 0xFF (XC-07).
    in_doubt: str = attrs.field(default="resend", validator=OneOf(("resend", "answer")))
    #: The form of client_message_id (XC-01).
    message_id_format: str = attrs.field(
        default="decimal10", validator=OneOf(("decimal10", "decimal19", "hex", "uuid"))
    )
    #: Whether receipts are given at all (MG-19).
    receipts: bool = attrs.field(default=True, validator=Flag())
    #: Intermediate receipts: only if registered_delivery asks, always or never (XC-10).
    intermediate: str = attrs.field(
        default="asked", validator=OneOf(("asked", "always", "never"))
    )
    #: Receipts kept while nobody takes them, then the oldest go (GW-21).
    receipt_limit: int = attrs.field(default=25_000, validator=Whole(1, 10 * MILLION))
    #: How long they are kept (GW-22).
    receipt_keep: int = attrs.field(default=172_800, validator=Whole(1, MONTH))
    #: The same for MO messages, which have a queue of their own.
    mo_limit: int = attrs.field(default=25_000, validator=Whole(1, 10 * MILLION))
    mo_keep: int = attrs.field(default=172_800, validator=Whole(1, MONTH))
    #: false refuses binds with 0x0D.
    enabled: bool = attrs.field(default=True, validator=Flag())
    # ---- who may bind, and how its sessions are kept
    #: The preset that this account's other settings began with; for people only.
    preset: str = attrs.field(default="default", validator=Text(1, 64, "default"))
    #: interface_version that are taken (MG-02); empty = any (GW-02), others get 0x0D.
    versions: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 0x34))
    #: What the account is for (MG-18): "mt" gets no MO messages, "mo" may not submit (0x04).
    service: str = attrs.field(default="both", validator=OneOf(("both", "mt", "mo")))
    #: The only system_type that is taken, else 0x53 (SX-07); "" = any.
    require_system_type: str = attrs.field(default="", validator=Text(0, 12, "sendexa"))
    #: true answers 0x0F to a system_id that does not exist (GW-14), which tells which ones do.
    distinct_auth_errors: bool = attrs.field(default=False, validator=Flag())
    #: The system_id of bind_resp (OZ-04): the node's "own", or an "echo" of the client's.
    bind_resp_system_id: str = attrs.field(default="own", validator=OneOf(("own", "echo")))
    #: What max_binds counts (MG-28): the binds of the "account" over all nodes, or of one "node".
    max_binds_scope: str = attrs.field(default="account", validator=OneOf(("account", "node")))
    #: Silence after which we unbind the client (OZ-08), seconds; 0 = as the node file says.
    idle_timeout: float = attrs.field(default=0.0, validator=Seconds(0, DAY))
    #: Silence after which we send enquire_link (GW-11), seconds; 0 = as the node file says.
    enquire_interval: float = attrs.field(default=0.0, validator=Seconds(0, HOUR))
    # ---- addresses; routing.addresses does what these say
    #: Provisioned source_addr (MG-25); the first stands in for an empty one.
    sources: tuple[str, ...] = attrs.field(default=(), validator=Names("1204", 20))
    #: A source_addr that is not among `sources`: "any" lets it pass, "enforce" refuses it with
    #: 0x0A, "replace" sends the first of them instead. Says nothing without sources.
    source_policy: str = attrs.field(
        default="any", validator=OneOf(("any", "enforce", "replace"))
    )
    #: Provisioned TON and NPI that win over the client's (MG-26, MG-27); -1 = as the client sent.
    source_ton: int = attrs.field(default=-1, validator=Whole(-1, 6, 1))
    source_npi: int = attrs.field(default=-1, validator=Whole(-1, 18, 1))
    dest_ton: int = attrs.field(default=-1, validator=Whole(-1, 6, 1))
    dest_npi: int = attrs.field(default=-1, validator=Whole(-1, 18, 1))
    #: source_addr of 1 to 11 characters or at most 15 digits, else 0x0A (SX-14);
    #: destination_addr of 7 to 15 digits, a leading + taken off, else 0x0B (SX-15).
    strict_addresses: bool = attrs.field(default=False, validator=Flag())
    #: strict_addresses takes a leading 00 off too (SX-15).
    strip_00: bool = attrs.field(default=True, validator=Flag())
    #: dest_addr_ton 0 (read as 1) and 1 only, else 0x50 (GW-18, GW-19).
    strict_ton: bool = attrs.field(default=False, validator=Flag())
    #: dest_addr_npi 0 and 1 only, else 0x51; source_addr_npi of SMPP 3.4 only, else 0x49.
    strict_npi: bool = attrs.field(default=False, validator=Flag())
    # ---- what a submit_sm may say
    #: Refuse bad esm_class, priority_flag, validity_period, registered_delivery,
    #: replace_if_present_flag and sm_default_msg_id (mission section 5, rows 24 to 30).
    strict_fields: bool = attrs.field(default=False, validator=Flag())
    #: Refuse a text that does not decode or is too long (rows 31 to 33, GW-41).
    strict_payload: bool = attrs.field(default=False, validator=Flag())
    #: What data_coding 0 means (SX-16, OZ-12).
    default_alphabet: str = attrs.field(default="gsm7", validator=OneOf(DEFAULT_ALPHABETS))
    #: What other values of data_coding mean (XC-13), e.g. {1: "gsm7"}.
    alphabets: dict[int, str] = attrs.field(
        factory=dict, validator=Table(Whole(1, 255), OneOf(ALPHABETS), '{ 1 = "gsm7" }')
    )
    #: data_coding values that are taken (GW-39), else 0x45; empty = any.
    data_codings: frozenset[int] = attrs.field(default=frozenset(), validator=Numbers(0, 255, 8))
    #: Beside them message classes and message waiting: 16, 192 to 239, 241 to 247 (GW-40).
    dcs_extra: bool = attrs.field(default=False, validator=Flag())
    #: Refuse what a handset would show all the same: ESC and an unknown code in GSM-7, C1
    #: controls in ISO 8859, a lone surrogate in UCS2 (mission 4.1, 4.2).
    strict_gsm7: bool = attrs.field(default=False, validator=Flag())
    strict_latin1: bool = attrs.field(default=False, validator=Flag())
    strict_utf16: bool = attrs.field(default=False, validator=Flag())
    #: UCS2 may become the provider's default alphabet where every character fits.
    shrink_ucs2: bool = attrs.field(default=False, validator=Flag())
    #: schedule_delivery_time (GW-17): "pass" it on, "refuse" with 0x61, "ignore" and send at once.
    schedule: str = attrs.field(default="pass", validator=OneOf(("pass", "refuse", "ignore")))
    #: A higher priority_flag is lowered to this (GW-50).
    max_priority: int = attrs.field(default=3, validator=Whole(0, 3))
    #: Where messages wait for a provider, those with priority_flag 2 and 3 go before all others.
    priority_lane: bool = attrs.field(default=False, validator=Flag())
    #: Parts that one message may have, else 0x01.
    max_parts: int = attrs.field(default=10, validator=Whole(1, 255))
    #: Octets of message_payload, else 0x01 (GW-44).
    max_payload: int = attrs.field(default=39_015, validator=Whole(1, 65_535))
    #: service_type to provider, "" = as the routes say; others get 0x15 (OZ-09). {} = any.
    service_types: dict[str, str] = attrs.field(
        factory=dict, validator=Table(Text(0, 5), Text(0, 64), '{ "1" = "acme", "2" = "" }')
    )
    #: Class in TLV 0x2900 to provider, "" = as the routes say; others get 0xC4 (GW-47). {} = any.
    message_classes: dict[str, str] = attrs.field(
        factory=dict, validator=Table(Text(1, 64), Text(0, 64), '{ premium = "acme" }')
    )
    #: The class of a message without one.
    default_message_class: str = attrs.field(default="", validator=Text(0, 64, "standard"))
    # ---- receipts
    #: Words and TLVs of receipts (GW-37).
    dialect: str = attrs.field(default="default", validator=OneOf(("default", "gatewayapi")))
    #: Zone of the dates in receipts (GW-27), "UTC" or a name of the zone database.
    receipt_tz: str = attrs.field(default="UTC", validator=Text(1, 64, "UTC"))
    #: How a final ENROUTE is called (MG-22).
    enroute_final_as: str = attrs.field(
        default="ENROUTE", validator=OneOf(("ENROUTE", "ACCEPTD", "DELIVRD"))
    )
    #: DELIVRD after EXPIRED or UNKNOWN is passed on (mission 3.5).
    late_delivery: bool = attrs.field(default=False, validator=Flag())
    #: The receipt of a message that never got one, at the end of its mapping (MG-21).
    on_no_receipt: str = attrs.field(
        default="nothing", validator=OneOf(("nothing", "UNKNOWN", "EXPIRED"))
    )
    # ---- answers and records
    #: A provider's command_status of its own making (0x400 to 0x4FF) is passed on, not made 0x45
    #: (XC-11).
    pass_vendor_status: bool = attrs.field(default=False, validator=Flag())
    #: Another command_status for a refusal, by the refusal's name.
    errors: dict[str, int] = attrs.field(
        factory=dict, validator=Table(Text(1, 64), Whole(1, 0xFFFFFFFF), "{ throttled = 0x14 }")
    )
    #: What the message log has of its messages (MG-31): "metadata", "full" with their text, or
    #: "off", nothing; then no event about one of them either.
    message_log: str = attrs.field(
        default="metadata", validator=OneOf(("metadata", "full", "off"))
    )
    #: Telephone numbers in the log show their first four digits only (MG-31).
    mask_numbers: bool = attrs.field(default=False, validator=Flag())
    #: Names that routes may find several accounts by.
    groups: frozenset[str] = attrs.field(default=frozenset(), validator=Names("retail"))
    #: Another password that is right too, while a client changes over; "" = there is none.
    second_password: str = attrs.field(default="", repr=False, validator=Secret())
    #: The client's certificate must be one of these: "sha256:HEX" of it, or a host name it is for;
    #: () = none is needed. Such an account binds over TLS only.
    client_certificates: tuple[str, ...] = attrs.field(
        default=(), validator=Certificates("esme01.example.net")
    )
    #: What these options say to the room `text`, made once.
    text_settings: TextSettings = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_text_settings, takes_self=True)
    )
    #: The octets of system_id, made once.
    key: bytes = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_key, takes_self=True)
    )
