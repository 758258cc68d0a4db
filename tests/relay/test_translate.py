"""Tests of ``relay.translate``: what a provider of a preset gets for what a client sent."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smppproxy.relay.narrow import KEEP
from smppproxy.relay.rules import RefusedError
from smppproxy.relay.translate import Translator, segments_of, translator_of
from smppproxy.routing.addresses import AddressProfile
from smppproxy.routing.providers import Provider, SendProfile
from smppproxy.routing.routes import Route, Target
from smppproxy.smpp import constants as c
from smppproxy.smpp.fields import Message
from smppproxy.smpp.pdu import Pdu
from smppproxy.store.interface import Mapping
from smppproxy.text.profile import TextProfile
from tests.relay.presets import VECTORS, preset_account, preset_provider
from tests.support.memory_peers import (
    FakeClient,
    World,
    fields_of,
    make_account,
    make_provider,
    submit,
)

REFERENCE = c.TLV_USER_MESSAGE_REFERENCE


def sent(provider: Provider, raw: bytes, **account: Any) -> Message:
    """The fields of the one submit_sm that the provider gets."""
    (pdu,) = all_sent(provider, raw, **account)
    return fields_of(pdu)


def all_sent(provider: Provider, raw: bytes, **account: Any) -> list[Pdu]:
    """Every submit_sm that the provider gets."""
    world = World([make_account(**account)], [provider])
    client, upstream = world.client(), world.upstream()
    client.receive(raw)
    assert not client.unseen, client.unseen
    return upstream.submits()


def answered(provider: Provider, raw: bytes, **account: Any) -> int:
    """The command_status of a message that no provider can carry."""
    world = World([make_account(**account)], [provider])
    client, upstream = world.client(), world.upstream()
    client.receive(raw)
    assert not upstream.submits()
    ((_, status, _),) = client.responses()
    assert not world.ledger.imbalance()
    return status


class UntouchedTests(SynchronousTestCase):
    """Where nothing differs the octets are the client's."""

    def test_provider_without_wishes(self) -> None:
        """A provider without a preset has no translator at all."""
        self.assertIsNone(translator_of(make_provider(), print))

    def test_each_wish_makes_a_translator(self) -> None:
        """Whatever a provider wants rewritten, it has a translator."""
        for wish in (
            {"text": TextProfile(transparent=False)},
            {"address": AddressProfile(dest_ton=1)},
            {"send": SendProfile(schedule=False)},
            {"reference_echo": True},
            {"per_segment": True},
        ):
            self.assertIsInstance(translator_of(make_provider(**wish), print), Translator)

    def test_reading2_same_octets_to_a_preset(self) -> None:
        """Reading 2: a message that the provider takes as it is goes untouched, octet for octet."""
        text = b"\x05\x00\x03\x2a\x02\x01" + b"x" * 153
        for raw in (
            submit(5),
            submit(5, short_message=b"x" * 160),
            submit(5, esm_class=0x43, short_message=text),
            submit(5, data_coding=8, short_message=b"\0H\0i"),
            submit(5, validity_period=b"000000010000000R"),
            submit(5, tlvs=[(c.TLV_DEST_ADDR_SUBUNIT, b"\1")]),
        ):
            (pdu,) = all_sent(preset_provider("default"), raw)
            self.assertEqual(raw[16:], pdu.raw[16:])

    def test_a_reload_changes_the_translator(self) -> None:
        """A provider that a reload changed gets what it wants now, at once, and back again."""
        world = World()
        client, upstream = world.client(), world.upstream()
        plain = world.providers["p"]
        wanted = [(plain, 3), (make_provider(send=SendProfile(priority_max=1)), 1), (plain, 3)]
        for provider, priority in wanted:
            world.relay.directory.pool(provider)
            client.receive(submit(1, priority_flag=3))
            self.assertEqual(priority, fields_of(upstream.submits()[0]).priority_flag)


