"""Every shipped provider preset, end to end: a client, a node whose provider follows the preset,
and the simulated provider that is made of the same preset.

One test per preset, ``test_preset_NAME``; where a preset leaves the spelling of ids open, one more
for each way in which providers spell them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from smppproxy.config.presets import BASE, provider_preset, provider_presets
from smppproxy.receipts import text as receipt_text
from smppproxy.service import SmppProxy
from smppproxy.simulator.presets import SPELLINGS, options_for
from smppproxy.simulator.records import Accepted
from smppproxy.simulator.shapes import STATES
from smppproxy.simulator.smsc import Smsc
from smppproxy.smpp import build
from smppproxy.smpp.constants import (
    DELIVER_SM,
    ESM_UDHI,
    ESME_RSUBMITFAIL,
    SUBMIT_SM_RESP,
    TLV_DEST_ADDR_SUBUNIT,
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
    TLV_USER_MESSAGE_REFERENCE,
)
from smppproxy.smpp.fields import Message, read_message, read_message_id
from smppproxy.text import alphabets
from smppproxy.text.payload import OWN_TAGS
from smppproxy.wire.tls import ServerTls
from tests.support.authority import Authority, dns
from tests.support.logs import logged
from tests.support.nodes import HASHER, NodeCase, reactor
from tests.support.peers import FakeClient

#: The one destination whose prefix has states of its own in a preset (MG-22).
COLOMBIA = "573001234567"

FLASH = (TLV_DEST_ADDR_SUBUNIT, b"\x01")
TLV_MESSAGE_TYPE = 0x1414

#: What clients are told where a provider has a word of its own (mission 3.5).
TOLD = {b"SKIPPED": b"REJECTD"}


@attrs.define(eq=False)
class Case:
    """One submit_sm of the client and what it means.

    :ivar fields: others than those that every message has.
    :ivar meaning: text, or octets of no text; of a part: its own share.
    """

    name: str
    meaning: str | bytes
    data_coding: int = 0
    octets: bytes = b""
    esm_class: int = 0
    tlvs: tuple[tuple[int, bytes], ...] = ()
    flash: bool = False
    destination: str = ""
    reference: bytes = b""
    source: tuple[int, int, bytes] = (5, 0, b"Sender")
    fields: dict[str, Any] = attrs.field(factory=dict)
    status: int = -1
    message_id: bytes = b""
    receipts: list[Message] = attrs.field(factory=list)


def cases() -> list[Case]:
    """What the client sends to each provider, each message to a destination of its own."""
    gsm7 = "Total: 25 € {net} [a|b] ~ @ £ é Ω"
    ascii_ = "me@home {1} [2] ~|^"
    long = ("All of this is one long text, in one message_payload. " * 6)[:300]
    emoji = "Смайлики 😀😃😄 " * 9
    wishes = {"validity_period": b"301231235959000+", "priority_flag": 3}
    sent = [
        Case("gsm7", gsm7, 0, _gsm7(gsm7)),
        Case("ascii", ascii_, 1, ascii_.encode(), source=(1, 1, b"+46701112233")),
        Case("ucs2", "Привет, 世界 😀", 8, "Привет, 世界 😀".encode("utf-16-be")),
        Case("latin1", "façade þ ¢", 3, "façade þ ¢".encode("latin-1"), source=(0, 0, b"12345")),
        Case("cyrillic", "Привет", 6, "Привет".encode("iso8859-5"), source=(2, 1, b"4670111")),
        Case("binary", b"\x00\xff\x1b\x80octets", 4, b"\x00\xff\x1b\x80octets"),
        Case("payload", long, tlvs=((TLV_MESSAGE_PAYLOAD, _gsm7(long)),)),
        Case("ucs2 payload", emoji, 8, tlvs=((TLV_MESSAGE_PAYLOAD, emoji.encode("utf-16-be")),)),
        Case("long", long[:250], 0, _gsm7(long[:250])),
        Case("short payload", "short", tlvs=((TLV_MESSAGE_PAYLOAD, b"short"),)),
        Case("flash", "Now!", 0, b"Now!", tlvs=(FLASH,), flash=True),
        Case("flash ucs2", "Сейчас!", 24, "Сейчас!".encode("utf-16-be"), flash=True),
        Case("flash gsm7", "Now {!}", 240, _gsm7("Now {!}"), flash=True),
        Case("reference", "With one", 0, b"With one", reference=b"order-4711-and-more"),
        Case("number", "With a number", 0, b"With a number", reference=b"\x13\x37"),
        Case("Colombia", "Hola", 0, b"Hola", destination=COLOMBIA),
        Case("wishes", "In time", 0, b"In time", fields=wishes),
        Case("no text", "", 0, b""),
        *_parts("udh", "46700000097", (b"\x05\x00\x03\x4d", b"")),
        *_parts("wide udh", "46700000098", (b"\x06\x08\x04\x4d\x4e", b"")),
        *_parts("sar", "46700000099", (b"", b"\x4d\x4e")),
    ]
    for number, case in enumerate(sent):
        case.destination = case.destination or f"467000000{number:02}"
    return sent


def _parts(name: str, destination: str, reference: tuple[bytes, bytes]) -> list[Case]:
    """A message in two parts, by header or by TLVs."""
    header, sar = reference
    parts = []
    for number, half in enumerate(("The first half, at home! " * 6, "the {second} half."), 1):
        part = Case(name, half, destination=destination)
        if header:
            part.esm_class = ESM_UDHI
            part.octets = header + bytes((2, number))
        else:
            part.tlvs = (
                (TLV_SAR_MSG_REF_NUM, sar),
                (TLV_SAR_TOTAL_SEGMENTS, b"\2"),
                (TLV_SAR_SEGMENT_SEQNUM, bytes((number,))),
            )
        part.octets += _gsm7(half)
        parts.append(part)
    return parts


def _gsm7(text: str) -> bytes:
    octets = alphabets.encode("gsm7", text)
    assert octets is not None
    return octets


class Client(FakeClient):
    """Answers deliver_sm at once and keeps what it said."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def changed(self) -> None:
        """Take the receipts out of what came."""
        for pdu in [pdu for pdu in self.pdus if pdu.command_id == DELIVER_SM]:
            self.pdus.remove(pdu)
            self.heard.append(read_message(pdu))
            self.send(build.deliver_sm_resp(pdu.sequence_number))
        super().changed()


