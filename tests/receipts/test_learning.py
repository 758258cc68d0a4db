"""Learning how a provider spells its ids: XC-02, "auto"."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smppproxy.receipts import learning
from smppproxy.receipts.learning import IdLearner, Learned
from smppproxy.receipts.message_ids import IdProfile, key_of_response, keys_of_receipt
from smppproxy.receipts.profile import Receipt, ReceiptProfile
from smppproxy.receipts.receipt import read_receipt
from smppproxy.smpp.build import deliver_sm
from smppproxy.smpp.constants import DELIVER_SM, TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID
from smppproxy.smpp.pdu import Pdu
from tests.receipts import bounded

Spell = Callable[[int], bytes]

FIRST = 972660181  # 39f99dd5
ALL_AUTO = IdProfile("auto", "auto", "auto")


def upper(number: int) -> bytes:
    """Upper-case hex."""
    return b"%X" % number


def lower(number: int) -> bytes:
    """Lower-case hex, eight digits."""
    return b"%08x" % number


def dec(number: int) -> bytes:
    """Decimal."""
    return b"%d" % number


def padded(number: int) -> bytes:
    """Decimal, ten digits."""
    return b"%010d" % number


def receipt(text_id: bytes, tlv_id: bytes = b"", destination: bytes = b"46701234567") -> Receipt:
    """The receipt of a message to ``destination``."""
    tlvs = [(TLV_MESSAGE_STATE, b"\x02")]
    if tlv_id:
        tlvs.append((TLV_RECEIPTED_MESSAGE_ID, tlv_id + b"\x00"))
    text = b"id:" + text_id + b" stat:DELIVRD" if text_id else b""
    raw = deliver_sm(1, source_addr=destination, esm_class=4, short_message=text, tlvs=tlvs)
    found = read_receipt(Pdu(DELIVER_SM, 0, 1, raw), ReceiptProfile())
    assert found is not None
    return found


def teach(
    learner: IdLearner, response: Spell, text: Spell | None, tlv: Spell | None = None,
    first: int = FIRST, count: int = 10,
) -> list[bool]:  # fmt: skip
    """``count`` messages with their receipts; what the learner said to each."""
    told = []
    for number in range(first, first + count):
        destination = b"4670%07d" % (number % 10**7)
        learner.response(response(number), destination)
        told.append(
            learner.receipt(
                receipt(text(number) if text else b"", tlv(number) if tlv else b"", destination)
            )
        )
    return told


def finds(learner: IdLearner, response: bytes, *receipt_ids: bytes) -> bool:
    """Whether the learner's keys lead a receipt to the response."""
    key = key_of_response(ALL_AUTO, response)
    return key in learner.keys(receipt(*receipt_ids))