class FieldTests(SynchronousTestCase):
    """Addresses, times, flags."""

    def test_sx14_source_of_text(self) -> None:
        """SX-14: text is TON 5 NPI 0, a short code 3/0, an international number 1/1."""
        for source, wanted in (
            (b"Acme Shop", (5, 0)),
            (b"12345", (3, 0)),
            (b"4510203040", (1, 1)),
        ):
            raw = submit(1, source_addr_ton=0, source_addr=source)
            fields = sent(preset_provider("sendexa"), raw)
            self.assertEqual(wanted, (fields.source_addr_ton, fields.source_addr_npi))

    def test_sx14_source_too_long_for_the_provider(self) -> None:
        """SX-14: text of more than 11 characters cannot be sent: 0x0A."""
        raw = submit(1, source_addr=b"ABCDEFGHIJKL")
        self.assertEqual(c.ESME_RINVSRCADR, answered(preset_provider("sendexa"), raw))

    def test_gw19_mg27_destination(self) -> None:
        """GW-19, MG-27: V11 arrives with TON 1 and NPI 1."""
        fields = sent(preset_provider("gatewayapi"), VECTORS["V11"])
        self.assertEqual((1, 1), (fields.dest_addr_ton, fields.dest_addr_npi))

    def test_oz11_plus_is_kept(self) -> None:
        """OZ-11: an Ozeki server gets +1234567890, others no +."""
        raw = submit(1, b"1234567890")
        self.assertEqual(b"+1234567890", sent(preset_provider("ozeki"), raw).destination_addr)
        raw = submit(1, b"+1234567890")
        self.assertEqual(b"1234567890", sent(preset_provider("sendexa"), raw).destination_addr)

    def test_gw17_a_schedule_goes_elsewhere_or_nowhere(self) -> None:
        """GW-17: no schedule to a provider that would send at once: 0x61."""
        raw = VECTORS["V09"]
        self.assertEqual(c.ESME_RINVSCHED, answered(preset_provider("gatewayapi"), raw))
        fields = sent(make_provider(send=SendProfile(priority_max=1)), raw)
        self.assertEqual(b"000001000000000R", fields.schedule_delivery_time)
        fields = sent(preset_provider("gatewayapi"), raw, schedule="ignore")
        self.assertEqual(b"", fields.schedule_delivery_time)

    def test_validity_in_the_form_of_the_provider(self) -> None:
        """Mission 4.6: an absolute validity_period becomes relative, or nothing."""
        raw = submit(1, validity_period=b"231114233000000+")
        wanted = {"pass": b"231114233000000+", "relative": b"000000010000000R", "none": b""}
        for form, validity in wanted.items():
            provider = make_provider(send=SendProfile(validity=form, priority_max=1))
            self.assertEqual(validity, sent(provider, raw).validity_period)

    def test_priority_max(self) -> None:
        """GW-50: no priority_flag above the provider's."""
        provider = preset_provider("bulksms")
        self.assertEqual(0, sent(provider, submit(1, priority_flag=3)).priority_flag)

    def test_sx13_registered_delivery(self) -> None:
        """SX-13, XC-10: 1 is asked for when the client is to have a receipt, bits by its wish."""
        for asked, account, wanted in (
            (0, {}, 0),
            (1, {}, 1),
            (2, {}, 1),
            (3, {}, 0x11),
            (0x11, {}, 0x11),
            (0x1D, {}, 0x11),
            (1, {"receipts": False}, 0),
            (1, {"intermediate": "always"}, 0x11),
        ):
            raw = submit(1, registered_delivery=asked)
            fields = sent(preset_provider("default"), raw, **account)
            self.assertEqual(wanted, fields.registered_delivery, (asked, account))


