"""How one provider spells its ids, learned from pairs that were seen (XC-02, "auto").

A learner is told every response and every receipt of a provider. It pairs them in memory, by any
spelling and by the destination, and counts what relation each pair shows. Ten pairs that agree
make it certain: from then on only that relation is looked up. It never guesses per message: until
it is certain all spellings are tried, and ten pairs that contradict make it uncertain again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import attrs

from smppproxy.receipts.correlation import destination_tail, fits
from smppproxy.receipts.message_ids import (
    AUTO,
    DEC_TO_HEX,
    SAME,
    IdProfile,
    candidate_keys,
    key_of_response,
    keys_of_receipt,
    related,
    relations,
)

if TYPE_CHECKING:
    from smppproxy.receipts.profile import Receipt

NEEDED = 10
"""Pairs in a row that must agree."""

_KEPT = 4096
_SPARSEST = 1024

_BASES = {"hex": "hex", "dec": "decimal", "string": "as in the response", AUTO: "of unknown base"}


@attrs.define
class Spelling:
    """How ids of one place were written, for people.

    :ivar letters: "", "lower", "upper" or "mixed".
    :ivar padded: some began with a zero.
    """

    letters: str = ""
    padded: bool = False

    def see(self, provider_message_id: bytes) -> None:
        """One more id."""
        lower, upper = provider_message_id.lower(), provider_message_id.upper()
        if lower != upper:
            case = {lower: "lower", upper: "upper"}.get(provider_message_id, "mixed")
            self.letters = case if self.letters in ("", case) else "mixed"
        if len(provider_message_id) > 1 and provider_message_id.startswith(b"0"):
            self.padded = True

    def __str__(self) -> str:
        words = (self.letters and f" {self.letters}", self.padded and " zero-padded")
        return "".join(word for word in words if word)


@attrs.define
class Evidence:
    """What is known of one place of receipts.

    :ivar relation: of its ids to those of responses, "" while nothing was seen.
    :ivar agreed: pairs in a row that showed it.
    :ivar against: pairs in a row that contradicted it since it is certain.
    :ivar certain: only this relation is looked up.
    """

    relation: str = ""
    agreed: int = 0
    against: int = 0
    certain: bool = False
    spelling: Spelling = attrs.field(factory=Spelling)

    def vote(self, relation: str) -> bool:
        """One more pair; whether that settled or unsettled the matter."""
        if relation == self.relation:
            self.agreed += 1
            self.against = 0
            settles = not self.certain and self.agreed >= NEEDED
            self.certain = self.certain or settles
            return settles
        if not self.certain:
            self.relation, self.agreed = relation, 1
            return False
        self.against += 1
        return self.against >= NEEDED and self.forget()

    def forget(self) -> bool:
        """Begin again."""
        self.relation, self.agreed, self.against, self.certain = "", 0, 0, False
        return True


@attrs.define
class Learned:
    """All that a learner knows: small, to be shown, logged and given to a later learner.

    :ivar response: how ids of responses were written.
    :ivar text: about ``id:`` of texts.
    :ivar tlv: about receipted_message_id.
    :ivar unpaired: receipts that no remembered response explains, by any spelling.
    """

    response: Spelling = attrs.field(factory=Spelling)
    text: Evidence = attrs.field(factory=Evidence)
    tlv: Evidence = attrs.field(factory=Evidence)
    unpaired: int = 0


class IdLearner:
    """Learns the spellings of one provider with an "auto" profile.

    :ivar profile: what to look up by now: the given one with its certain places fixed.
    :ivar learned: what that rests on.
    """

    __slots__ = ("_given", "_recent", "_seen", "_stride", "learned", "profile")

    def __init__(self, profile: IdProfile, learned: Learned | None = None) -> None:
        self._given = profile
        self.learned = Learned() if learned is None else learned
        self.profile = self._settled()
        # Key: (provider_message_id, destination) of responses without a receipt yet.
        self._recent: dict[bytes, tuple[bytes, bytes]] = {}
        self._seen = 0
        self._stride = 1

    @property
    def certain(self) -> bool:
        """Whether every place that was seen is settled."""
        seen = [each for each in (self.learned.text, self.learned.tlv) if each.relation]
        return bool(seen) and all(each.certain for each in seen)

    def keys(self, receipt: Receipt) -> tuple[bytes, ...]:
        """The keys to look a receipt up by, best first; they need the destination check."""
        if not self.profile.auto:
            return keys_of_receipt(self.profile, receipt)
        text, tlv = self.learned.text, self.learned.tlv
        return candidate_keys(self.profile, receipt, text.relation, tlv.relation)

    def response(self, provider_message_id: bytes, destination_addr: bytes) -> None:
        """A message was accepted under this id, as it came; without one there is no pair."""
        if not provider_message_id:
            return
        self._seen += 1
        if self._seen % self._stride:
            return
        if len(self._recent) >= _KEPT:
            self._thin_out()
        key = key_of_response(self._given, provider_message_id)
        self._recent[key] = (provider_message_id, destination_tail(destination_addr))

    def _thin_out(self) -> None:
        """Make room. Late receipts are paired by a sample of a longer time rather than by none."""
        for key in list(islice(self._recent, _KEPT // 2)):
            del self._recent[key]
        self._stride = min(self._stride * 2, _SPARSEST)

    def receipt(self, receipt: Receipt) -> bool:
        """A receipt came. True when :attr:`profile` has changed: a thing to log.

        Two messages that one receipt may belong to show nothing.
        """
        destination = destination_tail(receipt.destination)
        recent = self._recent
        found = [
            key
            for key in candidate_keys(self._given, receipt)
            if key in recent and fits(recent[key][1], destination)
        ]
        if len(found) != 1:
            self.learned.unpaired += not found
            return False
        provider_message_id, _ = recent.pop(found[0])
        return self.observe(
            provider_message_id, receipt.text_message_id, receipt.receipted_message_id
        )

    def observe(self, provider_message_id: bytes, text_id: bytes, tlv_id: bytes) -> bool:
        """A pair: the id of a response and the ids of its receipt, b"" for what it did not have.

        True when :attr:`profile` has changed. An id that more than one relation explains, like 7,
        or none, shows nothing.
        """
        if not provider_message_id:
            return False
        self.learned.response.see(provider_message_id)
        key = key_of_response(self._given, provider_message_id)
        changed = False
        for (evidence, form), receipt_id in zip(self._places(), (text_id, tlv_id), strict=True):
            possible = [
                relation
                for relation in relations(self._given, form)
                if related(relation, receipt_id) == key
            ]
            if possible:
                evidence.spelling.see(receipt_id)
            if len(possible) == 1 and evidence.vote(possible[0]):
                changed = True
        if changed:
            self._reconcile()
            self.profile = self._settled()
        return changed

    def _places(self) -> tuple[tuple[Evidence, str], tuple[Evidence, str]]:
        learned, given = self.learned, self._given
        return (learned.text, given.receipt_text), (learned.tlv, given.receipt_tlv)

    def _bases(self) -> set[str]:
        """The bases of responses that follow from what is certain."""
        bases = {_base(each.relation, form) for each, form in self._places() if each.certain}
        return bases - {""}

    def _reconcile(self) -> None:
        """Responses are in one base: two places that say otherwise are both in doubt."""
        if len(self._bases()) > 1:
            self.learned.text.forget()
            self.learned.tlv.forget()

    def _settled(self) -> IdProfile:
        """The given profile with what is certain in place of "auto"; it gives the same keys."""
        places = self._places()
        resp = self._given.resp
        bases = self._bases()
        if bases:
            resp = bases.pop()
        elif resp == AUTO and any(each.certain for each, _ in places):
            open_forms = {form for each, form in places if not each.certain}
            resp = AUTO if open_forms & {"hex", "dec"} else "string"
        text, tlv = (
            _form(each.relation, resp) if each.certain else form for each, form in places
        )
        return IdProfile(resp, text, tlv, strip_zeros=True, fold_case=True)

    def describe(self) -> str:
        """What is known, in one line for people: to be logged whenever it changes."""
        learned, now = self.learned, self.profile
        told = (
            f"response {_BASES[now.resp]}{learned.response}",
            f"receipt text {_words(learned.text, now.receipt_text)}",
            f"receipt TLV {_words(learned.tlv, now.receipt_tlv)}",
            f"certain after {NEEDED}" if self.certain else "every spelling is tried",
        )
        return ", ".join(told)


def _base(relation: str, form: str) -> str:
    """The base of responses, where a receipt's id of this form has this relation to them."""
    if relation == SAME:
        return form if form in ("hex", "dec") else ""
    return "hex" if relation == DEC_TO_HEX else "dec"


def _form(relation: str, resp: str) -> str:
    """The form of a receipt's id, the other way round."""
    if relation == SAME:
        return resp if resp in ("hex", "dec") else "string"
    return "dec" if relation == DEC_TO_HEX else "hex"


def _words(evidence: Evidence, form: str) -> str:
    if not evidence.relation:
        return "not seen" if form == AUTO else _BASES[form]
    if not evidence.certain:
        return f"{evidence.relation} so far ({evidence.agreed} of {NEEDED})"
    return f"{_BASES[form]}{evidence.spelling}"
