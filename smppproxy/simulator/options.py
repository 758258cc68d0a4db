"""What a simulated provider and a simulated client do: every habit, and its default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from smppproxy.simulator.demands import Demands
from smppproxy.simulator.shapes import DATES, ERRORS, ID_FORMATS, SHAPES, SHOWN
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    ESME_RALYBND,
    ESME_RTHROTTLED,
)
from smppproxy.smpp.timers import Timers

Delay = float | tuple[float, float]

UNBIND_HABITS = ("answer", "ignore", "close")


@attrs.define
class SmscOptions:
    """The habits of a simulated provider; every one may be changed while it runs.

    Fractions are 0..1, times are seconds, a delay is one number or ``(least, most)``.

    :ivar accounts: system_id -> password; empty: anyone may bind.
    :ivar id_format: form of message_id in submit_sm_resp, a key of ``shapes.ID_FORMATS``.
    :ivar receipt_id_format: the form in the receipt's text; ``""``: as in the response.
    :ivar tlv_id_format: the form in receipted_message_id; ``""``: as in the text.
    :ivar early: fraction of receipts that leave before the response of their submit_sm;
        ``early_lag``: how much later that response then comes, at least.
    :ivar shape: where receipts carry what they say: ``both`` text and TLVs, ``text``, ``tlv``,
        ``payload`` (text in message_payload, and TLVs), ``data_sm``.
    :ivar other_host: fraction of receipts that leave on another host than the one that took the
        submit_sm.
    :ivar duplicates: fraction of final receipts sent twice.
    :ivar intermediate: an ENROUTE notification goes before each final receipt that asks for it.
    :ivar errors: command_status -> fraction of submit_sm refused with it.
    :ivar silence: fraction of submit_sm that are accepted and never answered.
    :ivar undelivered: fraction of messages whose receipt says UNDELIV.
    :ivar unlucky: the source_addr whose messages ``errors`` and ``undelivered`` are for; ``b""``:
        everybody's.
    :ivar tps: submit_sm a second per system_id, beyond it ESME_RTHROTTLED; 0: no limit.
    :ivar mo_rate: MO messages a second to ``mo_account`` (``b""``: to each bound system_id).
    :ivar refuse_bind: status that refuses every bind; 0: none.
    :ivar max_binds: sessions per system_id and host; 0: no limit.
    :ivar unbind: what an unbind gets: ``answer``, ``ignore``, or ``close`` without an answer.
    :ivar window: deliver_sm unanswered per session.
    :ivar retry: wait after a temporary refusal of a deliver_sm.

    What a provider's profile adds (:func:`smppproxy.simulator.presets.options_for`):

    :ivar demands: what it takes of a submit_sm; None: everything.
    :ivar submit_window: submit_sm that a session may have unanswered; 0: no limit. More are
        refused with ``throttle``, as those beyond ``tps``.
    :ivar bind_full: status of a bind beyond ``max_binds``.
    :ivar system_type: what a bind must say, else ESME_RINVSYSTYP; ``b""``: anything.
    :ivar interface_version: the lowest a bind may say, else ESME_RBINDFAIL.
    :ivar max_password: octets of a password, a longer one is wrong; 0: no limit.
    :ivar idle_timeout: silence after which a session is closed; 0: never.
    :ivar failures: words of the receipts of undelivered messages, in turn.
    :ivar outcomes: destination prefix -> word of the last receipt; the longest prefix counts.
    :ivar err: form of ``err``, a key of ``shapes.ERRORS``; :ivar dates: of ``shapes.DATES``.
    :ivar tz: zone of the dates. :ivar lean: no counters and no ``text:`` in a receipt.
    :ivar shown: what ``text:`` shows, one of ``shapes.SHOWN``.
    :ivar reference_max: octets of user_message_reference that a receipt brings back; 0: none.
    :ivar per_segment: a message brings a receipt for each SMS that it takes.
    """

    system_id: bytes = b"smsc"
    accounts: Mapping[bytes, bytes] = attrs.field(factory=dict)
    id_format: str = attrs.field(default="dec", validator=attrs.validators.in_([*ID_FORMATS]))
    id_start: int = 1
    receipt_id_format: str = attrs.field(
        default="", validator=attrs.validators.in_(["", *ID_FORMATS])
    )
    tlv_id_format: str = attrs.field(default="", validator=attrs.validators.in_(["", *ID_FORMATS]))
    response_delay: Delay = 0.0
    receipt_delay: Delay = 0.0
    early: float = 0.0
    early_lag: float = 0.02
    shape: str = attrs.field(default="both", validator=attrs.validators.in_(SHAPES))
    receipts: bool = True
    other_host: float = 0.0
    duplicates: float = 0.0
    intermediate: bool = False
    errors: Mapping[int, float] = attrs.field(factory=dict)
    silence: float = 0.0
    undelivered: float = 0.0
    unlucky: bytes = b""
    tps: int = 0
    mo_rate: float = 0.0
    mo_account: bytes = b""
    mo_source: bytes = b"46700000001"
    mo_destination: bytes = b"12345"
    mo_text: bytes = b"hello from a mobile"
    refuse_bind: int = 0
    max_binds: int = 0
    unbind: str = attrs.field(default="answer", validator=attrs.validators.in_(UNBIND_HABITS))
    window: int = 50
    retry: float = 1.0
    version_tlv: bool = True
    timers: Timers = attrs.field(factory=Timers)
    seed: int = 1
    demands: Demands | None = None
    submit_window: int = 0
    throttle: int = ESME_RTHROTTLED
    bind_full: int = ESME_RALYBND
    system_type: bytes = b""
    interface_version: int = 0
    max_password: int = 0
    idle_timeout: float = 0.0
    failures: Sequence[bytes] = attrs.field(
        default=(b"UNDELIV",), validator=attrs.validators.min_len(1)
    )
    outcomes: Mapping[bytes, bytes] = attrs.field(factory=dict)
    err: str = attrs.field(default="dec", validator=attrs.validators.in_(ERRORS))
    dates: str = attrs.field(default="minute", validator=attrs.validators.in_(DATES))
    tz: str = "UTC"
    lean: bool = False
    shown: str = attrs.field(default="message", validator=attrs.validators.in_(SHOWN))
    reference_max: int = 0
    per_segment: bool = False


BINDS: dict[str, tuple[int, ...]] = {
    "trx": (BIND_TRANSCEIVER,),
    "tx": (BIND_TRANSMITTER,),
    "rx": (BIND_RECEIVER,),
    "txrx": (BIND_TRANSMITTER, BIND_RECEIVER),
}


@attrs.define
class EsmeOptions:
    """What a simulated client does. Times are seconds, fractions are 0..1.

    :ivar bind: ``trx``, ``tx``, ``rx``, or ``txrx``: one transmitter and one receiver.
    :ivar binds: sessions; with ``txrx`` so many of each kind.
    :ivar window: submit_sm unanswered per session.
    :ivar rate: submit_sm a second over all sessions; 0: as fast as the windows allow.
    :ivar count: how many to submit; 0: until :meth:`Esme.quit`.
    :ivar prefixes: destinations are a prefix and the message's number in 8 digits.
    :ivar deliver_status: command_status -> fraction of deliver_sm answered with it.
    :ivar deliver_silence: fraction of deliver_sm that get no answer.
    :ivar tls: a client connection creator (``optionsForClientTLS``); None: plain.
    """

    address: str = "127.0.0.1"
    port: int = 2775
    system_id: bytes = b"demo"
    password: bytes = attrs.field(default=b"demo", repr=False)
    system_type: bytes = b""
    interface_version: int = 0x34
    bind: str = attrs.field(default="trx", validator=attrs.validators.in_(BINDS))
    binds: int = 1
    window: int = 50
    rate: float = 0.0
    count: int = 0
    prefixes: Sequence[bytes] = (b"46701",)
    source: bytes = b"smppproxy"
    source_ton: int = 5
    source_npi: int = 0
    dest_ton: int = 1
    dest_npi: int = 1
    text: bytes = b"hello from the simulated client, this is the text of a message"
    data_coding: int = 0
    registered_delivery: int = 1
    deliver_status: Mapping[int, float] = attrs.field(factory=dict)
    deliver_silence: float = 0.0
    reconnect_delay: float = 0.5
    tls: Any = None
    timers: Timers = attrs.field(factory=Timers)
    seed: int = 1
