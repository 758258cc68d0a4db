"""Events that a peer could cause by the thousand: told at once, then once a second with a count.

MG-14 wants each refused submit_sm to be found in the log, with whose it was and why; a client that
is refused ten thousand times a second must not fill the disk with it (``limited``).

No event holds a message's text. Telephone numbers of an account with ``mask_numbers`` show their
first digits only (MG-31), and an account whose ``message_log`` is ``off`` has none of these events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger, LogLevel

from smppproxy.relay.journal import ABANDONED, IN_DOUBT, REFUSED, RESENT, Journal
from smppproxy.relay.ledger import Ledger
from smppproxy.relay.limited import Limited
from smppproxy.relay.peers import Client, Upstream
from smppproxy.routing.accounts import Account
from smppproxy.smpp.constants import status_name
from smppproxy.smpp.errors import BodyError
from smppproxy.smpp.fields import walk_message
from smppproxy.smpp.pdu import Pdu
from smppproxy.smpp.refusals import RefusalStatus

if TYPE_CHECKING:
    from smppproxy.relay.submission import Submit

SHOWN = 4
"""Digits of a masked number that are shown: country and network, not the person."""

MASK = "***"


def shown(number: bytes, account: Account | None) -> str:
    """A telephone number, or another address, as an event may show it.

    :param account: whose number it is; None when the caller has decided that it may be seen.
    """
    text = number.decode("latin-1")
    if account is not None and account.mask_numbers:
        return text[:SHOWN] + MASK
    return text


def _is_open(submit: Submit) -> bool:
    """Whether it may still be sent."""
    return not submit.settled and submit.client.connected


class Events:
    """Tells the events of the journeys; see above for how often."""

    _log = Logger()

    def __init__(
        self, ledger: Ledger, seconds: Callable[[], float], journal: Journal | None = None
    ) -> None:
        """
        :param seconds: the monotonic clock.
        :param journal: is told of each event that is about a message, however many there are.
        """
        self._ledger = ledger
        self._seconds = seconds
        self.journal = Journal() if journal is None else journal
        self._given_back: set[Submit] = set()
        self._limited = Limited(self._log, seconds, lambda: ledger.count("events_untold"))

    def tell(self, event: str, subject: str, reason: str, fields: Callable[[], Any]) -> None:
        """Write this event, or count it; see :meth:`~smppproxy.relay.limited.Limited.tell`."""
        self._limited.tell(event, subject, reason, fields)

    def tick(self, now: float) -> None:
        """Once a second: tell what was counted, forget what was quiet."""
        self._limited.tick(now)

    # -- refusals -------------------------------------------------------------------------------

    def refused(
        self,
        client: Client,
        refused: Sequence[tuple[RefusalStatus, Pdu]],
        upstream: Upstream | None = None,
    ) -> None:
        """These submit_sm of one session get these command_status.

        :param upstream: whose provider refused them; None when we did.
        """
        counts = client.counts
        account = client.account
        silent = account.message_log == "off"
        self.journal.note((REFUSED, self._seconds(), client, refused, upstream))
        for status, pdu in refused:
            counts.refuse(status)
            self._ledger.count(status.counter)
            if not silent:
                self.tell(
                    "submit_refused",
                    account.system_id,
                    status.name,
                    _refused_fields(client, status, pdu, upstream),
                )

    def in_doubt(self, submit: Submit) -> None:
        """The fate of a submit_sm is unknown; its client is told so, or is gone."""
        client, pdu = submit.client, submit.pdu
        client.counts.in_doubt += 1
        self.journal.note((IN_DOUBT, self._seconds(), submit))
        account = client.account
        if account.message_log == "off":
            return

        def fields() -> dict[str, Any]:
            return {
                "log_level": LogLevel.warn,
                "log_format": "{count} submit_sm of {account} are in doubt",
                **_whose(client, pdu),
                "command_status": "ESME_RUNKNOWNERR",
            }

        self.tell("submit_in_doubt", account.system_id, "", fields)

    def abandoned(self, submit: Submit) -> None:
        """The client of a submit_sm went before it was sent."""
        self.journal.note((ABANDONED, self._seconds(), submit))

    def resent(self, submit: Submit, upstream: Upstream) -> None:
        """The second copy of a submit_sm that was in doubt is written to this bind."""
        if submit in self._given_back:
            self._given_back.discard(submit)
        else:
            self._ledger.resent += 1
        self.journal.note((RESENT, self._seconds(), submit, upstream))

    def given_back(self, submits: Iterable[Submit]) -> None:
        """Another node did not send what it was given: a second copy that was counted never left,
        and is not counted again when it does."""
        self._given_back.update(submit for submit in submits if submit.attempts)
        self._given_back = {each for each in self._given_back if _is_open(each)}

    def delivery_refused(self, client: Client, command_status: int) -> None:
        """A client refused a deliver_sm for good."""

        def fields() -> dict[str, Any]:
            return {
                "log_level": LogLevel.warn,
                "log_format": "{account} refused {count} deliveries with {command_status}",
                "account": client.account.system_id,
                "session": client.name,
                "peer": client.peer,
                "command_status": status_name(command_status),
            }

        self.tell("delivery_refused", client.account.system_id, "", fields)

    # -- what providers send --------------------------------------------------------------------

    def unreadable(self, upstream: Upstream, stat: bytes) -> None:
        """A receipt without any message id."""

        def fields() -> dict[str, Any]:
            return {
                "log_level": LogLevel.warn,
                "log_format": "{count} receipts without a message id from {provider}",
                "provider": upstream.provider.name,
                "host": upstream.host.name,
                "session": upstream.name,
                "peer": upstream.peer,
                "stat": stat,
            }

        self.tell("receipt_unreadable", upstream.provider.name, upstream.host.name, fields)

    def quarantined(self, number: int) -> None:
        """So many receipts of one read do not fit the messages that their ids name."""
        for _ in range(number):
            self.tell("receipt_quarantined", "", "", _quarantined)

    def orphaned(self, provider: str, number: int) -> None:
        """So many parked receipts of a provider never found their message."""
        if number:
            self._log.warn(
                "{count} receipts from {provider} never found their message: orphans, see replay",
                event="receipts_orphaned",
                provider=provider,
                count=number,
            )

    def unrouted(self, upstream: Upstream, destination: bytes, owner: Account | None) -> None:
        """Nobody gets an MO message.

        :param owner: whose ``mask_numbers`` counts.
        """

        def fields() -> dict[str, Any]:
            return {
                "log_level": LogLevel.warn,
                "log_format": "no account takes {count} MO messages from {provider}",
                "provider": upstream.provider.name,
                "host": upstream.host.name,
                "destination_addr": shown(destination, owner),
            }

        self.tell("mo_unrouted", upstream.provider.name, upstream.host.name, fields)


def _quarantined() -> dict[str, Any]:
    return {
        "log_level": LogLevel.warn,
        "log_format": "{count} receipts do not fit the messages their ids name: in quarantine",
    }


def _whose(client: Client, pdu: Pdu) -> dict[str, Any]:
    """What every event about a submit_sm says."""
    return {
        "account": client.account.system_id,
        "session": client.name,
        "peer": client.peer,
        "sequence_number": pdu.sequence_number,
        "destination_addr": _destination(client.account, pdu),
    }


def _destination(account: Account, pdu: Pdu) -> str:
    """Where a submit_sm was to go; "" when that cannot be read."""
    try:
        _, dest_at, esm_at, *_ = walk_message(pdu.raw)
    except BodyError:
        return ""
    return shown(pdu.raw[dest_at + 2 : esm_at - 1], account)


def _refused_fields(
    client: Client, status: RefusalStatus, pdu: Pdu, upstream: Upstream | None
) -> Callable[[], dict[str, Any]]:
    def fields() -> dict[str, Any]:
        return {
            "log_format": "{count} submit_sm of {account} refused: {reason}",
            **_whose(client, pdu),
            "command_status": status_name(status),
            "reason": status.name,
            "provider": "" if upstream is None else upstream.provider.name,
            "host": "" if upstream is None else upstream.host.name,
        }

    return fields
