"""What the Messangi document promises about texts, addresses and receipts (MG-09 to MG-11, MG-19 to
MG-23, MG-25 to MG-27, MG-32).
"""

from __future__ import annotations

from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message
from smppproxy.text import alphabets, gsm0338, payload
from smppproxy.text.profile import TextSettings
from tests.providers.case import VECTORS, receipt_text
from tests.providers.memory import DESTINATION, MemoryCase
from tests.support.memory_peers import World, fields_of, submit

MESSANGI = 'preset = "messangi"'
COLOMBIA = b"573001234567"

BASIC = bytes(octet for octet in range(128) if octet != gsm0338.ESCAPE)
EXTENDED = b"".join(bytes((gsm0338.ESCAPE, octet)) for octet in gsm0338.EXTENSION)

TEXT = "Ea quae dicuntur: " * 12 + "finis, 228 signa"


class MessangiCase(MemoryCase):
    """The preset on both sides, unless a test says otherwise."""

    def messangi(
        self, account: str = "", provider: str = MESSANGI, port: str = "tls_port = 8775"
    ) -> World:
        """The account and the provider with these lines."""
        return self.world("messangi", account, provider, port=port)

    def receipt(
        self, text: bytes, account: str = "", octets: bytes = b"", destination: bytes = DESTINATION
    ) -> list[Message]:
        """The receipts for V06 (or ``octets``) when the provider sends this line."""
        client, upstream = self.pair(self.messangi(account=account))
        self.through(client, upstream, octets or VECTORS["V06"])
        upstream.receipt(b"", destination, short_message=text)
        return [fields_of(pdu) for pdu in client.deliveries()]


def word(receipt: Message) -> tuple[bytes, int]:
    """stat and message_state."""
    stat = receipt.short_message.partition(b"stat:")[2].partition(b" ")[0]
    return stat, dict(receipt.tlvs)[c.TLV_MESSAGE_STATE][0]