class LearnerTests(SynchronousTestCase):
    """Ten pairs."""

    def test_xc02_auto_hex_and_padded_decimal(self) -> None:
        """The tenth pair makes it certain, and only then is one spelling looked up."""
        learner = IdLearner(ALL_AUTO)
        told = teach(learner, upper, padded, count=9)
        self.assertFalse(any(told))
        self.assertFalse(learner.certain)
        self.assertTrue(learner.profile.auto)
        self.assertEqual(len(learner.keys(receipt(b"0972660181"))), 4)
        self.assertEqual(teach(learner, upper, padded, first=FIRST + 9, count=1), [True])
        self.assertTrue(learner.certain)
        self.assertEqual(learner.keys(receipt(b"0972660181")), (b"39f99dd5",))
        self.assertEqual(
            learner.describe(),
            "response hex upper, receipt text decimal zero-padded, receipt TLV not seen, "
            "certain after 10",
        )

    def test_xc02_auto_every_pair_of_spellings(self) -> None:
        """Whatever a provider does, receipts are found before it is known and after."""
        for response in (upper, lower, dec, padded):
            for text in (None, upper, lower, dec, padded):
                for tlv in (None, upper, lower, dec, padded):
                    if not text and not tlv:
                        continue
                    learner = IdLearner(ALL_AUTO)
                    self.assertIn(True, teach(learner, response, text, tlv))
                    self.assertTrue(learner.certain)
                    number = 0xB8BE19
                    ids = (text(number) if text else b"", tlv(number) if tlv else b"")
                    self.assertTrue(finds(learner, response(number), *ids))
                    self.assertEqual(len(learner.keys(receipt(*ids))), 1)

    def test_xc02_auto_keys_stay(self) -> None:
        """What was kept before it was certain is found after it, and by the fixed profile too."""
        learner = IdLearner(ALL_AUTO)
        before = key_of_response(learner.profile, b"00B8BE19")
        teach(learner, upper, dec, upper)
        fixed = learner.profile
        self.assertEqual(key_of_response(fixed, b"00B8BE19"), before)
        self.assertEqual(fixed, IdProfile("hex", "dec", "hex", True, True))
        self.assertFalse(fixed.auto)
        self.assertEqual(keys_of_receipt(fixed, receipt(b"12107289", b"b8be19")), (before,))

    def test_xc02_auto_text_and_tlv_of_one_pdu(self) -> None:
        """Decimal in the text and hex in the TLV of one PDU, whichever the response has."""
        for response, forms in ((dec, ("dec", "dec", "hex")), (upper, ("hex", "dec", "hex"))):
            learner = IdLearner(ALL_AUTO)
            teach(learner, response, padded, lower)
            self.assertEqual(learner.profile, IdProfile(*forms, True, True))

    def test_xc02_auto_strings(self) -> None:
        """Ids that are the same in all places stay strings, without zeros and letter case."""
        learner = IdLearner(ALL_AUTO)
        for number in range(10):
            provider_message_id = b"0A1b-%d" % number
            learner.response(provider_message_id, b"46701234567")
            learner.receipt(receipt(provider_message_id.lower()))
        self.assertEqual(learner.profile.resp, "string")
        self.assertEqual(learner.profile.receipt_text, "string")
        self.assertEqual(learner.keys(receipt(b"0A1B-77")), (b"a1b-77",))
        self.assertIn("response as in the response mixed zero-padded", learner.describe())

    def test_xc02_auto_one_digit_proves_nothing(self) -> None:
        """7 is 7 in every base: such pairs are no evidence."""
        learner = IdLearner(ALL_AUTO)
        teach(learner, dec, dec, first=0)
        self.assertFalse(learner.certain)
        self.assertEqual(learner.learned.text.agreed, 0)
        self.assertIn("receipt text not seen", learner.describe())

    def test_xc02_auto_never_by_one_message(self) -> None:
        """Pairs that contradict each other keep every spelling on trial."""
        learner = IdLearner(ALL_AUTO)
        for number in range(FIRST, FIRST + 200, 2):
            teach(learner, upper, dec, first=number, count=1)
            teach(learner, upper, upper, first=number + 1, count=1)
        self.assertFalse(learner.certain)
        self.assertTrue(finds(learner, b"39F99DD5", b"0972660181"))
        self.assertIn("receipt text same so far (1 of 10)", learner.describe())
        self.assertIn("every spelling is tried", learner.describe())

    def test_xc02_auto_leader_first(self) -> None:
        """While it learns, the relation that was seen last is tried first."""
        learner = IdLearner(ALL_AUTO)
        self.assertEqual(learner.keys(receipt(b"0972660181"))[0], b"972660181")
        teach(learner, upper, dec, count=3)
        self.assertEqual(learner.keys(receipt(b"0972660181"))[0], b"39f99dd5")

    def test_xc02_auto_a_provider_that_changes(self) -> None:
        """Ten pairs against what was certain open the question again, and it is told."""
        learner = IdLearner(ALL_AUTO)
        teach(learner, upper, dec)
        told = teach(learner, dec, dec, first=FIRST + 10, count=9)
        self.assertFalse(any(told))
        self.assertFalse(finds(learner, b"972660181", b"972660181"))
        self.assertEqual(teach(learner, dec, dec, first=FIRST + 19, count=1), [True])
        self.assertTrue(finds(learner, b"972660181", b"972660181"))
        self.assertFalse(learner.certain)
        self.assertIn(True, teach(learner, dec, dec, first=FIRST + 20))
        self.assertEqual(learner.profile.resp, "string")

    def test_xc02_auto_one_exception(self) -> None:
        """A single odd pair changes nothing that is certain."""
        learner = IdLearner(ALL_AUTO)
        teach(learner, upper, dec)
        for number in range(FIRST + 10, FIRST + 110, 2):
            teach(learner, dec, dec, first=number, count=1)
            teach(learner, upper, dec, first=number + 1, count=1)
        self.assertTrue(learner.certain)

    def test_xc02_auto_bases_that_exclude_each_other(self) -> None:
        """A text that makes responses hex and a TLV that makes them decimal: both are in doubt."""
        learner = IdLearner(ALL_AUTO)
        for number in range(FIRST, FIRST + 20):
            if number < FIRST + 10:
                learner.observe(upper(number), dec(number), b"")
            else:
                learner.observe(dec(number), b"", upper(number))
        self.assertFalse(learner.certain)
        self.assertEqual(learner.profile, ALL_AUTO)

    def test_xc02_auto_only_some_places(self) -> None:
        """What the profile fixes is not learned; what it leaves open follows from the pairs."""
        for profile, response, text, expected in (
            (IdProfile("auto", "dec"), upper, padded, IdProfile("hex", "dec", "string")),
            (IdProfile("auto", "dec"), dec, padded, IdProfile("dec", "dec", "string")),
            (IdProfile("auto", "hex"), dec, upper, IdProfile("dec", "hex", "string")),
            (IdProfile("auto", "hex"), upper, lower, IdProfile("hex", "hex", "string")),
            (IdProfile("auto", "string"), upper, lower, IdProfile("string", "string", "string")),
            (IdProfile("hex", "auto"), upper, padded, IdProfile("hex", "dec", "string")),
            (IdProfile("hex", "auto"), upper, lower, IdProfile("hex", "hex", "string")),
            (IdProfile("dec", "auto"), dec, upper, IdProfile("dec", "hex", "string")),
            (IdProfile("string", "auto"), upper, padded, IdProfile("hex", "dec", "string")),
        ):
            learner = IdLearner(profile)
            self.assertEqual(teach(learner, response, text)[-1], True)
            now = learner.profile
            self.assertEqual(
                (now.resp, now.receipt_text, now.receipt_tlv),
                (expected.resp, expected.receipt_text, expected.receipt_tlv),
            )
            self.assertTrue(finds(learner, response(0xB8BE19), text(0xB8BE19)))

    def test_xc02_auto_open_place_keeps_the_response_open(self) -> None:
        """A TLV in decimals that never came may still belong to responses in hex."""
        learner = IdLearner(IdProfile("auto", "auto", "dec"))
        teach(learner, upper, upper)
        self.assertEqual(learner.profile.resp, "auto")
        self.assertTrue(finds(learner, b"B8BE19", b"", b"12107289"))
        self.assertIn("receipt TLV decimal", learner.describe())


