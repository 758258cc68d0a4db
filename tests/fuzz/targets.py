"""The targets: each takes octets, and raises when a promise breaks.

None may raise anything else than the errors that the code under test promises. That nothing hangs
or eats the memory is watched from outside: by atheris, and by :mod:`tests.fuzz.test_corpus`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from smppproxy.config.bundle import BundleError, unpack
from smppproxy.receipts.message_ids import IdProfile, keys_of_receipt
from smppproxy.receipts.profile import ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.receipts.text import parse, parse_any, seconds_of
from smppproxy.smpp import build
from smppproxy.smpp import constants as c
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import (
    Bind,
    read_bind,
    read_bind_resp,
    read_data_sm,
    read_message,
    read_message_id,
    walk_message,
)
from smppproxy.smpp.framing import Framer
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.session import CLOSED, ESME, SMSC, Received, Session
from smppproxy.smpp.timers import Timers
from smppproxy.smpp.tlv import check_tlvs, find_tlv, iter_tlvs
from smppproxy.store.interface import Arrival, Entry
from smppproxy.store.records import MoRecord, Origin, ReceiptRecord, RecordError
from smppproxy.text.convert import convert
from smppproxy.text.payload import check, read
from smppproxy.text.profile import TextProfile, TextSettings
from smppproxy.wire.proxy_header import LONGEST, ProxyHeaderError, read_proxy_header
from tests.fuzz.feed import Feed, cut
from tests.fuzz.files import message_log, network_file, node_file
from tests.fuzz.journeys import journeys
from tests.support import twins
from tests.support.memory_peers import make_account

Target = Callable[[bytes], None]


def expect(true: object, what: str) -> None:
    """A promise."""
    if not true:
        raise AssertionError(what)


def pdu_of(command_id: int, body: bytes) -> Pdu:
    """A PDU with this body."""
    raw = build.header(command_id, 0, 1)
    raw = (16 + len(body)).to_bytes(4, "big") + raw[4:16] + body
    (pdu,), error = Framer(len(raw)).feed(raw)
    expect(error is None, "a PDU of the right length")
    return pdu


# -- the language -------------------------------------------------------------------------------


def framing(data: bytes) -> None:
    """The same PDUs and the same error, however the octets are cut (F01); nothing is invented."""
    feed = Feed(data)
    sizes, stream = feed.piece(), feed.rest()
    whole, parts = Framer(1024), Framer(1024)
    pdus, error = whole.feed(stream)
    pieces: list[Pdu] = []
    later: Any = None
    for piece in cut(stream, sizes):
        found, lost = parts.feed(piece)
        pieces += found
        later = later or lost
    expect([pdu.raw for pdu in pdus] == [pdu.raw for pdu in pieces], "other PDUs when cut")
    expect((error is None) == (later is None), "another verdict when cut")
    expect(stream.startswith(b"".join(pdu.raw for pdu in pdus)), "octets that never came")
    expect(whole.pending <= 1024 and whole.unfinished == parts.unfinished, "another rest when cut")


def bodies(data: bytes) -> None:
    """A body is read or refused by its own command_status; what is read can be written again."""
    feed = Feed(data)
    kind, body = feed.number(6), feed.rest()
    with contextlib.suppress(BodyError):
        if kind == 0:
            bind = read_bind(pdu_of(c.BIND_TRANSCEIVER, body))
            again = build.bind(c.BIND_TRANSCEIVER, 1, bind)
            expect(read_bind(pdu_of(c.BIND_TRANSCEIVER, again[16:])) == bind, "another bind")
        elif kind == 1:
            read_bind_resp(pdu_of(c.BIND_TRANSCEIVER | c.RESPONSE, body))
        elif kind == 2:
            read_message_id(pdu_of(c.SUBMIT_SM_RESP, body))
        elif kind == 3:
            read_data_sm(pdu_of(c.DATA_SM, body))
        else:
            _message(pdu_of(c.SUBMIT_SM if kind == 4 else c.DELIVER_SM, body))


def _message(pdu: Pdu) -> None:
    with contextlib.suppress(BodyError):
        walk_message(pdu.raw)
    message = read_message(pdu)
    if pdu.command_id == c.DELIVER_SM:
        return  # Of a provider's broken TLVs those before the break are read: not the same octets.
    again = build.message(pdu.command_id, 1, message)
    expect(read_message(pdu_of(pdu.command_id, again[16:])) == message, "another message")


def tlvs(data: bytes) -> None:
    """TLVs within the octets, or an error; the checks agree with the readers."""
    status = 0
    try:
        check_tlvs(data, 0)
    except BodyError as error:
        status = error.command_status
    with contextlib.suppress(BodyError):
        found = list(iter_tlvs(data, 0))
        expect(sum(4 + len(value) for _, value in found) <= len(data), "octets from nowhere")
        if found and not status:
            expect(find_tlv(data, 0, found[0][0]) == found[0][1], "not the first of its tag")


def session(role: str, data: bytes) -> None:
    """Any writes, in any cuts, at any time: no exception, the same answers, and an end that is
    an end (F77)."""
    feed = Feed(data)
    sizes = feed.piece()
    writes = list(feed.writes())
    whole, parts = _bound(role), _bound(role)
    now = 1.0
    for data in writes:
        now += 0.125
        answer = whole.receive(data, now)
        replies, received = b"", 0
        for piece in cut(data, sizes):
            some = parts.receive(piece, now)
            replies += some.reply
            received += len(some.requests) + len(some.responses)
            _verdict(parts, some, now)
        if whole.state == CLOSED or parts.state == CLOSED:
            break
        if answer.bind is None:
            expect(answer.reply == replies, "other answers when cut")
            expect(
                len(answer.requests) + len(answer.responses) == received, "other PDUs when cut"
            )
        _verdict(whole, answer, now)
    for one in (whole, parts):
        for _ in range(8):
            now += 31.0
            one.tick(now)
        one.window.drain()


def _bound(role: str) -> Session:
    """A session of this role in which a few requests of ours wait."""
    one = Session(role, Timers())
    one.start(0.0)
    if role == ESME:
        request = one.bind(c.BIND_TRANSCEIVER, Bind(b"node"), 0.0)
        number = int.from_bytes(request[12:16], "big")
        one.receive(build.bind_resp(c.BIND_TRANSCEIVER, 0, number, b"smsc"), 0.5)
    else:
        one.receive(build.bind(c.BIND_TRANSCEIVER, 1, Bind(b"esme", b"secret")), 0.25)
        one.accept_bind(b"smppproxy", 0.5)
    for token in range(3):
        one.window.open(token, 0.5)
    return one


def _verdict(one: Session, received: Received, now: float) -> None:
    """The door says yes to a bind, and lets who wants to go."""
    if received.bind is not None:
        one.accept_bind(b"smppproxy", now)


def session_smsc(data: bytes) -> None:
    """A hostile client."""
    session(SMSC, data)


def session_esme(data: bytes) -> None:
    """A hostile provider."""
    session(ESME, data)


# -- what messages say --------------------------------------------------------------------------

_PROFILES = (
    (ReceiptProfile(), IdProfile()),
    (
        ReceiptProfile(detect_by_text=True, prefer="text", err="hex"),
        IdProfile(resp="hex", receipt_text="dec", receipt_tlv="dec", strip_zeros=True),
    ),
)


def receipts(data: bytes) -> None:
    """A receipt's text in any spelling, and a whole deliver_sm: read, or not a receipt."""
    feed = Feed(data)
    which, kind = feed.number(2), feed.number(3)
    octets = feed.rest()
    fields = parse(octets)
    parse_any(octets)
    if fields is not None:
        seconds_of(fields.submit_date, None)
        seconds_of(fields.done_date, None)
    if kind == 0:
        raw = build.deliver_sm(1, esm_class=4, short_message=octets[:254])
        body = raw[16:] + octets[254:]
    else:
        body = octets
    pdu = pdu_of(c.DATA_SM if kind == 2 else c.DELIVER_SM, body)
    profile, ids = _PROFILES[which]
    with contextlib.suppress(BodyError):
        receipt = read_receipt(pdu, profile)
        if receipt is not None:
            keys_of_receipt(ids, receipt)


