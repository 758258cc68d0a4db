"""Who rows are about: sessions and accounts as they were told last, and what lines say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smppproxy.admin.message_log.pieces import (
    ACCEPTED_LINE,
    DELIVERED_LINE,
    RECEIPT_LINE,
    literal,
    quoted,
)

OFF, METADATA, FULL = "off", "metadata", "full"

Rules = tuple[str, bool]
"""An account's message_log and mask_numbers."""

UNHEARD_OF: Rules = (METADATA, False)

MOST = 100_000
"""Forms of each kind that are kept ready."""

NO_BIND = b'"provider":"","host":"","bind":""'


class Parties:
    """What the rows about others than messages build up.

    :ivar node: what every line says of the node.
    :ivar clients: by number: account, and what every line about a session says of it.
    :ivar binds: likewise provider, what lines about its sessions say, and where messages went.
    :ivar nobody: what holds for what no account owns: as strict as the strictest.
    """

    def __init__(self, node: str) -> None:
        self.node = b'"node":' + quoted(node)
        self.clients: dict[int, tuple[str, bytes]] = {}
        self.binds: dict[int, tuple[str, bytes, bytes]] = {-1: ("", b"", NO_BIND)}
        self.nobody = UNHEARD_OF
        self._accounts: dict[str, Rules] = {}
        self._accepted: dict[tuple[int, int], bytes] = {}
        self._receipts: dict[tuple[bytes, int], tuple[str, bytes]] = {}
        self._delivered: dict[int, bytes] = {}

    def client(self, row: Sequence[Any]) -> None:
        """A client's session."""
        _, number, account, peer, session = row
        who = b'%b,"account":%b,"peer":%b,"session":%b' % (
            self.node,
            quoted(account),
            quoted(peer),
            quoted(session),
        )
        self.clients[number] = (account, who)

    def bind(self, row: Sequence[Any]) -> None:
        """A bind to a provider."""
        _, number, provider, host, session, peer = row
        place = b'"provider":%b,"host":%b,"bind":%b' % (
            quoted(provider),
            quoted(host),
            quoted(session),
        )
        whose = b'"peer":%b,"session":%b' % (quoted(peer), quoted(session))
        self.binds[number] = (provider, whose, place)

    def gone(self, row: Sequence[Any]) -> None:
        """Sessions that ended."""
        for number in row[1]:
            self.clients.pop(number, None)
            self.binds.pop(number, None)
        for forms in (self._accepted, self._receipts, self._delivered):
            forms.clear()

    def use(self, row: Sequence[Any]) -> None:
        """What the accounts want."""
        self._accounts = row[1]
        modes = [mode for mode, _ in self._accounts.values()]
        masked = [masked for _, masked in self._accounts.values()]
        all_off = bool(modes) and set(modes) == {OFF}
        self.nobody = (OFF if all_off else METADATA, any(masked) or OFF in modes)

    def rules(self, account: str) -> Rules:
        """What holds for this account; "": for nobody's."""
        if not account:
            return self.nobody
        return self._accounts.get(account, UNHEARD_OF)

    def of_nobody(self, account: str, session: bytes) -> bytes:
        """What a line about a provider's session says of itself."""
        return b'%b,"account":%b,%b' % (self.node, quoted(account), session)

    # -- forms: lines of the same parties, but for what each message has of its own --------------

    def accepted_form(self, who: int, bind: int) -> bytes:
        """Of messages that this client sent and this bind took."""
        form = self._accepted.get((who, bind))
        if form is None:
            self._make_room(self._accepted)
            session, place = self.clients[who][1], self.binds[bind][2]
            form = self._accepted[who, bind] = ACCEPTED_LINE % (literal(session), literal(place))
        return form

    def receipt_form(self, key: bytes, bind: int) -> tuple[str, bytes]:
        """Of receipts that came by this bind; and the account, by its name as the store has it."""
        found = self._receipts.get((key, bind))
        if found is None:
            self._make_room(self._receipts)
            _, session, place = self.binds[bind]
            account = key.decode("utf-8", "replace")
            whose = literal(self.of_nobody(account, session))
            found = self._receipts[key, bind] = account, RECEIPT_LINE % (whose, literal(place))
        return found

    def delivered_form(self, who: int) -> bytes:
        """Of receipts that this client took."""
        form = self._delivered.get(who)
        if form is None:
            self._make_room(self._delivered)
            form = self._delivered[who] = DELIVERED_LINE % literal(self.clients[who][1])
        return form

    def _make_room(self, forms: dict[Any, Any]) -> None:
        if len(forms) >= MOST:
            forms.clear()