class PairTests(SynchronousTestCase):
    """Which receipt belongs to which response."""

    def test_d7_the_destination_must_fit(self) -> None:
        """A key that leads to another number's message is no pair."""
        learner = IdLearner(ALL_AUTO)
        learner.response(b"1000", b"46701111111")
        learner.response(b"3e8", b"46702222222")
        learner.receipt(receipt(b"1000", destination=b"46702222222"))
        self.assertEqual(learner.learned.text.relation, "dec->hex")
        learner.receipt(receipt(b"1000", destination=b"46709999999"))
        self.assertEqual(learner.learned.unpaired, 1)

    def test_ambiguous_pairs_show_nothing(self) -> None:
        """Two messages to one number that both could be meant: neither is evidence."""
        learner = IdLearner(ALL_AUTO)
        learner.response(b"1000", b"46701111111")
        learner.response(b"3e8", b"46701111111")
        self.assertFalse(learner.receipt(receipt(b"1000", destination=b"46701111111")))
        self.assertEqual(learner.learned, Learned())

    def test_a_message_counts_once(self) -> None:
        """Ten receipts of one message are one pair."""
        learner = IdLearner(ALL_AUTO)
        learner.response(b"39f99dd5", b"46701234567")
        for _ in range(12):
            learner.receipt(receipt(b"0972660181"))
        self.assertEqual(learner.learned.text.agreed, 1)
        self.assertEqual(learner.learned.unpaired, 11)

    def test_no_id(self) -> None:
        """Responses and receipts without an id teach nothing."""
        learner = IdLearner(ALL_AUTO)
        learner.response(b"", b"46701234567")
        self.assertFalse(learner.receipt(receipt(b"")))
        self.assertFalse(learner.observe(b"", b"", b""))
        self.assertFalse(learner.observe(b"12", b"unheard-of", b""))
        self.assertEqual(learner.learned.text.relation, "")

    def test_memory_is_bounded(self) -> None:
        """Any number of responses without receipts fit; late receipts are paired by a sample."""
        self.patch(learning, "_KEPT", 64)
        self.patch(learning, "_SPARSEST", 8)
        learner = IdLearner(ALL_AUTO)
        for number in range(FIRST, FIRST + 2000):
            learner.response(upper(number), b"46701234567")
        self.assertLessEqual(len(learner._recent), 64)
        told = [learner.receipt(receipt(dec(n))) for n in range(FIRST, FIRST + 2000)]
        self.assertIn(True, told)

    def test_state_is_a_value(self) -> None:
        """What one learner knows can be given to the next."""
        learner = IdLearner(ALL_AUTO)
        teach(learner, upper, padded)
        again = IdLearner(ALL_AUTO, learner.learned)
        self.assertEqual(again.profile, learner.profile)
        self.assertTrue(again.certain)

    @bounded
    @given(
        st.binary(max_size=30),
        st.sampled_from(("string", "dec", "hex", "auto")),
        st.sampled_from((upper, lower, dec, padded)),
        st.sampled_from((upper, lower, dec, padded)),
    )
    def test_xc02_auto_keys_never_change(
        self, octets: bytes, resp: str, response: Spell, text: Spell
    ) -> None:
        """Whatever is learned: the key of a response is the one it was kept under."""
        given_profile = IdProfile(resp, "auto", "auto")
        learner = IdLearner(given_profile)
        teach(learner, response, text)
        self.assertEqual(
            key_of_response(learner.profile, octets), key_of_response(given_profile, octets)
        )
