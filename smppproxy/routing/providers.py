"""Providers: upstream operators with their hosts, and how to bind to them (mission section 2)."""

from typing import Any

import attrs

from smppproxy.routing.rules import OneOf, Seconds, Secret, Several, Text, Whole

MONTH = 30 * 24 * 3600
HOUR = 3600.0


@attrs.define
class Host:
    """One of a provider's doors, known to operators by its short name (a, b ...)."""

    name: str = attrs.field(validator=Text(1, 64, "a"))
    #: DNS name or IP address.
    address: str = attrs.field(validator=Text(1, 253, "smpp.example.net"))
    port: int = attrs.field(validator=Whole(1, 65_535, 2775))


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
    #: submit_sm per second to this provider, 0 = no limit.
    tps: int = attrs.field(default=0, validator=Whole(0, 1_000_000))
    #: "none" must be asked for knowingly (SX-03); "required" is TLS 1.2 or later.
    tls: str = attrs.field(default="none", validator=OneOf(("none", "required")))
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
    #: receipts.receipt.ReceiptProfile, set by config.
    receipt: Any = None
    #: The octets of name, made once.
    key: bytes = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_key, takes_self=True)
    )
