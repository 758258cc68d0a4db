"""What one receipt said, and how a provider writes its receipts: the values of :mod:`receipt`.

What the receipts of a provider share is kept with the profile, so that it is read once.
"""

from __future__ import annotations

from datetime import tzinfo

import attrs

from smppproxy.receipts import text
from smppproxy.receipts.dialects import FINAL_BY_DEFAULT
from smppproxy.text.zones import zone_of

_DATES_KEPT = 4096
_SHARED_KEPT = 1024

# What receipts of a provider have in common for a minute: the octets between id and text, those of
# the TLVs before receipted_message_id and behind it; and what Receipt has of them: state,
# stat, err, submit_date, done_date, sub, dlvrd, network_error_code, final, kind, oddity.
Key = tuple[bytes, bytes, bytes]
Shared = tuple[int, bytes, bytes, int, int, int, int, bytes, bool, int, str]


@attrs.define
class Receipt:
    """What one receipt said.

    :ivar message_ids: as written, the preferred first, no repeats; () when there is none.
    :ivar state: message_state; 7 when unknown.
    :ivar stat: the word verbatim, b"" when there was none.
    :ivar err: decimal digits where it is a number, else verbatim.
    :ivar submit_date: unix seconds, UTC; 0 unknown. done_date likewise.
    :ivar sub: -1 unknown; never decides anything (GW-26). dlvrd likewise.
    :ivar text: at most 255 octets.
    :ivar network_error_code: the TLV's value, b"" when absent.
    :ivar user_message_reference: the TLV's value, at most 255 octets, b"" when absent.
    :ivar destination: who got the message: the receipt's source_addr, see
        :attr:`ReceiptProfile.addresses`.
    :ivar final: the provider says no more after this one (its profile's table).
    :ivar kind: the WANT bits of which one must be asked for.
    :ivar receipted_message_id: the id of the TLV, b"" when absent.
    :ivar text_message_id: the id of the text, b"" when absent.
    :ivar text_first: the id of the text is to be tried first.
    :ivar oddity: "" or one of this module's names; for counting.
    """

    message_ids: tuple[bytes, ...]
    state: int
    stat: bytes
    err: bytes
    submit_date: int
    done_date: int
    sub: int
    dlvrd: int
    text: bytes
    network_error_code: bytes
    user_message_reference: bytes
    destination: bytes
    final: bool
    kind: int
    receipted_message_id: bytes = b""
    text_message_id: bytes = b""
    text_first: bool = False
    oddity: str = ""


@attrs.define
class ReceiptProfile:
    """How one provider writes receipts.

    :ivar final: normalised words (dialects.NORMALISED, and BUFFERD) after which nothing comes.
    :ivar final_for: more of them for a destination prefix, digits: ``(("57", {"ENROUTE"}),)``.
    :ivar detect_by_text: a text with id and stat is a receipt whatever esm_class says. Off by
        default: an end user could type one.
    :ivar prefer: "tlv" or "text": whose id is tried first (XC-03).
    :ivar tz: zone of its dates, "UTC" or a name of the zone database; for records only (GW-27).
    :ivar err: "dec", "hex", "gatewayapi" or "opaque" (GW-34).
    :ivar addresses: "swapped", source_addr is who got the message, or "as_submitted", that is
        destination_addr (larvitsmpp as a server writes them so).
    """

    final: frozenset[str] = FINAL_BY_DEFAULT
    final_for: tuple[tuple[str, frozenset[str]], ...] = ()
    detect_by_text: bool = False
    prefer: str = attrs.field(default="tlv", validator=attrs.validators.in_(("tlv", "text")))
    tz: str = "UTC"
    err: str = attrs.field(
        default="dec", validator=attrs.validators.in_(("dec", "hex", "gatewayapi", "opaque"))
    )
    addresses: str = attrs.field(
        default="swapped", validator=attrs.validators.in_(("swapped", "as_submitted"))
    )
    zone: tzinfo | None = attrs.field(init=False, repr=False, eq=False)
    _dates: dict[bytes, int] = attrs.field(init=False, repr=False, eq=False, factory=dict)
    shared: dict[Key, Shared] = attrs.field(init=False, repr=False, eq=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.zone = None if self.tz == "UTC" else zone_of(self.tz)

    def is_final(self, normalised: str, destination: bytes) -> bool:
        """Whether a state is the last word about a message to ``destination``."""
        if normalised in self.final:
            return True
        if self.final_for:
            digits = destination.lstrip(b"+").removeprefix(b"00").decode("latin-1")
            for prefix, words in self.final_for:
                if normalised in words and digits.startswith(prefix):
                    return True
        return False

    def seconds_of(self, date: bytes) -> int:
        """Unix seconds of a date text in this provider's zone; 0 unknown."""
        seconds = self._dates.get(date)
        if seconds is None:
            if len(self._dates) >= _DATES_KEPT:
                self._dates.clear()
            seconds = self._dates[date] = text.seconds_of(date, self.zone)
        return seconds

    def share(self, key: Key, receipt: Receipt) -> None:
        """Keep what a receipt says that others of the same key say too."""
        if len(self.shared) >= _SHARED_KEPT:
            self.shared.clear()
        self.shared[key] = (
            receipt.state,
            receipt.stat,
            receipt.err,
            receipt.submit_date,
            receipt.done_date,
            receipt.sub,
            receipt.dlvrd,
            receipt.network_error_code,
            receipt.final,
            receipt.kind,
            receipt.oddity,
        )
