"""Accounts: what is promised to a configured ESME and what it is allowed (mission section 6)."""

from ipaddress import IPv4Network, IPv6Network

import attrs

from smppproxy.routing.rules import Flag, Networks, OneOf, Secret, SomeOf, Text, Whole

MILLION = 1_000_000
MONTH = 30 * 24 * 3600


def _key(account: "Account") -> bytes:
    return account.system_id.encode()


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
    #: A full window: "pause" reading from the client, or "throttle" with 0x58.
    window_full: str = attrs.field(default="pause", validator=OneOf(("pause", "throttle")))
    #: deliver_sm we may have unanswered, per bind (GW-48).
    deliver_window: int = attrs.field(default=50, validator=Whole(1, 10_000))
    #: submit_sm of all binds of the account that may be unanswered at once.
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
    #: The octets of system_id, made once.
    key: bytes = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_key, takes_self=True)
    )
