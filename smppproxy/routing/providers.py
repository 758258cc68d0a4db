"""Providers: upstream operators with their hosts, and how to bind to them (mission section 2)."""

from typing import Any

import attrs

from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.rules import (
    AllOr,
    Flag,
    Numbers,
    OneOf,
    OptionalAddress,
    Seconds,
    Secret,
    Several,
    Text,
    Whole,
)
from smppproxy.smpp.constants import (
    ESME_RALYBND,
    ESME_RBINDFAIL,
    ESME_RINVPASWD,
    ESME_RINVSYSID,
    ESME_RINVSYSTYP,
    ESME_RMSGQFUL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    ESME_RX_T_APPN,
)
from smppproxy.text.profile import TextProfile

STATES = ("up", "isolate", "drain", "down")
"""What may be wanted of a provider, a host or a bind; each stricter than those before it."""

MONTH = 30 * 24 * 3600
HOUR = 3600.0
DAY = 24 * HOUR

_STATUSES = Numbers(0, 0xFFFFFFFF, 0x58)


@attrs.define
class SendProfile:
    """Which wishes of a submit_sm the provider can take. By default all of them, as they came."""

    #: false: schedule_delivery_time is never sent (GW-17).
    schedule: bool = attrs.field(default=True, validator=Flag())
    #: The form of validity_period it wants; "pass" = as the client wrote it, "none" = empty.
    validity: str = attrs.field(
        default="pass", validator=OneOf(("pass", "relative", "absolute", "none"))
    )
    #: A higher priority_flag is lowered to this.
    priority_max: int = attrs.field(default=255, validator=Whole(0, 255, 3))
    #: Tags of TLVs that may go to it beside those that text and answers need; None = all (GW-51).
    tlvs: frozenset[int] | None = attrs.field(
        default=None, validator=AllOr(Numbers(0, 0xFFFF, 0x1403))
    )
    #: Tag of its TLV for the message class, 0 = it has none (GW-47).
    message_class: int = attrs.field(default=0, validator=Whole(0, 0xFFFF, 0x2900))


@attrs.define
class AnswersProfile:
    """What the provider's command_status mean where they say more than "refused"."""

    #: Slow down, then the same message again (SX-22).
    throttle: frozenset[int] = attrs.field(
        default=frozenset({ESME_RTHROTTLED}), validator=_STATUSES
    )
    #: Trouble of the host, not of the message: another host, another provider (XC-12).
    temporary: frozenset[int] = attrs.field(
        default=frozenset({ESME_RSYSERR, ESME_RMSGQFUL, ESME_RX_T_APPN}), validator=_STATUSES
    )
    #: A bind too many: those that stand go on (MG-29).
    bind_full: frozenset[int] = attrs.field(
        default=frozenset({ESME_RALYBND, ESME_RBINDFAIL}), validator=_STATUSES
    )
    #: Wrong credentials: an alarm and a long pause (GW-06).
    bind_auth: frozenset[int] = attrs.field(
        default=frozenset({ESME_RINVPASWD, ESME_RINVSYSID, ESME_RINVSYSTYP}),
        validator=_STATUSES,
    )


@attrs.define
class Host:
    """One of a provider's machines, known to operators by its short name (a, b ...)."""

    name: str = attrs.field(validator=Text(1, 64, "a"))
    #: DNS name or IP address.
    address: str = attrs.field(validator=Text(1, 253, "smpp.example.net"))
    #: Its port, or where the provider has two the plain one; 0 = it has no plain one.
    port: int = attrs.field(default=0, validator=Whole(0, 65_535, 2775))
    #: Its port where TLS begins at once; 0 = TLS, if required, is spoken on `port`.
    tls_port: int = attrs.field(default=0, validator=Whole(0, 65_535, 8775))
    #: What holds of it as long as no operator says otherwise, see `routing.states`.
    state: str = attrs.field(default="up", validator=OneOf(STATES))


def _key(provider: "Provider") -> bytes:
    return provider.name.encode()


