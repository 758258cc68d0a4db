"""The compiled part says what its twins in Python say, and is there where it can be."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from struct import pack

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy import compiled
from smppproxy.receipts.profile import Receipt
from smppproxy.smpp import build
from smppproxy.smpp.framing import cut
from smppproxy.smpp.pdu import Pdu
from smppproxy.store import batches
from smppproxy.store.interface import Arrival, Entry, Mapping
from smppproxy.store.records import Origin, ReceiptRecord
from tests.smpp.samples import bounded, octets, vectors
from tests.support import twins
from tests.support.compiler import can_compile
from tests.support.memory_peers import make_account

TEXT = (
    b"id:%b sub:001 dlvrd:001 submit date:2311142213 done date:2311142214 stat:%b err:000 %b"
)
DIGITS = st.text("0123456789", min_size=1, max_size=20).map(str.encode)
ADDRESSES = st.one_of(DIGITS, octets(20), st.just(b""))
IDS = st.one_of(
    st.text("0123456789abcdefXYZ-", max_size=70).map(str.encode), st.just(b"7"), octets(70)
)
WORDS = st.one_of(octets(40), octets(40).map(b"text:".__add__), octets(40).map(b"Text:".__add__))
NUMBERS = st.integers(-(2**40), 2**40)


def deliver_sm(
    text: bytes,
    source: bytes = b"4512345678",
    destination: bytes = b"1234",
    tlvs: bytes = b"",
    esm_class: int = 4,
) -> bytes:
    """A provider's receipt."""
    raw = build.deliver_sm(
        1,
        source_addr=source,
        destination_addr=destination,
        esm_class=esm_class,
        short_message=text[:254],
    )
    return (len(raw) + len(tlvs)).to_bytes(4, "big") + raw[4:] + tlvs


def tlv(tag: int, value: bytes) -> bytes:
    """One TLV."""
    return pack(">HH", tag, len(value)) + value


def harmed(raw: bytes, at: int, octet: int, kept: int) -> bytes:
    """A PDU with another octet somewhere behind its header, and perhaps cut short."""
    changed = bytearray(raw)
    changed[16 + at % (len(raw) - 16)] = octet
    return bytes(changed[: max(kept % (len(raw) + 1), 17)])


class PartTests(SynchronousTestCase):
    """What is there, and how it gets there."""

    def test_it_is_there_where_a_compiler_is(self):
        """Whoever has a compiler and the headers of Python has the compiled part."""
        if not can_compile() or os.environ.get("SMPPPROXY_PURE"):
            self.assertEqual(compiled.TWINS, {})
            return
        self.assertIsNotNone(compiled.octets)
        self.assertEqual(
            set(compiled.TWINS),
            {"cut", "walk_message", "usual", "arrival_of", "mapping_of", "body_of", "settle"},
        )

    def test_python_does_all_of_it_when_asked_to(self):
        """SMPPPROXY_PURE=1 leaves the compiled part out."""
        asked = "import smppproxy.service; from smppproxy.compiled import TWINS; print(len(TWINS))"
        environment = {**os.environ, "SMPPPROXY_PURE": "1"}
        command = [sys.executable, "-c", asked]
        found = subprocess.run(command, env=environment, capture_output=True, check=True)
        self.assertEqual(found.stdout.strip(), b"0")

    def test_a_class_of_another_shape_is_refused(self):
        """A class without those slots is not read by guess: the error says which is missing."""
        if compiled.octets is None:
            return

        class Pdu:
            command_id = 1

        class Other:
            pass

        for kind, told in ((Pdu, "command_id is no slot"), (Other, "no class that is known")):
            with self.assertRaisesRegex(TypeError, told):
                compiled.compiled(kind)(lambda: None)

    def test_a_name_without_a_twin(self):
        """A function that has none in C stays what it is."""

        def nobody_knows() -> None:
            """Only here."""

        self.assertIs(compiled.compiled()(nobody_knows), nobody_knows)


