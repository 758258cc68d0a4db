"""`tap`: the PDUs of a bind, an account or a number while they pass, for one who looks on.

It never touches what passes: it is given the octets of each read and each write, and what it has
no time for, or its listener no room, it drops and counts. Passwords are never shown; what messages
say is starred out, octet for octet, unless somebody of the role admin asks for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol
from weakref import WeakSet

import attrs
from twisted.logger import Logger

from smppproxy.admin.access import Caller
from smppproxy.admin.api import ADMIN
from smppproxy.admin.errors import ApiError
from smppproxy.admin.masking import masked
from smppproxy.admin.pdus import addresses, fields_of, system_id_of
from smppproxy.admin.rooms import Rooms
from smppproxy.admin.targets import (
    ACCOUNT,
    BIND,
    HOST,
    NODE,
    PROVIDER,
    SESSION,
    Target,
    check,
    parse,
)
from smppproxy.routing.prefixes import bare
from smppproxy.smpp.constants import COMMAND_NAMES, RESPONSE, status_name
from smppproxy.wire.client import ClientSession
from smppproxy.wire.protocol import SmppProtocol, Ticker

MOST_TAPS = 8
"""At once, on one node."""

MOST_A_SECOND = 1000
"""PDUs of one tap; further ones are dropped and counted."""

MOST_AWAITED = 10_000
"""Requests of a number whose answers are looked for."""

NUMBER = "number"

KINDS = (PROVIDER, HOST, BIND, ACCOUNT, SESSION)

log = Logger()


class Stream(Protocol):
    """Who listens."""

    def send(self, row: Any) -> bool:
        """Say something; false when there is no room for it now."""

    def end(self) -> None:
        """There is no more."""


@attrs.define(eq=False)
class Tap:
    """One that somebody listens to.

    :ivar number: whose messages; b"" = of every number.
    :ivar shows: what messages say is shown.
    :ivar left: PDUs until it ends; 0 = no end.
    :ivar awaited: requests of the number whose answers are to be shown too.
    :ivar binding: sessions that asked to bind as the account, and may have been refused.
    """

    target: Target | None
    number: bytes
    shows: bool
    left: int
    stream: Stream
    second: int = 0
    sent: int = 0
    dropped: int = 0
    awaited: OrderedDict[tuple[int, bool, int], None] = attrs.field(factory=OrderedDict)
    binding: WeakSet[SmppProtocol] = attrs.field(factory=WeakSet)


class Taps:
    """The taps of one node. The sessions' :class:`~smppproxy.wire.protocol.Ticker` holds it while
    there is one, so that nobody who is not looked at pays for more than a look at an attribute.
    """

    def __init__(self, rooms: Rooms, ticker: Ticker) -> None:
        self._rooms = rooms
        self._ticker = ticker
        self._taps: list[Tap] = []

    # -- who listens ----------------------------------------------------------------------------

    def tap(
        self, operation: object, given: dict[str, Any], caller: Caller, stream: Stream
    ) -> Callable[[], None]:
        """Let somebody look on; the result ends it.

        :raises ApiError: there is no such thing, too many look on, or it is not for this role.
        """
        if given["text"]:
            caller.needs(ADMIN, "tap with texts")
        if len(self._taps) >= MOST_TAPS:
            raise ApiError(409, "too_many", f"{MOST_TAPS} taps are open; end one of them first")
        kind, _, number = given["target"].partition(":")
        target = None
        if kind != NUMBER:
            target = parse(given["target"])
            if target.kind == NODE:
                raise ApiError(409, "wrong_kind", "a node cannot be tapped; tap what it carries")
            check(self._rooms, target, KINDS, "tap")
        elif not bare(number.encode()):
            raise ApiError(404, "unknown_name", f"{number} is no number; write number:4512345678")
        tap = Tap(target, bare(number.encode()) if target is None else b"", given["text"],
                  given["count"], stream)  # fmt: skip
        who = f"{caller.who}@{caller.peer}"
        log.info(
            "{who} taps {target}", event="operator", verb="tap", target=given["target"],
            who=who, text=given["text"],
        )  # fmt: skip
        self._taps.append(tap)
        self._ticker.tap = self
        over = None
        if given["seconds"]:
            over = self._rooms.clock.callLater(given["seconds"], stream.end)

        def end() -> None:
            if over is not None and over.active():
                over.cancel()
            self._end(tap)

        return end

    def _end(self, tap: Tap) -> None:
        if tap in self._taps:
            self._taps.remove(tap)
        if not self._taps:
            self._ticker.tap = None

    # -- what passes ----------------------------------------------------------------------------

    def read(self, session: SmppProtocol, data: bytes) -> None:
        """A session is about to handle these octets."""
        self._pass(session, session.session.unfinished + data, True)

    def wrote(self, session: SmppProtocol, data: bytes) -> None:
        """A session writes these whole PDUs."""
        self._pass(session, data, False)

    def _pass(self, session: SmppProtocol, octets: bytes, came: bool) -> None:
        try:
            for raw in cut(octets):
                for tap in [*self._taps]:
                    self._show(tap, session, raw, came)
        except Exception:  # noqa: BLE001  looking on must not end a session: the taps end instead
            log.failure("a tap has a fault; all of them end", event="admin_failed")
            for tap in [*self._taps]:
                tap.stream.end()
                self._end(tap)

    def _show(self, tap: Tap, session: SmppProtocol, raw: bytes, came: bool) -> None:
        if tap.target is not None and not _is_of(tap, session, tap.target, raw):
            return
        if tap.number and not _concerns(tap, session, raw, came):
            return
        now = self._rooms.wall()
        if int(now) != tap.second:
            tap.second = int(now)
            tap.sent = 0
        if tap.sent >= MOST_A_SECOND:
            tap.dropped += 1
            return
        shown = masked(raw, tap.shows, self._masks(session) and not tap.shows)
        row = row_of(session, shown, came, now) | {"node": self._rooms.node.name}
        row["dropped"] = tap.dropped
        if not tap.stream.send(row):
            tap.dropped += 1
            return
        tap.dropped = 0
        tap.sent += 1
        if tap.left:
            tap.left -= 1
            if not tap.left:
                self._end(tap)
                tap.stream.end()

    def _masks(self, session: SmppProtocol) -> bool:
        """Whether numbers are not to be seen; with providers the strictest account decides."""
        accounts = self._rooms.network().accounts
        if isinstance(session, ClientSession):
            return session.bound and session.account.mask_numbers
        return any(account.mask_numbers for account in accounts.values())


def cut(octets: bytes) -> list[bytes]:
    """The whole PDUs of a read with what was there before it; nothing from where it makes no
    sense."""
    found = []
    at = 0
    while at + 16 <= len(octets):
        length = int.from_bytes(octets[at : at + 4], "big")
        if length < 16 or at + length > len(octets):
            break
        found.append(octets[at : at + length])
        at += length
    return found


def _is_of(tap: Tap, session: SmppProtocol, target: Target, raw: bytes) -> bool:
    name = session.name.partition(" ")[0]
    if target.kind not in (ACCOUNT, SESSION):
        place = str(target)
        bind = name.removesuffix("tx").removesuffix("rx")
        ours = place in (name, bind) or name.startswith(f"{place}/")
        return ours and not isinstance(session, ClientSession)
    if not isinstance(session, ClientSession):
        return False
    if target.kind == SESSION:
        return name == f"{target.name}#{target.session}"
    if session.bound:
        return session.account.system_id == target.name
    # A bind that is refused is what one may be looking for.
    if system_id_of(raw) == target.name.encode():
        tap.binding.add(session)
    return session in tap.binding


def _concerns(tap: Tap, session: SmppProtocol, raw: bytes, came: bool) -> bool:
    """Whether a PDU is about the tap's number, or answers one that is."""
    command_id = int.from_bytes(raw[4:8], "big")
    sequence_number = int.from_bytes(raw[12:16], "big")
    if command_id & RESPONSE:
        key = (id(session), not came, sequence_number)
        return tap.awaited.pop(key, key) is None
    if tap.number not in addresses(raw):
        return False
    tap.awaited[id(session), came, sequence_number] = None
    if len(tap.awaited) > MOST_AWAITED:
        tap.awaited.popitem(last=False)
    return True


def row_of(session: SmppProtocol, raw: bytes, came: bool, now: float) -> dict[str, Any]:
    """A PDU as a line."""
    command_id = int.from_bytes(raw[4:8], "big")
    return {
        "time": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        "session": session.name.partition(" ")[0],
        "side": "account" if isinstance(session, ClientSession) else "provider",
        "peer": session.peer,
        "direction": "in" if came else "out",
        "command": COMMAND_NAMES.get(command_id, f"0x{command_id:08X}"),
        "command_status": status_name(int.from_bytes(raw[8:12], "big")),
        "sequence_number": int.from_bytes(raw[12:16], "big"),
        "fields": fields_of(raw),
        "octets": raw.hex(),
    }
