"""Reads the histories of both ends and says which promises were not kept.

Sentences name what is wrong; none means that every promise was kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import attrs

from smppproxy.relay.endings import PATIENCE
from smppproxy.relay.retry import HOME
from smppproxy.smpp.constants import (
    ESME_RMSGQFUL,
    ESME_RSYSERR,
    ESME_RTHROTTLED,
    ESME_RUNKNOWNERR,
)
from tests.chaos.events import Line, lines_of

NOT_SENT = frozenset({ESME_RSYSERR, ESME_RMSGQFUL, ESME_RTHROTTLED})
"""What the node refuses with before it sends anything (P2); the providers use other codes."""
ROUNDED = 0.01
"""Seconds by which two ends may differ about when something was."""
DIGITS = 8
"""At the end of a destination: the message's number."""
SHOWN = 5


@attrs.define(eq=False)
class Taken:
    """What providers did with the message to a destination: each copy's id, whose it was, when."""

    ids: list[str] = attrs.field(factory=list)
    providers: list[str] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)

    @property
    def is_at_two(self) -> bool:
        """Whether more than one provider took it."""
        return len(self.providers) > 1 and len({*self.providers}) > 1


@attrs.define(eq=False)
class ClientStory:
    """What one client did and heard.

    :ivar accepted: number -> message_id; :ivar refused: number -> command_status.
    :ivar unknown: number -> when it was told that the fate is unknown.
    :ivar given_up: numbers that had no answer.
    :ivar batches: what was submitted at once: its first number, how many, the session, when.
    :ivar ports: session -> where it was bound, and when.
    :ivar receipts: (destination, message_id) -> final receipts that came.
    :ivar early: numbers whose receipt came before the answer, in the same session.
    """

    name: str
    prefix: str
    submitted: int = 0
    accepted: dict[int, str] = attrs.field(factory=dict)
    refused: dict[int, int] = attrs.field(factory=dict)
    unknown: dict[int, float] = attrs.field(factory=dict)
    given_up: set[int] = attrs.field(factory=set)
    batches: list[tuple[int, int, str, float]] = attrs.field(factory=list)
    ports: dict[str, tuple[int, float]] = attrs.field(factory=dict)
    receipts: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    early: list[int] = attrs.field(factory=list)
    _first: dict[str, str] = attrs.field(factory=dict)

    def read(self, lines: Iterable[Line]) -> ClientStory:
        """Take in a history."""
        for line in lines:
            take = getattr(self, "_take_" + line[0], None)
            if take is not None:
                take(*line[1:])
        return self

    def _take_S(self, first: str, count: str, session: str, at: str) -> None:
        self.submitted = int(first) + int(count)
        self.batches.append((int(first), int(count), session, float(at)))

    def _take_B(self, session: str, port: str, at: str) -> None:
        self.ports[session] = int(port), float(at)

    def _take_A(self, number: str, status: str, told: str, session: str, at: str) -> None:
        which = int(number)
        self.given_up.discard(which)
        if status != "0":
            self.refused[which] = int(status)
            if self.refused[which] == ESME_RUNKNOWNERR:
                self.unknown[which] = float(at)
            return
        self.accepted[which] = told
        if self._first.get(told) == session:
            self.early.append(which)

    def _take_L(self, number: str, at: str) -> None:
        self.given_up.add(int(number))

    def _take_R(self, to: str, told: str, stat: str, session: str, at: str) -> None:
        self.receipts[to, told] += 1
        self._first.setdefault(told, session)

    def batch_of(self, number: int) -> tuple[int, int, str, float]:
        """With what it was submitted."""
        return self.batches[bisect_right(self.batches, number, key=itemgetter(0)) - 1]

    def number_of(self, to: str) -> int:
        """Which message of ours went there, -1 if none."""
        if not to.startswith(self.prefix) or len(to) != len(self.prefix) + DIGITS:
            return -1
        return int(to[-DIGITS:])

    def address_of(self, number: int) -> str:
        """Where a message went."""
        return f"{self.prefix}{number:0{DIGITS}}"


@attrs.define
class Verdict:
    """:ivar complaints: promises that were not kept; :ivar figures: what was counted."""

    complaints: list[str] = attrs.field(factory=list)
    figures: dict[str, Any] = attrs.field(factory=dict)

    def blame(self, what: str, examples: Iterable[str]) -> None:
        """So many of these are wrong; nothing to say of none."""
        found = list(examples)
        self.figures[what] = len(found)
        if found:
            more = " ..." if len(found) > SHOWN else ""
            self.complaints.append(f"{len(found)} {what}: {', '.join(found[:SHOWN])}{more}")


def taken_by(histories: Mapping[str, Path]) -> dict[str, Taken]:
    """Destination -> what providers did with it."""
    found: defaultdict[str, Taken] = defaultdict(Taken)
    for provider, path in histories.items():
        for line in lines_of(path):
            if line[0] == "P":
                taken = found[line[1]]
                taken.ids.append(line[2])
                taken.providers.append(provider)
                taken.times.append(float(line[-1]))
    return found


