"""What a load test is to do, as the command line says it, and each process's share of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import attrs

from smppproxy.simulator.load.board import DIGITS, MOST
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    TLV_MESSAGE_PAYLOAD,
)
from smppproxy.text import alphabets
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextSettings

#: Messages that a test without --count has room for: 800 MB of memory if all were sent.
UNCOUNTED = 50_000_000

#: Octets of short_message; longer texts go in message_payload.
SHORT = 254


#: The sessions of one bind of the command line, as providers in the network file have them.
BINDS = {
    "transceiver": (BIND_TRANSCEIVER,),
    "transmitter+receiver": (BIND_TRANSMITTER, BIND_RECEIVER),
    "transmitter": (BIND_TRANSMITTER,),
}


@attrs.define
class LoadOptions:
    """A load test. Times are seconds.

    :ivar bind: one of :data:`BINDS`: what each bind is.
    :ivar binds: over all processes; :ivar window: submit_sm unanswered per bind.
    :ivar rate: messages offered a second over all binds; 0: as fast as the windows let it.
    :ivar count: messages in all; 0: as many as there are in ``seconds``.
    :ivar seconds: submit so long; 0: until ``count``.
    :ivar prefixes: destinations are a prefix and the message's number in 8 digits.
    :ivar text: octets in ``data_coding``.
    :ivar drain: patience without a single answer or receipt before the rest counts as lost.
    :ivar linger: how long late duplicates are listened for.
    :ivar ca: PEM file to trust; ``""``: the system's. :ivar verify: False: trust anybody.
    :ivar first: the first message's number. Receipts of numbers that this test did not send belong
        to another one.
    """

    address: str = "127.0.0.1"
    port: int = 2775
    tls: bool = False
    ca: str = ""
    verify: bool = True
    system_id: bytes = b"demo"
    password: bytes = attrs.field(default=b"demo", repr=False)
    bind: str = "transceiver"
    binds: int = 4
    window: int = 50
    rate: float = 0.0
    count: int = 0
    seconds: float = 0.0
    prefixes: Sequence[bytes] = (b"46701",)
    source: bytes = b"smppproxy"
    text: bytes = b"hello from the load test, this is the text of a message"
    data_coding: int = 0
    receipts: bool = True
    drain: float = 15.0
    linger: float = 0.3
    first: int = 0

    @property
    def sessions(self) -> int:
        """Of all binds."""
        return self.binds * len(BINDS[self.bind])

    @property
    def size(self) -> int:
        """Messages that there must be room for."""
        if self.count:
            return self.count
        return min(UNCOUNTED, int(self.rate * self.seconds) + 1 if self.rate else UNCOUNTED)

    @property
    def scheduled(self) -> int:
        """Messages that an offered rate makes due; 0 where there is none."""
        if not self.rate:
            return 0
        due = ceil(self.rate * self.seconds - 1e-6) if self.seconds else self.count
        return min(due, self.count) if self.count else due

    def templates(self) -> list[tuple[bytes, bytes, bytes]]:
        """For each prefix a submit_sm: before sequence_number, before the number, and after it."""
        return [self._template(prefix) for prefix in self.prefixes]

    def _template(self, prefix: bytes) -> tuple[bytes, bytes, bytes]:
        blank = prefix + b"0" * DIGITS
        short = len(self.text) <= SHORT
        raw = build.submit_sm(
            0,
            source_addr_ton=5,
            source_addr=self.source,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=blank,
            registered_delivery=int(self.receipts),
            data_coding=self.data_coding,
            short_message=self.text if short else b"",
            tlvs=[] if short else [(TLV_MESSAGE_PAYLOAD, self.text)],
        )
        # The source address stands before it and may be the same digits.
        at = 16 + 1 + 2 + len(self.source) + 1 + 2 + len(prefix)
        return raw[:12], raw[16:at], raw[at + DIGITS :]


@attrs.define
class Share:
    """One process's part: every ``step``-th message, beginning with ``place``.

    :ivar first_session: number of its first bind's first session, of all processes together.
    """

    place: int = 0
    step: int = 1
    binds: int = 1
    first_session: int = 0


def shares(options: LoadOptions, processes: int) -> list[Share]:
    """The parts of so many processes, or fewer where there are fewer binds or messages."""
    step = max(1, min(processes, options.binds, options.size))
    made = []
    first = 0
    for place in range(step):
        binds = options.binds // step + (place < options.binds % step)
        made.append(Share(place, step, binds, first))
        first += binds * len(BINDS[options.bind])
    return made


def encode(text: str, data_coding: int) -> bytes:
    """The octets of a text, as its data_coding says.

    :raises ValueError: a character has no place in its alphabet, or the alphabet is none of text.
    """
    alphabet, _ = meaning(data_coding, TextSettings())
    if alphabet not in alphabets.TEXTS:
        raise ValueError(f"data_coding {data_coding} holds no text; use 0, 1, 3, 6 or 8")
    octets = alphabets.encode(alphabet, text)
    if octets is None:
        mend = "use --data-coding 8"
        raise ValueError(f"the text has characters that {alphabet} has no place for; {mend}")
    return octets


def check(options: LoadOptions) -> str:
    """What makes these options impossible, "" when nothing does."""
    if not options.count and not options.seconds:
        return "say when it is over: --count MESSAGES or --for SECONDS"
    if options.bind == "transmitter" and options.receipts:
        return "a transmitter gets no receipts: --no-receipts, or --bind transmitter+receiver"
    if not 0 <= options.count <= MOST:
        return f"--count is at most {MOST}: numbers have {DIGITS} digits"
    if any(len(prefix) + DIGITS > 20 for prefix in options.prefixes):
        return f"a prefix is at most {20 - DIGITS} digits: a destination has 20"
    if any(not prefix.isdigit() for prefix in options.prefixes):
        return "a prefix holds digits only"
    if len(options.text) > 0xFFFF:
        return "the text is longer than 65,535 octets"
    return ""


def told(options: LoadOptions, share: Share) -> dict[str, Any]:
    """Both for the process itself, as JSON."""
    values = attrs.asdict(options)
    for name, value in values.items():
        if isinstance(value, bytes):
            values[name] = value.decode("latin-1")
    values["prefixes"] = [prefix.decode("latin-1") for prefix in options.prefixes]
    return {"options": values, "share": attrs.asdict(share)}


def read(message: dict[str, Any]) -> tuple[LoadOptions, Share]:
    """What :func:`told` gave."""
    values = dict(message["options"])
    for name in ("system_id", "password", "source", "text"):
        values[name] = values[name].encode("latin-1")
    values["prefixes"] = [prefix.encode("latin-1") for prefix in values["prefixes"]]
    return LoadOptions(**values), Share(**message["share"])