class TlvTests(SynchronousTestCase):
    """Which TLVs go on."""

    def test_gw51_unknown_tlvs(self) -> None:
        """GW-51: 0x1403 goes only to a provider that lists it."""
        raw = submit(1, tlvs=[(0x1403, b"x"), (REFERENCE, b"\x13\x37")])
        self.assertEqual([], sent(preset_provider("sendexa"), raw).tlvs)
        provider = make_provider(send=SendProfile(tlvs=frozenset({0x1403})))
        self.assertEqual([(0x1403, b"x")], sent(provider, raw).tlvs)
        provider = make_provider(send=SendProfile(priority_max=1))
        self.assertEqual([(0x1403, b"x"), (REFERENCE, b"\x13\x37")], sent(provider, raw).tlvs)

    def test_gw47_message_class_to_who_knows_it(self) -> None:
        """GW-47: the class goes under the provider's tag; nobody else sees 0x2900."""
        raw = VECTORS["V20"]
        account = {"message_classes": {"premium": ""}}
        wanted: tuple[tuple[Provider, list[int]], ...] = (
            (make_provider(), []),
            (make_provider(send=SendProfile(message_class=0x1405)), [0x1405]),
            (preset_provider("gatewayapi", reference_echo=False), [0x2900]),
            (preset_provider("sendexa"), []),
        )
        for provider, tags in wanted:
            fields = sent(provider, raw, **account)
            self.assertEqual([(tag, b"premium") for tag in tags], fields.tlvs)

    def test_gw47_class_of_an_account_without_classes(self) -> None:
        """GW-47: an account that has no classes says what it says; other vendors never see it."""
        raw = VECTORS["V20"]
        fields = sent(preset_provider("gatewayapi", reference_echo=False), raw)
        self.assertEqual([(0x2900, b"premium")], fields.tlvs)
        fields = sent(make_provider(send=SendProfile(message_class=0x1405)), raw)
        self.assertEqual([], fields.tlvs)

    def test_gw47_default_class(self) -> None:
        """GW-47: a message without a class goes with its account's."""
        provider = preset_provider("gatewayapi", reference_echo=False)
        fields = sent(provider, submit(1), default_message_class="secret")
        self.assertEqual([(0x2900, b"secret")], fields.tlvs)

    def test_xc05_our_reference_instead_of_the_clients(self) -> None:
        """XC-05: a provider that echoes references gets ours; the client's own comes back."""
        world = World([make_account()], [preset_provider("gatewayapi")])
        client, upstream = world.client(), world.upstream()
        client.receive(VECTORS["V17"])
        (pdu,) = upstream.submits()
        self.assertEqual([(REFERENCE, b"1000000001")], fields_of(pdu).tlvs)
        upstream.accept((pdu, b"6000"))
        upstream.receipt(b"6000", b"4510203040", tlvs=[(REFERENCE, b"1000000001")])
        (delivery,) = client.deliveries()
        self.assertEqual(b"order-2025-11-22-000000042", fields_of(delivery).tlv(REFERENCE))
        (pdu,) = all_sent(preset_provider("coolsms"), submit(1))
        self.assertEqual((1_000_000_001 & 0xFFFF).to_bytes(2, "big"), fields_of(pdu).tlv(REFERENCE))