class TextTests(MessangiCase):
    """MG-09, MG-10: alphabets and long messages."""

    def sent(self, octets: bytes, data_coding: int, **options: str) -> list[tuple[int, bytes]]:
        """data_coding and short_message of what goes up for this text."""
        client, upstream = self.pair(self.messangi(**options))
        client.receive(
            submit(2, DESTINATION, short_message=octets, data_coding=data_coding)
        )
        found = [fields_of(pdu) for pdu in upstream.submits()]
        return [(message.data_coding, message.short_message) for message in found]

    def test_mg09_gsm_as_it_is(self) -> None:
        """All 127 characters of the basic table and the ten of the extension go up octet for
        octet under data_coding 0.
        """
        self.assertEqual(len(EXTENDED), 20)
        for octets in (BASIC, EXTENDED):
            self.assertEqual(self.sent(octets, 0), [(0, octets)])

    def test_mg09_ucs2_as_it_is(self) -> None:
        """So do samples from U+0041 to U+FFFF under data_coding 8."""
        for start in (0x41, 0x100, 0x370, 0x400, 0x590, 0x900, 0x3040, 0x4E00, 0xAC00, 0xFFB0):
            octets = b"".join(n.to_bytes(2, "big") for n in range(start, start + 70))
            self.assertEqual(self.sent(octets, 8), [(8, octets)])
        octets = b"".join(n.to_bytes(2, "big") for n in range(0xFFF0, 0x10000))
        self.assertEqual(self.sent(octets, 8), [(8, octets)])

    def test_mg09_other_alphabets(self) -> None:
        """What the provider does not take becomes GSM-7 where that has every character, else UCS2,
        with each character right: all of Latin-1 that is printable, one by one.
        """
        client, upstream = self.pair(self.messangi())
        for code in (*range(0x20, 0x7F), *range(0xA0, 0x100)):
            octets = submit(2, DESTINATION, short_message=bytes((code,)), data_coding=3)
            message, _ = self.through(client, upstream, octets)
            in_gsm = gsm0338.septets(chr(code)) is not None
            self.assertEqual(message.data_coding, 0 if in_gsm else 8)
            name = "gsm7" if in_gsm else "ucs2"
            self.assertEqual(alphabets.decode(name, message.short_message), chr(code))
        for code in (0xA1, 0xCF, 0xFF):  # Cyrillic of ISO 8859-5
            octets = submit(2, DESTINATION, short_message=bytes((code,)), data_coding=6)
            message, _ = self.through(client, upstream, octets)
            expected = bytes((code,)).decode("iso8859_5").encode("utf-16-be")
            self.assertEqual((message.data_coding, message.short_message), (8, expected))

    def test_mg09_every_gsm_character(self) -> None:
        """From an account of another alphabet each of the 137 characters becomes its own octets."""
        world = self.messangi('default_alphabet = "utf-8"')
        client, upstream = self.pair(world)
        extended = [bytes((gsm0338.ESCAPE, octet)) for octet in gsm0338.EXTENSION]
        characters = [bytes((octet,)) for octet in BASIC] + extended
        self.assertEqual(len(characters), 137)
        self.assertEqual(alphabets.decode("gsm7", b"\x1b\x65\x00"), "€@")
        for octets in characters:
            text = alphabets.decode("gsm7", octets).encode()
            message, _ = self.through(client, upstream, submit(2, short_message=text))
            self.assertEqual((message.data_coding, message.short_message), (0, octets), text)

    def ways_in(self, text: bytes) -> dict[str, list[bytes]]:
        """One message of more than an SMS, in each of the three forms."""
        halves = [text[:150], text[150:]]
        return {
            "udh": [
                submit(
                    number,
                    DESTINATION,
                    esm_class=c.ESM_UDHI,
                    short_message=bytes((5, 0, 3, 77, 2, number)) + half,
                )
                for number, half in enumerate(halves, 1)
            ],
            "sar": [
                submit(
                    number,
                    DESTINATION,
                    short_message=half,
                    tlvs=[
                        (c.TLV_SAR_MSG_REF_NUM, b"\0\x4d"),
                        (c.TLV_SAR_TOTAL_SEGMENTS, b"\x02"),
                        (c.TLV_SAR_SEGMENT_SEQNUM, bytes((number,))),
                    ],
                )
                for number, half in enumerate(halves, 1)
            ],
            "payload": [
                submit(1, DESTINATION, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, text)])
            ],
        }

    def test_mg10_every_form_to_every_form(self) -> None:
        """UDH, SAR and message_payload in, each of them out: what the provider puts together is the
        same text, and its parts have one reference and numbers from 1 to their total.
        """
        octets = TEXT.encode()
        for coming, pdus in self.ways_in(octets).items():
            for going in ("udh", "sar", "payload"):
                options = f'{MESSANGI}\ntext.long = "{going}"'
                client, upstream = self.pair(self.messangi(provider=options))
                client.receive(*pdus)
                parts = []
                for pdu in upstream.submits():
                    message = fields_of(pdu)
                    parts.append(
                        payload.read(
                            message.esm_class,
                            message.data_coding,
                            message.short_message,
                            message.tlvs,
                            TextSettings(),
                        )
                    )
                way = f"{coming} to {going}"
                whole = [part for part in parts if part.segment is None]
                if going == "payload" and coming == "payload":
                    self.assertEqual([part.octets for part in whole], [octets], way)
                    continue
                self.assertEqual(whole, [], way)
                segments = [part.segment for part in parts if part.segment is not None]
                self.assertEqual(len({(ref, total) for ref, total, _ in segments}), 1, way)
                self.assertEqual(
                    sorted(number for _, _, number in segments),
                    list(range(1, segments[0][1] + 1)),
                    way,
                )
                ordered = sorted(parts, key=lambda part: part.segment or (0, 0, 0))
                self.assertEqual(b"".join(part.octets for part in ordered), octets, way)
                if going != "payload":
                    self.assertEqual({part.by_sar for part in parts}, {going == "sar"}, way)