@attrs.define
class Provider:
    """One upstream operator: the scope of its provider_message_ids and of its TPS.

    Timers are seconds, lives are whole seconds. A value outside its rule raises `RuleError`.
    """

    name: str = attrs.field(validator=Text(1, 64, "acme"))
    hosts: tuple[Host, ...] = attrs.field(
        validator=Several(Host, '[provider.acme.host.a] with address = "..." and port = 2775')
    )
    #: What we bind with; up to 255 octets each (SX-06).
    system_id: bytes = attrs.field(validator=Text(1, 255, "acme"))
    password: bytes = attrs.field(repr=False, validator=Secret(255))
    system_type: bytes = attrs.field(default=b"", validator=Text(0, 12, "SMPP"))
    #: One session both ways, two sessions, or one way only.
    bind: str = attrs.field(
        default="transceiver",
        validator=OneOf(("transceiver", "transmitter+receiver", "transmitter", "receiver")),
    )
    #: Binds (or transmitter and receiver pairs) per host.
    binds: int = attrs.field(default=1, validator=Whole(1, 1000))
    #: submit_sm we may have unanswered, per bind.
    window: int = attrs.field(default=10, validator=Whole(1, 10_000))
    #: submit_sm per second to this provider, over all nodes, 0 = no limit.
    tps: int = attrs.field(default=0, validator=Whole(0, 1_000_000))
    #: "none" must be asked for knowingly (SX-03); "required" is TLS 1.2 or later, "preferred" the
    #: same for hosts that have a tls_port.
    tls: str = attrs.field(default="none", validator=OneOf(("none", "preferred", "required")))
    #: The name its certificate must carry, "" = the host's address.
    tls_name: str = attrs.field(default="", validator=Text(0, 253, "smpp.example.net"))
    #: File with the CA certificates to trust, "" = those of the system.
    tls_ca: str = attrs.field(default="", validator=Text(0, 4096, "acme-ca.pem"))
    connect_timeout: float = attrs.field(default=5.0, validator=Seconds(0.01, 300))
    #: From the bind to its bind_resp (F63).
    bind_timeout: float = attrs.field(default=10.0, validator=Seconds(0.01, 300))
    #: From a submit_sm to its submit_sm_resp.
    response_timeout: float = attrs.field(default=60.0, validator=Seconds(0.01, HOUR))
    #: Silence after which we send enquire_link (GW-11); 0 = never.
    enquire_link: float = attrs.field(default=30.0, validator=Seconds(0, HOUR))
    #: From enquire_link to its answer; then the bind is lost.
    enquire_answer: float = attrs.field(default=10.0, validator=Seconds(0.01, HOUR))
    #: Pause before a new attempt: from the first to the longest (GW-06).
    reconnect_min: float = attrs.field(default=1.0, validator=Seconds(0, HOUR))
    reconnect_max: float = attrs.field(default=30.0, validator=Seconds(0, HOUR))
    #: Pause after a bind refused for its credentials.
    auth_retry_delay: float = attrs.field(default=60.0, validator=Seconds(0, 24 * HOUR))
    #: At a planned stop: how long outstanding answers are waited for (GW-04).
    drain: float = attrs.field(default=10.0, validator=Seconds(0, HOUR))
    #: How long a provider_message_id is known.
    mapping_ttl: int = attrs.field(default=259_200, validator=Whole(1, MONTH))
    #: How long still after a final receipt.
    final_ttl: int = attrs.field(default=43_200, validator=Whole(1, MONTH))
    #: command_status that makes this provider send a receipt again, 0 = it has none.
    temp_answer: int = attrs.field(default=0, validator=Whole(0, 0xFFFFFFFF))
    #: receipts.message_ids.IdProfile, set by config.
    ids: Any = None
    #: receipts.profile.ReceiptProfile, set by config.
    receipt: Any = None
    # ---- what a preset knows about an operator; all of it can be written without one
    #: The preset that the other options began with, "" = none; and how well it is known.
    preset: str = attrs.field(default="", validator=Text(0, 64, "gatewayapi"))
    region: str = attrs.field(default="", validator=Text(0, 64, "eu"))
    status: str = attrs.field(
        default="", validator=OneOf(("", "seed", "documented", "partial", "unverified", "base"))
    )
    #: "all": bind to every host at once (GW-03); "one": the operator chooses one, by region.
    hosts_mode: str = attrs.field(default="all", validator=OneOf(("all", "one")))
    #: The oldest TLS that is spoken.
    tls_min: str = attrs.field(default="1.2", validator=OneOf(("1.2", "1.3")))
    #: Our own address of connections (MG-17), "" = any.
    bind_address: str = attrs.field(default="", validator=OptionalAddress())
    #: The provider wants to know our addresses beforehand; for people, as `check` shows it.
    allow_from_needed: bool = attrs.field(default=False, validator=Flag())
    #: What our binds say (decisions: 3.4 whatever the client used).
    interface_version: int = attrs.field(default=0x34, validator=Whole(0, 255, 0x34))
    addr_ton: int = attrs.field(default=0, validator=Whole(0, 6))
    addr_npi: int = attrs.field(default=0, validator=Whole(0, 18))
    address_range: bytes = attrs.field(default=b"", validator=Text(0, 40, "^45"))
    #: Octets of a password and binds per host that the provider takes, 0 = not known (MG-28).
    max_password: int = attrs.field(default=0, validator=Whole(0, 255, 8))
    max_binds: int = attrs.field(default=0, validator=Whole(0, 1000, 2))
    #: Silence after which the provider is believed to close (OZ-08), 0 = not known.
    idle_timeout: float = attrs.field(default=0.0, validator=Seconds(0, DAY))
    #: After a loss: one attempt within a second, then one every so often (GW-06); 0 = from
    #: reconnect_min to reconnect_max.
    reconnect_delay: float = attrs.field(default=0.0, validator=Seconds(0, HOUR))
    #: How long a message that is throttled or met trouble is tried again (SX-22, XC-12).
    retry_for: float = attrs.field(default=30.0, validator=Seconds(0, HOUR))
    #: user_message_reference comes back in receipts (XC-05), at most so many octets of it.
    reference_echo: bool = attrs.field(default=False, validator=Flag())
    reference_max: int = attrs.field(default=2, validator=Whole(1, 255))
    #: ... in the text: of the receipt too.
    reference_text: bool = attrs.field(default=False, validator=Flag())
    #: One payload message brings a receipt for each of its parts (XC-09).
    per_segment: bool = attrs.field(default=False, validator=Flag())
    #: By default nothing is rewritten.
    text: TextProfile = attrs.field(factory=TextProfile)
    address: AddressProfile = attrs.field(factory=AddressProfile)
    send: SendProfile = attrs.field(factory=SendProfile)
    answers: AnswersProfile = attrs.field(factory=AnswersProfile)
    # ---- what all nodes share, and how they are held back
    #: Sessions of all nodes with all of its hosts, 0 = as many as `binds` makes on each node.
    binds_total: int = attrs.field(default=0, validator=Whole(0, 10_000, 4))
    #: "adaptive": fewer when it is throttled or slow, more again while that goes well.
    pace: str = attrs.field(default="fixed", validator=OneOf(("fixed", "adaptive")))
    #: What holds of it as long as no operator says otherwise, see `routing.states`.
    state: str = attrs.field(default="up", validator=OneOf(STATES))
    #: File with its prices by prefix, "" = none.
    prices: str = attrs.field(default="", validator=Text(0, 4096, "acme.csv"))
    #: Seconds within which an MO with the same octets is the same one, sent again; 0 = it never is.
    mo_dedupe: int = attrs.field(default=0, validator=Whole(0, 86_400))
    #: The octets of name, made once.
    key: bytes = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_key, takes_self=True)
    )

    def door(self, host: Host) -> tuple[int, bool]:
        """(port, TLS) of a host: "preferred" takes the TLS port where there is one."""
        if self.tls == "none" or (self.tls == "preferred" and not host.tls_port):
            return host.port, False
        return host.tls_port or host.port, True