class TwinTests(SynchronousTestCase):
    """Any octets, the same answer or the same error."""

    @bounded
    @given(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2**96 - 1)), max_size=5),
        st.binary(max_size=30),
        st.integers(16, 60),
    )
    def test_cut(self, whole: list[tuple[int, int]], rest: bytes, limit: int) -> None:
        """Whole PDUs, one that is too short or too long, and what has not come whole."""
        pdus = [pack(">I", 12 + size) + head.to_bytes(12, "big") + b"x" * size
                for size, head in whole]
        twins.cuts(b"".join(pdus) + rest, limit)

    @bounded
    @given(st.sampled_from(sorted(vectors())), st.integers(0), st.integers(0, 255), st.integers(0))
    def test_walk_message(self, name: str, at: int, octet: int, kept: int) -> None:
        """Known PDUs, and what becomes of them by one other octet or a cut."""
        raw = vectors()[name]
        twins.walks(raw)
        if len(raw) > 16:
            twins.walks(harmed(raw, at, octet, kept))

    @bounded
    @given(
        st.tuples(IDS, st.sampled_from((b"DELIVRD", b"UNDELIV", b"?")), WORDS),
        st.tuples(ADDRESSES, ADDRESSES),
        st.lists(
            st.tuples(st.sampled_from((0x1E, 0x0427, 0x0423, 0x0204)), st.binary(max_size=20)),
            max_size=3,
        ),
        st.fixed_dictionaries(
            {
                "prefer": st.sampled_from(("tlv", "text")),
                "addresses": st.sampled_from(("swapped", "as_submitted")),
            }
        ),
        st.tuples(st.booleans(), st.integers(0), st.integers(0, 255), st.integers(0)),
    )
    def test_receipts(self, words, addresses, tlvs, settings, harm) -> None:
        """Receipts with ids in text and TLV, and what becomes of them by one other octet."""
        source, destination = addresses
        ends = b"".join(tlv(tag, value) for tag, value in tlvs)
        raw = deliver_sm(TEXT % words, source, destination, ends)
        is_harmed, *where = harm
        twins.reads(harmed(raw, *where) if is_harmed else raw, **settings)

    def test_usual_receipts(self) -> None:
        """Nearly all receipts are read by both."""
        ids = tlv(0x1E, b"a1b2\0") + tlv(0x0427, b"\2")
        for text_id, tlvs, found in (
            (b"a1b2", ids, (b"a1b2",)),
            (b"10", ids, (b"a1b2", b"10")),
            (b"10", b"", (b"10",)),
            (b"10", tlv(0x0427, b"\2") + tlv(0x1E, b"\0"), (b"10",)),
        ):
            receipt = twins.reads(deliver_sm(TEXT % (text_id, b"DELIVRD", b"text:hi"), tlvs=tlvs))
            assert receipt is not None
            self.assertEqual(receipt.message_ids, found)

    @bounded
    @given(
        st.builds(
            Receipt,
            st.lists(octets(70), max_size=2).map(tuple),
            st.integers(-1, 300),
            octets(40),
            octets(40),
            NUMBERS,
            st.one_of(st.just(0), NUMBERS, st.just(2**70)),
            NUMBERS,
            NUMBERS,
            st.binary(max_size=300),
            st.binary(max_size=40),
            st.binary(max_size=5),
            ADDRESSES,
            st.booleans(),
            st.integers(0, 255),
        ),
        st.sampled_from((b"x" * 100, b"x" * 1000, b"x" * 1001)),
        st.sampled_from((b"north/a", b"", b"n" * 255, b"n" * 256)),
    )
    def test_arrival_of(self, receipt: Receipt, raw: bytes, place: bytes) -> None:
        """Receipts of any size, numbers that do not fit, providers with any name."""
        twins.arrives(receipt, raw, place)

    @bounded
    @given(
        st.tuples(ADDRESSES, ADDRESSES),
        st.binary(max_size=20),
        st.sampled_from((b"", tlv(0x0204, b"\1\2"))),
        st.tuples(st.integers(-2, 2**63), st.sampled_from((0, 0x33, 0x34, 0x50))),
        st.sampled_from((1, 3)),
        st.fixed_dictionaries(
            {
                "message_id_format": st.sampled_from(("decimal10", "decimal19", "hex", "uuid")),
                "late_delivery": st.booleans(),
                "on_no_receipt": st.sampled_from(("nothing", "UNKNOWN")),
                "intermediate": st.sampled_from(("asked", "always", "never")),
                "receipts": st.booleans(),
            }
        ),
    )
    def test_mapping_of(self, addresses, text, tlvs, told, segments, settings) -> None:
        """Any addresses, ids of any form, accounts with any wish."""
        source, destination = addresses
        raw = build.submit_sm(
            1,
            source_addr=source,
            destination_addr=destination,
            registered_delivery=len(text) % 32,
            short_message=text,
        )
        raw = (len(raw) + len(tlvs)).to_bytes(4, "big") + raw[4:] + tlvs
        number, version = told
        twins.maps(raw, number, version, segments, **settings)

    @bounded
    @given(
        st.tuples(octets(40), octets(20), octets(20)),
        st.tuples(st.integers(0, 255), st.one_of(st.just(1_700_000_000), NUMBERS)),
        st.sampled_from((None, b"ab", b"r" * 255)),
        st.sampled_from((b"DELIVRD", b"UNDELIV", b"ACCEPTD", b"??")),
        st.tuples(st.booleans(), st.integers(0, 9), octets(30)),
        st.sampled_from((0, 0x33, 0x34)),
        st.tuples(st.booleans(), st.integers(0), st.integers(0, 255), st.integers(0)),
    )
    def test_body_of(self, texts, numbers, reference, stat, receipt, version, harm) -> None:
        """Receipts of all kinds as clients of any version read them; records that are broken."""
        message_id, source, destination = texts
        registered, submitted = numbers
        final, state, text = receipt
        origin = Origin(
            message_id, 1, 1, source, 1, 1, destination, registered, submitted, reference, version
        ).pack()
        record = ReceiptRecord(
            state, stat, b"000", 1_700_000_000, 1, 1, text, b"", final, b"north/a", b"77"
        ).pack()
        broken, at, octet, kept = harm
        if broken:
            origin = harmed(bytes(16) + origin, at, octet, kept)[16:]
            record = harmed(bytes(16) + record, kept, octet, at)[16:]
        twins.shows(Entry(b"r:acme", b"1-1", 1, origin, record), version, make_account())

    @bounded
    @given(
        st.lists(
            st.tuples(
                st.sampled_from((b"acme", b"shop", b"")),
                st.tuples(DIGITS, DIGITS),
                st.tuples(st.integers(0, 15), st.integers(0, 15), st.integers(0, 2**32 - 1)),
                st.integers(0, 5),
                st.one_of(octets(30), st.binary(min_size=200, max_size=300)),
                st.sampled_from((0, 0, 0, 1, 2)),
            ),
            max_size=6,
        ),
        st.integers(0),
        st.integers(0, 255),
    )
    def test_settle(self, told, at, octet) -> None:
        """Maps of several accounts, those that do not fit, and those that are broken."""
        arrivals: list[Arrival] = []
        found: list[bytes | None] = []
        for account, (one, other), (want, kind, expiry), state, receipt, flaw in told:
            origin = Origin(b"17", 1, 1, b"shop", 1, 1, one, 1, 1, None, 0x34).pack()
            mapping = Mapping(b"k", account, one[-8:], want, origin)
            (static,) = batches.maps(b"north", [mapping])[1]
            value = b"\4" + pack(">I", expiry) + static
            if flaw == 1:
                value = harmed(bytes(16) + value, at, octet, len(value) + 16)[16:]
            found.append(None if flaw == 2 else value)
            tail = one[-8:] if state else other[-8:]
            arrivals.append(Arrival((b"k",), tail, kind, state, True, receipt))
        twins.settles(arrivals, found)

    def test_more_receipts_than_a_bundle_holds(self) -> None:
        """A hundred make one bundle, the next ones another."""
        origin = Origin(b"17", 1, 1, b"shop", 1, 1, b"4512345678", 1, 1, None, 0x34).pack()
        mapping = Mapping(b"k", b"acme", b"12345678", 3, origin)
        (static,) = batches.maps(b"north", [mapping])[1]
        arrival = Arrival((b"k",), b"12345678", 1, 2, True, b"r" * 40)
        _, done, settled = twins.settles([arrival] * 250, [b"\4\0\0\0\1" + static] * 250)
        self.assertEqual(len(done), 250)
        self.assertEqual([len(each.places) for each in settled.bundles], [100, 100, 50])