class AddressTests(MessangiCase):
    """MG-25 to MG-27: what was provisioned."""

    def source(self, account: str, source: bytes, **fields: int) -> tuple[int, int, bytes]:
        """The source that goes up."""
        octets = submit(2, DESTINATION, source_addr=source, **{"source_addr_ton": 0, **fields})
        message, _ = self.through(*self.pair(self.messangi(account=account)), octets)
        return message.source_addr_ton, message.source_addr_npi, message.source_addr

    def test_mg25_sources(self) -> None:
        """An empty source becomes the provisioned one; another one gets 0x0A, or is replaced, or
        passes, as the account's source_policy says.
        """
        sources = 'sources = ["1204", "1205"]\n'
        for policy in ("enforce", "replace", "any"):
            options = f'{sources}source_policy = "{policy}"'
            self.assertEqual(self.source(options, b"")[2], b"1204")
            self.assertEqual(self.source(options, b"1205")[2], b"1205")
        client, _ = self.pair(self.messangi(account=sources))
        octets = submit(2, DESTINATION, source_addr=b"9999")
        self.assertEqual(self.status(client, octets), c.ESME_RINVSRCADR)
        self.assertEqual(self.source(f'{sources}source_policy = "replace"', b"9999")[2], b"1204")
        self.assertEqual(self.source(f'{sources}source_policy = "any"', b"9999")[2], b"9999")

    def test_mg26_source_ton_and_npi(self) -> None:
        """Provisioned values override those of the PDU, nothing is refused; and towards a provider
        its profile has the last word.
        """
        plain = {"provider": "", "port": "port = 2775"}
        octets = submit(2, DESTINATION, source_addr=b"4510", source_addr_ton=5, source_addr_npi=9)
        world = self.messangi(account="source_ton = 1\nsource_npi = 1", **plain)
        message, _ = self.through(*self.pair(world), octets)
        self.assertEqual((message.source_addr_ton, message.source_addr_npi), (1, 1))
        options = f"{MESSANGI}\naddress.alpha_ton = 0\naddress.alpha_npi = 1"
        octets = submit(2, DESTINATION, source_addr=b"Shop", source_addr_ton=5)
        message, _ = self.through(*self.pair(self.messangi(provider=options)), octets)
        self.assertEqual((message.source_addr_ton, message.source_addr_npi), (0, 1))

    def test_mg27_destination_ton_and_npi(self) -> None:
        """The same for the destination; TON 2 stays refused, 0x50, unless it was provisioned."""
        plain = {"provider": "", "port": "port = 2775"}
        world = self.messangi(account="dest_ton = 1\ndest_npi = 1", **plain)
        message, _ = self.through(*self.pair(world), VECTORS["V11"])
        self.assertEqual((message.dest_addr_ton, message.dest_addr_npi), (1, 1))
        client, _ = self.pair(self.messangi())
        self.assertEqual(self.status(client, VECTORS["V10"]), c.ESME_RINVDSTTON)
        world = self.messangi(account="dest_ton = 2", **plain)
        message, _ = self.through(*self.pair(world), VECTORS["V10"])
        self.assertEqual(message.dest_addr_ton, 2)