_SETTINGS = (TextSettings(), TextSettings(strict_gsm7=True, strict_utf16=True, shrink_ucs2=True))
_TEXTS = (
    TextProfile(transparent=False),
    TextProfile(transparent=False, gsm7="packed", long="sar"),
    TextProfile(transparent=False, long="payload", default_alphabet="ascii"),
    TextProfile(transparent=False, long="sar", udh=False, max_parts=3, shrink=True),
)


def texts(data: bytes) -> None:
    """Any message body under any data_coding, made to what a provider takes: or refused."""
    feed = Feed(data)
    settings = _SETTINGS[feed.number(2)]
    profile = _TEXTS[feed.number(len(_TEXTS))]
    esm_class, data_coding = feed.number(), feed.number()
    rest = feed.piece()
    with contextlib.suppress(BodyError):
        found = list(iter_tlvs(rest, 0))
        payload = read(esm_class, data_coding, feed.octets(254), found, settings)
        check(payload, settings)
        parts = convert(payload, settings, profile, 7)
        if isinstance(parts, list):
            for part in parts:
                expect(len(part.short_message) <= 254, "a short_message too long")


# -- the edges ----------------------------------------------------------------------------------


def proxy_header(data: bytes) -> None:
    """A header within the octets, patience that ends, or an error."""
    try:
        header = read_proxy_header(data)
    except ProxyHeaderError:
        return
    if header is None:
        expect(len(data) < LONGEST, "patience without end")
        return
    expect(0 < header.length <= len(data), "a header longer than what came")
    expect(not set(header.host) - set("0123456789abcdef.:"), "no address")
    expect(0 <= header.port <= 0xFFFF, "no port")
    for end in range(header.length):
        expect(read_proxy_header(data[:end]) is None, "a header before it was whole")