class MemoryTests(SynchronousTestCase):
    """Nothing is kept of what is over, and nothing is dropped that is in use."""

    def test_nothing_is_left(self) -> None:
        """Ten thousand messages leave no object behind."""
        receipt = deliver_sm(TEXT % (b"10", b"DELIVRD", b"text:hi"), tlvs=tlv(0x1E, b"a1\0"))
        submit = build.submit_sm(
            1, source_addr=b"shop", destination_addr=b"4512345678", short_message=b"hello"
        )
        origin = Origin(b"17", 1, 1, b"shop", 1, 1, b"4512345678", 1, 1, None, 0x34).pack()
        record = ReceiptRecord(
            2, b"DELIVRD", b"000", 1_700_000_000, 1, 1, b"", b"", True, b"north/a", b"77"
        ).pack()
        entry = Entry(b"r:acme", b"1-1", 1, origin, record)
        (static,) = batches.maps(b"n", [Mapping(b"k", b"acme", b"12345678", 3, origin)])[1]
        arrival = Arrival((b"k",), b"12345678", 1, 2, True, b"r" * 40)
        account = make_account()

        def life() -> None:
            for _ in range(100):
                twins.cuts(submit + receipt + b"rest", 1000)
                twins.walks(submit)
                twins.reads(receipt)
                twins.maps(submit, 10**6, 0x34, 1)
                twins.shows(entry, 0x34, account)
                twins.settles([arrival] * 3, [b"\4\0\0\0\1" + static, None, b"\4\0\0\0\2" + static])

        life()
        counts = []
        for _ in range(3):
            life()
            gc.collect()
            counts.append(sys.getallocatedblocks())
        self.assertLess(max(counts) - min(counts), 100)

    def test_the_octets_of_a_read_are_let_go(self) -> None:
        """A PDU keeps its own octets, not the read that it came in."""
        read = build.enquire_link(7)
        for function in twins.both(cut):
            (pdu,), at = function(read, 1000)
            self.assertEqual((pdu.raw, at), (read, 16))
            self.assertIsInstance(pdu, Pdu)
