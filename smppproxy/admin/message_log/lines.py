"""Rows become lines: one JSON object per event, in the scribe.

Every event about a message has ``time`` (UTC), ``event``, ``node``, ``account``, ``peer``,
``session``, ``sequence_number``, ``command_status`` by name, ``client_message_id``,
``provider_message_id``, ``provider``, ``host`` and ``bind`` (MG-14); "" is what it does not have.
An accepted message with its final receipt leaves three: ``accepted``, ``receipt``, ``delivered``.

Numbers of accounts with ``mask_numbers`` show their first digits only, and accounts with
``message_log = "off"`` leave nothing but counts. What nobody owns follows the strictest account.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from smppproxy.admin.message_log import rows
from smppproxy.admin.message_log.tally import MESSAGE, Tally
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.relay.events import MASK, SHOWN
from smppproxy.relay.outbox import TEMPORARY
from smppproxy.smpp.constants import STATE_UNKNOWN, status_name
from smppproxy.smpp.errors import BodyError
from smppproxy.store.interface import OUTCOME_NAMES
from smppproxy.store.records import Origin, ReceiptRecord, RecordError
from smppproxy.text import alphabets, udh
from smppproxy.text.payload import meaning
from smppproxy.text.profile import TextSettings

Row = Sequence[Any]

OFF, FULL = "off", "full"
UNHEARD_OF = ("metadata", False)

_STANDARD = TextSettings()
_NO_BIND = '"provider":"","host":"","bind":""'

_quoted = json.dumps


def quoted(octets: bytes) -> str:
    """Octets as a JSON string, each as the character of its number."""
    if octets.isalnum() or not octets:
        return f'"{octets.decode()}"'
    return _quoted(octets.decode("latin-1"))


class Lines:
    """The state that rows build up, and the lines that they become."""

    def __init__(self, node: str, tally: Tally) -> None:
        self.node = node
        self._tally = tally
        self._lines: list[bytes] = []
        self._began = 0.0
        self._second = -1
        self._stamp = ""
        self._accounts: dict[str, tuple[str, bool]] = {}
        self._nobody = UNHEARD_OF
        # By number: account, and what every line about a session says of it.
        self._clients: dict[int, tuple[str, str]] = {-1: ("", self._who("", "", ""))}
        # Likewise provider, what lines about its sessions say, and where messages went.
        self._binds: dict[int, tuple[str, str, str]] = {-1: ("", "", _NO_BIND)}
        self._makers: dict[int, Callable[[Row], None]] = {
            rows.TIME: self._time,
            rows.CLIENT: self._client,
            rows.BIND: self._bind,
            rows.GONE: self._gone,
            rows.ACCOUNTS: self._use,
            rows.LOST: self._lost,
            rows.ACCEPTED: self._accepted,
            rows.REFUSED: self._refused,
            rows.UNDECIDED: self._undecided,
            rows.RECEIPTS: self._receipts,
            rows.NAMELESS: self._nameless,
            rows.DELIVERED: self._delivered,
            rows.MESSAGES: self._messages,
        }

    def add(self, row: Row) -> None:
        """What this row says."""
        self._makers[row[0]](row)

    def take(self) -> list[bytes]:
        """The lines so far, each with its newline."""
        lines, self._lines = self._lines, []
        return lines

    # -- what others refer to -------------------------------------------------------------------

    def _time(self, row: Row) -> None:
        self._began = row[1]

    def _who(self, account: str, peer: str, session: str) -> str:
        return (
            f'"node":{_quoted(self.node)},"account":{_quoted(account)},'
            f'"peer":{_quoted(peer)},"session":{_quoted(session)}'
        )

    def _client(self, row: Row) -> None:
        _, number, account, peer, session = row
        self._clients[number] = (account, self._who(account, peer, session))

    def _bind(self, row: Row) -> None:
        _, number, provider, host, session, peer = row
        place = f'"provider":{_quoted(provider)},"host":{_quoted(host)},"bind":{_quoted(session)}'
        session = f'"peer":{_quoted(peer)},"session":{_quoted(session)}'
        self._binds[number] = (provider, session, place)

    def _gone(self, row: Row) -> None:
        for number in row[1]:
            self._clients.pop(number, None)
            self._binds.pop(number, None)

    def _use(self, row: Row) -> None:
        self._accounts = row[1]
        modes = [mode for mode, _ in self._accounts.values()]
        masked = [masked for _, masked in self._accounts.values()]
        all_off = bool(modes) and set(modes) == {OFF}
        self._nobody = (OFF if all_off else "metadata", any(masked) or OFF in modes)

    def _lost(self, row: Row) -> None:
        now = time.time()
        self._lines.append(
            f'{{"time":"{self._at(now)}","event":"lost","node":{_quoted(self.node)},'
            f'"count":{row[1]}}}\n'.encode()
        )

    def _rules(self, account: str) -> tuple[str, bool]:
        if not account:
            return self._nobody
        return self._accounts.get(account, UNHEARD_OF)

    # -- parts of lines -------------------------------------------------------------------------

    def _at(self, seconds: float) -> str:
        """Unix seconds as ISO 8601 with milliseconds, UTC."""
        whole = int(seconds)
        if whole != self._second:
            self._second = whole
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        return f"{self._stamp}.{int((seconds - whole) * 1000):03d}Z"

    def _write(
        self,
        seconds: float,
        event: str,
        who: str,
        sequence_number: int,
        status: str,
        ids: tuple[str, str],
        place: str,
        numbers: tuple[bytes, bytes],
        masked: bool,
        rest: str = "",
    ) -> None:
        source, destination = numbers
        if masked:
            source, destination = mask(source), mask(destination)
        self._lines.append(
            f'{{"time":"{self._at(seconds)}","event":"{event}",{who},'
            f'"sequence_number":{sequence_number},"command_status":"{status}",'
            f'"client_message_id":{ids[0]},"provider_message_id":{ids[1]},{place},'
            f'"source_addr":{quoted(source)},"destination_addr":{quoted(destination)}'
            f"{rest}}}\n".encode()
        )

    # -- submits --------------------------------------------------------------------------------

    def _accepted(self, row: Row) -> None:
        _, now, who, bind, number, latency, record, ids, route, attempts, skipped, text = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        origin = read_origin(record)
        seconds = self._began + now
        destination = origin.destination_addr
        self._tally.add(seconds, account, provider, destination.decode("latin-1"), "ESME_ROK")
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        several = ids.split(b"\0") if b"\0" in ids else ()
        rest = f',"parts":{len(several) or 1},"route":{_quoted(route)},"latency":{latency:.6f}'
        if several:
            rest += f',"provider_message_ids":[{",".join(map(quoted, several))}]'
        if origin.user_message_reference is not None:
            rest += f',"user_message_reference":{_quoted(reference(origin))}'
        if attempts:
            rest += ',"resent":true'
        if skipped:
            rest += f',"skipped":{_quoted(skipped)}'
        self._write(
            seconds,
            "accepted",
            session,
            number,
            "ESME_ROK",
            (quoted(origin.client_message_id), quoted(several[0] if several else ids)),
            place,
            (origin.source_addr, destination),
            masked,
            rest + (said(text) if mode == FULL else ""),
        )

    def _refused(self, row: Row) -> None:
        _, now, who, bind, refused = row
        account, session = self._clients[who]
        provider, _, place = self._binds[bind]
        seconds = self._began + now
        mode, masked = self._rules(account)
        for number, status, reason, source, destination, text in refused:
            name = status_name(status)
            self._tally.add(seconds, account, provider, destination.decode("latin-1"), name)
            if mode == OFF:
                continue
            rest = f',"reason":{_quoted(reason)}' + (said(text) if mode == FULL else "")
            numbers = (source, destination)
            ids = ('""', '""')
            self._write(
                seconds, "refused", session, number, name, ids, place, numbers, masked, rest
            )

    def _undecided(self, row: Row) -> None:
        _, now, who, bind, event, number, record, (provider, host), route = row
        account, session = self._clients[who]
        place = self._binds[bind][2]
        if bind < 0 and provider:
            place = f'"provider":{_quoted(provider)},"host":{_quoted(host)},"bind":""'
        origin = read_origin(record)
        seconds = self._began + now
        status = "ESME_RUNKNOWNERR" if event == "in_doubt" else ""
        destination = origin.destination_addr.decode("latin-1")
        if event != "resent":
            self._tally.add(seconds, account, provider, destination, status or event)
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        self._write(
            seconds,
            event,
            session,
            number,
            status,
            (quoted(origin.client_message_id), '""'),
            place,
            (origin.source_addr, origin.destination_addr),
            masked,
            f',"route":{_quoted(route)}',
        )

    # -- receipts -------------------------------------------------------------------------------

    def _receipts(self, row: Row) -> None:
        _, now, bind, receipts = row
        provider, session, place = self._binds[bind]
        seconds = self._began + now
        for number, outcome, whose, client_id, ids, state, stat, err, done, final, to in receipts:
            account = whose.decode("utf-8", "replace")
            word = NORMALISED.get(state, NORMALISED[STATE_UNKNOWN])
            verdict = OUTCOME_NAMES[outcome]
            if final and verdict in ("queued", "unwanted", "merged"):
                self._tally.add(seconds, account, provider, to.decode("latin-1"), word)
            mode, masked = self._rules(account)
            if mode == OFF:
                continue
            rest = (
                f',"verdict":"{verdict}","message_state":"{word}","stat":{quoted(stat)},'
                f'"err":{quoted(err)},"final":{"true" if final else "false"},'
                f'"done_date":{self._date(done)}'
            )
            self._write(
                seconds,
                "receipt",
                f'"node":{_quoted(self.node)},"account":{_quoted(account)},{session}',
                number,
                "ESME_ROK",
                (quoted(client_id), quoted(ids[0] if ids else b"")),
                place,
                (b"", to),
                masked,
                rest,
            )

    def _date(self, seconds: int) -> str:
        return f'"{self._at(seconds)}"' if seconds > 0 else '""'

    def _nameless(self, row: Row) -> None:
        _, now, bind, number, stat, destination = row
        _, session, place = self._binds[bind]
        mode, masked = self._nobody
        if mode == OFF:
            return
        self._write(
            self._began + now,
            "receipt",
            f'"node":{_quoted(self.node)},"account":"",{session}',
            number,
            "ESME_ROK",
            ('""', '""'),
            place,
            (b"", destination),
            masked,
            f',"verdict":"unreadable","stat":{quoted(stat)}',
        )

    # -- what clients took ----------------------------------------------------------------------

    def _delivered(self, row: Row) -> None:
        _, now, who, answers = row
        account, session = self._clients[who]
        mode, masked = self._rules(account)
        if mode == OFF:
            return
        seconds = self._began + now
        for number, status, nack, attempts, origin, record in answers:
            good = not status and not nack
            event = "delivered" if good else "delivery_refused"
            if good or nack or status not in TEMPORARY:
                rest = f',"attempts":{attempts}'
            else:
                rest = f',"attempts":{attempts},"again":true'
            name = status_name(status)
            if not origin:
                rest = f',"kind":"mo"{rest}'
                ids, none = ('""', '""'), (b"", b"")
                self._write(seconds, event, session, number, name, ids, _NO_BIND, none, False, rest)
                continue
            try:
                whole = self._of_receipt(origin, record, seconds)
            except RecordError:
                continue
            ids, place, numbers, more = whole
            rest = f',"kind":"receipt"{rest}{more}'
            self._write(seconds, event, session, number, name, ids, place, numbers, masked, rest)

    def _of_receipt(
        self, origin_record: bytes, record: bytes, seconds: float
    ) -> tuple[tuple[str, str], str, tuple[bytes, bytes], str]:
        """Ids, place, numbers and the rest of what a delivery of a receipt tells."""
        origin = Origin.unpack(origin_record)
        receipt = ReceiptRecord.unpack(record)
        provider, _, host = receipt.place.rpartition(b"/")
        place = f'"provider":{quoted(provider)},"host":{quoted(host)},"bind":""'
        ids = (quoted(origin.client_message_id), quoted(receipt.provider_message_id))
        word = NORMALISED.get(receipt.state, NORMALISED[STATE_UNKNOWN])
        rest = (
            f',"message_state":"{word}","final":{"true" if receipt.final else "false"},'
            f'"submit_time":{self._date(origin.submit_time)},'
            f'"latency":{max(0.0, seconds - origin.submit_time):.3f}'
        )
        return ids, place, (origin.source_addr, origin.destination_addr), rest

    # -- MO messages ----------------------------------------------------------------------------

    def _messages(self, row: Row) -> None:
        _, now, bind, account, messages = row
        provider, session, place = self._binds[bind]
        seconds = self._began + now
        mode, masked = self._rules(account)
        who = f'"node":{_quoted(self.node)},"account":{_quoted(account)},{session}'
        verdict = "queued" if account else "unrouted"
        for number, source, destination, text in messages:
            self._tally.add(seconds, account, provider, source.decode("latin-1"), MESSAGE)
            if mode == OFF:
                continue
            rest = f',"verdict":"{verdict}"' + (said(text) if mode == FULL else "")
            numbers = (source, destination)
            ids = ('""', '""')
            self._write(
                seconds, "mo", who, number, "ESME_ROK", ids, place, numbers, masked, rest
            )


def mask(number: bytes) -> bytes:
    """A number as an account with ``mask_numbers`` has it; see ``relay.events``."""
    return number[:SHOWN] + MASK.encode() if number else b""


def read_origin(record: bytes) -> Origin:
    """An origin that this very process's node has packed a moment ago."""
    return Origin.unpack(record)


def reference(origin: Origin) -> str:
    """user_message_reference as a client would write it: two octets are a number (GW-33)."""
    octets = origin.user_message_reference or b""
    if len(octets) == 2:
        return str(int.from_bytes(octets, "big"))
    return octets.rstrip(b"\0").decode("latin-1")


def said(text: Sequence[Any] | None) -> str:
    """What a message says, for the end of a line; its octets in hex where they are no text."""
    if text is None:
        return ""
    data_coding, headed, alphabet, octets = text
    head = f',"data_coding":{data_coding},'
    name = alphabet or meaning(data_coding, _STANDARD)[0]
    try:
        body = octets[udh.parse(octets)[1] :] if headed else octets
        if name in alphabets.TEXTS:
            return f'{head}"text":{_quoted(alphabets.decode(name, body))}'
    except BodyError:
        pass
    return f'{head}"octets":"{octets.hex()}"'
