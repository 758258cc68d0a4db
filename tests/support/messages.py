"""The messages that every foreign client sends, and what must come out at the provider."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.define
class Sample:
    """One submit_sm, in the words of the orders that clients take."""

    tag: str
    text: str
    octets: bytes
    coding: int | None = None
    udh: str = ""
    sar: tuple[int, int, int] | None = None
    payload: bool = False

    def order(self, number: int, registered: int = 1) -> dict[str, Any]:
        """The order to send it to the number-th subscriber."""
        return {
            "tag": self.tag,
            "from": "12345",
            "to": f"4477009{number:05d}",
            "text": self.text,
            "octets": self.octets.hex(),
            "coding": self.coding,
            "udh": self.udh,
            "sar": self.sar,
            "payload": self.payload,
            "registered": registered,
        }


LATIN = "Hello, \u20ac5 at {noon}"
# GSM 03.38 with its extension table: 0x1b65 is the euro sign, 0x1b28 and 0x1b29 the braces.
LATIN_GSM = b"Hello, \x1be5 at \x1b(noon\x1b)"
CYRILLIC = "\u041f\u0440\u0438\u0432\u0435\u0442 \U0001f4e8"
LONG = "0123456789" * 30

GSM7 = Sample("gsm7", LATIN, LATIN_GSM, coding=0)
UCS2 = Sample("ucs2", CYRILLIC, CYRILLIC.encode("utf-16-be"), coding=8)
UDH_PARTS = [
    Sample(f"udh{part}", f"part {part}", f"part {part}".encode(), 0, udh=f"0500032a02{part:02x}")
    for part in (1, 2)
]
SAR_PARTS = [
    Sample(f"sar{part}", f"piece {part}", f"piece {part}".encode(), coding=0, sar=(300, 2, part))
    for part in (1, 2)
]
PAYLOAD = Sample("payload", LONG, LONG.encode(), coding=0, payload=True)

ALL = [GSM7, UCS2, *UDH_PARTS, *SAR_PARTS, PAYLOAD]


def same(sample: Sample, event: dict[str, Any]) -> bool:
    """Whether a provider's "submit" event says what the sample says."""
    said = (
        bytes.fromhex(event["octets"]) == sample.octets
        if "octets" in event
        else event["text"] == sample.text
    )
    return (
        said
        and (event.get("udh") or "") == sample.udh
        and event["sar"] == (list(sample.sar) if sample.sar else None)
        and event["in_payload"] == sample.payload
    )