def records(data: bytes) -> None:
    """What the store gives back: a record that comes back the same when it is packed again, or an
    error."""
    feed = Feed(data)
    kind: Any = (Origin, ReceiptRecord, MoRecord)[feed.number(3)]
    octets = feed.rest()
    with contextlib.suppress(RecordError):
        record = kind.unpack(octets)
        expect(kind.unpack(record.pack()) == record, "another record")


def bundle(data: bytes) -> None:
    """A network of the store: one that was packed, or an error, without unpacking a bomb."""
    with contextlib.suppress(BundleError):
        unpack(data)


# -- the compiled part ---------------------------------------------------------------------------


_ACCOUNT = make_account()


def compiled(data: bytes) -> None:
    """What a function in Python and its twin in C say of the same octets: one answer or error."""
    feed = Feed(data)
    kind, number = feed.number(7), feed.number()
    if kind == 0:
        twins.cuts(feed.rest(), 16 + number)
    elif kind == 1:
        twins.walks(pdu_of((c.SUBMIT_SM, c.DELIVER_SM)[number % 2], feed.rest()).raw)
    elif kind == 2:
        prefer, addresses = ("tlv", "text")[number % 2], ("swapped", "as_submitted")[number // 128]
        raw = pdu_of(c.DELIVER_SM, feed.rest()).raw
        twins.reads(raw, prefer=prefer, addresses=addresses)
    elif kind == 3:
        form = ("decimal10", "hex")[number % 2]
        raw = pdu_of(c.SUBMIT_SM, feed.rest()).raw
        twins.maps(raw, number << 24, 0x30 + number % 8, 1, message_id_format=form)
    elif kind == 4:
        entry = Entry(b"r:fuzz", b"1-1", 1, feed.piece(), feed.rest())
        twins.shows(entry, 0x30 + number % 8, _ACCOUNT)
    else:
        arrivals: list[Arrival] = []
        found: list[bytes | None] = []
        while feed.more:
            destination, bits = feed.octets(number % 4), feed.number()
            arrivals.append(Arrival((b"k",), destination, bits & 15, bits >> 6, True, b"r" * bits))
            found.append(b"\4" + feed.piece())
        twins.settles(arrivals, found)


TARGETS: dict[str, Target] = {
    "framing": framing,
    "bodies": bodies,
    "tlvs": tlvs,
    "session_smsc": session_smsc,
    "session_esme": session_esme,
    "journeys": journeys,
    "receipts": receipts,
    "texts": texts,
    "node_file": node_file,
    "network_file": network_file,
    "message_log": message_log,
    "proxy_header": proxy_header,
    "records": records,
    "bundle": bundle,
    "compiled": compiled,
}