class ReceiptTests(MessangiCase):
    """MG-11, MG-19 to MG-23, MG-32: what comes back."""

    def test_mg11_unreadable(self) -> None:
        """esm_class 4 with text that is no receipt and no TLVs: acknowledged, counted, told to
        nobody.
        """
        world = self.messangi()
        client, upstream = self.pair(world)
        self.through(client, upstream, VECTORS["V06"])
        number = upstream.receipt(b"", DESTINATION, short_message=b"garbage")
        self.assertEqual(upstream.answers(), [(number, 0)])
        self.assertEqual(world.ledger.unreadable, 1)
        self.assertEqual(client.deliveries(), [])

    def test_mg19_no_receipts(self) -> None:
        """An account without receipts: registered_delivery is taken and ignored, nothing follows,
        and a receiver of it hears nothing.
        """
        world = self.messangi(account='receipts = false\nservice = "mt"')
        client, upstream = self.pair(world)
        receiver = world.client("esme01", command_id=c.BIND_RECEIVER)
        message, _ = self.through(client, upstream, VECTORS["V06"])
        self.assertEqual(message.registered_delivery, 0)
        number = upstream.receipt(b"6000", DESTINATION)
        self.assertEqual(upstream.answers(), [(number, 0)])
        world.advance(60)
        self.assertEqual(client.deliveries() + receiver.deliveries(), [])

    def test_mg20_receipt_before_its_response(self) -> None:
        """A receipt that overtakes its submit_sm_resp is acknowledged and waits: the client gets
        its response first, then the receipt, once.
        """
        client, upstream = self.pair(self.messangi())
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        numbers = [upstream.receipt(b"6000", DESTINATION) for _ in range(2)]
        self.assertEqual(upstream.answers(), [(number, 0) for number in numbers])
        self.assertEqual(client.unseen, [])
        upstream.accept((pdu, b"6000"))
        commands = [each.command_id for each in client.unseen]
        self.assertEqual(commands, [c.SUBMIT_SM_RESP, c.DELIVER_SM])
        client.acknowledge(client.deliveries())
        client.world.advance(60)
        self.assertEqual(client.deliveries(), [])

    def test_mg20_long_before_it(self) -> None:
        """It waits for as long as it takes, here for a minute."""
        world = self.messangi(provider=f"{MESSANGI}\nresponse_timeout = 600.0")
        client, upstream = self.pair(world)
        client.receive(VECTORS["V06"])
        (pdu,) = upstream.submits()
        upstream.receipt(b"6000", DESTINATION)
        world.advance(60)
        upstream.accept((pdu, b"6000"))
        self.assertEqual(len(client.deliveries()), 1)

    def test_mg21_no_receipt_at_all(self) -> None:
        """Without any receipt a message is closed when its mapping's life is over; the account is
        told nothing, or UNKNOWN or EXPIRED with err 145, as it wants. The life is an option of the
        provider, three days if nothing is said (decisions 5), here the document's seven.
        """
        days = 7 * 86400.0
        for told, expected in (
            ("", []),
            ('on_no_receipt = "UNKNOWN"', [(b"UNKNOWN", 7)]),
            ('on_no_receipt = "EXPIRED"', [(b"EXPIRED", 3)]),
        ):
            world = self.messangi(told, f"{MESSANGI}\nmapping_ttl = 604800")
            client, upstream = self.pair(world)
            self.through(client, upstream, VECTORS["V06"])
            self.leap(world, days - 120)
            self.assertEqual(client.deliveries(), [])
            self.leap(world, 240)
            world.advance(1)
            receipts = [fields_of(pdu) for pdu in client.deliveries()]
            self.assertEqual([word(receipt) for receipt in receipts], expected)
            for receipt in receipts:
                self.assertIn(b" err:145 ", receipt.short_message)
            upstream.receipt(b"6000", DESTINATION)
            self.assertEqual(client.deliveries(), [])

    def test_mg22_enroute_is_final_in_colombia(self) -> None:
        """For numbers that begin with 57 ENROUTE is the last word: an account that asked for final
        receipts only gets it, by its own word, and nothing after it. Elsewhere it gets nothing yet.
        """
        for destination, expected in ((COLOMBIA, [(b"ENROUTE", 1)]), (DESTINATION, [])):
            client, upstream = self.pair(self.messangi())
            self.through(client, upstream, submit(2, destination))
            upstream.receipt(b"6000", destination, b"ENROUTE")
            receipts = [fields_of(pdu) for pdu in client.deliveries()]
            self.assertEqual([word(receipt) for receipt in receipts], expected)
            upstream.receipt(b"6000", destination)
            after = [word(fields_of(pdu)) for pdu in client.deliveries()]
            self.assertEqual(after, [] if expected else [(b"DELIVRD", 2)])

    def test_mg22_by_another_name(self) -> None:
        """An account may have it called ACCEPTD or DELIVRD."""
        for name, state in (("ACCEPTD", 6), ("DELIVRD", 2)):
            (receipt,) = self.receipt(
                receipt_text("6000", "ENROUTE"),
                f'enroute_final_as = "{name}"',
                submit(2, COLOMBIA),
                COLOMBIA,
            )
            self.assertEqual(word(receipt), (name.encode(), state))

    def test_mg23_rejected(self) -> None:
        """REJECTD err:034 comes out as it went in, message_state 8, and is the last word."""
        client, upstream = self.pair(self.messangi())
        self.through(client, upstream, VECTORS["V06"])
        upstream.receipt(b"", DESTINATION, short_message=receipt_text("6000", "REJECTD", "034"))
        receipt = self.delivered(client)
        self.assertEqual(word(receipt), (b"REJECTD", 8))
        self.assertIn(b" err:034 ", receipt.short_message)
        upstream.receipt(b"6000", DESTINATION)
        self.assertEqual(client.deliveries(), [])

    def test_mg32_words_of_the_platform(self) -> None:
        """Words outside SMPP are mapped as the table of states says."""
        for stat, expected in (
            ("BLACKLISTED", (b"REJECTD", 8)),
            ("CODE_NOT_ALLOWED", (b"REJECTD", 8)),
            ("SEGMENTS_EXCEEDED", (b"REJECTD", 8)),
            ("EXHAUSTED", (b"EXPIRED", 3)),
            ("INVALID_ROUTING", (b"UNDELIV", 5)),
            ("QUEUE", (b"ENROUTE", 1)),
            ("DEQUEUED", (b"ENROUTE", 1)),
            ("SENT", (b"ENROUTE", 1)),
            ("INCOMPLETE", (b"ENROUTE", 1)),
            ("ACCEPTD", (b"ACCEPTD", 6)),
            ("NEVER_HEARD_OF", (b"UNKNOWN", 7)),
        ):
            octets = submit(2, DESTINATION, registered_delivery=0x11)
            (receipt,) = self.receipt(receipt_text("6000", stat), "", octets)
            self.assertEqual(word(receipt), expected, stat)

    def test_mg32_kept_as_they_came(self) -> None:
        """The record that waits for the client holds the provider's own word, and an unknown one is
        counted.
        """
        world = self.messangi()
        client, upstream = self.pair(world, command_id=c.BIND_TRANSMITTER)
        for number, stat in ((b"6000", "BLACKLISTED"), (b"6001", "NEVER_HEARD_OF")):
            octets = submit(2, DESTINATION, registered_delivery=0x11)
            self.through(client, upstream, octets, number)
            text = receipt_text(number.decode(), stat)
            upstream.receipt(b"", DESTINATION, short_message=text)
        found: list[object] = []
        world.store.inner.fetch([(b"r:esme01", 2)]).addCallback(found.extend)
        records = repr(found)
        self.assertIn("BLACKLISTED", records)
        self.assertIn("NEVER_HEARD_OF", records)
        self.assertEqual(world.ledger.events["unknown_stat"], 1)