class TextTests(SynchronousTestCase):
    """Text for another alphabet, form or class."""

    def test_sx16_ascii_gsm_safe(self) -> None:
        """SX-16: `a@b` goes to Sendexa as UCS2, `abc` as it is."""
        fields = sent(preset_provider("sendexa"), submit(1, short_message=b"a\0b"))
        self.assertEqual((8, b"\0a\0@\0b"), (fields.data_coding, fields.short_message))
        fields = sent(preset_provider("sendexa"), submit(1, short_message=b"abc"))
        self.assertEqual((0, b"abc"), (fields.data_coding, fields.short_message))

    def test_oz12_utf8_account(self) -> None:
        """OZ-12: é in UTF-8 is 0x05 to a GSM-7 provider."""
        raw = submit(1, short_message=b"\xc3\xa9")
        fields = sent(preset_provider("default"), raw, default_alphabet="utf-8")
        self.assertEqual((0, b"\x05"), (fields.data_coding, fields.short_message))

    def test_xc13_three_meanings(self) -> None:
        """XC-13: 0x40 under data_coding 1 is ¡ or @, as the account says."""
        raw = submit(1, data_coding=1, short_message=b"\x40")
        for alphabet, wanted in (
            ("gsm7", (0, b"\x40")),
            ("ascii", (0, b"\0")),
            ("latin1", (3, b"@")),
        ):
            fields = sent(preset_provider("default"), raw, alphabets={1: alphabet})
            self.assertEqual(wanted, (fields.data_coding, fields.short_message))

    def test_gw42_flash_by_tlv(self) -> None:
        """GW-42: V13 and V14 go to a provider that knows class 0 as dest_addr_subunit only."""
        for vector, wanted in (("V13", (8, b"\0H\0i")), ("V14", (0, b"\0"))):
            fields = sent(preset_provider("default"), VECTORS[vector])
            self.assertEqual(wanted, (fields.data_coding, fields.short_message))
            self.assertEqual([(c.TLV_DEST_ADDR_SUBUNIT, b"\1")], fields.tlvs)

    def test_gw43_flash_by_data_coding(self) -> None:
        """GW-43: V21's flash reaches a provider that wants data_coding 16 and 24."""
        fields = sent(preset_provider("infobip"), VECTORS["V21"])
        self.assertEqual((16, []), (fields.data_coding, fields.tlvs))

    def test_gw42_a_lost_class_is_counted(self) -> None:
        """GW-42, SX-18: flash goes to Sendexa as plain text, and that is counted."""
        world = World([make_account()], [preset_provider("sendexa")])
        client, upstream = world.client(), world.upstream()
        client.receive(VECTORS["V13"], submit(2))
        fields = fields_of(upstream.submits()[0])
        self.assertEqual((8, b"\0H\0i"), (fields.data_coding, fields.short_message))
        self.assertEqual([], fields.tlvs)
        self.assertEqual(1, world.ledger.events["message_class_lost"])

    def test_sx18_binary_goes_elsewhere(self) -> None:
        """SX-18: data_coding 4 goes past Sendexa to the next provider; alone it is 0x45."""
        raw = submit(1, data_coding=4, short_message=b"\xff\xfe")
        self.assertEqual(c.ESME_RSUBMITFAIL, answered(preset_provider("sendexa"), raw))
        providers = [preset_provider("sendexa", "s"), preset_provider("gatewayapi", "g")]
        routes = [Route("both", targets=(Target("s"), Target("g", backup=True)))]
        world = World([make_account()], providers, routes)
        client = world.client()
        first, second = world.upstream(provider="s"), world.upstream(provider="g")
        client.receive(raw)
        self.assertEqual([], first.submits())
        self.assertEqual(b"\xff\xfe", fields_of(second.submits()[0]).short_message)

    def test_sx18_who_could_carry_it_is_away(self) -> None:
        """SX-18: while the provider that could is away the answer is temporary, 0x08."""
        providers = [preset_provider("sendexa", "s"), preset_provider("gatewayapi", "g")]
        routes = [Route("both", targets=(Target("s"), Target("g")))]
        world = World([make_account()], providers, routes)
        client, upstream = world.client(), world.upstream(provider="s")
        client.receive(submit(9, data_coding=4))
        self.assertEqual([], upstream.submits())
        self.assertEqual([(9, c.ESME_RSYSERR, b"")], client.responses())

    def test_what_cannot_be_read_is_refused(self) -> None:
        """A broken header or SAR towards a provider that needs the text read is refused."""
        provider = preset_provider("default")
        raw = submit(1, esm_class=0x40, short_message=b"\x05\x00")
        self.assertEqual(c.ESME_RINVESMCLASS, answered(provider, raw))
        raw = submit(1, tlvs=[(c.TLV_SAR_MSG_REF_NUM, b"\0\1")])
        self.assertEqual(c.ESME_RMISSINGOPTPARAM, answered(provider, raw))
        raw = submit(1, short_message=b"x" * 255)
        self.assertEqual(c.ESME_RINVMSGLEN, answered(provider, raw, max_parts=1))

    def test_transparent_text_keeps_its_header(self) -> None:
        """Where only addresses are rewritten, text, header and its TLVs stay."""
        provider = make_provider(address=AddressProfile(dest_ton=2))
        header = b"\x05\x00\x03\x2a\x02\x01"
        tlvs = [(c.TLV_DEST_ADDR_SUBUNIT, b"\1"), (0x1401, b"x")]
        raw = submit(1, esm_class=0x40, short_message=header + b"\xff", data_coding=77, tlvs=tlvs)
        fields = sent(provider, raw)
        self.assertEqual((2, 77), (fields.dest_addr_ton, fields.data_coding))
        self.assertEqual(0x40, fields.esm_class)
        self.assertEqual((header + b"\xff", tlvs), (fields.short_message, fields.tlvs))

    def test_gw44_payload_to_a_provider_that_takes_it(self) -> None:
        """GW-44: V18 goes to GatewayAPI in one message_payload."""
        fields = sent(preset_provider("gatewayapi", reference_echo=False), VECTORS["V18"])
        self.assertEqual([(c.TLV_MESSAGE_PAYLOAD, b"a" * 300)], fields.tlvs)