class PresetCase(NodeCase):
    """A node between one client and the simulated provider of a preset."""

    async def run_preset(self, preset: str, spelling: int = 0) -> None:
        """Everything that is promised of a preset."""
        table = provider_preset(preset)
        smsc = Smsc(reactor, options_for(preset, spelling))
        smsc.options.response_delay = 0.005
        smsc.options.receipt_delay = 0.01
        self.providers.append(smsc)
        self.addCleanup(smsc.stop)
        events = logged(self)
        self.listen(preset, smsc, table)
        node = self.node()
        await self.upstream_bound(node)
        client = await Client.connect(self, node.listeners[0].port)
        assert isinstance(client, Client)
        self.assertEqual((await client.bind(b"demo", b"demo")).command_status, 0)
        sent = cases()
        self.choose_outcomes(smsc, table, sent)
        sent += [
            Case("plain", f"number {number}", 0, b"number %d" % number, destination="46701234567")
            for number in range(min(3 * table["window"], table.get("tps") or 90))
        ]
        for number, case in enumerate(sent, 2):
            client.send(self.submit(number, case, table))
        for number, pdu in enumerate(await client.expect_many(len(sent), SUBMIT_SM_RESP), 2):
            self.assertIn(pdu.sequence_number, range(2, len(sent) + 2), number)
            case = sent[pdu.sequence_number - 2]
            case.status, case.message_id = pdu.command_status, read_message_id(pdu)
        accepted = [case for case in sent if case.status == 0]
        ledger = node.relay.ledger
        await self.wait(
            lambda: len(client.heard) >= len(accepted) and smsc.idle and not ledger.queued,
            f"{preset}: receipts",
        )
        self.check_answers(table, sent)
        self.check_provider(table, smsc, accepted)
        self.check_receipts(smsc, accepted, client.heard)
        self.check_books(node, smsc)
        learned = [event for event in events if event.get("event") == "ids_learned"]
        self.assertEqual(bool(learned and learned[-1]["certain"]), "auto" in table["ids"].values())

    def listen(self, preset: str, smsc: Smsc, table: dict[str, Any]) -> None:
        """Hosts as many as the preset has, in TLS where there is nothing else; the network file."""
        hosts = ["a"] if table["hosts_mode"] == "one" else ["a", "b"]
        lines = [
            f'[account.demo]\npassword = "{HASHER.hash("demo")}"',
            f'[provider.acme]\npreset = "{preset}"',
            'system_id = "node"\npassword = "secret"',
        ]
        tls = None
        if table["tls"] == "required":
            authority = Authority(self.network_file.parent.resolve())
            tls = ServerTls(*authority.issue("smsc", [dns("smsc.example")], "smsc"))
            lines.append(f'tls_ca = "{authority.path}"\ntls_name = "smsc.example"')
        for host in hosts:
            port = smsc.listen(host, tls=tls)
            lines.append(f'[provider.acme.host.{host}]\naddress = "127.0.0.1"')
            lines.append(f"{'tls_port' if tls else 'port'} = {port}")
        lines.append('[[route]]\nname = "all"\ntargets = ["acme"]\n')
        self.network_file.write_text("\n".join(lines))

    def choose_outcomes(self, smsc: Smsc, table: dict[str, Any], sent: list[Case]) -> None:
        """Each message ends with another of the words that are final for this provider."""
        words = [b"DELIVRD", *smsc.options.failures]
        if "ACCEPTD" in table["receipt"].get("final", ()):
            words.append(b"ACCEPTD")
        own = {
            case.destination.encode(): words[number % len(words)]
            for number, case in enumerate(sent)
            if case.destination != COLOMBIA
        }
        smsc.options.outcomes = {**own, **smsc.options.outcomes}

    def submit(self, number: int, case: Case, table: dict[str, Any]) -> bytes:
        """The client's octets."""
        tlvs = list(case.tlvs)
        if case.reference:
            tlvs.append((TLV_USER_MESSAGE_REFERENCE, case.reference))
        if TLV_MESSAGE_TYPE in table["send"]["tlvs"]:
            tlvs.append((TLV_MESSAGE_TYPE, b"OTP"))
        return build.submit_sm(
            number,
            source_addr_ton=case.source[0],
            source_addr_npi=case.source[1],
            source_addr=case.source[2],
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=case.destination.encode(),
            esm_class=case.esm_class,
            registered_delivery=1,
            data_coding=case.data_coding,
            short_message=case.octets,
            tlvs=tlvs,
            **case.fields,
        )

    def check_answers(self, table: dict[str, Any], sent: list[Case]) -> None:
        """All is accepted but binary where there is no coding for it."""
        for case in sent:
            binary = case.name == "binary" and "binary" not in table["text"]["codings"]
            self.assertEqual(case.status, ESME_RSUBMITFAIL if binary else 0, case.name)
        ids = [case.message_id for case in sent if case.status == 0]
        self.assertEqual(len(set(ids)), len(ids))

    def check_provider(self, table: dict[str, Any], smsc: Smsc, accepted: list[Case]) -> None:
        """What came to the provider says what the client said, in the provider's own words."""
        counts = smsc.counts
        self.assertEqual((counts.unwanted, counts.unreadable, counts.binds_refused), (0, 0, 0))
        self.assertEqual(counts.beyond_window, 0)
        self.assertLessEqual(counts.most_unanswered, table["window"])
        if not table.get("tps"):
            self.assertGreaterEqual(counts.most_unanswered, table["window"] // 2, "not tried")
        self.assertEqual(len(smsc.accepted_on), len(smsc.ports), "all hosts are used")
        by_destination: dict[str, list[Accepted]] = {}
        for each in smsc.history:
            address = each.destination[2].decode()
            self.assertEqual(address.startswith("+"), table["address"]["plus"] == "keep")
            by_destination.setdefault(address.removeprefix("+"), []).append(each)
        wanted: dict[str, list[Case]] = {}
        for case in accepted:
            wanted.setdefault(case.destination, []).append(case)
        self.assertEqual(by_destination.keys(), wanted.keys())
        for destination, messages in by_destination.items():
            same = wanted[destination]
            name = same[0].name
            if name == "plain":
                told = Counter(meaning(table, each) for each in messages)
                self.assertEqual(told, Counter(case.meaning for case in same))
                continue
            messages.sort(key=_part_of)
            whole = [meaning(table, each) for each in messages]
            self.assertEqual(_joined(whole), _joined([case.meaning for case in same]), name)
            self.assertEqual(len({each.host for each in messages}), 1, f"{name}: parts on one host")
            self.check_form(table, messages, same[0])

    def check_form(
        self, table: dict[str, Any], messages: list[Accepted], case: Case
    ) -> None:
        """Class, parts and other TLVs as the profile wants them."""
        allowed = OWN_TAGS | {*table["send"]["tlvs"]}
        if table.get("reference_echo"):
            allowed |= {TLV_USER_MESSAGE_REFERENCE}
        for each in messages:
            tags = {tag for tag, _ in each.tlvs}
            self.assertLessEqual(tags, allowed, case.name)
            self.assertEqual(
                TLV_DEST_ADDR_SUBUNIT in tags, case.flash and table["text"]["flash"] == "tlv"
            )
            if case.flash and table["text"]["flash"] == "dcs-16-24":
                self.assertIn(each.data_coding, (16, 24))
            long = table["text"]["long"]
            if case.name in ("payload", "ucs2 payload", "long"):
                self.assertEqual(TLV_MESSAGE_PAYLOAD in tags, long == "payload")
                self.assertEqual(TLV_SAR_SEGMENT_SEQNUM in tags, long == "sar")

    def check_receipts(self, smsc: Smsc, accepted: list[Case], heard: list[Message]) -> None:
        """Each message has one receipt, with its id, its word and its own reference."""
        by_id = {case.message_id: case for case in accepted}
        for message in heard:
            tlvs = dict(message.tlvs)
            case = by_id[tlvs[TLV_RECEIPTED_MESSAGE_ID].rstrip(b"\0")]
            case.receipts.append(message)
            fields = receipt_text.parse(message.short_message)
            assert fields is not None
            stat = smsc.options.outcomes.get(case.destination.encode(), b"DELIVRD")
            if case.destination == COLOMBIA:
                stat = smsc.options.outcomes.get(b"57", b"DELIVRD")
            stat = TOLD.get(stat, stat)
            self.assertEqual((fields.id, fields.stat), (case.message_id, stat), case.name)
            self.assertEqual(tlvs[TLV_MESSAGE_STATE], bytes((STATES[stat],)))
            self.assertEqual(tlvs.get(TLV_USER_MESSAGE_REFERENCE, b""), case.reference)
            self.assertEqual(message.source_addr, case.destination.encode())
            back = (message.dest_addr_ton, message.dest_addr_npi, message.destination_addr)
            self.assertEqual(back, case.source, case.name)
        self.assertEqual({case.name: len(case.receipts) for case in accepted if
                          len(case.receipts) != 1}, {})

    def check_books(self, node: SmppProxy, smsc: Smsc) -> None:
        """Everything is accounted for and nothing is left over."""
        ledger = node.relay.ledger
        self.assertEqual(ledger.imbalance(), {})
        left = ["quarantined", "parked", "orphaned", "unreadable", "in_flight", "queued"]
        left += ["made", "resent", "in_doubt", "dropped"]
        counts = ledger.as_dict()
        self.assertEqual({name: counts[name] for name in left if counts[name]}, {})
        self.assertEqual(smsc.counts.receipts_sent, smsc.counts.receipts_acked)
        segments = sum(each.segments for each in smsc.history)
        self.assertEqual(smsc.counts.receipts_sent, segments)
        self.assertEqual(segments > len(smsc.history), smsc.options.per_segment)


def _joined(texts: list[Any]) -> str | bytes:
    return texts[0] if len(texts) == 1 else "".join(texts)


def _part_of(each: Accepted) -> int:
    """The number of a part, by header or by TLV."""
    for tag, value in each.tlvs:
        if tag == TLV_SAR_SEGMENT_SEQNUM:
            return value[0]
    return each.text[each.text[0]] if each.esm_class & ESM_UDHI else 0


def meaning(table: dict[str, Any], each: Accepted) -> str | bytes:
    """What the provider understands, by the tables of its preset alone."""
    text = table["text"]
    octets = each.text[each.text[0] + 1 :] if each.esm_class & ESM_UDHI else each.text
    codings = {value: name.removeprefix("flash_") for name, value in text["codings"].items()}
    if text["flash"] == "dcs-16-24":
        codings |= {16: "gsm7", 24: "ucs2"}
    name = codings[each.data_coding]
    if name == "gsm7" and each.data_coding == 0:
        name = text["default_alphabet"]
    return octets if name == "binary" else alphabets.decode(name, octets)


class Presets(PresetCase):
    """The shipped presets; the tests are made from their file."""


class Spellings(PresetCase):
    """Presets that leave the spelling of ids open."""


def _test(preset: str, spelling: int) -> Any:
    async def test(self: PresetCase) -> None:
        await self.run_preset(preset, spelling)

    test.__doc__ = f"Preset {preset}: each message arrives with its meaning, each receipt at home."
    return test


for _name in provider_presets():
    if _name == BASE:
        continue
    _word = _name.replace("-", "_")
    setattr(Presets, f"test_preset_{_word}", _test(_name, 0))
    if "auto" in provider_preset(_name)["ids"].values():
        for _number in range(1, len(SPELLINGS)):
            _title = f"test_preset_{_word}_spelling_{_number}"
            setattr(Spellings, _title, _test(_name, _number))
