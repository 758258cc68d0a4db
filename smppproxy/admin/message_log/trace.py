"""Where a message went: what this node's log has of it, and what the store still holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed

from smppproxy.admin.message_log.search import NUMBERS, Event, Found, Search, newest
from smppproxy.receipts.dialects import NORMALISED
from smppproxy.receipts.message_ids import key_of_response
from smppproxy.relay.events import shown
from smppproxy.routing.accounts import Account
from smppproxy.routing.providers import Provider
from smppproxy.store.history import Held
from smppproxy.store.interface import RECEIPTS, Entry, Store, Stray
from smppproxy.store.leftovers import STRAY_KINDS
from smppproxy.store.records import Origin, ReceiptRecord, RecordError

MOST_QUEUED = 5_000
"""Newest entries of an account's queue that are looked at."""

MOST_STRAYS = 1_000
"""Newest receipts of each kind without an owner that are looked at."""

Run = Callable[[Callable[[], Any]], Deferred[Any]]


class Tracer:
    """Looks for a message by our id, the provider's, the client's reference, or a number."""

    def __init__(
        self,
        folder: str,
        node: str,
        store: Store,
        run: Run,
        accounts: Callable[[], Mapping[str, Account]],
        providers: Callable[[], Mapping[str, Provider]],
    ) -> None:
        """
        :param folder: of this node's message log; "" when it has none.
        :param run: runs a function in a thread.
        """
        self._folder = folder
        self._node = node
        self._store = store
        self._run = run
        self._accounts = accounts
        self._providers = providers

    def trace(self, query: str, limit: int) -> Deferred[list[Event]]:
        """Hops of the newest messages that ``query`` names, newest first: those of this node's log,
        then what the store has of them now.

        To ask all nodes: :meth:`logged` on each, again with the :func:`ids_of` of all answers so
        that a node that knows a message by another id finds it, then :meth:`stored` on one node.
        """

        def both(hops: list[Event]) -> Deferred[list[Event]]:
            return self.stored({query, *ids_of(hops, limit)}).addCallback(hops.__add__)

        return self.logged({query}, limit).addCallback(both)

    def logged(self, words: Collection[str], limit: int) -> Deferred[list[Event]]:
        """What this node's log has, newest first; one more hop tells when there may be more."""
        if not self._folder:
            return succeed([])

        def hops(found: Found) -> list[Event]:
            cut = [{"event": "cut", "node": self._node, "reason": found.cut}] if found.cut else []
            return found.events + cut

        folder = self._folder
        return self._run(lambda: Search(folder).run(words, limit)).addCallback(hops)

    def stored(self, words: Collection[str]) -> Deferred[list[Event]]:
        """What the store holds under these ids: maps, queued receipts, and those without an owner.

        The Deferred fails with StoreUnavailable.
        """
        ids = [word.encode() for word in words if word and len(word) <= 65]
        asked = [
            *(self._maps(provider, ids) for provider in self._providers().values()),
            *(self._queued(account, ids) for account in self._accounts().values()),
            *(self._strays(kind, set(ids)) for kind in STRAY_KINDS),
        ]
        return gatherResults(asked, consumeErrors=True).addCallbacks(
            lambda found: [self._shown(hop) for hops in found for hop in hops], first_error
        )

    def _shown(self, hop: Event) -> Event:
        """Numbers as the account wants them seen (MG-31)."""
        account = self._accounts().get(hop.get("account", ""))
        for field in NUMBERS:
            if field in hop:
                hop[field] = shown(hop[field].encode("latin-1"), account)
        return hop

    def _maps(self, provider: Provider, ids: list[bytes]) -> Deferred[list[Event]]:
        keys = list(dict.fromkeys(key_of_response(provider.ids, each) for each in ids))
        return self._store.held(provider.key, keys).addCallback(
            lambda found: [map_hop(provider.name, each) for each in found]
        )

    def _queued(self, account: Account, ids: list[bytes]) -> Deferred[list[Event]]:
        asked = [self._store.seek(RECEIPTS + account.key, each, MOST_QUEUED) for each in ids]
        return gatherResults(asked, consumeErrors=True).addCallbacks(
            lambda found: [
                queue_hop(account.system_id, entry) for entries in found for entry in entries
            ],
            first_error,
        )

    def _strays(self, kind: bytes, ids: set[bytes]) -> Deferred[list[Event]]:
        def hops(strays: list[Stray]) -> list[Event]:
            ours = [each for each in strays if not ids.isdisjoint(each.arrival.keys)]
            return [stray_hop(kind, each) for each in ours]

        return self._store.strays(kind, MOST_STRAYS).addCallback(hops)


def ids_of(hops: list[Event], limit: int) -> list[str]:
    """The ids of the messages that these hops are about."""
    return newest(hops, limit)[1]


def first_error(failure: Any) -> Any:
    """What went wrong, instead of that something did."""
    return failure.value.subFailure


def stamp(seconds: float) -> str:
    """Unix seconds as the log writes them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def map_hop(provider: str, held: Held) -> Event:
    """A map: the way back that the store keeps for a message."""
    hop: Event = {
        "event": "map",
        "account": held.account.decode("utf-8", "replace"),
        "provider": provider,
        "provider_message_id": held.key.decode("latin-1"),
        "expires": stamp(held.expiry),
        "final": held.final,
        "message_states": [NORMALISED.get(state, str(state)) for state in held.seen],
    }
    return hop | of_origin(held.origin)


def queue_hop(account: str, entry: Entry) -> Event:
    """A receipt that waits for its client."""
    hop: Event = {"event": "queued", "account": account}
    born = entry.entry_id.partition(b"-")[0]
    if born.isdigit():
        hop["time"] = stamp(int(born) / 1000)
    try:
        receipt = ReceiptRecord.unpack(entry.receipt)
    except RecordError:
        return hop | of_origin(entry.origin)
    hop["message_state"] = NORMALISED.get(receipt.state, str(receipt.state))
    hop["final"] = receipt.final
    return hop | of_origin(entry.origin)


def stray_hop(kind: bytes, stray: Stray) -> Event:
    """A receipt without an owner."""
    arrival = stray.arrival
    return {
        "event": {b"orphans": "orphan"}.get(kind, kind.decode()),
        "time": stamp(stray.arrived),
        "provider": stray.provider.decode("utf-8", "replace"),
        "provider_message_id": arrival.keys[0].decode("latin-1") if arrival.keys else "",
        "message_state": NORMALISED.get(arrival.state, str(arrival.state)),
        "final": arrival.final,
        "reason": stray.reason.decode("latin-1"),
    }


def of_origin(record: bytes) -> Event:
    """What the store keeps of a submit_sm."""
    try:
        origin = Origin.unpack(record)
    except RecordError:
        return {}
    return {
        "client_message_id": origin.client_message_id.decode("latin-1"),
        "source_addr": origin.source_addr.decode("latin-1"),
        "destination_addr": origin.destination_addr.decode("latin-1"),
        "submit_time": stamp(origin.submit_time),
    }