def check(clients: Iterable[ClientStory], taken: Mapping[str, Taken]) -> Verdict:
    """Compare both ends."""
    verdict = Verdict()
    stories = list(clients)
    if not any(one.accepted for one in stories):
        verdict.complaints.append("no message was accepted: nothing was tried")
    owners = {told: one for one in stories for told in one.accepted.values()}
    verdict.figures |= {
        "submitted": sum(one.submitted for one in stories),
        "accepted": sum(len(one.accepted) for one in stories),
        "refused": sum(len(one.refused) for one in stories),
        "unanswered": sum(len(one.given_up) for one in stories),
        "receipts": sum(sum(one.receipts.values()) for one in stories),
        "repeated receipts": sum(n - 1 for one in stories for n in one.receipts.values()),
        "second copies": sum(len(each.ids) - 1 for each in taken.values()),
        "of them at another provider": sum(each.is_at_two for each in taken.values()),
        "told that the fate is unknown": sum(len(one.unknown) for one in stories),
        "of them with a receipt": sum(
            one.number_of(to) in one.unknown for one in stories for to, _ in one.receipts
        ),
    }
    verdict.blame("accepted without a receipt", _each(stories, _without))
    verdict.blame("accepted, yet at no provider", (
        to for one in stories for to in map(one.address_of, one.accepted) if to not in taken
    ))
    verdict.blame("receipts of somebody else's message", (
        f"{to} {told} to {one.name}" for one in stories for to, told in one.receipts
        if one.number_of(to) < 0 or owners.get(told, one) is not one
    ))
    verdict.blame("receipts under an id that was not given", (
        wrong for one in stories for wrong in _strange(one, taken)
    ))
    verdict.blame("answered after their receipt in one session", (
        one.address_of(number) for one in stories for number in one.early
    ))
    verdict.blame("ids given twice", (
        told for one in stories for told, n in Counter(one.accepted.values()).items() if n > 1
    ))
    verdict.blame("at providers more than twice", (
        to for to, each in taken.items() if len(each.ids) > 2
    ))
    verdict.blame("at another provider too soon", _each(stories, partial(_hasty, taken)))
    verdict.blame("refused by the node, yet at a provider", (
        f"{one.address_of(number)} {status:#x}" for one in stories
        for number, status in one.refused.items()
        if status in NOT_SENT and one.address_of(number) in taken
    ))
    return verdict


def _each(stories: Iterable[ClientStory], wrong: Any) -> Iterable[str]:
    for one in stories:
        yield from wrong(one)


def _without(one: ClientStory) -> Iterable[str]:
    for number, told in one.accepted.items():
        if not one.receipts[one.address_of(number), told]:
            yield f"{one.address_of(number)} {told}"


def _strange(one: ClientStory, taken: Mapping[str, Taken]) -> Iterable[str]:
    """A receipt of a message whose answer was lost names an id that was never heard of (P6).

    So may that of a message told 0xFF, if that was said because the store had not answered for
    as long as it is waited for (P2): it may have the way back all the same, but one only.
    """
    found: dict[int, str] = {}
    for to, told in one.receipts:
        number = one.number_of(to)
        if number < 0 or one.accepted.get(number) == told or number in one.given_up:
            continue
        first = min(taken[to].times, default=0.0) if to in taken else 0.0
        waited = one.unknown.get(number, 0.0) - first >= PATIENCE - ROUNDED
        if not waited or found.setdefault(number, told) != told:
            yield f"{to} {told} to {one.name}"


def _hasty(taken: Mapping[str, Taken], one: ClientStory) -> Iterable[str]:
    """A second copy waits for its own provider before it goes to another one (P4).

    Either copy may have come first, where the network held one back: the later one is looked at.
    """
    for number in range(one.submitted):
        each = taken.get(one.address_of(number))
        if each is not None and each.is_at_two:
            waited = max(each.times) - one.batch_of(number)[3]
            if waited < HOME - ROUNDED:
                yield f"{one.address_of(number)} after {waited:.3f} s"


@attrs.define
class Books:
    """What clients know of one life of a node."""

    submitted: int = 0
    accepted: int = 0
    refused: int = 0
    in_doubt: int = 0
    unanswered: int = 0

    def add(self, other: Books) -> None:
        """What they know of both."""
        for field in attrs.fields(Books):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def books_of(
    clients: Iterable[ClientStory], lives: Mapping[str, tuple[int, float]]
) -> dict[str, Books]:
    """By node.

    :param lives: the port of each one's present life, and since when it is: another life may have
        had that port before.
    """
    found = {name: Books() for name in lives}
    names = {port: (name, since) for name, (port, since) in lives.items()}
    for one in clients:
        for first, count, session, _ in one.batches:
            port, at = one.ports[session]
            name, since = names.get(port, ("", 0.0))
            if not name or at < since:
                continue
            books = found[name]
            books.submitted += count
            for number in range(first, first + count):
                _enter(books, one, number)
    return found


def _enter(books: Books, one: ClientStory, number: int) -> None:
    if number in one.accepted:
        books.accepted += 1
    elif number in one.unknown:
        books.in_doubt += 1
    elif number in one.refused:
        books.refused += 1
    else:
        books.unanswered += 1


def audit(verdict: Verdict, books: Books, row: Mapping[str, Any]) -> None:
    """Compare a node's own ledger, after everything has come to its end, with what clients know.

    It began with this life: what an earlier one counted went with it. Of what a client did not hear
    the end of, only the node knows what it was; so each count lies between two that clients know.
    """
    name = row["node"]
    if row["in_flight"]:
        verdict.complaints.append(f"ledger of {name}: {row['in_flight']} still in flight")
    for field in ("accepted", "refused", "in_doubt"):
        least = getattr(books, field)
        if not least <= row[field] <= least + books.unanswered:
            verdict.complaints.append(
                f"ledger of {name}: {row[field]} {field}; its clients know of {least}, "
                f"and {books.unanswered} had no answer"
            )
    if not books.submitted - books.unanswered <= row["submitted"] <= books.submitted:
        verdict.complaints.append(
            f"ledger of {name}: {row['submitted']} submitted, by its clients {books.submitted}"
        )