def sar(number: int, text: bytes, total: int = 2, reference: int = 0x1234) -> bytes:
    """A part told by SAR TLVs."""
    tlvs = [
        (c.TLV_SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (c.TLV_SAR_TOTAL_SEGMENTS, bytes((total,))),
        (c.TLV_SAR_SEGMENT_SEQNUM, bytes((number,))),
    ]
    return submit(number, short_message=text, tlvs=tlvs)


class SarTests(SynchronousTestCase):
    """Mission 4.5: parts told by SAR TLVs to a provider that wants headers."""

    def headers(self, client: FakeClient, world: World, *raws: bytes) -> list[bytes]:
        client.receive(*raws)
        pdus = [pdu for upstream in world.upstreams for pdu in upstream.submits()]
        texts = [fields_of(pdu).short_message for pdu in pdus]
        return [text[: text[0] + 1] for text in texts]

    def test_16_bit_where_there_is_room(self) -> None:
        """The SAR reference as it is, in a 16-bit element."""
        world = World([make_account()], [preset_provider("default")])
        client, _ = world.client(), world.upstream()
        headers = self.headers(client, world, sar(1, b"x" * 100), sar(2, b"y"))
        self.assertEqual(
            [b"\x06\x08\x04\x12\x34\x02\x01", b"\x06\x08\x04\x12\x34\x02\x02"], headers
        )

    def test_8_bit_and_the_same_for_all_parts_on_all_nodes(self) -> None:
        """A part of 153 septets has an 8-bit reference, and so have the parts after it."""
        first = World([make_account()], [preset_provider("default")])
        other = World(beside=first, node="two")
        found = []
        for world in (first, other):
            client, _ = world.client(), world.upstream()
            found.append(self.headers(client, world, sar(1, b"x" * 153), sar(2, b"y")))
        (one, two), again = found
        self.assertEqual(one[:3], b"\x05\x00\x03")
        self.assertEqual((one[3], b"\x02\x01"), (two[3], one[4:]))
        self.assertEqual(b"\x05\x00\x03" + one[3:4] + b"\x02\x02", two)
        self.assertEqual([one, two], again)

    def test_messages_under_way_together_differ(self) -> None:
        """References that masking would make equal differ, on one node and over two of them, and
        each message keeps its own.
        """
        provider = preset_provider("default")
        provider.window = 1_000
        one = World([make_account(window=1_000)], [provider])
        two = World(beside=one, node="two")
        ends = [(world, world.client(), world.upstream()) for world in (one, two)]
        one.advance(1)
        drawn = []
        for number in range(100):
            world, client, _ = ends[number % 2]
            raw = sar(1, b"x" * 153, reference=number << 8)
            drawn.append(self.headers(client, world, raw)[0][3])
            one.clock.advance(0.01)
        self.assertEqual(100, len(set(drawn)))
        for number in range(100):
            world, client, _ = ends[(number + 1) % 2]
            (header,) = self.headers(client, world, sar(2, b"y", reference=number << 8))
            self.assertEqual(bytes((5, 0, 3, drawn[number], 2, 2)), header)

    def test_the_width_is_forgotten(self) -> None:
        """After ten minutes the reference may be of another message."""
        world = World([make_account()], [preset_provider("default")])
        client, _ = world.client(), world.upstream()
        self.headers(client, world, sar(1, b"x" * 153))
        world.clock.advance(KEEP - 1)
        self.assertEqual(6, len(self.headers(client, world, sar(2, b"y"))[0]))
        world.clock.advance(KEEP)
        self.assertEqual(7, len(self.headers(client, world, sar(2, b"y"))[0]))

    def test_part_that_no_sms_holds(self) -> None:
        """A part of more than 153 septets is 0x01."""
        raw = sar(1, b"x" * 154)
        self.assertEqual(c.ESME_RINVMSGLEN, answered(preset_provider("default"), raw))


class SegmentTests(SynchronousTestCase):
    """XC-09: a provider that sends a receipt per SMS of a message."""

    def test_segments(self) -> None:
        """Mission 4.3: how many SMS a text takes."""
        for alphabet, length, header, wanted in (
            ("gsm7", 160, 0, 1),
            ("gsm7", 161, 0, 2),
            ("gsm7", 307, 0, 3),
            ("ucs2", 140, 0, 1),
            ("ucs2", 142, 0, 2),
            ("gsm7", 153, 6, 1),
        ):
            self.assertEqual(wanted, segments_of(alphabet, b"x" * length, header))

    def test_xc09_segments_of_what_cannot_be_cut(self) -> None:
        """XC-09: a provider cuts before an extension character, so there may be one part more."""
        self.assertEqual(2, segments_of("gsm7", b"x" * 306, 0))
        self.assertEqual(3, segments_of("gsm7", b"x" * 152 + b"\x1b\x65" + b"x" * 152, 0))

    def test_xc09_one_map_for_all_segments(self) -> None:
        """XC-09: the map of a payload of 400 septets is one for three receipts."""
        world = World([preset_account("default")], [preset_provider("vibes")])
        client, upstream = world.client(), world.upstream()
        record = self.recorded(world)
        client.receive(submit(1, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"x" * 400)]))
        client.receive(submit(2))
        first, second = upstream.submits()
        upstream.accept((first, b"77"), (second, b"78"))
        self.assertEqual([(3, 0, True), (1, 1, False)], record)

    def test_xc09_another_provider_has_other_segments(self) -> None:
        """XC-09: a message that ends at a provider with one receipt per message has one."""
        providers = [preset_provider("vibes", "v", "a"), make_provider("p", "a")]
        routes = [Route("both", targets=(Target("v"), Target("p", backup=True)))]
        world = World([make_account()], providers, routes)
        record = self.recorded(world)
        first = world.upstream(provider="v")
        client, second = world.client(), world.upstream(provider="p")
        client.receive(submit(1, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"x" * 400)]))
        first.refuse(c.ESME_RSYSERR, *first.submits())
        for _ in range(10):
            world.advance(0.2)
        second.accept((second.submits()[0], b"9"))
        self.assertEqual([(1, 1, False)], record)

    def recorded(self, world: World) -> list[tuple[int, int, bool]]:
        """(parts, part, is there a group) of each map recorded from now on."""
        found: list[tuple[int, int, bool]] = []
        inner = world.store.inner.record

        def record(provider: bytes, mappings: list[Mapping], *rest: Any, **more: Any) -> Any:
            found.extend((each.parts, each.part, bool(each.group)) for each in mappings)
            return inner(provider, mappings, *rest, **more)

        self.patch(world.store.inner, "record", record)
        return found

    def test_xc09_receipts_of_segments_are_one(self) -> None:
        """XC-09: DELIVRD, DELIVRD, UNDELIV of one payload are one UNDELIV, sub:003 dlvrd:002."""
        world = World([preset_account("default")], [preset_provider("vibes")])
        client, upstream = world.client(), world.upstream()
        client.receive(submit(1, short_message=b"", tlvs=[(c.TLV_MESSAGE_PAYLOAD, b"x" * 400)]))
        (pdu,) = upstream.submits()
        upstream.accept((pdu, b"77"))
        self.assertEqual(1, len(client.responses()))
        for stat in (b"DELIVRD", b"DELIVRD"):
            upstream.receipt(b"77", stat=stat)
            self.assertEqual([], client.texts())
        upstream.receipt(b"77", stat=b"UNDELIV")
        (text,) = client.texts()
        self.assertIn(b" sub:003 dlvrd:002 ", text)
        self.assertIn(b" stat:UNDELIV ", text)

    def test_refused_error_is_the_journeys(self) -> None:
        """A translator raises what the journey turns into the next provider."""
        self.assertEqual("data_coding", RefusedError("data_coding").name)
